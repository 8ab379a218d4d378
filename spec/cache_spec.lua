-- The option cache: what was paid for once is not bought again, and whatever is wrong with the folder, a picture comes.

local cqueues = require "cqueues"
local json = require "cjson".new()
local lfs = require "lfs"
local jobs = require "spec.support.jobs"
local stepimg = require "stepimg"
local support = require "spec.support"

local BYTES = 30000

local function params(given, knobs)
  local copy = {prompt = support.prompt(knobs or {bytes = BYTES}), seed = 7}
  for name, value in pairs(given or {}) do
    copy[name] = value
  end
  return copy
end

-- Every way to ask for one picture.
local CALLS = {
  {name = "generate", ask = function(client, ...) return client:generate(...) end},
  {name = "submit and update", ask = function(client, what, options)
    local result, err
    options = setmetatable({on_done = function(r, e) result, err = r, e end}, {__index = options})
    assert(client:submit(what, options))
    jobs.drain(client)
    return result, err
  end},
  {name = "await", ask = function(client, what, options)
    local result, err
    coroutine.wrap(function()
      result, err = assert(client:submit(what, options)):await()
    end)()
    jobs.drain(client)
    return result, err
  end},
  {name = "each", ask = function(client, what, options)
    local list = {what}
    local loop <close> = client:each(function()
      return table.remove(list), options
    end)
    return select(2, loop())
  end},
}

-- The two paths of the only entry in a folder, .json and .png.
local function entry(folder)
  local names = support.names(folder)
  assert(#names == 2, table.concat(names, " "))
  return folder .. "/" .. names[1], folder .. "/" .. names[2]
end

for _, way in ipairs(support.WAYS) do
  describe("A cache over " .. way.name, function()
    local server = support.standin(way.setting)
    local folder, client

    before_each(function()
      folder = support.directory()
      client = support.client(server, {cache = folder})
    end)

    after_each(function()
      client:close()
      support.remove(folder)
    end)

    -- How many requests it takes, and the result.
    local function ask(what, options, by)
      local result, err
      local posts = support.posts(server, function()
        result, err = CALLS[by or 1].ask(client, what, options)
      end)
      return posts, result, err
    end

    local function assert_hit(wanted, what, options, by)
      local posts, result, err = ask(what, options, by)
      assert.is_nil(err)
      assert.same({0, true, 0}, {posts, result.cached, result.attempts})
      assert.same({{}, nil, nil}, {result.history, result.request_id, result.timing.queued})
      assert.is_true(result.timing.total >= 0)
      assert.fields({id = wanted.id, created = wanted.created}, result)
      for _, field in ipairs {"seed", "finish_reason", "format", "width", "height"} do
        assert.equal(wanted.image[field], result.image[field], field)
      end
      assert.is_nil(result.warnings)
      return result
    end

    it("answers by every call, from what any of them has kept", function()
      for i in ipairs(CALLS) do
        local what = params {steps = i}
        local posts, first, err = ask(what, nil, i)
        assert.is_nil(err)
        assert.same({1, nil, 1, nil}, {posts, first.cached, first.attempts, first.warnings})
        for j in ipairs(CALLS) do
          local again = assert_hit(first, what, nil, j)
          assert.is_true(again.image.bytes == first.image.bytes)
          assert.equal(BYTES, #again.image.bytes)
        end
      end
      assert.equal(2 * #CALLS, #support.names(folder))
      local stats = client:stats()
      assert.same({#CALLS * (#CALLS + 1), #CALLS * #CALLS, #CALLS, 0, 0}, {
        stats.done, stats.cached, stats.requests, stats.queued, stats.in_flight,
      })
    end)

    it("keeps a picture without a seed under the seed it got", function()
      local posts, first = ask {prompt = support.prompt {bytes = BYTES}}
      assert.equal(1, posts)
      assert_hit(first, params {seed = first.image.seed})
      posts = ask {prompt = support.prompt {bytes = BYTES}}
      assert.equal(1, posts, "a request without a seed was answered from the folder")
    end)

    it("does not ask how the picture travels", function()
      for i, format in ipairs {"b64_json", "url"} do
        local _, first = ask(params {steps = i, response_format = format})
        assert.equal(format == "url", first.image.url ~= nil)
        for _, other in ipairs {"b64_json", "url"} do
          local again = assert_hit(first, params {steps = i, response_format = other})
          assert.same({nil, true}, {again.image.url, again.image.bytes == first.image.bytes})
        end
      end
    end)

    it("with save puts the picture into both places, and copies it from one to the other", function()
      local path = support.directory()
      for i, format in ipairs {"b64_json", "url"} do
        local one, two = ("%s/%d.png"):format(path, i), ("%s/%d-again.png"):format(path, i)
        local _, first = ask(params {steps = i, response_format = format}, {save = one})
        assert.same({one, nil, nil}, {first.image.path, first.image.bytes, first.warnings})
        for by in ipairs(CALLS) do
          support.write(two, "old")
          local again = assert_hit(first, params {steps = i}, {save = two}, by)
          assert.fields({path = two, bytes = support.ABSENT}, again.image)
          assert.is_true(support.read(two) == support.read(one))
        end
        assert.is_true(assert_hit(first, params {steps = i}).image.bytes == support.read(one))
      end
      assert.equal(4, #support.names(path), "a part is left")
      support.remove(path)
    end)

    it("knows an edited picture by its bytes, wherever they lie", function()
      local path = support.directory() .. "/face.png"
      local saved = assert(client:generate(params {prompt = "a face"}, {save = path, cache = ""})).image
      local held = assert(client:generate(params {prompt = "a face"}, {cache = ""})).image
      local bytes = support.read(path)
      local _, first = ask(params {image = bytes})
      for _, image in ipairs {bytes, held, saved} do
        local again = assert_hit(first, params {image = image})
        assert.is_true(again.image.bytes == first.image.bytes)
      end
      assert.equal(1, (ask(params {image = bytes .. "x"})))
      assert.equal(1, (ask(params {image = bytes, prompt = "b"})))
      assert.equal(1, (ask(params())), "it is the endpoint for pictures that are made anew")
      local _, without = ask {prompt = "c", image = held} -- no seed: its digest is made at the end
      assert_hit(without, {prompt = "c", image = bytes, seed = without.image.seed})
      support.remove(path:match "^(.*)/")
    end)

    it("keeps nothing of what failed, of what the filter stopped, and without download", function()
      local fruitless = {
        {{picture = "filtered"}}, {{picture = "filtered_with"}}, {{status = 500}}, {{cut = "body"}},
        {{base64 = "bad_char"}}, {{bytes = BYTES}, {response_format = "url"}, {download = false}},
        {{bytes = BYTES}, {}, {download = false}}, {{picture_status = 404}, {response_format = "url"}},
      }
      for i, case in ipairs(fruitless) do
        for _ = 1, 2 do
          local posts, result = ask(params(case[2], case[1]), case[3])
          assert.same({1, nil}, {posts, result and result.cached}, i)
          assert.is_nil(result and result.warnings)
        end
        assert.same({}, support.names(folder), i)
      end
      local _, first = ask(params {response_format = "url"})
      local posts, again = ask(params {response_format = "url"}, {download = false})
      assert.same({1, nil, nil}, {posts, again.cached, again.image.bytes})
      assert.is_truthy(first.image.bytes)
    end)

    it("asks anew where what was kept is damaged, and is whole then", function()
      local what = params()
      local _, first = ask(what)
      local about, picture = entry(folder)
      local good, bytes = support.read(about), support.read(picture)
      local hits = 0
      for name, damage in pairs {
        ["a byte of the picture"] = function() support.write(picture, bytes:sub(1, -2) .. "x") end,
        ["a shorter picture"] = function() support.write(picture, bytes:sub(1, -2)) end,
        ["a longer picture"] = function() support.write(picture, bytes .. "x") end,
        ["no picture"] = function() os.remove(picture) end,
        ["an empty picture"] = function() support.write(picture, "") end,
        ["another's JSON"] = function() support.write(about, (good:gsub('"key":"%x', '"key":"z'))) end,
        ["half a JSON"] = function() support.write(about, good:sub(1, 100)) end,
        ["a JSON that is too long"] = function() support.write(about, good .. (" "):rep(10000)) end,
        ["no JSON"] = function() os.remove(about) end,
        ["an empty JSON"] = function() support.write(about, "") end,
        ["a link to the picture"] = function()
          os.rename(picture, folder .. "/elsewhere")
          lfs.link("elsewhere", picture, true)
        end,
        ["a link to the JSON"] = function()
          os.rename(about, folder .. "/elsewhere")
          lfs.link("elsewhere", about, true)
        end,
        ["a text in the picture's place, and its digest"] = function()
          local page = ("<html>"):rep(100)
          local pipe = assert(io.popen("printf %s " .. support.quote(page) .. " | sha256sum"))
          local digest = pipe:read "*a":match "%x+"
          pipe:close()
          support.write(picture, page)
          local told = good:gsub('"bytes":%d+', '"bytes":' .. #page):gsub('"sha256":"%x+', '"sha256":"' .. digest)
          support.write(about, told)
        end,
      } do
        damage()
        local posts, again = ask(what)
        assert.same({1, nil, nil}, {posts, again.cached, again.warnings}, name)
        assert.is_true(again.image.bytes == first.image.bytes, name)
        os.remove(folder .. "/elsewhere")
        assert.is_true(support.read(picture) == bytes and lfs.symlinkattributes(picture, "mode") == "file", name)
        assert.equal("file", lfs.symlinkattributes(about, "mode"), name)
        assert_hit(again, what)
        hits = hits + 1
        assert.equal(2, #support.names(folder), name)
      end
      assert.equal(13, hits)
    end)

    it("saves what it asks for anew as if nothing had been there", function()
      local what, place = params(), support.directory()
      local _, first = ask(what)
      local _, picture = entry(folder)
      for i, format in ipairs {"b64_json", "url"} do
        local path = ("%s/%d.png"):format(place, i)
        support.write(picture, first.image.bytes:sub(1, -2) .. "x")
        what.response_format = format
        local posts, again = ask(what, {save = path})
        assert.same({1, nil, path, nil}, {posts, again.cached, again.image.path, again.image.bytes})
        assert.is_true(support.read(path) == first.image.bytes)
        assert.is_true(support.read(picture) == first.image.bytes)
      end
      assert.equal(2, #support.names(place))
      support.remove(place)
    end)

    it("gives the picture and a warning where the folder is of no use", function()
      local file = folder .. "/file"
      support.write(file, "x")
      for _, place in ipairs {folder .. "/none", file, folder .. "/" .. ("x"):rep(300), "/proc/self/fd"} do
        for by in ipairs(CALLS) do
          local posts, result, err = ask(params(), {cache = place}, by)
          assert.same({1, nil, nil}, {posts, err, result.cached})
          assert.equal(BYTES, #result.image.bytes)
          assert.equal(1, #result.warnings)
          local warning = result.warnings[1]
          assert.equal("cache", warning.field)
          assert.matches("^cache: the picture was not kept: .", warning.message)
          assert.equal(warning.message, tostring(warning))
          assert.equal("x" .. warning.message, "x" .. warning)
        end
      end
      assert.same({"file"}, support.names(folder))
    end)

    it("asks neither the budget nor the limits for what is kept", function()
      local _, first = ask(params())
      client:close()
      client = support.client(server, {cache = folder, budget = 0, max_concurrent = 1, requests_per_minute = 1})
      for by in ipairs(CALLS) do
        assert_hit(first, params(), nil, by)
        local posts, none, err = ask(params {steps = 9}, nil, by) -- not there: then it is the job's failure
        assert.same({0, nil, "budget", nil, nil}, {posts, none, err.kind, err.maybe_billed, err.attempts})
      end
      local job = assert(client:submit(params {steps = 9}))
      assert.same({nil, "budget"}, {(function() local r, e = job:wait() return r, e.kind end)()})
      for _, refused in ipairs {
        {{prompt = params().prompt}}, {params(), {cache = ""}}, {params(), {download = false}},
      } do
        assert.equal("budget", support.failure(client:submit(refused[1], refused[2])).kind)
      end
    end)

    it("answers while all places are taken", function()
      local _, first = ask(params())
      client:close()
      client = support.client(server, {cache = folder, max_concurrent = 1})
      local front = assert(client:submit(params(nil, {stall = "request"})))
      support.wait_until("the request", function() return server:log().posts == 2 end)
      local behind = assert(client:submit(params {steps = 9}))
      assert_hit(first, params())
      assert.same({"running", "queued"}, {front:status(), behind:status()})
      front:cancel()
      assert(behind:wait())
    end)

    it("fails where its picture finds no place, and nothing was bought", function()
      ask(params())
      for _, place in ipairs {folder .. "/none/x.png", folder} do
        local posts, result, err = ask(params(), {save = place})
        assert.same({0, nil, "io", nil, nil}, {posts, result, err.kind, err.maybe_billed, err.attempts})
      end
    end)
  end)
end

describe("A cache", function()
  local server = support.standin()
  local folder

  before_each(function()
    folder = support.directory()
  end)

  after_each(function()
    support.remove(folder)
  end)

  local function environment(more)
    local given = {STEP_API_KEY = support.KEY, STEP_BASE_URL = server.base_url}
    for name, value in pairs(more or {}) do
      given[name] = value
    end
    return given
  end

  it("is a folder, and nothing else is an option's value", function()
    local client <close> = support.client(server)
    for _, wrong in ipairs {1, true, {}, print} do
      assert.matches("cache: string expected", select(2, pcall(client.submit, client, "x", {cache = wrong})))
      assert.matches("cache: string expected", select(2, pcall(stepimg.new, {cache = wrong})))
    end
    for _, ask in ipairs {
      function() return client:generate("x", {cache = "a\0b"}) end,
      function() return client:submit("x", {cache = "a\0b"}) end,
      function() return stepimg.new {cache = "a\0b"} end,
    } do
      local err = support.failure(ask())
      assert.fields({kind = "invalid", field = "cache"}, err)
    end
    local err = support.failure(client:generate {prompt = "x", cache = "x"})
    assert.matches("it is an option, not a parameter", err.message)
  end)

  it("means what its path meant when it was given", function()
    for _, script in ipairs {
      [[local client = assert(stepimg.new())
        assert(lfs.chdir(folder))
        local job = assert(client:submit({prompt = '{"delay":0.1}', seed = 7}, {cache = "one"}))
        lfs.chdir "/"
        assert(job:wait().warnings == nil)]],
      [[assert(lfs.chdir(folder))
        local client = assert(stepimg.new {cache = "two"})
        lfs.chdir "/"
        assert(client:generate {prompt = "x", seed = 7}.warnings == nil)]],
    } do
      lfs.mkdir(folder .. "/one")
      lfs.mkdir(folder .. "/two")
      support.run("local lfs, stepimg, folder = require 'lfs', require 'stepimg', os.getenv 'FOLDER' " .. script,
        environment {FOLDER = folder})
    end
    assert.same({2, 2}, {#support.names(folder .. "/one"), #support.names(folder .. "/two")})
  end)

  it("of the client is the default of its calls, and one of a call takes its place", function()
    local client <close> = support.client(server, {cache = folder})
    assert.is_nil(client:generate(params(), {cache = ""}).cached)
    assert.same({}, support.names(folder))
    client:generate(params())
    assert.is_true(client:generate(params()).cached)
    local other = support.directory()
    assert.is_nil(client:generate(params(), {cache = other}).cached)
    assert.is_true(client:generate(params(), {cache = other}).cached)
    support.remove(other)
  end)

  it("is asked by what shapes a picture, in whatever order it is written, and by nothing else", function()
    local second <close> = support.serve "spec/support/other_server.lua" -- which takes whatever it is given
    local base_url = ("http://127.0.0.1:%s/v1"):format(second:line():match "%d+")
    local client <close> = support.client(server, {
      cache = folder, strict = false, api_key = "the-key", base_url = base_url,
    })
    local function new(what)
      return not assert(client:generate(what)).cached
    end
    local wide = {a = 1, b = {c = {1, 2, {d = true}}, e = "x", f = json.null}, g = 2.5}
    assert.is_true(new(params {extra = wide}))
    for _ = 1, 10 do -- tables of the same members, which lie in other places
      local names = {}
      for name in pairs(wide) do
        table.insert(names, math.random(#names + 1), name)
      end
      local other = {}
      for i = 1, 20 do
        other["n" .. i] = i
      end
      for _, name in ipairs(names) do
        other[name] = wide[name]
      end
      for i = 1, 20 do
        other["n" .. i] = nil
      end
      assert.is_false(new(params {extra = other}))
    end
    for _, given in ipairs {
      {}, {steps = 8}, {steps = 9}, {cfg_scale = 1}, {cfg_scale = 1.5}, {negative_prompt = ""}, {text_mode = false},
      {text_mode = true}, {size = "768x1360"}, {prompt = "another"}, {model = "another"}, {seed = 8}, {n = 1},
      {extra = {}}, {extra = {wide}}, {extra = "1"}, {extra = 1}, {extra = true},
    } do
      assert.is_true(new(params(given)), json.encode(params(given)))
      assert.is_false(new(params(given)), json.encode(params(given)))
    end
    assert.is_false(new(params {steps = 8.0})) -- the same number
    assert.is_false(new(params {width = 1360, height = 768})) -- as it goes on the wire
    local elsewhere <close> = support.client(server, {cache = folder})
    local posts = support.posts(server, function()
      assert.is_true(elsewhere:generate(params {steps = 8}).cached)
    end)
    assert.equal(0, posts)
  end)

  it("holds no key, and its files are as open as others", function()
    local client <close> = support.client(server, {cache = folder})
    client:generate(params())
    local about, picture = entry(folder)
    local text = support.read(about)
    assert.is_nil(text:find(support.KEY, 1, true))
    local said = json.decode(text)
    assert.same({7, "success", BYTES, "png", 1024, 1024}, {
      said.data[1].seed, said.data[1].finish_reason, said.picture.bytes, said.picture.format, said.picture.width,
      said.picture.height,
    })
    assert.equal(about:match "(%x+)%.json$", said.key:sub(1, 32))
    assert.equal(about:match "(%x+)%.json$", picture:match "(%x+)%.png$")
    local other = support.write(folder .. "/other", "x")
    for _, path in ipairs {about, picture} do
      assert.equal(lfs.attributes(other, "permissions"), lfs.attributes(path, "permissions"))
    end
  end)

  it("takes what a picture of another format is called, and other numbers of pictures are none of its", function()
    local client <close> = support.client(server, {cache = folder})
    for _, format in ipairs {"gif", "jpeg", "webp"} do
      local what = params(nil, {format = format, bytes = 2000})
      local first = assert(client:generate(what))
      local again = assert(client:generate(what))
      assert.same({format, format, true}, {first.image.format, again.image.format, again.cached})
      assert.is_true(first.image.bytes == again.image.bytes)
    end
    assert.equal(6, #support.names(folder))
    for _, knobs in ipairs {{picture = "two"}, {format = "unknown", bytes = 2000}} do
      for _ = 1, 2 do
        local result = assert(client:generate(params(nil, knobs)))
        assert.fields({cached = support.ABSENT, warnings = support.ABSENT}, result)
      end
    end
    assert.equal(6, #support.names(folder))
  end)

  it("tells of a seed that was not the one asked for, each time", function()
    local client <close> = support.client(server, {cache = folder})
    local picture = require "mime".b64 "GIF89a\1\0\1\0\0\0\0\59"
    local what = params(nil, {json = ('{"id":"a\\"b","data":[{"seed":8,"b64_json":"%s"}]}'):format(picture)})
    for i = 1, 2 do
      local result = assert(client:generate(what))
      assert.same({i == 2 or nil, 8, 'a"b'}, {result.cached, result.image.seed, result.id})
      assert.equal("seed", result.warnings[1].field)
    end
  end)

  it("costs nothing where the place of what it found is taken meanwhile", function()
    local client <close> = support.client(server, {cache = folder})
    client:generate(params())
    local about, picture = entry(folder)
    local large = support.read(picture) .. ("x"):rep(40000000) -- takes a while
    support.write(picture, large)
    local pipe = assert(io.popen("sha256sum " .. support.quote(picture)))
    local told = support.read(about):gsub('"bytes":%d+', '"bytes":' .. #large)
    support.write(about, (told:gsub('"sha256":"%x+', '"sha256":"' .. pipe:read "*a":match "%x+")))
    pipe:close()
    local place = support.directory()
    local path = place .. "/picture.png"
    local posts = support.posts(server, function()
      support.wait_until("a directory in the picture's place", function()
        local job = assert(client:submit(params(), {save = path}))
        repeat
          local begun = job:status() == "done"
          for name in lfs.dir(place) do
            begun = begun or name:find "%.part$"
          end
        until begun
        local taken = lfs.mkdir(path)
        local result, err = job:wait()
        if not result then
          assert.is_true(taken)
          assert.fields({kind = "io", maybe_billed = support.ABSENT, attempts = support.ABSENT}, err)
          assert.is_true(support.read(err.path) == large)
          return true
        end
        assert.is_true(result.cached)
        os.remove(path)
        lfs.rmdir(path)
      end)
    end)
    assert.equal(0, posts)
    support.remove(place)
  end)

  it("is bounded by max_response_bytes, whatever lies there", function()
    local client <close> = support.client(server, {cache = folder})
    client:generate(params())
    local small <close> = support.client(server, {cache = folder, max_response_bytes = BYTES - 1})
    local posts = support.posts(server, function()
      assert.equal("protocol", support.failure(small:generate(params())).kind)
    end)
    assert.equal(1, posts)
    assert.is_true(client:generate(params()).cached)
  end)

  it("ends all jobs where they are cancelled, where their time is up, and where their client is closed", function()
    local client <close> = support.client(server, {cache = folder})
    client:generate(params())
    for _, stop in ipairs {
      function(running) for _, job in ipairs(running) do job:cancel() end end,
      function(_, own) own:close() end,
      function(running) for i = 1, #running do running[i] = nil end collectgarbage() end,
    } do
      local own <close> = support.client(server, {cache = folder, budget = 0})
      local running, ended = {}, 0
      for i = 1, 100 do
        running[i] = assert(own:submit(params(), {on_done = function(result, err)
          assert(result and result.cached and #result.image.bytes == BYTES or err.kind == "cancelled", tostring(err))
          ended = ended + 1
        end}))
      end
      stop(running, own)
      jobs.drain(own)
      assert.equal(100, ended)
    end
    -- The one in front has a large picture to look through first, with the thread that the other one waits for.
    local own <close> = support.client(server, {cache = folder, budget = 0})
    local large = support.painted {seed = 7, bytes = BYTES} .. ("x"):rep(20000000)
    support.wait_until("a deadline", function()
      local front = assert(own:submit(params {image = large}))
      local job = assert(own:submit(params(), {deadline = 0.001}))
      assert.equal("budget", support.failure(front:wait()).kind)
      local result, err = job:wait()
      assert.is_true(result and result.cached or err.kind == "timeout", tostring(err))
      return err and err.message:find "0.001 s passed before the request could begin"
    end)
    assert.is_true(client:generate(params()).cached)
  end)

  it("of one folder serves several processes, which may write one entry at once", function()
    local PROCESSES, SEEDS = 4, 15
    local running = {}
    local script = ([[
      local client = assert(require "stepimg".new {cache = %q, max_concurrent = 20})
      local list = {}
      for seed = 1, %d do
        list[seed] = {prompt = '{"bytes":70000} x', seed = seed}
      end
      for i, result, err in client:each(list) do
        assert(result, tostring(err))
        assert(#result.image.bytes == 70000 and result.image.seed == i and result.warnings == nil)
      end
      io.write "good"
    ]]):format(folder, SEEDS)
    for i = 1, PROCESSES do
      running[i] = support.start(script, environment())
    end
    for i = 1, PROCESSES do
      assert.equal("good", (running[i]:finish()))
    end
    local client <close> = support.client(server, {cache = folder, budget = 0})
    for seed = 1, SEEDS do
      local result = assert(client:generate {prompt = '{"bytes":70000} x', seed = seed})
      assert.is_true(result.cached)
      assert.is_true(result.image.bytes == support.painted {prompt = "x", seed = seed, bytes = 70000})
    end
    assert.equal(2 * SEEDS, #support.names(folder), "a part is left")
  end)

  it("of a process that was killed holds whole entries, or none", function()
    local wholes, rounds = 0, jobs.LONG and 60 or 6
    for round = 1, rounds do
      local child = support.start(([[
        local client = assert(require "stepimg".new {cache = %q, max_concurrent = 3})
        print "begins"
        io.stdout:flush()
        for seed = 1, 1000 do
          assert(client:submit({prompt = '{"bytes":200000} x', seed = seed}, {on_done = function() end}))
        end
        while client:pending() > 0 do client:update() end
      ]]):format(folder), environment())
      child:line()
      support.wait_until("an entry", function() return #support.names(folder) > 2 * round end)
      cqueues.sleep(0.001 * round)
      child:signal "KILL"
      child:finish()
    end
    jobs.quiet(server)
    local client <close> = support.client(server, {cache = folder, budget = 0})
    for seed = 1, 1000 do
      local result, err = client:generate {prompt = '{"bytes":200000} x', seed = seed}
      assert.is_true(result ~= nil or err.kind == "budget", tostring(err))
      if result then
        wholes = wholes + 1
        assert.same({200000, seed}, {#result.image.bytes, result.image.seed})
      elseif wholes > 0 and seed > wholes + 20 then
        break
      end
    end
    assert.is_true(wholes > 0)
  end)

  it("on a full disk gives the picture and a warning, and leaves nothing", function()
    -- A process may be forbidden to write files beyond a size.
    local script = support.write(os.tmpname(), ([[
      local result, err = require "stepimg".generate({prompt = '{"bytes":100000} x', seed = 7}, {cache = %q})
      print(result and #result.image.bytes, err, result and result.warnings and result.warnings[1].message)
    ]]):format(folder))
    local pipe = assert(io.popen(
      ("trap '' XFSZ; ulimit -f 64; LUA_CPATH=%s STEP_API_KEY=k STEP_BASE_URL=%s %s 2>&1"):format(
        support.quote(support.CPATH), server.base_url, support.words(support.interpreter(), script))))
    local output = pipe:read "*a"
    pipe:close()
    os.remove(script)
    assert.matches('^100000\tnil\tcache: the picture was not kept: ".*" cannot be written: File too large\n$', output)
    assert.same({}, support.names(folder))
  end)

  it("of ten thousand entries answers as one of ten does", function()
    local large = support.directory()
    local client <close> = support.client(server)
    local what = params(nil, {bytes = 3000})
    local function fill(place, count)
      client:generate(what, {cache = place})
      local about, picture = entry(place)
      local text, bytes = support.read(about), support.read(picture)
      for i = 2, count do
        local name = ("%s/%s%08x"):format(place, ("0f"):rep(12), i)
        support.write(name .. ".json", text)
        support.write(name .. ".png", bytes)
      end
      assert.equal(2 * count, #support.names(place))
    end
    fill(folder, 10)
    fill(large, 10000)
    local times = {[folder] = {}, [large] = {}}
    for i = 1, 501 do -- in turns: what else the machine does meets both
      for place, list in pairs(times) do
        local began = cqueues.monotime()
        assert(client:generate(what, {cache = place}).cached)
        list[i] = cqueues.monotime() - began
      end
    end
    jobs.report("cache: a picture of 3 KB takes %.0f µs from ten entries, %.0f µs from ten thousand",
      support.median(times[folder]) * 1e6, support.median(times[large]) * 1e6)
    support.remove(large)
  end)
end)
