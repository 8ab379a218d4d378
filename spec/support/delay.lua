-- A forwarder of TCP connections, in a process of its own, to the port TARGET of this machine. Whatever comes goes on
-- after HALF seconds: a way that takes twice that there and back. It prints its port, and ends by a signal.

local socket = require "socket"

local TARGET, HALF = tonumber(os.getenv "TARGET"), tonumber(os.getenv "HALF")

io.stdout:setvbuf "line"

local listener = assert(socket.bind("127.0.0.1", 0, 100))
local readers, later = {}, {}

local function after(what)
  later[#later + 1] = {moment = socket.gettime() + HALF, run = what}
end

local function leave(one, other)
  readers[one] = nil
  after(function()
    if not readers[other] then
      one:close()
      other:close()
    else
      other:shutdown "send"
    end
  end)
end

local function forward(one, other)
  one:settimeout(0)
  readers[one] = function()
    local piece, why, part = one:receive(65536)
    piece = piece or part
    if piece ~= "" then
      after(function()
        other:settimeout(5)
        other:send(piece)
        other:settimeout(0)
      end)
    end
    if why == "closed" then
      leave(one, other)
    end
  end
end

-- A connection is made in a round trip of its own: until it is, nothing is read.
local function accept()
  local client = listener:accept()
  client:setoption("tcp-nodelay", true)
  local server = assert(socket.connect("127.0.0.1", TARGET))
  server:setoption("tcp-nodelay", true)
  after(function()
    after(function()
      forward(client, server)
      forward(server, client)
    end)
  end)
end

print((select(2, listener:getsockname())))
while true do
  local all = {listener}
  for one in pairs(readers) do
    all[#all + 1] = one
  end
  local wait = later[1] and math.max(0, later[1].moment - socket.gettime()) or 1
  for _, one in ipairs((socket.select(all, nil, wait))) do
    if one == listener then
      accept()
    elseif readers[one] then
      readers[one]()
    end
  end
  while later[1] and later[1].moment <= socket.gettime() do
    table.remove(later, 1).run()
  end
end
