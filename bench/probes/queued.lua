-- queued.lua BASE_URL COUNT: so many jobs of a client that does one at a time, on a server that answers late. Prints
-- the bytes of memory that each takes, handle included.

local new_client = require "bench.probes.client"
local process = require "bench.probes.process"

local url, count = arg[1], tonumber(arg[2])
local client = new_client(url, {max_concurrent = 1})

assert(client:generate {prompt = "a lighthouse"})
local jobs = table.pack(client:submit {prompt = "a lighthouse"})
collectgarbage()
local before = process.memory()
for i = 1, count do
  jobs[i] = assert(client:submit {prompt = "a lighthouse on a cliff at dusk, oil painting, number " .. i})
end
collectgarbage()
print(("%.0f"):format((process.memory() - before) / count))
client:close()
