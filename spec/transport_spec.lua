-- How a request travels: addresses, certificates, proxies, and the bounds of time and size.

local cqueues = require "cqueues"
local socket = require "socket"
local standin = require "spec.standin"
local stepimg = require "stepimg"
local support = require "spec.support"

local PARAMS = {prompt = "a lighthouse", seed = 7}
local LINK = {prompt = "a lighthouse", seed = 7, response_format = "url"}
local PATIENCE = 0.25   -- more than any request here takes that is answered at all

local function with(knobs, response_format)
  return {prompt = support.prompt(knobs), seed = 7, response_format = response_format}
end

for _, way in ipairs(support.WAYS) do
  describe("A request over " .. way.name, function()
    local server = support.standin(way.setting)

    it("goes to the base URL's path, however deep, with or without slashes at its end", function()
      local origin = server.base_url:match "^%w+://[^/]+"
      for base, path in pairs {
        ["/v1"] = "/v1", ["/v1/"] = "/v1", ["/v1///"] = "/v1", ["/step_plan/v1"] = "/step_plan/v1", [""] = "",
        ["/"] = "", ["/a/b%20c/d"] = "/a/b%20c/d",
      } do
        local client <close> = support.client(server, {base_url = origin .. base})
        assert(client:generate(PARAMS))
        assert.equal(path .. "/images/generations", (support.request(server)).path)
      end
    end)

    it("names stepimg, or what user_agent says", function()
      local client <close> = support.client(server)
      local other <close> = support.client(server, {user_agent = "my game/1.0"})
      assert(client:generate(PARAMS))
      assert.matches("^stepimg/%d", support.request(server).headers["user-agent"])
      server:reset()
      assert(other:generate(LINK))
      for _, request in ipairs(server:log().requests) do
        assert.equal("my game/1.0", request.headers["user-agent"])
      end
    end)

    it("ends as a timeout when the service is silent at any point, as option of the call or the client", function()
      local client <close> = support.client(server)
      assert(client:generate(LINK))
      for _, stage in ipairs {"request", "headers", "body"} do
        for _, format in ipairs {"b64_json", "url"} do
          local knob = format == "url" and "picture_stall" or "stall"
          local err = support.failure(client:generate(with({[knob] = stage}, format), {timeout = PATIENCE}))
          assert.fields({kind = "timeout", maybe_billed = true, attempts = 1}, err)
          assert.equal(format == "url", err.url ~= nil)
          assert.equal(stage == "request", err.message:find "^no answer from " ~= nil, err.message)
          assert.matches("; see timeout and deadline$", err.message:gsub("; the picture may have been made.*", ""))
        end
      end
      local hasty <close> = support.client(server, {timeout = PATIENCE})
      assert.equal("timeout", support.failure(hasty:generate(with {stall = "body"})).kind)
      assert(client:generate(PARAMS), "the client is not of use any more")
    end)

    it("refuses an answer beyond max_response_bytes, announced or not, in the JSON or behind a link", function()
      local client <close> = support.client(server, {max_response_bytes = 200000})
      for _, format in ipairs {"b64_json", "url"} do
        local fits = assert(client:generate(with({bytes = 140000}, format)))
        assert.equal(140000, #fits.image.bytes)
        for _, chunked in ipairs {false, true} do
          local knobs = {bytes = 300000, chunked = chunked, picture_chunked = chunked}
          local err = support.failure(client:generate(with(knobs, format)))
          assert.fields({kind = "protocol", maybe_billed = true}, err)
          assert.matches("max_response_bytes", err.message, 1, true)
          assert.equal(format == "url", err.url ~= nil)
        end
      end
    end)
  end)
end

describe("TLS", function()
  local server = support.standin {tls = true}
  local other = support.standin {tls = true, cert_host = "example.org"}

  local function refusal(options)
    options.retries = 0
    local client <close> = assert(stepimg.new(options))
    return support.failure(client:generate(PARAMS))
  end

  it("refuses an authority that nobody vouches for, and a certificate of another host", function()
    for _, case in ipairs {
      {base_url = server.base_url}, {base_url = other.base_url, ca_file = other.ca},
      {base_url = server.base_url, ca_file = other.ca},
    } do
      local err = refusal {api_key = support.KEY, base_url = case.base_url, ca_file = case.ca_file}
      assert.equal("network", err.kind)
      assert.is_nil(err.maybe_billed)
      assert.is_nil(err.status)
      assert.matches("no secure connection", err.message)
    end
    assert.same({0, 0}, {server:log().posts, other:log().posts})
    assert(support.client(server):generate(PARAMS))
  end)

  it("is refused where ca_file holds no authorities", function()
    local file = support.write(os.tmpname(), "none")
    local err = refusal {api_key = support.KEY, base_url = server.base_url, ca_file = file}
    os.remove(file)
    assert.fields({kind = "network", maybe_billed = support.ABSENT, attempts = 1}, err)
    assert.matches("^127%.0%.0%.1: no secure connection: ca_file holds no authorities %(", err.message)
  end)

  it("is refused where the system has no authorities, with a word on what to do", function()
    -- A view of the system's folders in which they are gone.
    local bare = 'for folder in /etc/ssl /etc/pki; do '
      .. '[ ! -d "$folder" ] || mount -t tmpfs none "$folder" || exit; done; exec "$@"'
    local script = support.write(os.tmpname(), ([[
      local client = assert(require "stepimg".new {api_key = "k", base_url = %q})
      print(select(2, client:generate {prompt = "x"}))
    ]]):format(server.base_url))
    local function run(...)
      local pipe = assert(io.popen(support.words("unshare", "-m", "sh", "-c", bare, "sh", ...) .. " 2>&1"))
      return pipe:read "*a", pipe:close()
    end
    local refused, allowed = run "true"
    if not allowed then
      pending("there is no view of its own to be had: " .. refused)
      return
    end
    assert.matches("^network: 127%.0%.0%.1: no secure connection: this system has no authorities to trust; "
      .. "install ca%-certificates, or set ca_file %([^\n]+%)\n$",
      (run("env", "-u", "SSL_CERT_FILE", "-u", "SSL_CERT_DIR", "LUA_CPATH=" .. support.CPATH, support.interpreter(),
        script)))
    os.remove(script)
  end)

  it("is checked for the picture's host as well", function()
    local client <close> = support.client(server)
    local url = other.picture_url .. "/pictures/1.png"
    local err = support.failure(client:generate(with({url = url}, "url")))
    assert.fields({kind = "network", url = url, maybe_billed = true}, err)
    assert.equal(0, other:log().gets)
  end)

  it("says at once that ca_file cannot be read", function()
    local err = support.failure(stepimg.new {api_key = "k", ca_file = "spec/no such file.pem"})
    assert.fields({kind = "invalid", field = "ca_file"}, err)
  end)

  it("says at once that ca_file is a pipe, which a connection would wait for", function()
    local path = os.tmpname()
    os.remove(path)
    assert(os.execute("mkfifo " .. support.quote(path)))
    local made, err = stepimg.new {api_key = support.KEY, ca_file = path}
    os.remove(path)
    assert.is_nil(made)
    assert.fields({kind = "invalid", field = "ca_file"}, err)
    assert.matches("cannot be read", err.message, 1, true)
  end)

  it("reads its authorities once for all connections of a client, with libcurl 7.87 or newer", function()
    local copy = support.write(os.tmpname(), support.read(server.ca))
    local client <close> = support.client(server, {ca_file = copy})
    assert(client:generate(PARAMS))
    os.remove(copy)
    assert(client:generate(LINK)) -- connects to the picture's host
  end)

  it("gives up after connect_timeout when the handshake stands still", function()
    local silent <close> = setmetatable({}, {__close = function(self) self.socket:close() end})
    silent.socket = assert(socket.bind("127.0.0.1", 0))
    local _, port = silent.socket:getsockname()
    local began = cqueues.monotime()
    local err = refusal {
      api_key = support.KEY, base_url = ("https://127.0.0.1:%d/v1"):format(port), connect_timeout = 0.2, timeout = 20,
    }
    assert.fields({kind = "timeout", attempts = 1}, err)
    assert.is_true(cqueues.monotime() - began < 10)
    assert.is_nil(err.maybe_billed)
  end)
end)

describe("The proxy option", function()
  for _, way in ipairs(support.WAYS) do
    it("sends everything through the proxy over " .. way.name, function()
      local server <close> = standin.start(way.setting)
      local proxy <close> = support.serve "spec/support/proxy.lua"
      local client <close> = support.client(server, {proxy = "http://127.0.0.1:" .. proxy:line()})
      assert.is_true(support.painted {seed = 7} == assert(client:generate(LINK)).image.bytes)
      local post, get = proxy:stop():match "^(.-)\n(.-)\n$"
      if server.ca then
        assert.matches("^CONNECT 127.0.0.1:%d+ ", post)
        assert.matches("^CONNECT 127.0.0.1:%d+ ", get)
        assert.not_matches(support.KEY, post, 1, true)
      else
        assert.matches("POST " .. server.base_url .. "/images/generations ", post, 1, true)
        assert.matches("GET " .. server.picture_url .. "/pictures/", get, 1, true)
      end
      assert.not_matches(support.KEY, get, 1, true)
      assert.equal(way.version, support.request(server).version)
    end)
  end

  it("ends as a network error when nobody listens there", function()
    local server <close> = standin.start()
    local client <close> = support.client(server, {proxy = "http://127.0.0.1:1"})
    local err = support.failure(client:generate(PARAMS))
    assert.equal("network", err.kind)
    assert.is_nil(err.maybe_billed)
    assert.equal(0, server:log().posts)
  end)

  it("is refused where it would carry the key over the net in plain text, or is no address", function()
    for _, proxy in ipairs {"http://10.1.2.3:8080", "10.1.2.3", "http://"} do
      local err = support.failure(stepimg.new {api_key = "k", base_url = "http://127.0.0.1:9/v1", proxy = proxy})
      assert.fields({kind = "invalid", field = "proxy"}, err)
    end
  end)

  it("is not taken from the environment for this machine", function()
    local server <close> = standin.start()
    local output = support.run([[
      print(require "stepimg".generate {prompt = "x"} ~= nil)
    ]], {STEP_API_KEY = "k", STEP_BASE_URL = server.base_url, http_proxy = "http://127.0.0.1:1"})
    assert.equal("true\n", output)
  end)
end)
