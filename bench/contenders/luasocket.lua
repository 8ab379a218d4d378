-- luasocket.lua BASE_URL COUNT: the usual Lua way, LuaSocket (over TLS with LuaSec), lua-cjson and mime. Prints the
-- longest request in seconds, in which the thread is held.

local cjson = require "cjson"
local ltn12 = require "ltn12"
local mime = require "mime"
local socket = require "socket"

local url, count = arg[1], tonumber(arg[2])
local http = require(url:find "^https" and "ssl.https" or "socket.http")
local longest = 0

for _ = 1, count do
  local start = socket.gettime()
  local body = cjson.encode {model = "step-image-edit-2", prompt = "a lighthouse", response_format = "b64_json"}
  local pieces = {}
  local ok, status = http.request {
    url = url .. "/images/generations", method = "POST", source = ltn12.source.string(body),
    sink = ltn12.sink.table(pieces),
    headers = {["content-type"] = "application/json", ["content-length"] = #body, authorization = "Bearer any"},
    verify = "peer", cafile = os.getenv "BENCH_CA", protocol = "any", options = {"all", "no_sslv2", "no_sslv3"},
  }
  assert(ok and status == 200, status)
  local answer = cjson.decode(table.concat(pieces))
  assert(#mime.unb64(answer.data[1].b64_json) > 0)
  longest = math.max(longest, socket.gettime() - start)
end
print(("%.6f"):format(longest))
