-- Interrupts and finalizers at every moment of the main paths: no crash, no hang, each job delivered once or still to
-- be had. The tortures are in spec/torture/, which tell of themselves.

local standin = require "spec.standin"
local support = require "spec.support"

-- The number that a program prints at its end, and more than which it is to be.
local function torture(least, ...)
  local server <close> = standin.start()
  local directory = support.directory()
  local command = support.words("env", "LUA_PATH=./?.lua;;", "LUA_CPATH=" .. support.CPATH, ...)
  local pipe = assert(io.popen(("%s %s %s 2>&1"):format(command, server.base_url, directory)))
  local output = pipe:read "*a"
  local _, how, code = pipe:close()
  support.remove(directory)
  assert.same({"exit", 0}, {how, code}, output)
  local times = tonumber(output)
  assert.is_true(times and times > least, output)
  return times
end

describe("Nothing is lost", function()
  it("where a hook raises at any event of any of the main paths", function()
    local times = torture(800, support.interpreter(), "spec/torture/hooks.lua")
    print(("a hook raised %d times"):format(times))
  end)

  it("where the collector goes round at any allocation, and a finalizer uses what is in use", function()
    local times = torture(800, support.host "lua_allocations", "spec/torture/collector.lua")
    print(("a finalizer meddled %d times"):format(times))
  end)

  it("where any allocation of the core's fails under the binding", function()
    local times = torture(50, support.host "core_failures", "spec/torture/memory.lua")
    print(("%d allocations of the core's failed"):format(times))
  end)
end)
