-- Three times, 30 jobs are cancelled when each has most of a large picture. Prints how many KiB the process holds
-- before, while they are held, and after. FORMAT is the response_format.

local files = require "spec.support.files"
local stepimg = require "stepimg"

local FORMAT = os.getenv "FORMAT"

local client = assert(stepimg.new {max_concurrent = 30})
local function resident()
  return files.status "VmRSS"
end
local function received(job)
  return job:progress().received > 2500000
end
for _ = 1, 3 do
  local before, jobs = resident(), {}
  for i = 1, 30 do
    local prompt = '{"bytes":2700000,"stall":"body","cut_at":2600000}'
    if FORMAT == "url" then
      prompt = prompt:gsub('"stall', '"picture_stall'):gsub('"cut', '"picture_cut')
    end
    jobs[i] = assert(client:submit {prompt = prompt, response_format = FORMAT, seed = 7})
  end
  for _, job in ipairs(jobs) do
    while not received(job) do
      job:wait(0.01)
    end
  end
  local during = resident()
  for _, job in ipairs(jobs) do
    job:cancel()
    assert(select(2, job:wait()).kind == "cancelled")
  end
  for _ = 1, 500 do -- the I/O thread lets go of them soon
    if resident() - before < 8 * 1024 then
      break
    end
    os.execute "sleep 0.02"
  end
  print(before, during, resident())
end
