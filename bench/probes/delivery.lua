-- delivery.lua BASE_URL COUNT: so many pictures, one after the other, as a host with an event loop asks for them.
-- Prints the median of what submit and update hold the host's thread for a picture, and the CPU of the process for one,
-- in microseconds.

local socket = require "socket.core"
local new_client = require "bench.probes.client"

local client, count, holds, delivered = new_client(arg[1]), tonumber(arg[2]), {}, 0
local descriptor = {getfd = function() return client:fd() end, dirty = function() return false end}
local options = {on_done = function(result, err)
  assert(result, err)
  delivered = delivered + 1
end}

assert(client:generate {prompt = "a lighthouse"})
local began = os.clock()
for i = 1, count do
  local start = socket.gettime()
  assert(client:submit({prompt = "a lighthouse"}, options))
  local held = socket.gettime() - start
  while delivered < i do
    socket.select({descriptor}, nil, 10)
    start = socket.gettime()
    client:update()
    held = held + socket.gettime() - start
  end
  holds[i] = held
end
local cpu = (os.clock() - began) / count
client:close()
table.sort(holds)
print(("%.2f %.2f"):format(holds[(#holds + 1) // 2] * 1e6, cpu * 1e6))
