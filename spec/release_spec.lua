-- Jobs and clients that are released at awkward moments: by who awaits them, while others are kept, by finalizers.

local standin = require "spec.standin"
local support = require "spec.support"

describe("What is released early", function()
  local server

  lazy_setup(function()
    server = standin.start()
  end)

  lazy_teardown(function()
    server:stop()
  end)

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
    assert.error_matches(function() submitted:result() end, "released")
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
