-- What the process around a client gives it and keeps from it: the environment, which is read when the client is made
-- and on no other thread; descriptors, which no child inherits.

local raw = require "spec.support.raw"
local hostile = require "spec.support.hostile"
local standin = require "spec.standin"
local support = require "spec.support"

local PARAMS = {prompt = "a lighthouse", seed = 7}

-- The tables of the kernel's: of each TCP socket of this machine, its inode and the port at its other end.
local function connections()
  local ports = {}
  for line in (support.read "/proc/net/tcp" or ""):gmatch "[^\n]+" do
    local port, inode = line:match "^%s*%d+: %x+:%x+ %x+:(%x+) %x+ %x+:%x+ %x+:%x+ %x+ +%d+ +%d+ (%d+)"
    if port then
      ports[inode] = tonumber(port, 16)
    end
  end
  return ports
end

-- How many descriptors this process has on connections to that port, and how many of them a child would inherit.
local function sockets_to(port)
  local ports, count, inherited = connections(), 0, 0
  local pid = support.read "/proc/self/stat":match "^%d+"
  local pipe = assert(io.popen("ls -l /proc/" .. pid .. "/fd"))
  for line in pipe:lines() do
    local descriptor, inode = line:match " (%d+) %-> socket:%[(%d+)%]"
    if inode and ports[inode] == port then
      local flags = support.read("/proc/self/fdinfo/" .. descriptor):match "flags:%s*(%d+)"
      count = count + 1
      inherited = inherited + (tonumber(flags, 8) & tonumber("02000000", 8) == 0 and 1 or 0)
    end
  end
  pipe:close()
  return count, inherited
end

describe("A connection", function()
  it("is inherited by no program that the host starts", function()
    if not support.read "/proc/net/tcp" then
      pending "there is no /proc to look into"
      return
    end
    local server <close> = raw.listen(function(connection, self)
      while self:request(connection) do
        connection:xwrite(hostile.whole(hostile.BODY))
      end
    end)
    local client <close> = support.client({}, {base_url = ("http://%s/v1"):format(server.host)})
    assert(raw.finish(assert(client:submit(PARAMS))))
    local count, inherited = sockets_to(tonumber(server.host:match "%d+$"))
    assert.same({1, 0}, {count, inherited})
    client:close()
  end)
end)

describe("The environment", function()
  -- Without this folder's own path: in a list of libraries a space begins the next.
  local WATCH = "./build/environment.so"
  local WORK = [[
    local client, err = require "stepimg".new {base_url = %q, retries = 0}
    local result
    if client then
      result, err = client:generate {prompt = "x"}
    end
    print(result and "a picture" or err)
  ]]

  it("is read on the thread that makes a client, and on no other", function()
    if support.NO_FIGURES then
      pending "a sanitizer watches as well"
      return
    end
    local plain <close> = standin.start()
    local secure <close> = standin.start {tls = true}
    for _, server in ipairs {plain, secure} do
      for _, proxy in ipairs {"", "http://127.0.0.1:1"} do
        local output = support.run(WORK:format(server.base_url), {
          LD_PRELOAD = WATCH, STEP_API_KEY = "k", SSL_CERT_FILE = server.ca, https_proxy = proxy,
          no_proxy = "example.org",
        })
        assert.matches("a picture", output)
        assert.matches("\nwatched\n$", output)
        assert.not_matches("elsewhere", output)
      end
    end
    local output = support.run(WORK:format "https://stepimg.invalid/v1", {
      LD_PRELOAD = WATCH, STEP_API_KEY = "k", https_proxy = "http://nobody.invalid:1",
    })
    assert.matches("nobody.invalid", output)
    assert.not_matches("elsewhere", output)
  end)

  it("names the authorities, where ca_file does not", function()
    local server <close> = standin.start {tls = true}
    local other = support.write(os.tmpname(), support.part "authority".new({name = "another authority"}).pem)
    local folder = support.directory()
    local hash = io.popen("openssl x509 -hash -noout -in " .. support.quote(server.ca)):read "*l"
    support.write(folder .. "/" .. tostring(hash) .. ".0", support.read(server.ca))
    local function output(environment)
      environment.STEP_API_KEY = "k"
      return support.run(WORK:format(server.base_url), environment)
    end
    assert.equal("a picture\n", output {SSL_CERT_FILE = server.ca})
    assert.equal("a picture\n", output {SSL_CERT_FILE = other, SSL_CERT_DIR = folder})
    assert.matches("^network: .*ca_file.*ca%-certificates", output {SSL_CERT_FILE = other})
    assert.matches("^invalid: ca_file: .*SSL_CERT_FILE", output {SSL_CERT_FILE = folder .. "/none"})
    if hash then
      assert.equal("a picture\n", output {SSL_CERT_DIR = folder})
    end
    support.remove(folder)
    os.remove(other)
  end)
end)

describe("A suspend", function()
  for _, way in ipairs(support.WAYS) do
    it("ends the use of connections from before it, over " .. way.name, function()
      if support.NO_FIGURES then
        pending "a sanitizer has the clock"
        return
      end
      local server <close> = standin.start(way.setting)
      local suspended = os.tmpname()
      os.remove(suspended)
      local output = support.run(([[
        local client = assert(require "stepimg".new {base_url = %q, retries = 0, ca_file = %s})
        local function connections()
          return assert(client:generate {prompt = "x"}).timing.connect > 0 and "new" or "kept"
        end
        print(connections(), connections())
        io.open(%q, "w"):close()
        print(connections(), connections())
        os.remove(%q)
        print(connections())
      ]]):format(server.base_url, server.ca and ("%q"):format(server.ca) or "nil", suspended, suspended), {
        LD_PRELOAD = "./build/suspend.so", STEP_API_KEY = "k", SUSPENDED = suspended,
      })
      assert.equal("new\tkept\nnew\tkept\nkept\n", output)
    end)
  end
end)

describe("A process", function()
  -- What a script prints in a process that such words of a shell start.
  local function limited(words, script, base_url)
    local file = support.write(os.tmpname(), script)
    assert(os.execute("chmod a+r " .. support.quote(file)))
    local pipe = assert(io.popen(words .. support.words("env",
      "LUA_CPATH=" .. support.CPATH, "STEP_API_KEY=k", "STEP_BASE_URL=" .. base_url, support.interpreter(), file)
      .. " 2>&1"))
    local output = pipe:read "*a"
    pipe:close()
    os.remove(file)
    return output
  end

  it("without a descriptor left refuses a job, and takes the next when there is one again", function()
    local server <close> = standin.start()
    local output = limited("ulimit -n 64; ", [[
      local client = assert(require "stepimg".new {retries = 0})
      local held = {}
      for file in function() return io.open "/dev/null" end do
        held[#held + 1] = file
      end
      for free = 0, 1 do
        local job, err = client:submit {prompt = "x"}
        print(free, job and "a job" or err.kind, err and err.maybe_billed)
        table.remove(held):close()
      end
      for _, file in ipairs(held) do
        file:close()
      end
      print(assert(client:generate {prompt = "x"}).image.format)
    ]], server.base_url)
    -- With one, an older libcurl refuses, and a newer one, to which an eventfd is enough to be woken by, begins.
    assert.matches("^0\tnetwork\tnil\n1\t%l[%l ]+\tnil\npng\n$", output)
  end)

  it("without a thread left refuses a job, and does not raise", function()
    if support.NO_FIGURES then
      pending "a sanitizer writes files that nobody else may"
      return
    end
    local words = "prlimit --nproc=1 "
    if io.popen("id -u"):read "*l" == "0" then -- who has no limit
      words = words .. "setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all "
    end
    if not os.execute(words .. "true 2>/dev/null") then
      pending "there is no such limit to be had"
      return
    end
    local server <close> = standin.start()
    local output = limited(words, [[
      local client = assert(require "stepimg".new {retries = 0})
      print(select(2, client:submit {prompt = "x"}).kind)
    ]], server.base_url)
    assert.equal("network\n", output)
  end)
end)

describe("A host that allows no undeclared globals", function()
  it("loads the module", function()
    local output = support.run [[
      setmetatable(_G, {__index = function(_, name) error("undeclared: " .. tostring(name), 2) end})
      print(type(require "stepimg".new))
    ]]
    assert.equal("function\n", output)
  end)
end)
