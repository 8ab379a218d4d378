-- Sends a picture of LARGE bytes. Prints how many bytes were sent, and how much memory that took beside the picture.

local files = require "spec.support.files"
local gif = require "spec.standin.samples".gif
local stepimg = require "stepimg"

local client = assert(stepimg.new())
local function resident()
  return files.status "VmRSS" * 1024
end
assert(client:generate {prompt = '{"bytes":0} warm', image = gif})
local picture = gif .. ("x"):rep(tonumber(os.getenv "LARGE") - #gif)
collectgarbage()
local before, peak = resident(), resident()
local job = assert(client:submit {prompt = '{"bytes":0} x', image = picture})
repeat
  peak = math.max(peak, resident())
  collectgarbage() -- what was just read is as large
until job:progress().phase == "done"
assert(job:result())
print(job:progress().sent, peak - before)
