-- The binding's main paths with the N-th allocation of the Lua state failing, for each N until none fails. Run by
-- spec/host/lua_allocations.c: SCRIPT BASE_URL DIRECTORY. Each path is run by itself, once with the failure lasting,
-- which raises, and once with it cured by the emergency collection, which must go unnoticed. Then each is run with a
-- collector that never rests and a finalizer that uses the client and the job at hand. What must hold whatever happened
-- is told at each path.

local allocations, base_url, directory = ...

-- lua-cjson leaks its buffers when a Lua call inside it raises: allocations inside it are spared, those around it not.
local json = require "cjson"
package.loaded.cjson = {
  new = function()
    local own = json.new()
    return {
      encode = function(value) return allocations.spare(own.encode, value) end,
      encode_keep_buffer = own.encode_keep_buffer,
    }
  end,
}

local stepimg = require "stepimg"
local KEY = "sk-0123456789abcdef"
local BYTES = 5000 -- of a picture
local PROMPT = ('{"bytes":%d} a lighthouse'):format(BYTES)
local SAVED, COPY = directory .. "/saved.png", directory .. "/copy.png"

local function new_client()
  return assert(stepimg.new {api_key = KEY, base_url = base_url, retries = 0, max_concurrent = 2})
end

local client, idle = new_client(), new_client()

local function lacks_memory(err)
  return type(err) == "string" and (err:find("not enough memory", 1, true) or err:find("stack overflow", 1, true))
end

-- Calls f again where it lacked memory: it must have stayed able to do its work.
local function insist(f, ...)
  for _ = 1, 3 do
    local good, first, second = pcall(f, ...)
    if good then
      return first, second
    elseif not lacks_memory(first) then
      error(first, 0)
    end
  end
  error("memory was lacked again and again", 0)
end

local function is_picture(image)
  local bytes = insist(function() return image.bytes end)
  assert(bytes and #bytes == BYTES and bytes == insist(function() return image.bytes end), "the picture is lost")
end

local function is_result(result, err)
  assert(result, err)
  assert(result.image == result.data[1] and result.image.format == "png" and result.attempts == 1)
  is_picture(result.image)
end

local function read(path)
  local file = io.open(path, "rb")
  local text = file and file:read("a")
  if file then
    file:close()
  end
  return text
end

local function drain(which)
  local deadline = os.time() + 20
  while insist(which.pending, which) > 0 do
    insist(which.update, which)
    assert(os.time() < deadline, "a job never ended")
  end
end

-- Each path: before(state), then run(state) under the failing allocator, then after(state, good) under a whole one.
local paths = {}

local function path(name, run, after, before)
  paths[#paths + 1] = {name = name, run = run, after = after, before = before}
end

path("load", function()
  package.loaded.stepimg = nil
  local again = require "stepimg"
  assert(again.validate {prompt = "x"})
end, function()
  package.loaded.stepimg = nil
  assert(require("stepimg").validate {prompt = "x"})
end)

path("first load", function()
  package.loaded.stepimg = nil
  require "stepimg"
end, function()
  package.loaded.stepimg = nil
  stepimg = require "stepimg"
  client, idle = new_client(), new_client()
end, function() -- nothing of the classes before may be left
  client, idle, stepimg = nil, nil, nil
  collectgarbage()
  collectgarbage()
  local registry = debug.getregistry()
  for name in pairs(registry) do
    if type(name) == "string" and name:find "^stepimg%." then
      registry[name] = nil
    end
  end
end)

path("validate", function()
  assert(stepimg.validate {model = "step-image-edit-2", prompt = "x", width = 1024, height = 1024, seed = 3})
  local good, warnings = stepimg.validate {prompt = "x", negative_prompt = "y", cfg_scale = 1.0}
  assert(good and #warnings == 1)
  local none, err = stepimg.validate {prompt = "x", stepps = 8}
  assert(none == nil and err.kind == "invalid" and tostring(err):find("steps", 1, true))
end)

path("new", function()
  local one <close> = assert(stepimg.new {
    api_key = KEY, base_url = base_url, max_concurrent = 3, requests_per_minute = 60, connect_timeout = 5,
    headers = {["X-One"] = "1", ["X-Two"] = "2"}, user_agent = "spec", max_response_bytes = 1e6, budget = 5,
    strict = true, timeout = 30, deadline = 60, retries = 0, download = true,
  })
  assert(one:pending() == 0 and one:update() == 0 and one:fd() >= 0 and one:events() == "r")
  local none, err = stepimg.new {api_key = KEY, base_url = "http://example.com"}
  assert(none == nil and err.kind == "invalid" and tostring(err):find("base_url", 1, true))
end)

path("generate", function()
  local result, err = client:generate({prompt = PROMPT, seed = 7, steps = 8}, {timeout = 20})
  is_result(result, err)
  for name in pairs(result.image) do
    assert(type(name) == "string")
  end
end)

path("generate url", function()
  is_result(client:generate {prompt = PROMPT, response_format = "url"})
end)

path("account", function(state)
  for _, question in ipairs {"account", "models"} do
    local job = assert(client[question](client, {timeout = 20}))
    state.job, state.name = job, question
    local result = insist(job.wait, job)
    assert(question == "account" and result.balance == 25.5 or result[2] == "step-2-mini")
  end
end, function(state, good)
  assert(good or not state.job or lacks_memory(state.why))
  if state.job then
    local result = assert(state.job:wait())
    assert(state.name == "account" and result.type == "prepaid" or #result == 2)
  end
  drain(client)
end)

path("edit", function(state)
  is_result(client:generate {prompt = PROMPT, image = state.image, seed = 7})
  is_result(client:generate({prompt = PROMPT, image = insist(function() return state.image.bytes end), n = 1}))
  is_result(client:generate {prompt = PROMPT, image = state.saved})
  local none, err = client:generate {prompt = PROMPT, image = "face.png"}
  assert(none == nil and err.field == "image" and #err.all == 1 and err.rule.name == "image")
end, function(state)
  is_picture(state.image)
end, function(state)
  state.image = assert(client:generate {prompt = PROMPT}).image
  state.saved = assert(client:generate({prompt = PROMPT}, {save = SAVED})).image
end)

path("image:save", function(state)
  assert(insist(state.image.save, state.image, COPY) == COPY)
  is_picture(state.image)
  assert(insist(state.image.save, state.image, COPY) == COPY)
end, function()
  assert(#read(COPY) == BYTES)
  os.remove(COPY)
end, function(state)
  state.image = assert(client:generate {prompt = PROMPT}).image
end)

-- Whoever has a job gets its result, though asking for it failed; and it is delivered once.
path("result", function(state)
  local job = assert(client:submit {prompt = PROMPT, width = 1024, height = 1024})
  state.job = job
  insist(job.status, job)
  insist(job.progress, job)
  insist(job.wait, job)
  assert(insist(job.status, job) == "done" and insist(job.progress, job).phase == "done")
end, function(state, good)
  assert(good or not state.job or lacks_memory(state.why))
  if state.job then
    is_result(state.job:wait())
    assert(state.job:result() == state.job:result() and client:pending() == 0)
  end
end)

-- A submit that returned calls its callback once; one that raised never does.
path("on_done", function(state)
  local function on_done(result, err, job)
    state.called = state.called + 1
    state.result, state.err, state.given = result, err, job
  end
  local job = client:submit({prompt = PROMPT}, {on_done = on_done})
  state.submitted = true
  state.job = job
  drain(client)
end, function(state)
  drain(client)
  assert(state.called == (state.submitted and 1 or 0), "a callback was called " .. state.called .. " times")
  if state.submitted then
    assert(state.given == state.job)
    is_result(state.result, state.err)
  end
end)

-- Who awaits is resumed, or was told by the error that await raised.
path("await", function(state)
  local job = assert(client:submit {prompt = PROMPT})
  state.job = job
  local co = coroutine.create(function()
    local good, result, err = pcall(job.await, job)
    state.resumed = state.resumed + 1
    state.good, state.result, state.err = good, result, err
  end)
  assert(coroutine.resume(co))
  state.began = true
  drain(client)
end, function(state)
  drain(client)
  assert(state.resumed == 1 or not state.began, "a coroutine was resumed " .. state.resumed .. " times")
  if state.resumed == 1 and state.good then
    is_result(state.result, state.err)
  elseif state.resumed == 1 then
    assert(lacks_memory(state.result), state.result)
    is_result(state.job:wait())
  end
end)

-- A job may be released by who awaits it.
path("await and close", function(state)
  local co = coroutine.create(function()
    local job <close> = assert(client:submit {prompt = PROMPT})
    job:await()
    state.resumed = state.resumed + 1
  end)
  local good, why = coroutine.resume(co)
  assert(good, why)
  drain(client)
end, function()
  drain(client)
end)

-- The iterator may be called again after it raised; each entry comes at most once, and except for the one whose
-- submitting lacked memory, all do.
path("each", function(state)
  local list = {{prompt = PROMPT, seed = 1}, {prompt = "", seed = 2}, {prompt = PROMPT, seed = 3}, {prompt = PROMPT}}
  local seen, count, lacked = {}, 0, 0
  local step, one, two, closing = client:each(list, {timeout = 20})
  state.closing = closing
  while true do
    local good, i, result, err = pcall(step, one, two)
    two = good and i or two
    if not good and lacks_memory(i) then
      lacked = lacked + 1
    else
      assert(good, i)
      if not i then
        break
      end
      assert(not seen[i], "an entry came twice")
      seen[i], count = true, count + 1
      if i == 2 then
        assert(result == nil and err.kind == "invalid")
      else
        is_result(result, err)
      end
    end
  end
  assert(count >= #list - lacked and lacked <= 1, "each lost an entry")
end)

path("each and break", function()
  for i, result, err in client:each(function() return {prompt = PROMPT} end) do
    is_result(result, err)
    if i >= 2 then
      break
    end
  end
end)

path("save", function()
  local result, err = client:generate({prompt = PROMPT}, {save = SAVED})
  assert(result, err)
  assert(result.image.path == SAVED and result.image.bytes == nil)
end, function(_, good)
  local bytes = read(SAVED)
  assert(not good or #bytes == BYTES)
  assert(bytes == nil or #bytes == BYTES, "half a file")
  os.remove(SAVED)
end)

path("errors", function(state)
  local result, err = client:generate {prompt = '{"status":451,"json":"{\\"error\\":{\\"message\\":\\"no\\",'
    .. '\\"type\\":\\"t\\"}}"} x'}
  assert(result == nil and err.kind == "moderation" and #insist(tostring, err) > 10)
  state.job = assert(client:submit {prompt = '{"picture":"missing"} x'})
  result, err = insist(state.job.wait, state.job)
  assert(result == nil and err.kind == "protocol" and err.maybe_billed and err.message:find("no picture", 1, true))
  local _, same = insist(state.job.result, state.job)
  assert(same == err)
end)

-- A closed client delivers what is left as cancelled, once.
path("close", function(state)
  local own <close> = new_client()
  state.client = own
  local function on_done(_, err)
    state.called = state.called + 1
    state.err = err
  end
  assert(own:submit({prompt = '{"delay":5} x'}, {on_done = on_done}))
  state.submitted = true
  insist(own.close, own)
  drain(own)
end, function(state)
  if state.submitted then
    drain(state.client)
    assert(state.called == 1 and state.err.kind == "cancelled")
  end
end)

-- ---------------------------------------------------------------------------------------------------------- the run --

local function new_state(it)
  local state = { -- all fields are there: setting one then needs no memory
    called = 0, resumed = 0, began = false, submitted = false, result = false, err = false, job = false, given = false,
    good = false, why = false, client = false, image = false, closing = false,
  }
  collectgarbage()
  if it.before then
    it.before(state)
  end
  return state
end

local function check(it, what, state, good, why, lacked)
  if not good and not lacked then
    error(("%s, %s: %s"):format(it.name, what, tostring(why)), 0)
  end
  state.why = why
  if it.after then
    good, why = pcall(it.after, state, good)
    if not good then
      error(("after %s, %s: %s"):format(it.name, what, tostring(why)), 0)
    end
  end
end

local function fail(it, n, twice)
  local state = new_state(it)
  allocations.arm(n, twice)
  local good, why = pcall(it.run, state)
  local failed, cured = allocations.disarm()
  check(it, "allocation " .. n, state, good, why, failed and not cured and lacks_memory(why))
  return failed
end

-- Comes again with each collection, at whatever allocation that ends.
local function meddle(state)
  if not state.over then
    state.meddled = state.meddled + 1
    if state.job then
      pcall(state.job.status, state.job)
      pcall(state.job.result, state.job)
    end
    if client then
      pcall(client.update, client)
    end
    setmetatable({}, {__gc = function() meddle(state) end})
  end
end

local function disturb(it, lead)
  local state = new_state(it)
  state.over, state.meddled = false, 0
  collectgarbage("incremental", 1, 1000, lead % 12)
  for _ = 1, lead do
    collectgarbage("step", 0)
  end
  meddle(state)
  local good, why = pcall(it.run, state)
  state.over = true
  collectgarbage("incremental", 200, 100, 13)
  check(it, ("lead %d, %d finalizers"):format(lead, state.meddled), state, good, why, false)
  return state.meddled
end

local failures, meddled = 0, 0
for _, it in ipairs(paths) do
  for _, twice in ipairs {true, false} do
    local n = 1
    while fail(it, n, twice) do
      n, failures = n + 1, failures + 1
      drain(client)
    end
    is_result(client:generate {prompt = PROMPT}) -- it still works
  end
  for lead = 1, 40 do
    meddled = meddled + disturb(it, lead)
    drain(client)
  end
end
assert(idle:pending() == 0)
print(failures, meddled)
