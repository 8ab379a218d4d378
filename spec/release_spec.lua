-- Jobs and clients that are released at awkward moments: by who awaits them, while others are kept, by finalizers.

local jobs = require "spec.support.jobs"
local support = require "spec.support"

describe("What is released early", function()
  local server = support.standin()

  it("may be a job that a coroutine closes as soon as it has awaited it", function()
    local client <close> = support.client(server)
    local called, ended = 0, false
    local submitted = client:submit({prompt = "a lighthouse"}, {on_done = function(result)
      called = called + (result and 1 or 0)
    end})
    coroutine.wrap(function()
      local job <close> = submitted
      assert(job:await())
      ended = true
    end)()
    support.wait_until("the end", function()
      client:update()
      return ended
    end)
    assert.same({1, 0, 0}, {called, client:pending(), client:update()})
    assert.equal("cancelled", support.failure(submitted:result()).kind)
  end)

  it("may be a job that has a callback, which is then not called; a later job in its place is another", function()
    local client <close> = support.client(server)
    local called = 0
    for _ = 1, 20 do
      do
        local _ <close> = client:submit({prompt = "a lighthouse"}, {on_done = function() called = called + 1 end})
      end
      local job = client:submit {prompt = "a lighthouse"}
      assert(job:wait(20))
      client:update()
    end
    assert.same({0, 0}, {called, client:pending()})
  end)

  -- Submits a job with a callback and drops what submit returned, after `act` has had it. Returns what update tells.
  local function drop(client, act)
    local told
    act(assert(client:submit({prompt = support.prompt {delay = 0.2}}, {on_done = function(...) told = {...} end})))
    return function()
      support.wait_until("the end", function()
        client:update()
        return told
      end)
      return table.unpack(told, 1, 3)
    end
  end

  it("may be a handle: the callback gets another, which knows the same", function()
    local client <close> = support.client(server)
    local handles = setmetatable({}, {__mode = "v"})
    local told = drop(client, function(job) handles[1] = job end)
    collectgarbage()
    assert.is_nil(handles[1])
    local result, err, job = told()
    assert.same({result, err, "done"}, {job:result(), nil, job:status()})
    assert.same({result}, {job:wait()})
    assert.is_true(#result.image.bytes > 0)
  end)

  it("may be a handle that a finalizer brings back: it is released once the callback had another", function()
    local client <close> = support.client(server)
    local back
    local told = drop(client, function(job)
      setmetatable({job}, {__gc = function(self) back = self[1] end})
    end)
    collectgarbage()
    assert.is_not_nil(back:status())
    local result, _, job = told()
    local none, err = back:result()
    assert.is_nil(none)
    assert.fields({kind = "cancelled", message = "the job was released"}, err)
    do
      local _ <close> = back
    end
    assert.same({result}, {job:result()})
  end)

  -- A full collection takes as long as the host's heap is large, and comes rarely.
  it("may be a result: no full collection is needed for its picture, however long it was on its way", function()
    local client <close> = support.client(server)
    assert.is_true(jobs.left_by_small_collections(function(results, grow_old)
      local called = 0
      for _ = 1, 4 do
        client:submit({prompt = support.prompt {delay = 0.2}}, {on_done = function(result)
          called = called + 1
          results[called] = result
        end})
      end
      grow_old()
      support.wait_until("the end", function()
        client:update()
        return called == 4
      end)
    end) <= 1)
  end)

  it("may be the client of stepimg.generate, while the state closes", function()
    local output = support.run([[
      local stepimg = require "stepimg"
      last = setmetatable({}, {__gc = function()
        print(pcall(stepimg.generate, {prompt = "a lighthouse"}))
      end})
      assert(stepimg.generate {prompt = "a lighthouse"})
    ]], {STEP_API_KEY = support.KEY, STEP_BASE_URL = server.base_url})
    assert.matches("^false\t.*the client was collected\n$", output)
  end)
end)
