-- on_done: whatever a callback does, each job is delivered once and none is lost.

local jobs = require "spec.support.jobs"
local support = require "spec.support"

local COUNT = 12

describe("A callback", function()
  local server = support.standin()

  local function submit(client, on_done, knobs)
    knobs = knobs or {}
    knobs.bytes, knobs.format = 20000, "gif"
    return assert(client:submit({prompt = support.prompt(knobs), seed = 7}, {on_done = on_done}))
  end

  -- Submits COUNT jobs and returns, once all of them are finished but none is delivered, a table that counts how often
  -- each was told, and the client. `act` runs in each of the callbacks, with its number.
  local function finished(act)
    local client = support.client(server, {max_concurrent = COUNT})
    local told, handles = {}, {}
    for i = 1, COUNT do
      told[i] = 0
      handles[i] = submit(client, function(result, err, job)
        told[i] = told[i] + 1
        assert(job:status() and (result == nil) ~= (err == nil))
        act(i, client, handles, result, err)
      end)
    end
    support.wait_until("the end of all", function()
      for _, job in ipairs(handles) do
        if job:progress().phase ~= "done" then
          return false
        end
      end
      return true
    end)
    return told, client, handles
  end

  local function assert_once(told)
    for i = 1, COUNT do
      assert.equal(1, told[i], "job " .. i)
    end
  end

  it("runs in update and nowhere else", function()
    local told, client, handles = finished(function() end)
    for _, job in ipairs(handles) do
      assert(job:wait())
      assert(job:result())
      assert.equal("done", job:status())
    end
    assert.equal(0, told[1] + told[COUNT])
    assert.same({COUNT, COUNT, 0}, {client:pending(), client:update(), client:pending()})
    assert_once(told)
    client:close()
  end)

  it("that raises does so from update, with its own error; the rest comes with the next update", function()
    local order = {}
    local told, client = finished(function(i)
      order[#order + 1] = i
      if #order % 4 == 0 then
        error(order)
      end
    end)
    for round = 1, 3 do
      local ok, raised = pcall(client.update, client)
      assert.is_false(ok)
      assert.is_true(rawequal(raised, order))
      assert.same({4 * round, COUNT - 4 * round}, {#order, client:pending()})
    end
    assert.equal(0, client:update())
    assert_once(told)
    client:close()
  end)

  it("that yields gets an error, also where update runs in a coroutine", function()
    local told, client = finished(function() coroutine.yield() end)
    local thread = coroutine.create(function()
      local failures = 0
      while client:pending() > 0 do
        local ok, message = pcall(client.update, client)
        assert(not ok and message:find "yield")
        failures = failures + 1
      end
      return failures
    end)
    assert.same({true, COUNT}, {coroutine.resume(thread)})
    assert_once(told)
    client:close()
  end)

  it("that submits does not keep update going", function()
    local more = 0
    local function again(_, client)
      submit(client, function() more = more + 1 end)
    end
    local told, client = finished(again)
    assert.equal(COUNT, client:update())
    assert_once(told)
    assert.equal(COUNT, client:pending() + more)
    jobs.drain(client)
    assert.equal(COUNT, more)
    client:close()
  end)

  it("that cancels others cannot undo what is finished, and ends what is not", function()
    local going
    local told, client = finished(function(_, _, handles)
      for _, job in ipairs(handles) do
        assert(job:cancel() == false)
      end
      going:cancel()
    end)
    local err
    going = submit(client, function(_, ...) err = ... end, {stall = "request"})
    jobs.drain(client)
    assert_once(told)
    assert.equal("cancelled", err.kind)
    client:close()
  end)

  it("that closes the client leaves the rest to this update or the next, as it ended or as cancelled", function()
    local told, client = finished(function(_, client) client:close() end)
    local kinds = {}
    for _ = 1, 3 do
      submit(client, function(_, err) kinds[#kinds + 1] = err.kind end, {stall = "request"})
    end
    assert.equal(COUNT + 3, jobs.drain(client))
    assert_once(told)
    assert.same({"cancelled", "cancelled", "cancelled"}, kinds)
  end)

  it("that calls update, pending, wait or a finalizer finds everything in order", function()
    local inner, depth, deepest = 0, 0, 0
    local told, client = finished(function(i, client, handles)
      depth = depth + 1
      deepest = math.max(deepest, depth)
      collectgarbage()
      local delivered = client:update()
      inner = inner + delivered
      assert(handles[i]:wait() and handles[COUNT]:wait())
      assert(client:pending() >= 0)
      depth = depth - 1
    end)
    local outer = client:update()
    assert.same({COUNT, COUNT}, {inner + outer, deepest})
    assert.same({0, 0}, {client:pending(), client:update()})
    assert_once(told)
    client:close()
  end)

  it("may make blocking calls, to its own client too", function()
    local sizes = {}
    local told, client = finished(function(_, client)
      sizes[#sizes + 1] = #assert(client:generate {
        prompt = support.prompt {bytes = 30000, format = "gif"}, seed = 7,
      }).image.bytes
    end)
    jobs.drain(client)
    assert_once(told)
    assert.equal(COUNT, #sizes)
    client:close()
  end)

  it("may drop every handle and the client itself", function()
    local told, client, handles = finished(function(_, _, all)
      for i = 1, COUNT do
        all[i] = nil
      end
      collectgarbage()
      collectgarbage()
    end)
    local holder = setmetatable({client}, {__mode = "v"})
    assert.same({COUNT, 0, nil}, {client:update(), client:pending(), next(handles)})
    assert_once(told)
    client = nil -- luacheck: ignore
    collectgarbage()
    collectgarbage()
    assert.is_nil(holder[1])
  end)

  it("takes the collector at its most aggressive", function()
    local mode = collectgarbage "incremental"
    local told, client = finished(function() end)
    debug.sethook(function() collectgarbage() end, "", 20)
    local ok, delivered = pcall(client.update, client)
    debug.sethook()
    collectgarbage(mode)
    assert.same({true, COUNT}, {ok, delivered})
    assert_once(told)
    client:close()
  end)

  it("is not called for a job whose client is collected with it", function()
    local called = false
    do
      local client = support.client(server)
      submit(client, function() called = true end, {stall = "request"})
    end
    collectgarbage()
    collectgarbage()
    jobs.quiet(server)
    assert.is_false(called)
  end)
end)
