-- Prints how many KiB a bad answer took beyond a good one, after how many seconds it ended, and its error.

local stepimg = require "stepimg"
local client = assert(stepimg.new {retries = 0, timeout = 60, max_response_bytes = tonumber(os.getenv "MAX")})
local function peak()
  local file = io.open "/proc/self/status"
  local text = file:read "*a"
  file:close()
  return tonumber(text:match "VmHWM:%s*(%d+)")
end
local good = assert(stepimg.new {base_url = os.getenv "GOOD"})
assert(good:generate {prompt = "x"})
local before, job = peak(), client:submit {prompt = "x"}
local _, err = job:wait()
print(peak() - before, job:progress().elapsed, err.kind, err.message)
