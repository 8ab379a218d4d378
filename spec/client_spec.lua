-- The life of a client: closing, collecting, hooks and coroutines.

local standin = require "spec.standin"
local stepimg = require "stepimg"
local support = require "spec.support"

local PARAMS = {prompt = "a lighthouse", seed = 7}

for _, way in ipairs(support.WAYS) do
  describe("A client over " .. way.name, function()
    local server = support.standin(way.setting)

    -- The hook sees the blocking call once it waits for a picture that is on its way.
    local function during_generate(client, knobs, act)
      local function hook()
        if server:log().open > 0 then
          debug.sethook()
          act()
        end
      end
      server:reset()
      debug.sethook(hook, "c")
      local result, err = client:generate {prompt = support.prompt(knobs), seed = 7}
      debug.sethook()
      return result, err
    end

    it("can be closed as often as one likes, and only says so from then on", function()
      local client = support.client(server)
      assert(client:generate(PARAMS))
      for _ = 1, 3 do
        client:close()
      end
      local posts = support.posts(server, function()
        local err = support.failure(client:generate(PARAMS))
        assert.equal("cancelled", err.kind)
        assert.matches("closed", err.message)
        assert.is_nil(err.maybe_billed)
        assert.equal("invalid", support.failure(client:generate {}).kind)
      end)
      assert.equal(0, posts)
      support.client(server):close()
    end)

    it("is closed at the end of its block, also by an error", function()
      local kept
      local ok = pcall(function()
        local client <close> = support.client(server)
        kept = client
        assert(client:generate(PARAMS))
        error "stop"
      end)
      assert.is_false(ok)
      assert.equal("cancelled", support.failure(kept:generate(PARAMS)).kind)
    end)

    it("gives back its thread and its connections when it is closed or collected", function()
      local function held()
        collectgarbage()
        collectgarbage()
        return {support.threads(), support.descriptors()}
      end
      if not support.threads() then
        pending "there is no /proc"
        return
      end
      server:log()
      local before = {support.settled()} -- those of specs before it may still be ending
      for _, close in ipairs {true, false} do
        local clients = {}
        for i = 1, 5 do
          clients[i] = support.client(server)
          assert(clients[i]:generate(PARAMS))
        end
        local during = held()
        assert.is_true(during[1] >= before[1] + 5 and during[2] >= before[2] + 5)
        for i = 1, close and 5 or 0 do
          clients[i]:close()
        end
        clients = close and clients or nil -- luacheck: ignore
        support.wait_until("their end", function()
          local after = held()
          return after[1] == before[1] and after[2] == before[2]
        end)
      end
    end)

    it("ends a blocking call as cancelled when a hook closes it", function()
      for _, stage in ipairs {"request", "headers", "body"} do
        local client = support.client(server)
        local err = support.failure(during_generate(client, {stall = stage}, function()
          client:close()
        end))
        assert.fields({kind = "cancelled", maybe_billed = true}, err)
        assert.equal("cancelled", support.failure(client:generate(PARAMS)).kind)
        support.wait_until("the end of the request", function() return server:log().open == 0 end)
      end
    end)

    it("lets a hook's error through, drops that request, and goes on working", function()
      local client <close> = support.client(server)
      local ok, message = pcall(during_generate, client, {stall = "request"}, function()
        error("the hook's own", 0)
      end)
      debug.sethook()
      assert.same({false, "the hook's own"}, {ok, message})
      support.wait_until("the end of the request", function() return server:log().open == 0 end)
      assert.is_true(assert(client:generate(PARAMS)).image.bytes == support.painted {seed = 7})
    end)

    it("works from a call within another call", function()
      local client <close> = support.client(server)
      local inner
      local outer = assert(during_generate(client, {delay = 0.3}, function()
        inner = assert(client:generate(PARAMS))
      end))
      assert.is_true(inner.image.bytes == outer.image.bytes)
    end)

    it("serves many coroutines, and survives when they are dropped half-way", function()
      local client <close> = support.client(server)
      local other <close> = support.client(server)
      local function job(own)
        for _ = 1, 3 do
          coroutine.yield(assert(own:generate(PARAMS)).image.bytes)
        end
      end
      local wanted = support.painted {seed = 7}
      for round = 1, 5 do
        local one, two = coroutine.wrap(job), coroutine.wrap(job)
        assert.is_true(one(client) == wanted and two(other) == wanted and one() == wanted)
        if round % 2 == 0 then
          assert.is_true(two() == wanted and one() == wanted)
        end
      end
      collectgarbage()
    end)

    it("may be collected inside a coroutine while it waits", function()
      local client = support.client(server)
      local thread = coroutine.create(function(own)
        return own:generate {prompt = support.prompt {delay = 0.2}, seed = 7}
      end)
      local holder = setmetatable({client}, {__mode = "v"})
      debug.sethook(thread, function() collectgarbage() end, "c")
      local passed = client
      client = nil
      local ok, result, err = coroutine.resume(thread, passed)
      passed = nil -- luacheck: ignore
      assert.is_true(ok and result ~= nil, tostring(err or result))
      thread = nil -- luacheck: ignore
      collectgarbage()
      collectgarbage()
      assert.is_nil(holder[1])
      assert.is_nil(client)
      assert.is_true(result.image.bytes == support.painted {seed = 7})
    end)

    it("takes the collector at its most aggressive", function()
      local client <close> = support.client(server)
      local wanted = support.painted {seed = 7}
      local mode = collectgarbage "incremental"
      for _, aggressive in ipairs {
        function() collectgarbage("incremental", 1, 1000) end,
        function() collectgarbage("generational", 1, 1) end,
        function() collectgarbage "stop" end,
        function() debug.sethook(function() collectgarbage() end, "", 50) end,
      } do
        aggressive()
        local good = true
        for _, format in ipairs {"b64_json", "url", "b64_json"} do
          local result = client:generate {prompt = "a lighthouse", seed = 7, response_format = format}
          good = good and result ~= nil and result.image.bytes == wanted
          good = good and stepimg.validate {prompt = "x"} and client:generate {prompt = ""} == nil
        end
        debug.sethook()
        collectgarbage "restart"
        collectgarbage("incremental", 200, 100)
        assert.is_true(good)
      end
      collectgarbage(mode)
    end)
  end)
end

describe("Clients", function()
  it("may be many at once, and be collected in any order with their pictures", function()
    local server <close> = standin.start()
    local kept = {}
    for i = 1, 30 do
      local client = support.client(server)
      kept[i] = {client = client, image = assert(client:generate(PARAMS)).image}
    end
    for i = 1, 30, 3 do
      kept[i].client = nil
      kept[i + 1].image = nil
      collectgarbage()
    end
    local wanted = support.painted {seed = 7}
    for _, one in ipairs(kept) do
      assert.is_true(not one.image or one.image.bytes == wanted)
      assert.is_true(not one.client or one.client:generate(PARAMS) ~= nil)
    end
  end)

  it("and their images survive the module being loaded anew", function()
    local server <close> = standin.start()
    local client <close> = support.client(server)
    local image = assert(client:generate(PARAMS)).image
    local old = package.loaded.stepimg
    package.loaded.stepimg = nil
    local fresh = require "stepimg"
    package.loaded.stepimg = old
    assert.is_true(fresh ~= old)
    assert.is_true(image.bytes == support.painted {seed = 7})
    assert.is_true(assert(client:generate(PARAMS)).image.bytes == support.painted {seed = 7})
  end)
end)
