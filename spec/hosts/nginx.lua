-- nginx with two workers, a client in each, and requests that wait for pictures in nginx's own loop.

local stage = require "spec.hosts.stage"

local host = {name = "nginx", lua = "luajit"}
local MODULES = (os.execute "test -d /usr/lib/nginx/modules" and "/usr/lib" or "/usr/share") .. "/nginx/modules"

function host.missing()
  return not stage.has_program "nginx" and "no nginx" or not stage.has_program "curl" and "no curl"
    or not stage.read(MODULES .. "/ngx_http_lua_module.so") and "no Lua in nginx" or nil
end

local CONFIGURATION = [[
load_module MODULES/ndk_http_module.so;
load_module MODULES/ngx_http_lua_module.so;
user root; # who started this, of whose files it is; else the workers are somebody else
daemon off;
pid HOME/pid;
error_log stderr warn;
worker_processes 2;
events { worker_connections 64; }
ENVIRONMENT
http {
  access_log off;
  client_body_temp_path HOME/1; proxy_temp_path HOME/2; fastcgi_temp_path HOME/3; uwsgi_temp_path HOME/4; scgi_temp_path HOME/5;
  lua_package_path "ROOT/spec/hosts/inside/?.lua;;";
  lua_package_cpath "ROOT/build/luajit/?.so;;";
  init_worker_by_lua_block { worker = require "nginx"; worker.start() }
  server {
    listen unix:HOME/socket;
    keepalive_timeout 0;
    location = /picture { content_by_lua_block { worker.answer() } }
    location = /alive { content_by_lua_block { ngx.say(ngx.worker.id()) } }
  }
}
]]

local function command(at, part, home)
  local variables = {}
  for name in ("HOST_PART HOST_ROOT HOST_HOME HOST_STALLS STEP_API_KEY STEP_BASE_URL SSL_CERT_FILE"):gmatch "%S+" do
    table.insert(variables, "env " .. name .. ";")
  end
  local root = stage.ROOT:gsub('[\\"]', "\\%0")
  local values = {MODULES = MODULES, HOME = home, ROOT = root, ENVIRONMENT = table.concat(variables, " ")}
  stage.write(home .. "/nginx.conf", (CONFIGURATION:gsub("%f[%u]%u%u%u%u+%f[^%u]", values)))
  return at:environment(host, home, {HOST_PART = part}),
    stage.words("nginx", "-e", "stderr", "-p", home, "-c", home .. "/nginx.conf")
end

-- A shell job beside nginx that does `script` and then ends nginx fast, with what it has under way. What it waits for
-- does not come where nginx is gone, whose pid the script gets.
local function beside(home, script)
  local file = stage.write(home .. "/beside.sh", "nginx=$1\nrest() { kill -0 $nginx || exit 1; sleep 0.02; }\n" .. script
    .. "\necho ending\nkill -TERM $(cat pid)\n")
  return ("(cd %s && sh %s $$) & exec "):format(stage.quote(home), stage.quote(file))
end

-- nginx itself ends well where a worker crashed.
local function on_line(line)
  assert(not line:find "exited on signal", line)
end

function host.works(at)
  local home = at:directory()
  local environment, nginx = command(at, "paints", home)
  local get = "curl -s --unix-socket socket -D head$i -o out$i 'http://localhost/picture?%7B%22delay%22:0.4%7D%20a%20mill'"
  local script = table.concat({
    "until curl -s --unix-socket socket http://localhost/alive; do rest; done",
    "for i in 1 2 3 4 5 6 7 8; do " .. get .. " & done",
    "for i in 1 2 3 4 5 6 7 8; do curl -s --unix-socket socket http://localhost/alive -o alive$i; done; wait",
  }, "\n")
  local output, trouble = at:run(environment, "sh -c " .. stage.quote(beside(home, script) .. nginx), on_line)
  assert(not trouble, trouble and trouble .. ": " .. output)
  local workers = {}
  for i = 1, 8 do
    assert(stage.is_picture(home .. "/out" .. i), "a request got no picture: " .. output)
    workers[stage.read(home .. "/head" .. i):match "X%-Worker: (%d)"] = true
  end
  return ("8 requests at once, by worker%s"):format(workers["0"] and workers["1"] and "s 0 and 1" or " 0 or 1 alone")
end

function host.ends(at, part, home)
  local environment, nginx = command(at, part, home)
  local script = "until [ -e running-0 ] && [ -e running-1 ] && [ -s pid ]; do rest; done"
  return environment, "sh -c " .. stage.quote(beside(home, script) .. nginx), on_line
end

return host
