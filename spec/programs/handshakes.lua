-- COUNT jobs over TLS. Closes the client when the file MARK is there, and prints for each job whether its request may
-- be on the bill.

local cqueues = require "cqueues"
local support = require "spec.support"

local COUNT = tonumber(os.getenv "COUNT")

local client = support.client({base_url = os.getenv "BASE", ca = os.getenv "CA"}, {max_concurrent = COUNT})
local jobs = {}
for i = 1, COUNT do
  jobs[i] = assert(client:submit {prompt = support.prompt {id = "job " .. i}, seed = 7})
end
while not support.read(os.getenv "MARK") do
  cqueues.sleep(0.001)
end
client:close()
for i, job in ipairs(jobs) do
  local result, err = job:result()
  print("job " .. i, result ~= nil or err.maybe_billed)
end
support.wait_until("the end of the thread", function() return support.threads() == 1 end)
