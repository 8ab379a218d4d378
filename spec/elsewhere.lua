-- lua5.4 spec/elsewhere.lua FOLDER COMMAND…: runs spec/smoke.lua by COMMAND, which is a Lua of another system or
-- processor under an emulator, beside servers that are this machine's own. Needs the module of this machine. FOLDER,
-- where files go, is named as that Lua finds it too.

local certificates = require "spec.support.certificates"
local raw = require "spec.support.raw"
local standin = require "spec.standin"
local support = require "spec.support"

local PATIENCE = 480 -- seconds: an emulator is slow

local folder = assert(arg[1], "a folder is wanted")
local command = support.words(table.unpack(arg, 2))
os.execute("rm -rf " .. support.quote(folder) .. " && mkdir -p " .. support.quote(folder))

local function path(name)
  return folder .. "/" .. name
end

local servers = {}

-- A server of TLS whose answer tells that the request came through.
local function serve(case)
  local server = raw.listen(function(connection, self)
    if self:request(connection) then
      connection:xwrite "HTTP/1.1 500 It came through\r\nContent-Length: 0\r\n\r\n"
    end
    raw.silence(connection)
  end, certificates.context(case))
  servers[#servers + 1] = server
  return ("https://%s/v1"):format((server.host:gsub("127.0.0.1", case.host or "%0"))), server
end

local plain = standin.start()
local tls = standin.start {tls = true, ca = path "ca.pem"}
local tls1 = standin.start {tls = true, http1 = true, ca = path "ca1.pem"}
local written = {"return {"}

local function fact(name, value)
  written[#written + 1] = ("  %s = %q,"):format(name, value)
end

fact("folder", folder)
fact("cache", path "kept – ü 灯")
os.execute("mkdir " .. support.quote(path "kept – ü 灯"))
fact("plain", plain.base_url)
fact("tls", tls.base_url)
fact("ca", tls.ca)
fact("tls1", tls1.base_url)
fact("ca1", tls1.ca)
fact("picture", support.write(path "expected.png", support.painted {prompt = "a lighthouse", seed = 7}))
fact("authority", support.write(path "authority.pem", certificates.ours.pem))
fact("good", (serve {}))
fact("closed", "http://127.0.0.1:1/v1")
written[#written + 1] = "  refused = {"
local refused = {}
for _, case in ipairs(certificates.REFUSED) do
  local url, server = serve(case)
  refused[case[1]] = server
  written[#written + 1] = ("    {name = %q, url = %q},"):format(case[1], url)
end
written[#written + 1] = "  },\n}\n"
support.write(path "facts.lua", table.concat(written, "\n"))

-- One run; the servers of this process run meanwhile. True: it ended well.
local function run(...)
  local status = path "status"
  os.remove(status)
  os.execute(("{ env -u SSL_CERT_FILE -u SSL_CERT_DIR %s %s; echo $? >%s.new; mv %s.new %s; } </dev/null &"):format(
    command, support.words("spec/smoke.lua", path "facts.lua", ...), status, status, status))
  raw.run("the end of " .. command, function() return support.read(status) end, PATIENCE)
  return support.read(status) == "0\n"
end

local good = run()
if not run "leave" then
  good = false
  print "FAILED: a process that ends with a request under way"
end
-- A command that has the system trust the authority of a file: what it then refuses is not for want of authorities.
local trust = os.getenv "STEPIMG_TRUST"
if trust and not (os.execute(trust .. " " .. support.quote(path "authority.pem")) and run "trusting") then
  good = false
  print "FAILED: what the system trusts is not trusted, or something else is"
end
for name, server in pairs(refused) do
  if server.requests > 0 then
    good = false
    print(("FAILED: %d requests went to a server whose certificate %s"):format(server.requests, name))
  end
end
for _, server in ipairs {plain, tls, tls1} do
  server:stop()
end
local left = {}
for _, name in ipairs(support.names(folder)) do
  left[#left + 1] = name:match "%.part$"
end
if #left > 0 then
  good = false
  print "FAILED: a temporary file is left"
end
os.exit(good)
