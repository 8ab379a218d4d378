-- What the kernel says of this process. In bytes for memory.

local process = {}

local function read(path)
  local file = io.open(path)
  local text = file and file:read "a" or ""
  if file then
    file:close()
  end
  return text
end

-- Exact, where /proc/self/status may lag behind by some pages for each thread.
function process.memory()
  return 1024 * tonumber(read "/proc/self/smaps_rollup":match "Rss:%s*(%d+)")
end

function process.peak()
  return 1024 * tonumber(read "/proc/self/status":match "VmHWM:%s*(%d+)")
end

-- From here on the peak is that of what follows.
function process.forget_peak()
  local file = assert(io.open("/proc/self/clear_refs", "w"))
  assert(file:write "5")
  file:close()
end

-- How often the threads beside this one went to sleep or were put aside.
function process.switches()
  local me, sum = read "/proc/self/stat":match "^%d+", 0
  local list = assert(io.popen "ls /proc/$PPID/task")
  for thread in list:lines() do
    if thread ~= me then
      for count in read("/proc/self/task/" .. thread .. "/status"):gmatch "ctxt_switches:%s*(%d+)" do
        sum = sum + tonumber(count)
      end
    end
  end
  list:close()
  return sum
end

return process
