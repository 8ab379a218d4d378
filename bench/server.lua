-- The bench's servers: nginx with the answers as static files, in a scratch folder of their own, and the late one
-- behind it. Each ends with a pipe whose other end is here: however this process ends, they do.

local mime = require "mime"
local socket = require "socket"

local server = {}
server.__index = server

local CONFIGURATION = [[
daemon off;
master_process off;
pid nginx.pid;
error_log error.log;
events { worker_connections 16384; }
http {
  access_log off;
  client_body_temp_path temporary;
  proxy_temp_path temporary;
  fastcgi_temp_path temporary;
  uwsgi_temp_path temporary;
  scgi_temp_path temporary;
  default_type application/json;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000;
  keepalive_timeout 600s;
  proxy_read_timeout 600s;
  ssl_certificate certificate.pem;
  ssl_certificate_key key.pem;
  map $connection_requests $first_tiny { 1 /tiny.json; default /big.json; }
  server {
    listen 127.0.0.1:@plain@;
    listen 127.0.0.1:@tls@ ssl;
    listen 127.0.0.1:@h2@ ssl http2;
    root .;
    # A static file has no POST; the error's page is the file.
    location /big/ { error_page 405 =200 /big.json; return 405; }
    location /tiny/ { error_page 405 =200 /tiny.json; return 405; }
    location /first-tiny/ { error_page 405 =200 $first_tiny; return 405; }
    location /late/ { proxy_pass http://127.0.0.1:@late@; }
  }
}
]]

local function quote(word)
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

local function write(path, text)
  local file = assert(io.open(path, "wb"))
  assert(file:write(text))
  assert(file:close())
end

local function free_port()
  local listener = assert(socket.bind("127.0.0.1", 0))
  local _, port = listener:getsockname()
  listener:close()
  return math.tointeger(tonumber(port))
end

-- A PNG of noise with exactly so many bytes, painted by the stand-in.
local function picture(bytes)
  local path = package.path
  package.path = "spec/standin/?.lua;" .. path
  local painted = require "picture".of {width = 1024, height = 1024, bytes = bytes, text = "bench"}
  package.path = path
  return painted.bytes
end

local function answer(bytes)
  return ('{"created":1760000000,"id":"bench","data":[{"seed":7,"finish_reason":"success","b64_json":"%s"}]}')
    :format((mime.b64(bytes)))
end

local function wait_for(what, condition)
  local deadline = socket.gettime() + 20
  while not condition() do
    assert(socket.gettime() < deadline, what .. " does not start")
    socket.sleep(0.02)
  end
end

local function listens(port)
  local connection = socket.connect("127.0.0.1", port)
  return connection and connection:close()
end

-- Runs a command in the background until our end of the pipe is closed; it ignores Ctrl-C, which is for us.
local function start(command)
  return assert(io.popen(("trap '' INT; ulimit -n $(ulimit -Hn); %s & child=$!; cat >/dev/null; kill $child; wait")
    :format(command), "w"))
end

-- `folder` is made anew. `bytes` is the picture's size. Sets plain, tls, h2 and late: the base URLs' beginnings.
function server.start(folder, bytes)
  local self = setmetatable({folder = folder, certificate = folder .. "/certificate.pem"}, server)
  assert(os.execute(("rm -rf %s && mkdir -p %s/temporary"):format(quote(folder), quote(folder))))
  write(folder .. "/big.json", answer(picture(bytes)))
  write(folder .. "/tiny.json", answer(picture(2000)))
  assert(os.execute(("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 "
    .. "-subj /CN=bench -addext subjectAltName=IP:127.0.0.1 -keyout %s/key.pem -out %s/certificate.pem "
    .. "2>%s/openssl.log"):format(quote(folder), quote(folder), quote(folder))))
  local ports = {plain = free_port(), tls = free_port(), h2 = free_port()}
  self.late_process = assert(io.popen(("exec %s bench/late.lua 2 >%s/late.port"):format(
    server.lua(), quote(folder)), "w"))
  wait_for("the late server", function()
    local file <close> = io.open(folder .. "/late.port")
    ports.late = file and file:read "n"
    return ports.late
  end)
  write(folder .. "/nginx.conf", (CONFIGURATION:gsub("@(%w+)@", ports)))
  local here = quote(folder)
  self.process = start(('PATH="$PATH:/usr/sbin:/sbin" nginx -e error.log -p %s -c nginx.conf 2>%s/nginx.log')
    :format(here, here))
  wait_for("nginx", function() return listens(ports.h2) end)
  self.plain = "http://127.0.0.1:" .. ports.plain
  self.tls = "https://127.0.0.1:" .. ports.tls
  self.h2 = "https://127.0.0.1:" .. ports.h2
  self.late = "http://127.0.0.1:" .. ports.late
  return self
end

-- The interpreter that runs this, for its children.
function server.lua()
  local first = 0
  while arg[first - 1] do
    first = first - 1
  end
  return quote(arg[first])
end

function server:stop()
  for _, name in ipairs {"process", "late_process"} do
    if self[name] then
      self[name]:close()
      self[name] = nil
    end
  end
end

server.__close = server.stop

return server
