-- idle.lua BASE_URL SECONDS: prints how often the I/O thread of a client wakes up that has made a picture and keeps its
-- connection.

local socket = require "socket.core"
local new_client = require "bench.probes.client"
local process = require "bench.probes.process"

local client = new_client(arg[1])
assert(client:generate {prompt = "a lighthouse"})
socket.sleep(0.5)
local before = process.switches()
socket.sleep(tonumber(arg[2]))
print(process.switches() - before)
client:close()
