-- load.lua: prints how many seconds `require "stepimg"` takes in a process that has libcurl already.

local socket = require "socket.core"

local libcurl = assert(io.popen "ldd stepimg.so"):read "a":match "(/%S*libcurl[^%s/]*)"
assert(package.loadlib(libcurl, "*"))
local start = socket.gettime()
require "stepimg"
print(("%.6f"):format(socket.gettime() - start))
