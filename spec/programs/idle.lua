-- After one picture, a client is left alone for STILL seconds. Prints how many threads there are beside the main one,
-- and how often they woke up.

local client = assert(require "stepimg".new {ca_file = os.getenv "CA"})
assert(client:generate {prompt = '{"bytes":1000}'})
local function switches()
  local sum, threads, own = 0, 0, io.open "/proc/self/status":read "*a":match "Pid:%s*(%d+)"
  local pipe = io.popen("ls /proc/" .. own .. "/task")
  for thread in pipe:lines() do
    if thread ~= own then
      local status = io.open(("/proc/%s/task/%s/status"):format(own, thread)):read "*a"
      sum = sum + status:match "voluntary_ctxt_switches:%s*(%d+)"
      threads = threads + 1
    end
  end
  pipe:close()
  return sum, threads
end
local sleep = require "socket".sleep
sleep(0.5) -- what the server still has to say after an answer
local before, threads = switches()
sleep(tonumber(os.getenv "STILL"))
print(threads, (switches()) - before)
