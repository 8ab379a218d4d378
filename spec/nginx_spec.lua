-- Behind nginx, which ends a connection of HTTP/2 after so many requests, those that are on their way then are lost.
-- The module counts, and leaves a connection before; where nginx was told to end it sooner, it learns that from the
-- first loss.

local socket = require "socket"
local hostile = require "spec.support.hostile"
local support = require "spec.support"

local authority = support.part "authority"

local LEFT_AFTER = 500 -- requests: CONNECTION_LIMIT
local AT_ONCE = 32

local CONF = [[
daemon off; worker_processes 1; pid DIR/pid; error_log DIR/error.log;
events {worker_connections 1024;}
http {
  log_format counts '$connection $connection_requests'; access_log DIR/access.log counts;
  client_body_temp_path DIR/b; proxy_temp_path DIR/p; fastcgi_temp_path DIR/f; uwsgi_temp_path DIR/u;
  scgi_temp_path DIR/s;
  client_body_buffer_size 64k; keepalive_requests LIMIT;
  server {
    listen 127.0.0.1:PORT ssl http2; ssl_certificate DIR/cert.pem; ssl_certificate_key DIR/key.pem;
    location / {default_type application/json; return 200 'BODY';}
  }
}
]]

local function program()
  local path = io.popen("command -v nginx || ls /usr/sbin/nginx 2>/dev/null"):read "*l"
  return path
end

local function free_port()
  local listener = assert(socket.bind("127.0.0.1", 0))
  local _, port = listener:getsockname()
  listener:close()
  return port
end

local function accepts(port)
  local connection = socket.connect("127.0.0.1", port)
  return connection and connection:close()
end

local server = {}
server.__index = server

-- `limit` requests a connection.
local function start(limit)
  local issued = authority.new()
  local self = setmetatable({directory = support.directory(), port = free_port()}, server)
  local certificate = authority.issue(issued)
  self.ca_file = support.write(self.directory .. "/ca.pem", issued.pem)
  support.write(self.directory .. "/cert.pem", certificate.pem)
  support.write(self.directory .. "/key.pem", certificate.key:toPEM "private")
  local given = {DIR = self.directory, PORT = self.port, LIMIT = limit, BODY = hostile.BODY}
  support.write(self.directory .. "/nginx.conf", (CONF:gsub("%u%u+", function(name)
    return given[name] and tostring(given[name])
  end)))
  self.pipe = assert(io.popen(("echo $$; exec %s 2>&1"):format(support.words(program(), "-c",
    self.directory .. "/nginx.conf", "-p", self.directory))))
  self.pid = self.pipe:read "*l"
  support.wait_until("the start of nginx", function() return accepts(self.port) end)
  return self
end

-- Of each connection how many requests nginx handled, the most first.
function server:counts()
  local most, counts = {}, {}
  for connection, requests in (support.read(self.directory .. "/access.log") or ""):gmatch "(%d+) (%d+)" do
    most[connection] = math.max(most[connection] or 0, tonumber(requests))
  end
  for _, count in pairs(most) do
    counts[#counts + 1] = count
  end
  table.sort(counts, function(a, b) return a > b end)
  return counts
end

function server:__close()
  os.execute("kill " .. self.pid)
  self.pipe:close()
  support.remove(self.directory)
end

describe("Behind nginx over HTTP/2", function()
  local function each(limit, f)
    if not program() then
      pending "there is no nginx"
      return
    end
    local nginx <close> = start(limit)
    local client <close> = support.client({}, {
      base_url = ("https://127.0.0.1:%d/v1"):format(nginx.port), ca_file = nginx.ca_file, max_concurrent = AT_ONCE,
    })
    -- How many of so many requests are lost.
    f(nginx, function(count)
      local lost = 0
      for _ = 1, count do
        assert(client:submit({prompt = "x"}, {on_done = function(_, err)
          assert(not err or err.kind == "network" and err.maybe_billed, tostring(err))
          lost = lost + (err and 1 or 0)
        end}))
      end
      support.wait_until("the end of all requests", function()
        client:update()
        return client:pending() == 0
      end)
      return lost
    end)
    client:close()
  end

  it("as it is by default no request is lost, for no connection gets as many as it takes", function()
    each(1000, function(nginx, lost)
      assert.equal(0, lost(3 * LEFT_AFTER))
      local counts = nginx:counts()
      assert.is_true(counts[1] <= LEFT_AFTER, ("a connection had %d requests"):format(counts[1]))
      assert.is_true(counts[1] > LEFT_AFTER / 2, ("no connection had more than %d requests"):format(counts[1]))
    end)
  end)

  it("that ends connections sooner, no request is lost once it is known", function()
    each(20, function(nginx, lost)
      local first = lost(300)
      assert.is_true(first < 300 / 4, ("%d of 300 are lost"):format(first))
      if first > 0 then
        assert.equal(0, lost(600))
      end
      assert.is_true(nginx:counts()[1] <= 20)
    end)
  end)
end)
