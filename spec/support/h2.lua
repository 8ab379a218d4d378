-- HTTP/2 by hand: frames as they are on the wire, so that a spec can send any of them at any time, also such as no
-- server would. What the client sends is only counted: the heads of requests in `requests`, whole ones in `bodies`.

local cqueues = require "cqueues"
local condition = require "cqueues.condition"
local raw = require "spec.support.raw"

local h2 = {}

h2.TYPES = {
  DATA = 0, HEADERS = 1, PRIORITY = 2, RST_STREAM = 3, SETTINGS = 4, PUSH_PROMISE = 5, PING = 6, GOAWAY = 7,
  WINDOW_UPDATE = 8, CONTINUATION = 9,
}
h2.CODES = {
  NO_ERROR = 0, PROTOCOL_ERROR = 1, INTERNAL_ERROR = 2, REFUSED_STREAM = 7, CANCEL = 8, ENHANCE_YOUR_CALM = 11,
  HTTP_1_1_REQUIRED = 13,
}
h2.END_STREAM, h2.ACK, h2.END_HEADERS = 0x1, 0x1, 0x4

local PREFACE = #"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

function h2.u32(number)
  return (">I4"):pack(number)
end

function h2.frame(kind, flags, stream, payload)
  payload = payload or ""
  return (">I3BBI4"):pack(#payload, h2.TYPES[kind] or kind, flags, stream) .. payload
end

-- A list of headers {name, value, …}, each a literal that enters no table.
function h2.block(list)
  local out = {}
  for i = 1, #list, 2 do
    for j, text in ipairs {list[i], list[i + 1]} do
      assert(#text < 127)
      out[#out + 1] = (j == 1 and "\0" or "") .. ("B"):pack(#text) .. text
    end
  end
  return table.concat(out)
end

local session = {}
session.__index = session

local function receive(self)
  local connection, server = self.connection, self.server
  for head in function() return connection:xread(9) end do
    local length, kind, flags, stream = (">I3BBI4"):unpack(head)
    if length > 0 then
      connection:xread(length)
    end
    if kind == h2.TYPES.HEADERS then
      server.requests, self.stream, self.head = server.requests + 1, stream, true
    elseif kind == h2.TYPES.SETTINGS and flags == 0 and self.polite then
      self:send("SETTINGS", h2.ACK, 0)
    end
    if kind <= h2.TYPES.HEADERS and flags % 2 == h2.END_STREAM then
      server.bodies, self.whole = (server.bodies or 0) + 1, true
    end
    self.news:signal()
  end
end

local function watch(self)
  local ok, why = pcall(receive, self)
  self.gone = true
  self.news:signal()
  assert(ok or self.was_reset or tostring(why):find "socket closed", why) -- the server is done, and closed it itself
end

-- Reads the client's preface and sends `settings`, a SETTINGS frame's payload; nothing where it is false.
function h2.open(connection, server, settings)
  local self = setmetatable({
    connection = connection, server = server, news = condition.new(), stream = 1, polite = settings ~= false,
  }, session)
  connection:xread(PREFACE)
  if self.polite then
    self:send("SETTINGS", 0, 0, settings)
  end
  cqueues.running():wrap(watch, self)
  return self
end

-- False where the client has left.
function session:write(bytes)
  return not self.gone and self.connection:xwrite(bytes) and true or false
end

function session:send(...)
  return self:write(h2.frame(...))
end

-- Returns when the client has sent the "head" of a request, or "whole" of it.
function session:await(what)
  while not self.gone and not self[what] do
    self.news:wait()
  end
end

-- What is awaited next is another request.
function session:again()
  self.head, self.whole = nil, nil
end

-- The head of a good answer, or of the one given.
function session:answer(list, flags)
  return self:send("HEADERS", h2.END_HEADERS + (flags or 0), self.stream, h2.block(list or {":status", "200"}))
end

function session:reset()
  self.was_reset = true
  cqueues.cancel(self.connection:pollfd())
  raw.reset(self.connection)
end

-- Returns when the client has left.
function session:silence()
  while not self.gone do
    self.news:wait()
  end
end

return h2
