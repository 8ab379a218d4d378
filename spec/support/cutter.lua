-- A forwarder of TCP connections, in a process of its own, that ends them after a given byte, whatever they carry. It
-- prints the port where it takes orders, one a line, each with one line in return; it ends by a signal, or when who
-- gave the orders has left.
--
--   door PORT      opens a port that leads to that port of this machine; returns its number
--   cut DOOR HOW WAY AT [once]
--                  from now on each connection there ends after AT bytes one way, up from the client or down to it; 0:
--                  as soon as one comes, which is kept back. It counts anew, on open connections too. WAY idle: those
--                  that are open now, and no other; never: none. HOW: close or reset, as the client sees it (to the
--                  server all is sent that was let through), or silence.
--   count DOOR     bytes up and down that came since then, and how many connections are open

local socket = require "socket"

local GRACE = 0.03 -- for the client to read what came before a reset, which throws away what is on its way
local PATIENCE = 0.5 -- for a side to leave, once it was told to

io.stdout:setvbuf "line"

local readers, doors, later = {}, {}, {} -- socket -> what to do with what comes; port -> door; when to do what

local function listen()
  local listener = assert(socket.bind("127.0.0.1", 0, 1000))
  return listener, tonumber((select(2, listener:getsockname())))
end

-- What came, or nil where the other side has left.
local function receive(one)
  one:settimeout(0)
  local piece, why, part = one:receive(65536)
  piece = piece or part
  return (piece ~= "" or why == "timeout") and piece or nil
end

local function leave(line, side)
  readers[line[side]] = nil
  line[side]:close()
  line[side] = nil
  if not line.client and not line.server then
    line.door.lines[line] = nil
  end
end

-- Throws away what still comes from a side until it leaves: to close with input unread would be a reset.
local function ignore(line, side, on_end)
  readers[line[side]] = function(one)
    if not receive(one) then
      leave(line, side)
      if on_end then
        on_end()
      end
    end
  end
end

local function after(seconds, line, side, f)
  local one = line[side]
  table.insert(later, {moment = socket.gettime() + seconds, run = function()
    if line[side] == one then
      f(one)
      leave(line, side)
    end
  end})
end

local function part(line, side)
  if line[side] then
    line[side]:shutdown "send"
    ignore(line, side)
    after(PATIENCE, line, side, function() end)
  end
end

local function cut(line)
  local how = line.door.how
  if not line.client or not line.server then -- it is ending by itself
    return
  end
  if line.door.once then
    line.door.way = "never"
  end
  if how == "silence" then
    ignore(line, "server")
    ignore(line, "client", function() part(line, "server") end)
    return
  end
  part(line, "server")
  if how == "reset" then
    ignore(line, "client")
    after(line.down > 0 and GRACE or 0, line, "client", function(client)
      client:setoption("linger", {on = true, timeout = 0})
    end)
  else
    part(line, "client")
  end
end

local function forward(line, side, other, way)
  local door = line.door
  readers[line[side]] = function(one)
    local piece = receive(one)
    if not piece then
      leave(line, side)
      return part(line, other)
    end
    local left = door.way == way and door.at - line[way] or math.huge
    door[way] = door[way] + #piece
    line[way] = line[way] + math.min(left, #piece)
    line[other]:settimeout(5)
    line[other]:send(piece:sub(1, math.min(left, #piece)))
    if left <= #piece then
      cut(line)
    end
  end
end

local function accept(door, listener)
  local client = listener:accept()
  local line = {door = door, client = client, up = 0, down = 0}
  door.lines[line] = true
  client:setoption("tcp-nodelay", true)
  line.server = assert(socket.connect("127.0.0.1", door.target))
  line.server:setoption("tcp-nodelay", true)
  forward(line, "client", "server", "up")
  forward(line, "server", "client", "down")
end

local orders = {}

function orders.door(target)
  local door = {target = target, lines = {}, up = 0, down = 0}
  local listener, port = listen()
  doors[port] = door
  readers[listener] = function() accept(door, listener) end
  return port
end

function orders.cut(port, how, way, at, once)
  local door, open = doors[port], {}
  door.how, door.way, door.at, door.up, door.down = how, way, at, 0, 0
  door.once = once ~= nil
  for line in pairs(door.lines) do
    line.up, line.down = 0, 0
    open[#open + 1] = line
  end
  for _, line in ipairs(way == "idle" and open or {}) do
    cut(line)
  end
  return "done"
end

function orders.count(port)
  local door, open = doors[port], 0
  for _ in pairs(door.lines) do
    open = open + 1
  end
  return ("%d %d %d"):format(door.up, door.down, open)
end

local function obey(one)
  one:settimeout(5)
  local line = one:receive "*l"
  if not line then
    os.exit(0)
  end
  local words = {}
  for word in line:gmatch "%S+" do
    words[#words + 1] = tonumber(word) or word
  end
  one:send(orders[words[1]](table.unpack(words, 2)) .. "\n")
end

local function run_later()
  for i = #later, 1, -1 do
    if later[i].moment <= socket.gettime() then
      table.remove(later, i).run()
    end
  end
end

local control, port = listen()
readers[control] = function() readers[control:accept()] = obey end
print(port)
while true do
  local all = {}
  for one in pairs(readers) do
    all[#all + 1] = one
  end
  for _, one in ipairs((socket.select(all, nil, later[1] and GRACE / 10 or 1))) do
    if readers[one] then -- what was done for another may have ended it
      readers[one](one)
    end
  end
  run_later()
end
