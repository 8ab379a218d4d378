-- A proxy in a process of its own: for http it forwards one request a connection, for https it tunnels. It prints its
-- port, then a line for each request; it ends by a signal, or after a while by itself.

local cqueues = require "cqueues"
local socket = require "cqueues.socket"

io.stdout:setvbuf("line")

local function quiet(connection)
  connection:onerror(function(_, _, why) return why end)
  connection:setmode("b", "bn")
  return connection
end

local function pump(from, to)
  for piece in function() return from:xread(-65536) end do
    if not to:xwrite(piece) then
      break
    end
  end
  to:shutdown "w"
end

local function serve(client)
  local first = client:xread "*L"
  local method, target = (first or ""):match "^(%u+) (%S+)"
  local lines, line = {}, client:xread "*L"
  while line and line ~= "\r\n" do
    lines[#lines + 1] = line:lower():find "^proxy%-" and "" or line
    line = client:xread "*L"
  end
  if not line or not method then
    return client:close()
  end
  print(method .. " " .. target .. " " .. table.concat(lines):lower():gsub("\r\n", ";"))
  local host, port, path = target:match "^http://([%d.]+):(%d+)(/.*)$"
  if method == "CONNECT" then
    host, port = target:match "^([%d.]+):(%d+)$"
  end
  local server = quiet(socket.connect {host = host, port = tonumber(port)})
  if method == "CONNECT" then
    client:xwrite "HTTP/1.1 200 Connection established\r\n\r\n"
  else
    server:xwrite(("%s %s HTTP/1.1\r\nconnection: close\r\n%s\r\n"):format(method, path, table.concat(lines)))
  end
  local loop = cqueues.running()
  loop:wrap(pump, client, server)
  pump(server, client)
end

local listener = socket.listen {host = "127.0.0.1", port = 0}
listener:listen()
print((select(3, listener:localname())))
local loop = cqueues.new()
loop:wrap(function()
  for client in listener:clients() do
    loop:wrap(serve, quiet(client))
  end
end)
loop:wrap(function()
  cqueues.sleep(120)
  os.exit(0)
end)
while not loop:loop() do
  cqueues.sleep(0)
end
