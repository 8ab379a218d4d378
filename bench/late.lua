-- late.lua QUIET: a server of one tiny picture on a free loopback port, which it prints. It answers none of the
-- requests it has before no new one has come for QUIET seconds, then all of them. It ends with its standard input.

local cqueues = require "cqueues"
local condition = require "cqueues.condition"
local socket = require "cqueues.socket"

local QUIET = tonumber(arg[1])
local BODY = '{"created":1,"data":[{"seed":7,"finish_reason":"success","b64_json":"iVBORw0KGgo="}]}'
local ANSWER = ("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"):format(#BODY, BODY)

local loop, come = cqueues.new(), condition.new()
local waiting, last = {}, 0

local function read_request(connection)
  local length = 0
  for line in connection:lines "*L" do
    if line:find "^\r?\n$" then
      return length == 0 or connection:read(length)
    end
    length = tonumber(line:lower():match "^content%-length:%s*(%d+)") or length
  end
end

local function serve(connection)
  connection:onerror(function(_, _, why) return why end)
  connection:setmode("b", "bf")
  while read_request(connection) do
    local answered = condition.new()
    last = cqueues.monotime()
    waiting[#waiting + 1] = answered
    come:signal()
    answered:wait()
    if not connection:write(ANSWER) then
      break
    end
  end
  connection:close()
end

loop:wrap(function()
  while true do
    while #waiting == 0 do
      come:wait()
    end
    local left = last + QUIET - cqueues.monotime()
    if left > 0 then
      cqueues.sleep(left)
    else
      local ready = waiting
      waiting = {}
      for _, answered in ipairs(ready) do
        answered:signal()
      end
    end
  end
end)

local listener = assert(socket.listen {host = "127.0.0.1", port = 0})
assert(listener:listen())
loop:wrap(function()
  for connection in listener:clients() do
    loop:wrap(serve, connection)
  end
end)
loop:wrap(function()
  repeat
    cqueues.poll {pollfd = 0, events = "r"}
  until not io.stdin:read(1)
  os.exit(0)
end)

print((select(3, listener:localname())))
io.stdout:flush()
assert(loop:loop())
