-- Several Lua states in one process, as game engines have them: side by side in threads, and one after the other, where
-- lua_close unloads the module each time. The host is spec/host/states.c.

local support = require "spec.support"

local REOPENED = os.getenv "STEPIMG_LONG" and 200 or 50

local WORK = [[
  local stepimg = require "stepimg"
  local client = assert(stepimg.new {api_key = "k", base_url = arg[1], ca_file = arg[2]})
  for _ = 1, 30 do
    local result = assert(client:generate {prompt = '{"bytes":200000}'})
    assert(#result.image.bytes == 200000)
  end
]]

-- Ends with jobs in every state, at a moment that differs each time.
local LEAVE = [[
  local stepimg = require "stepimg"
  local client = assert(stepimg.new {api_key = "k", base_url = arg[1], ca_file = arg[2], max_concurrent = 8})
  local knobs = {'{"stall":"request"}', '{"stall":"body"}', '{"bytes":200000}', '{"status":503}'}
  for i = 1, 32 do
    assert(client:submit({prompt = knobs[i % #knobs + 1]}, {on_done = function() end}))
  end
  local clock = os.clock()
  while os.clock() - clock < math.random() * 0.01 do client:update() end
]]

local function states(how, count, script, server)
  local path = support.write(os.tmpname(), script)
  local pipe = assert(io.popen(support.words("env", "LUA_CPATH=" .. support.CPATH, support.host "states", how, count,
    path, server.base_url, server.ca) .. " 2>&1"))
  local output = pipe:read("*a")
  local _, ended, code = pipe:close()
  os.remove(path)
  assert.same({"exit", 0}, {ended, code}, output)
  return tonumber(output)
end

for _, way in ipairs(support.WAYS) do
  describe("Lua states in one process, over " .. way.name, function()
    local server = support.standin(way.setting)

    it("work side by side in threads of their own", function()
      local alone, together = {}, {}
      for i = 1, 3 do
        alone[i] = states("threads", 1, WORK, server)
        together[i] = states("threads", 2, WORK, server)
      end
      print(("two states at once take %.2f times as long as one (%s)"):format(
        support.median(together) / support.median(alone), way.name))
    end)

    it(("may be closed with jobs in flight, %d times in a row"):format(REOPENED), function()
      states("reopen", REOPENED, LEAVE, server)
    end)

    it("may be closed with jobs in flight in several threads at once", function()
      states("threads", 16, LEAVE, server)
    end)
  end)
end
