-- Prints how many KiB a bad answer took beyond a good one, after how many seconds it ended, and its error.

local files = require "spec.support.files"
local stepimg = require "stepimg"
local client = assert(stepimg.new {retries = 0, timeout = 60, max_response_bytes = tonumber(os.getenv "MAX")})
local good = assert(stepimg.new {base_url = os.getenv "GOOD"})
assert(good:generate {prompt = "x"})
local before, job = files.status "VmHWM", client:submit {prompt = "x"}
local _, err = job:wait()
print(files.status "VmHWM" - before, job:progress().elapsed, err.kind, err.message)
