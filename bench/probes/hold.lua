-- hold.lua BASE_URL CALLS: a 1 kHz loop with 64 pictures on their way all the time, until it has called that often.
-- Prints the 99.9th percentile and the longest of all its calls of update and submit, in seconds, and how many pictures
-- came.

local socket = require "socket.core"
local new_client = require "bench.probes.client"

local AT_ONCE, TICK = 64, 0.001
local client = new_client(arg[1], {max_concurrent = AT_ONCE})
local calls, holds, pictures = tonumber(arg[2]), {}, 0

local function hold(f, ...)
  local start = socket.gettime()
  local value, err = f(...)
  holds[#holds + 1] = socket.gettime() - start
  return assert(value, err)
end

local options = {on_done = function(result, err)
  assert(result, err)
  pictures = pictures + 1
end}

while #holds < calls do
  while client:pending() < AT_ONCE do
    hold(client.submit, client, {prompt = "a lighthouse"}, options)
  end
  socket.sleep(TICK)
  hold(client.update, client)
end
client:close()
table.sort(holds)
print(("%.6f %.6f %d"):format(holds[math.ceil(#holds * 0.999)], holds[#holds], pictures))
