-- A server in a process of its own that answers each request with the very bytes of the file in RESPONSE, and leaves it
-- to the client to close the connection. It prints its port; it ends by a signal, or after a while by itself.

local socket = require "socket"

io.stdout:setvbuf("line")

local file = assert(io.open(os.getenv "RESPONSE", "rb"))
local response = file:read "a"
file:close()

local listener = assert(socket.bind("127.0.0.1", 0))
print((select(2, listener:getsockname())))
listener:settimeout(120)
while true do
  local client = listener:accept() or os.exit(0)
  client:settimeout(30)
  local length = 0
  repeat
    local line = client:receive "*l"
    length = tonumber((line or ""):lower():match "^content%-length: (%d+)") or length
  until not line or line == ""
  if length > 0 then
    client:receive(length)
  end
  client:send(response)
  client:receive "*a"
  client:close()
end
