-- A queue of COUNT jobs behind one that stalls. Prints how many were delivered, how many bytes one takes, and how many
-- seconds it took to submit them and to close the client.

local cqueues = require "cqueues"
local files = require "spec.support.files"
local client = assert(require "stepimg".new {max_concurrent = 1})
local function resident()
  collectgarbage()
  return files.status "VmRSS"
end
local jobs = {}
for i = 1, tonumber(os.getenv "COUNT") do
  jobs[i] = false
end
local front = assert(client:submit {prompt = '{"stall":"request"} x'})
local before, began = resident(), cqueues.monotime()
for i = 1, #jobs do
  jobs[i] = assert(client:submit {prompt = "a lighthouse on a cliff at dusk, oil painting", seed = i})
end
local submitted = cqueues.monotime()
local memory = (resident() - before) * 1024 / #jobs
assert(client:pending() >= #jobs)
local closing = cqueues.monotime()
client:close()
local closed = cqueues.monotime()
local delivered = 0
while client:pending() > 0 do
  delivered = delivered + client:update()
end
for i = 1, #jobs do
  assert(jobs[i]:status() == "cancelled")
end
assert(front:status() == "cancelled")
print(delivered, memory, submitted - began, closed - closing)
