-- Servers in the spec's own process that do to a connection whatever a function says, over TCP or TLS. The client under
-- test lives on a thread of its own; this thread runs all servers while it waits for the client's jobs.

local cqueues = require "cqueues"
local condition = require "cqueues.condition"
local socket = require "cqueues.socket"
local raw_socket = require "socket"
local ssl_context = require "openssl.ssl.context"
local x509_chain = require "openssl.x509.chain"
local support = require "spec.support"

local raw = {}

local loop = cqueues.new()
local PATIENCE = 30

local function quiet(connection)
  connection:onerror(function(_, _, why) return why end)
  connection:setmode("b", "bn")
  return connection
end

local server = {}
server.__index = server

-- A TLS context for what authority.issue made. `protocol` is what ALPN selects; `chain` lists the certificates sent
-- along; `version` is one of OpenSSL's, all of them where nil.
function raw.context(issued, protocol, chain, version)
  local context = ssl_context.new(version or "TLS", true)
  context:setCipherList "DEFAULT:@SECLEVEL=0" -- OpenSSL knows better than to serve what is refused here
  assert(context:setPrivateKey(issued.key))
  assert(context:setCertificate(issued.certificate))
  if chain then
    local list = x509_chain.new()
    for _, one in ipairs(chain) do
      list:add(one.certificate)
    end
    assert(context:setCertificateChain(list))
  end
  context:setAlpnSelect(function(_, offered)
    for _, one in ipairs(offered) do
      if one == (protocol or "http/1.1") then
        return one
      end
    end
  end)
  return context
end

-- Each connection that comes is given to `serve(connection, server)` and closed after it. With a `context`, TLS is
-- spoken before that; `secured` counts the connections that got that far, `requests` what server:request saw.
function raw.listen(serve, context)
  local listener = quiet(socket.listen {host = "127.0.0.1", port = 0})
  listener:listen()
  local self = setmetatable({connections = 0, secured = 0, requests = 0, open = 0, over = condition.new()}, server)
  self.host = ("127.0.0.1:%d"):format((select(3, listener:localname())))
  local function one(connection)
    local ok, why = pcall(function()
      if not context or connection:starttls(context, PATIENCE) then
        self.secured = self.secured + (context and 1 or 0)
        serve(connection, self)
      end
    end)
    self.failure = self.failure or (not ok and why) or nil
    connection:close()
    self.open = self.open - 1
  end
  local arrival = {pollfd = listener:pollfd(), events = "r"}
  loop:wrap(function()
    while cqueues.poll(arrival, self.over) ~= self.over do
      local connection = listener:accept(nil, 0)
      if connection then
        self.connections, self.open = self.connections + 1, self.open + 1
        loop:wrap(one, quiet(connection))
      end
    end
    listener:close()
  end)
  return self
end

-- Close the clients first: what is asked here is that they have let go of every connection.
function server:close()
  raw.run("the end of all connections", function() return self.open == 0 end)
  self.over:signal()
  self.over:signal()
  assert(not self.failure, self.failure)
end

server.__close = server.close

-- One HTTP/1.1 request, whole: its head, its body. Nil where the client leaves before.
function server:request(connection)
  local head, length = {}, 0
  repeat
    local line = connection:xread "*L"
    head[#head + 1] = line
    length = tonumber((line or ""):lower():match "^content%-length: (%d+)") or length
  until not line or line == "\r\n"
  if #head > 0 then
    self.requests = self.requests + 1
  end
  local body = length > 0 and connection:xread(length) or ""
  return head[#head] == "\r\n" and body and table.concat(head) or nil, body
end

-- Returns when the client has left.
function raw.silence(connection)
  repeat until not connection:xread(-65536)
end

-- Ends the connection by a reset. cqueues has no call for it; LuaSocket has, but must not keep the descriptor.
function raw.reset(connection)
  local tcp = raw_socket.tcp()
  tcp:setfd(connection:pollfd())
  tcp:setoption("linger", {on = true, timeout = 0})
  tcp:setfd(-1)
  connection:close()
end

-- The connection below TLS.
function raw.below(connection)
  return quiet(socket.dup(connection:pollfd()))
end

-- Runs the servers until `holds()` is true, for at most `patience` seconds.
function raw.run(what, holds, patience)
  local deadline = cqueues.monotime() + (patience or 30)
  while not holds() do
    assert(loop:step(0.002))
    assert(cqueues.monotime() < deadline, what .. " did not happen")
  end
end

-- What a job gives, which runs to its end.
function raw.finish(job)
  raw.run("the end of the job", function() return job:status() == "failed" or job:status() == "done" end)
  return job:result()
end

function raw.failure(job)
  return support.failure(raw.finish(job))
end

-- What this process has open, garbage aside.
local function held()
  collectgarbage()
  collectgarbage()
  return support.threads(), support.descriptors()
end

-- Calls f, which is to leave no thread and no descriptor behind.
function raw.traceless(f)
  local threads, descriptors = support.settled()
  f()
  raw.run("the end of threads and descriptors", function()
    local now, open = held()
    return now <= threads and open <= descriptors
  end)
end

return raw
