-- memory.lua BASE_URL MODE: two pictures with one client, of which the server makes the first tiny. Prints by how many
-- bytes the process grew at most for the second. MODE: unread, read or save.

local new_client = require "bench.probes.client"
local process = require "bench.probes.process"

local url, mode = arg[1], arg[2]
local client = new_client(url)
local options = {save = mode == "save" and os.getenv "BENCH_SCRATCH" .. "/saved.png" or nil}

local function fetch()
  local result = assert(client:generate({prompt = "a lighthouse"}, options))
  return mode == "read" and #result.image.bytes
end

fetch()
collectgarbage()
collectgarbage()
local before = process.memory()
process.forget_peak()
fetch()
print(("%.0f"):format(process.peak() - before))
client:close()
