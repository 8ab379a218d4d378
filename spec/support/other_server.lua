-- A server of the service's API that shares nothing with the stand-in: HTTP/1.1 by hand on LuaSocket, with
-- Content-Length and kept connections. It has one picture, a PNG of one pixel, and answers as the reference page has
-- it. It prints its port; it ends by a signal, or after a while by itself.

local socket = require "socket"

io.stdout:setvbuf "line"

local PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
local ANSWER = [[
{
  "created": 1589478378,
  "data": [
    {
      "seed": 123838,
      "finish_reason": "success",
      "%s": "%s"
    }
  ]
}
]]

local listener = assert(socket.bind("127.0.0.1", 0))
local host = ("http://127.0.0.1:%s"):format((select(2, listener:getsockname())))
local clients = {listener}

local function reply(client, status, kind, body)
  client:send(("HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n"):format(status, kind, #body) .. body)
end

local function answer(client, target, headers, body)
  if target == "GET /picture" then
    return reply(client, "200 OK", "image/png", (require "mime".unb64(PIXEL)))
  elseif target ~= "POST /v1/images/generations" then
    return reply(client, "404 Not Found", "text/plain", "")
  elseif headers.authorization ~= "Bearer the-key" then
    return reply(client, "401 Unauthorized", "application/json",
      '{"error": {"message": "Incorrect API key provided", "type": "invalid_api_key"}}')
  end
  local link = body:find '"response_format":"url"'
  local name, value = link and "url" or "b64_json", link and host .. "/picture" or PIXEL
  reply(client, "200 OK", "application/json", ANSWER:format(name, value))
end

-- False when the client has left.
local function serve(client)
  local first = client:receive "*l"
  local target = first and first:match "^(%u+ %S+) HTTP/1%.1$"
  local headers = {}
  for line in function() return target and client:receive "*l" end do
    if line == "" then
      local length = tonumber(headers["content-length"] or 0)
      answer(client, target, headers, length > 0 and client:receive(length) or "")
      return true
    end
    local name, value = line:match "^([^:]+):%s*(.-)%s*$"
    headers[name:lower()] = value
  end
  return false
end

print((host:match "%d+$"))
for ready in function() return (socket.select(clients, nil, 120)) end do
  if not ready[1] then
    break
  end
  for _, one in ipairs(ready) do
    if one == listener then
      clients[#clients + 1] = listener:accept()
      clients[#clients]:settimeout(10)
    elseif not serve(one) then
      one:close()
      for i = #clients, 2, -1 do
        if clients[i] == one then
          table.remove(clients, i)
        end
      end
    end
  end
end
