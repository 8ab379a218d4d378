-- waiting.lua BASE_URL COUNT: so many requests at once to a server that answers late. Prints the bytes of memory that
-- each takes while all wait (or "-", if they never all did), how many were answered, and the first error.

local socket = require "socket.core"
local new_client = require "bench.probes.client"
local process = require "bench.probes.process"

local url, count = arg[1], tonumber(arg[2])
local client = new_client(url, {max_concurrent = count, timeout = 300, connect_timeout = 120})

assert(client:generate {prompt = "a lighthouse"})
collectgarbage()
local jobs, before = {}, process.memory()
for i = 1, count do
  jobs[i] = assert(client:submit {prompt = "a lighthouse"})
end

-- The first job that is not in its server's hands, from a place on; nil: all are.
local function behind(from)
  for i = from, count do
    if jobs[i]:progress().phase ~= "waiting" then
      return i
    end
  end
end

local place = 1
repeat
  place = behind(place)
  local phase = place and jobs[place]:progress().phase
  socket.sleep(0.02)
until not place or phase == "receiving" or phase == "done"
collectgarbage()
local each = not place and ("%.0f"):format((process.memory() - before) / count) or "-"

local answered, first = 0, ""
for i = 1, count do
  local result, err = jobs[i]:wait()
  answered = answered + (result and 1 or 0)
  first = first ~= "" and first or err and tostring(err) or ""
end
print(each, answered, first)
client:close()
