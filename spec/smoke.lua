-- What a build for another system or processor is asked: LUA spec/smoke.lua FACTS, in the project's root, on any Lua
-- from 5.1 on. FACTS is what spec/elsewhere.lua has written: servers and what they send. With FACTS and "leave" the
-- process ends with a request under way; with "trusting" the system trusts the servers' authority.

local facts = dofile(arg[1])
local stepimg = require "stepimg"

local function client(options)
  local given = {api_key = "sk-smoke-0123456789", base_url = facts.plain, retries = 0, proxy = "", connect_timeout = 60}
  for name, value in pairs(options or {}) do
    given[name] = value
  end
  return assert(stepimg.new(given))
end

local function read(path)
  local file = io.open(path, "rb")
  local bytes = file and file:read "*a"
  if file then
    file:close()
  end
  return bytes
end

local PICTURE = assert(read(facts.picture))
local PARAMS = {prompt = "a lighthouse", seed = 7}

-- The picture whole and right, and the result.
local function right(result, err)
  local image = assert(result, err).image
  assert(image.bytes == PICTURE, "it is another picture")
  assert(image.format == "png" and image.width == 1024 and image.height == 1024 and image.seed == 7)
  return result
end

if arg[2] == "leave" then
  local leaving = client()
  assert(leaving:submit({prompt = '{"stall":"body"} a lighthouse'}, {save = facts.folder .. "/never.png"}))
  right(leaving:generate(PARAMS)) -- meanwhile the other one has begun
  os.exit(0)
end

if arg[2] == "trusting" then
  local _, err = client({base_url = facts.good}):generate(PARAMS)
  assert(err.kind == "server", tostring(err))
  for _, case in ipairs(facts.refused) do
    _, err = client({base_url = case.url}):generate(PARAMS)
    assert(err.kind == "network" and err.message:find "no secure connection", case.name .. ": " .. tostring(err))
  end
  os.exit(0)
end

local done, bad = 0, 0

local function check(name, f)
  local ok, why = xpcall(f, debug.traceback)
  done, bad = done + 1, bad + (ok and 0 or 1)
  if not ok then
    print(("FAILED: %s: %s"):format(name, tostring(why)))
  end
end

local function fails(kind, result, err)
  assert(not result, "it did not fail")
  assert(err.kind == kind, ("%s in place of %s"):format(tostring(err), kind))
  return err
end

-- Runs update until the job has ended; the time is the job's own.
local function finish(owner, job)
  while not (job:status() == "done" or job:status() == "failed" or job:status() == "cancelled") do
    owner:update()
  end
  owner:update()
  return job:result()
end

for name, options in pairs {
  ["plain HTTP"] = {},
  ["TLS"] = {base_url = facts.tls, ca_file = facts.ca},
  ["TLS with HTTP/1.1"] = {base_url = facts.tls1, ca_file = facts.ca1},
} do
  local asked = client(options)
  check("a picture over " .. name, function() right(asked:generate(PARAMS)) end)
  check("its link over " .. name, function()
    right(asked:generate {prompt = "a lighthouse", seed = 7, response_format = "url"})
  end)
  check("the same again on the kept connection, over " .. name, function() right(asked:generate(PARAMS)) end)
  check("many at once over " .. name, function()
    local list, count = {}, 0
    for i = 1, 12 do
      list[i] = PARAMS
    end
    for _, result, err in asked:each(list) do
      right(result, err)
      count = count + 1
    end
    assert(count == 12)
  end)
  asked:close()
end

local one = client()

check("a callback and a descriptor", function()
  local told
  assert(type(one:fd()) == "number" and one:fd() >= 0)
  local job = assert(one:submit(PARAMS, {on_done = function(result) told = result end}))
  right(finish(one, job))
  assert(told == job:result())
end)

check("a coroutine", function()
  local result, err
  coroutine.wrap(function() result, err = assert(one:submit(PARAMS)):await() end)()
  while one:pending() > 0 do
    one:update()
  end
  right(result, err)
end)

check("job:wait", function()
  local job = assert(one:submit(PARAMS))
  while not job:wait(0.05) do end
  right(job:result())
end)

check("a file, with letters of many languages in its name, over an older one", function()
  for _, name in ipairs {"plain.png", "bücher – 灯塔 🗼.png"} do
    local path = facts.folder .. "/" .. name
    for _ = 1, 2 do
      local image = assert(one:generate(PARAMS, {save = path})).image
      assert(image.path == path and not image.bytes)
      local copy = facts.folder .. "/copy.png"
      assert(image:save(copy) == copy)
      assert(read(copy) == PICTURE, "the copy is another one")
      assert(os.remove(copy))
      image:close()
    end
  end
  assert(read(facts.folder .. "/plain.png") == PICTURE)
end)

check("image:save, and what cannot be written", function()
  local image = right(one:generate(PARAMS)).image
  assert(image:save(facts.folder .. "/saved.png"))
  assert(read(facts.folder .. "/saved.png") == PICTURE)
  assert(fails("io", image:save(facts.folder)).message:find "directory")
  fails("io", image:save(facts.folder .. "/none/x.png"))
  fails("io", one:generate(PARAMS, {save = facts.folder}))
  fails("io", image:save "")
end)

check("an edit of a picture, as bytes and from its file", function()
  local saved = assert(one:generate(PARAMS, {save = facts.folder .. "/face.png"})).image
  for _, image in ipairs {PICTURE, saved} do
    local result, err = one:generate {prompt = "with a smile", image = image}
    assert(assert(result, err).image.format == "png")
  end
end)

check("a cache, in a folder of many languages: by another client too, to memory and to a file", function()
  for i, cached in ipairs {false, true, true} do
    local keeper = client {cache = facts.cache}
    local result = right(keeper:generate(PARAMS))
    assert((result.cached or false) == cached and result.attempts == (cached and 0 or 1), "round " .. i)
    keeper:close()
  end
  local path = facts.folder .. "/kept.png"
  assert(assert(one:generate(PARAMS, {cache = facts.cache, save = path})).cached)
  assert(read(path) == PICTURE)
end)

check("each, with a file for each picture", function()
  local function path(i)
    return ("%s/each%d.png"):format(facts.folder, i)
  end
  local count = 0
  for i, result, err in one:each({PARAMS, "", PARAMS}, {save = path}) do
    assert((i == 2) == (result == nil), tostring(err))
    count = count + 1
  end
  assert(count == 3 and read(path(1)) == PICTURE and not read(path(2)) and read(path(3)) == PICTURE)
end)

-- On Windows files are one whatever the case of their letters.
check("two pictures for one file", function()
  local folds = package.config:sub(1, 1) == "\\"
  for name, is_one in pairs {["one.png"] = true, ["./one.png"] = true, ["ONE.png"] = folds, ["two.png"] = false} do
    local first = assert(one:submit({prompt = '{"stall":"headers"} x'}, {save = facts.folder .. "/one.png"}))
    local result = assert(one:generate(PARAMS, {save = facts.folder .. "/" .. name}))
    assert((result.warnings ~= nil) == is_one, name)
    assert(first:cancel())
    assert(pcall(one.each, one, {PARAMS, PARAMS}, {
      save = function(i) return facts.folder .. "/" .. (i == 1 and "one.png" or name) end,
    }) == not is_one, name)
  end
end)

-- Where it cannot be replaced, nothing is lost.
check("a file that somebody else has open", function()
  local path = facts.folder .. "/open.png"
  assert(one:generate(PARAMS, {save = path}))
  local file = assert(io.open(path, "rb"))
  local result, err = one:generate(PARAMS, {save = path})
  file:close()
  if not result then
    assert(err.kind == "io" and read(err.path) == PICTURE, tostring(err))
    assert(os.remove(err.path))
  end
  assert(read(path) == PICTURE)
end)

check("what happened, and how much of it", function()
  local asked = client {budget = 2}
  local params = {prompt = '{"status":503,"id":"history","times":1} a lighthouse', seed = 7}
  local job = assert(asked:submit(params, {retries = 1}))
  local result = right(finish(asked, job))
  assert(#result.history == 2 and result.history[1].status == 503 and result.history[2].status == 200)
  assert(result.timing.total > 0 and result.request_id)
  assert(job:progress().attempt == 2)
  right(asked:generate(PARAMS))
  fails("budget", asked:generate(PARAMS))
  assert(asked:stats().submitted == 2, asked:stats().submitted)
  asked:close()
end)

check("what costs nothing", function()
  assert(assert(assert(one:account()):wait()).balance == 25.5)
  assert(#assert(assert(one:models()):wait()) > 0)
end)

check("what is refused before it is sent", function()
  assert(fails("invalid", one:generate {prompt = "x", steps = 51}).field == "steps")
  assert(not pcall(stepimg.new, {timeuot = 30}))
  local ok, err = stepimg.validate {prompt = "x", cfg_scale = 0.5}
  assert(not ok and err.message:find "0.5 is out of range; 1 to 10", err.message)
  fails("invalid", stepimg.new {api_key = "sk-smoke-0123456789", ca_file = facts.folder .. "/none.pem"})
end)

check("numbers that need more than 32 bits", function()
  for given, said in pairs {[2 ^ 31] = "2147483648", [2 ^ 32 + 7] = "4294967303", [-2 ^ 52] = "-4503599627370496"} do
    local err = fails("invalid", stepimg.validate {prompt = "x", seed = given})
    assert(err.message:find(" " .. said .. " ", 1, true), err.message)
  end
end)

check("errors of the service, and repeats", function()
  assert(fails("server", one:generate {prompt = '{"status":500} x'}).status == 500)
  fails("protocol", one:generate {prompt = '{"json":"{}"} x'})
  fails("protocol", one:generate {prompt = '{"base64":"bad_char"} x'})
  assert(fails("network", one:generate {prompt = '{"cut":"body"} x'}).maybe_billed)
  local params = {prompt = '{"status":503,"id":"smoke","times":1} a lighthouse', seed = 7}
  local result, err = one:generate(params, {retries = 1})
  assert(right(result, err).attempts == 2)
end)

check("what is too slow, and what is cancelled", function()
  fails("timeout", one:generate({prompt = '{"stall":"headers"} x'}, {timeout = 0.5}))
  local job = assert(one:submit {prompt = '{"stall":"headers"} x'})
  assert(job:cancel())
  fails("cancelled", job:result())
  job = assert(one:submit {prompt = '{"stall":"headers"} x'})
  one:close()
  fails("cancelled", job:result())
end)

check("nobody listens", function()
  local lonely = client {base_url = facts.closed, connect_timeout = 20}
  local err = select(2, lonely:generate(PARAMS))
  assert(err.kind == "network" or err.kind == "timeout", tostring(err))
  lonely:close()
end)

check("clients that nobody closes", function()
  for _ = 1, 20 do
    client():submit(PARAMS)
  end
  collectgarbage()
  collectgarbage()
end)

-- An unknown authority, another host, a certificate that has expired …: no such server gets a request.
check("a good certificate", function()
  local err = select(2, client({base_url = facts.good, ca_file = facts.authority}):generate(PARAMS))
  assert(err.kind == "server", tostring(err))
end)

for _, case in ipairs(facts.refused) do
  for _, way in ipairs {"ca_file", "the system's authorities"} do
    check(("TLS refuses a certificate that %s (%s)"):format(case.name, way), function()
      local asked = client {base_url = case.url, ca_file = way == "ca_file" and facts.authority or nil}
      assert(fails("network", asked:generate(PARAMS)).message:find "no secure connection")
      asked:close()
    end)
  end
end

check("no temporary file is left", function()
  for _, name in ipairs {"plain", "saved", "face"} do
    assert(os.remove(facts.folder .. "/" .. name .. ".png"))
  end
end)

local jit = rawget(_G, "jit")
print(("%s: %d checks, %d failed"):format(jit and jit.version or _VERSION, done, bad))
os.exit(bad == 0 and 0 or 1)
