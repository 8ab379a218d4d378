-- A server in a process of its own that does to a connection whatever a script says, byte by byte. It prints the port
-- of its control connection, which takes one command a line, as JSON, and ends the server when it is closed:
--   {"serve": [step…], "after": "bytes"}   listens; the first connection gets the script; every request after it, and
--                                          every other connection, gets the answer `after`. Replies {"port": n}
--   {"count": port}                        replies {"connections": n, "posts": n}, both as they arrived
--   {"drop": port}                         listens there no more. Replies {}
-- A step is one of
--   {"request": true}                      reads a whole request
--   {"read": n}                            reads at least so many bytes
--   {"send": "bytes", "times": n}          once by default
--   {"send": "bytes", "forever": true}     until the client leaves
--   {"drip": "bytes", "every": seconds}    one byte at a time
--   {"wait": seconds}
--   {"close": true}                        the polite end
--   {"reset": true}                        the rude one
--   {"silence": true}                      until the client leaves, whatever it says

local cqueues = require "cqueues"
local json = require "cjson".new()
local socket = require "socket"

local LONGEST_START = 20
local PIECE = 64 * 1024

local places = {} -- by port
local loop = cqueues.new()

local function ready(one, events, timeout)
  return cqueues.poll({pollfd = one:getfd(), events = events}, timeout)
end

local function close(one)
  cqueues.cancel(one:getfd())
  one:close()
end

-- False when the client has left.
local function send(connection, bytes)
  local at = 1
  while at <= #bytes do
    local last, why, partial = connection.socket:send(bytes, at)
    if not last and why ~= "timeout" then
      return false
    end
    at = (last or partial) + 1
    ready(connection.socket, "w", last and 0)
  end
  return true
end

-- What has arrived, at least one byte, goes to connection.unread. False when the client has left.
local function receive(connection)
  while true do
    local whole, why, part = connection.socket:receive(PIECE)
    local bytes = whole or part
    if bytes ~= "" then
      local _, posts = bytes:gsub("POST /", "")
      connection.place.posts = connection.place.posts + posts
      connection.unread = connection.unread .. bytes
      return true
    elseif why ~= "timeout" then
      return false
    end
    ready(connection.socket, "r")
  end
end

local function drain(connection)
  while receive(connection) do
    connection.unread = ""
  end
  return false
end

-- Each is true while the connection lasts.
local steps = {}

function steps.request(connection)
  while true do
    local head = connection.unread:match "^.-\r\n\r\n"
    local length = head and #head + (tonumber(head:match "[Cc]ontent%-[Ll]ength: (%d+)") or 0)
    if length and #connection.unread >= length then
      connection.unread = connection.unread:sub(length + 1)
      return true
    elseif not receive(connection) then
      return false
    end
  end
end

function steps.read(connection, step)
  while #connection.unread < step.read do
    if not receive(connection) then
      return false
    end
  end
  return true
end

function steps.send(connection, step)
  local left = step.forever and math.huge or step.times or 1
  while left > 0 do
    if not send(connection, step.send) then
      return false
    end
    left = left - 1
  end
  return true
end

function steps.drip(connection, step)
  for byte in step.drip:gmatch "." do
    if not send(connection, byte) then
      return false
    end
    cqueues.sleep(step.every)
  end
  return true
end

function steps.wait(_, step)
  cqueues.sleep(step.wait)
  return true
end

-- To close while input is unread would be a reset.
function steps.close(connection)
  connection.socket:shutdown "send"
  return drain(connection)
end

function steps.reset(connection)
  connection.socket:setoption("linger", {on = true, timeout = 0})
  return false
end

steps.silence = drain

local function run(connection, script)
  for _, step in ipairs(script) do
    for name, perform in pairs(steps) do
      if step[name] and not perform(connection, step) then
        return false
      end
    end
  end
  return true
end

local function serve(place, client, script)
  local connection = {place = place, socket = client, unread = ""}
  client:settimeout(0)
  local lasts = run(connection, script)
  while lasts do
    lasts = steps.request(connection) and send(connection, place.after)
  end
  close(client)
end

local function listen(place)
  place.listener:settimeout(0)
  while ready(place.listener, "r") and not place.dropped do
    local client = place.listener:accept()
    if client then
      place.connections = place.connections + 1
      loop:wrap(serve, place, client, place.connections == 1 and place.script or {})
    end
  end
end

local function obey(command)
  if command.serve then
    local listener = assert(socket.bind("127.0.0.1", 0))
    local port = tonumber((select(2, listener:getsockname())))
    local place = {
      listener = listener, script = command.serve, after = command.after, connections = 0, posts = 0,
    }
    places[port] = place
    loop:wrap(listen, place)
    return {port = port}
  elseif command.count then
    local place = places[command.count]
    return {connections = place.connections, posts = place.posts}
  end
  local place = places[command.drop]
  places[command.drop], place.dropped = nil, true
  close(place.listener)
  return {}
end

io.stdout:setvbuf "line"
local control = assert(socket.bind("127.0.0.1", 0))
print((select(2, control:getsockname())))
control:settimeout(LONGEST_START)
local master = control:accept() or os.exit(1)
control:close()

loop:wrap(function()
  local connection = {socket = master, unread = "", place = {posts = 0}}
  local pieces = {} -- of a line, which may be megabytes long
  master:settimeout(0)
  while receive(connection) do
    pieces[#pieces + 1] = connection.unread
    if connection.unread:sub(-1) == "\n" then -- nothing follows before the reply
      local reply = obey(json.decode(table.concat(pieces)))
      send(connection, json.encode(reply) .. "\n")
      pieces = {}
    end
    connection.unread = ""
  end
  os.exit(0)
end)
assert(loop:loop())
