-- luacurl.lua BASE_URL COUNT: the other Lua way, Lua-cURLv3 with its handle kept, lua-cjson and mime. Prints the
-- longest request in seconds, in which the thread is held.

local cjson = require "cjson"
local curl = require "lcurl"
local mime = require "mime"
local socket = require "socket.core"

local url, count = arg[1], tonumber(arg[2])
local longest = 0
local easy = curl.easy {
  url = url .. "/images/generations", proxy = "", cainfo = os.getenv "BENCH_CA",
  httpheader = {"Content-Type: application/json", "Authorization: Bearer any"},
}

for _ = 1, count do
  local start = socket.gettime()
  local pieces = {}
  easy:setopt_postfields(
    cjson.encode {model = "step-image-edit-2", prompt = "a lighthouse", response_format = "b64_json"})
  easy:setopt_writefunction(function(piece)
    pieces[#pieces + 1] = piece
    return true
  end)
  easy:perform()
  assert(easy:getinfo_response_code() == 200)
  local answer = cjson.decode(table.concat(pieces))
  assert(#mime.unb64(answer.data[1].b64_json) > 0)
  longest = math.max(longest, socket.gettime() - start)
end
print(("%.6f"):format(longest))
