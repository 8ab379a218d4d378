-- collecting.lua BASE_URL PICTURES KEPT MODE TABLES WAY: what pictures that are dropped cost. So many pictures come one
-- after the other; the host keeps the last KEPT of them (0: none), and a heap of so many tables beside them. MODE:
-- incremental or generational; WAY: update, generate or each. Prints by how many MB the process grew at most, and the
-- longest update, in ms of the processor, which the other thread's work is part of.

local socket = require "socket.core"
local new_client = require "bench.probes.client"
local process = require "bench.probes.process"

local url, pictures, kept = arg[1], tonumber(arg[2]), tonumber(arg[3])
local mode, tables, way = arg[4], tonumber(arg[5]), arg[6]
local client = new_client(url, {max_concurrent = 4})
local params = {prompt = '{"bytes":2700000,"format":"gif"} a lighthouse', seed = 7}

assert(client:generate(params))
if collectgarbage(mode) == nil then -- not of this Lua
  print "- -"
  return
end
local heap = {} -- luacheck: ignore
for i = 1, tables do
  heap[i] = {i}
end
collectgarbage()
collectgarbage()

local last = {} -- luacheck: ignore
local place, came, longest = 0, 0, 0
local function take(result, err)
  assert(result, err)
  came = came + 1
  if kept > 0 then
    place = place % kept + 1
    last[place] = result
  end
end

local before = process.memory()
process.forget_peak()
if way == "generate" then
  while came < pictures do
    take(client:generate(params))
  end
elseif way == "each" then
  for _, result in client:each(function()
    return came < pictures and params or nil
  end) do
    take(result)
  end
else
  local options, asked = {on_done = take}, 0
  while came < pictures do
    if asked < pictures and client:pending() < 4 then
      asked = asked + 1
      assert(client:submit(params, options))
    end
    local start = os.clock() -- of the processor: on a busy machine the other clock tells of others
    client:update()
    longest = math.max(longest, os.clock() - start)
    socket.sleep(0.001)
  end
end
print(("%.0f %.1f"):format((process.peak() - before) / 1e6, longest * 1e3))
client:close()
