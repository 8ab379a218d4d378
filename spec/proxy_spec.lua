-- Which way a request takes, and what a proxy that stands in it can do: lead, ask who is there, refuse, be dead. What a
-- proxy refuses was never sent, and is told as the proxy's.

local cqueues = require "cqueues"
local condition = require "cqueues.condition"
local digest = require "openssl.digest"
local hostile = require "spec.support.hostile"
local json = require "cjson".new()
local mime = require "mime"
local raw = require "spec.support.raw"
local socket = require "cqueues.socket"
local support = require "spec.support"

local authority = support.part "authority"

local HOST = "api.localhost" -- this machine to libcurl, and any other to stepimg
local PICTURE = hostile.whole(hostile.BODY)
local PARAMS = {prompt = "a lighthouse"}
local PASSWORD = "s3cr3t-of-the-proxy"

local ours = authority.new()

local function md5(text)
  return (digest.new("md5"):final(text):gsub(".", function(byte) return ("%02x"):format(byte:byte()) end))
end

local function pump(from, to)
  for piece in function() return from:xread(-65536) end do
    if not to:xwrite(piece) then
      break
    end
  end
  to:shutdown "w"
end

local function lead(client, port)
  local server = socket.connect {host = "127.0.0.1", port = tonumber(port)}
  server:onerror(function(_, _, why) return why end)
  server:setmode("b", "bn")
  client:xwrite "HTTP/1.1 200 Connection established\r\n\r\n"
  local over = condition.new()
  local left = true
  cqueues.running():wrap(function()
    pump(client, server)
    left = false
    over:signal()
  end)
  pump(server, client)
  while left do
    over:wait()
  end
  server:close()
end

-- How a proxy can meet a request whose head is given: what it answers in the place of leading the way; nil: it leads.
local function ask(challenge, is_right)
  return function(head)
    local given = head:match "\r\nProxy%-Authorization: ([^\r]+)"
    if not given or not is_right(given, head) then
      return ("HTTP/1.1 407 Who?\r\n%sContent-Length: 0\r\n\r\n"):format(challenge)
    end
  end
end

local function is_basic(given)
  return given == "Basic " .. mime.b64("user:" .. PASSWORD)
end

local function is_digest(given, head)
  local uri, nonce = given:match 'uri="([^"]+)"', given:match 'nonce="([^"]+)"'
  local response = given:match 'response="([^"]+)"'
  local method = head:match "^%u+"
  return given:find "^Digest " and nonce == "n1" and head:find(uri, 1, true)
    and response == md5(md5("user:r:" .. PASSWORD) .. ":n1:" .. md5(method .. ":" .. uri))
end

local BASIC, DIGEST = 'Proxy-Authenticate: Basic realm="r"\r\n', 'Proxy-Authenticate: Digest realm="r", nonce="n1"\r\n'

local function refuse(status)
  return function()
    return ("HTTP/1.1 %d No\r\nContent-Length: 3\r\n\r\nno\n"):format(status)
  end
end

-- `heads` lists the heads of what it was asked, `bodies` what came with them.
local function listen(meet)
  local heads, bodies = {}, {}
  local proxy = raw.listen(function(client, self)
    while true do
      local head, body = self:request(client)
      if not head then
        return
      end
      heads[#heads + 1], bodies[#bodies + 1] = head, body
      local answer = meet and meet(head)
      if not answer then
        return lead(client, head:match "^CONNECT [^:]+:(%d+)")
      elseif not client:xwrite(answer) then
        return
      end
    end
  end)
  proxy.heads, proxy.bodies = heads, bodies
  return proxy
end

describe("The way of a request", function()
  local ca_file

  lazy_setup(function()
    ca_file = support.write(os.tmpname(), ours.pem)
  end)

  lazy_teardown(function()
    os.remove(ca_file)
  end)

  -- The service, over TLS; `bodies` are those of its POSTs.
  local function serve()
    local bodies = {}
    local server = raw.listen(function(connection, self)
      for _, body in function() return self:request(connection) end do
        bodies[#bodies + 1] = body
        connection:xwrite(PICTURE)
      end
    end, raw.context(authority.issue(ours, {name = HOST, names = {{"DNS", HOST}}})))
    server.bodies = bodies
    server.base_url = ("https://%s:%s/v1"):format(HOST, server.host:match "%d+$")
    return server
  end

  -- What a client gives in a process of its own, with such an environment: "a picture", or its error.
  local function child(server, environment, options)
    local given = {base_url = server.base_url, ca_file = ca_file, retries = 0, api_key = support.KEY}
    for name, value in pairs(options or {}) do
      given[name] = value
    end
    local out = os.tmpname()
    local process <close> = support.start(([[
      local options = require "cjson".decode(%q)
      local client, err = require "stepimg".new(options)
      local result
      if client then
        result, err = client:generate {prompt = "x"}
      end
      local file = assert(io.open(%q, "w"))
      file:write(result and "a picture" or tostring(err), "\n")
      file:close()
    ]]):format(json.encode(given), out), environment)
    raw.run("the end of the child", function() return (support.read(out) or ""):sub(-1) == "\n" end)
    local text = support.read(out):sub(1, -2)
    os.remove(out)
    process:finish()
    return text
  end

  local function with(meet, f)
    local proxy <close> = listen(meet)
    local server <close> = serve()
    f(proxy, server)
  end

  -- What a client here gives that goes through the proxy.
  local function through(proxy, server, options)
    local given = {
      base_url = server.base_url, ca_file = ca_file, retries = 0,
      proxy = ("http://user:%s@%s"):format(PASSWORD, proxy.host),
    }
    for name, value in pairs(options or {}) do
      given[name] = value
    end
    local client <close> = support.client({}, given)
    local result, err = raw.finish(assert(client:submit(PARAMS)))
    client:close()
    return result, err
  end

  for _, name in ipairs {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"} do
    it(("is through the proxy that the environment names in %s"):format(name), function()
      with(nil, function(proxy, server)
        assert.equal("a picture", child(server, {[name] = "http://" .. proxy.host}))
        assert.same({1, 1}, {#proxy.heads, #server.bodies})
        assert.matches("^CONNECT api%.localhost:%d+ ", proxy.heads[1])
        assert.not_matches(support.KEY, proxy.heads[1], 1, true)
      end)
    end)
  end

  for _, name in ipairs {"no_proxy", "NO_PROXY"} do
    for list, around in pairs {
      ["api.localhost"] = true, ["example.org,api.localhost"] = true, [".localhost"] = true, ["*"] = true,
      ["example.org"] = false, [""] = false,
    } do
      it(("is %sthrough the environment's proxy with %s=%s"):format(around and "not " or "", name, list), function()
        with(nil, function(proxy, server)
          assert.equal("a picture", child(server, {https_proxy = "http://" .. proxy.host, [name] = list}))
          assert.same({around and 0 or 1, 1}, {#proxy.heads, #server.bodies})
        end)
      end)
    end
  end

  it("is through the proxy of the option, whatever the environment excepts", function()
    with(nil, function(proxy, server)
      assert.equal("a picture", child(server, {no_proxy = "*", https_proxy = "http://127.0.0.1:1"},
        {proxy = "http://" .. proxy.host}))
      assert.same({1, 1}, {#proxy.heads, #server.bodies})
    end)
  end)

  it("is straight with proxy = \"\", whatever the environment says", function()
    with(nil, function(proxy, server)
      assert.equal("a picture", child(server, {https_proxy = "http://" .. proxy.host, all_proxy = "http://127.0.0.1:1"},
        {proxy = ""}))
      assert.same({0, 1}, {#proxy.heads, #server.bodies})
    end)
  end)

  it("is not begun where the environment's proxy is none, which is said at once and without its password", function()
    with(nil, function(_, server)
      local text = child(server, {HTTPS_PROXY = "gopher://user:" .. PASSWORD .. "@127.0.0.1:1"})
      assert.matches("^invalid: proxy: of the environment's HTTPS_PROXY: ", text)
      assert.not_matches(PASSWORD, text, 1, true)
      assert.equal("a picture", child(server, {HTTPS_PROXY = "gopher://127.0.0.1:1"}, {proxy = ""}))
    end)
  end)

  for name, meet in pairs {Basic = ask(BASIC, is_basic), Digest = ask(DIGEST, is_digest),
      ["Basic or Digest"] = ask(BASIC .. DIGEST, is_digest),
      ["Negotiate or Basic"] = ask("Proxy-Authenticate: Negotiate\r\n" .. BASIC, is_basic)} do
    it(("is through a proxy that asks for %s, and the POST is sent once and whole"):format(name), function()
      with(meet, function(proxy, server)
        assert(through(proxy, server))
        assert.equal(1, #server.bodies)
        assert.equal("a lighthouse", json.decode(server.bodies[1]).prompt)
        for i, head in ipairs(proxy.heads) do
          assert.matches("^CONNECT ", head)
          assert.equal("", proxy.bodies[i])
        end
      end)
    end)
  end

  for status, case in pairs {
    [407] = {says = "user name and password; the option proxy"},
    [403] = {says = "does not allow"}, [404] = {says = "refused"},
    [500] = {again = true}, [502] = {again = true, says = "could not connect"}, [503] = {again = true},
    [504] = {again = true}, [429] = {again = true},
  } do
    it(("ends at a proxy that answers %d: nothing was sent, and the error names the proxy"):format(status), function()
      with(status == 407 and ask(DIGEST, function() end) or refuse(status), function(proxy, server)
        local result, err = through(proxy, server, {retries = 1})
        err = support.failure(result, err)
        assert.same({"network", nil, nil, case.again and 2 or 1},
          {err.kind, err.status, err.maybe_billed, err.attempts})
        assert.matches("the proxy 127.0.0.1: .*" .. (case.says or ""), err.message)
        assert.matches("HTTP " .. status, err.message, 1, true)
        assert.not_matches(PASSWORD, err.message, 1, true)
        assert.equal(0, #server.bodies)
      end)
    end)
  end

  it("ends at a proxy that hangs up or speaks no HTTP, which the error names", function()
    for _, said in ipairs {"", "SSH-2.0-other\r\n\r\n"} do
      local proxy <close> = raw.listen(function(connection, self)
        self:request(connection)
        connection:xwrite(said)
      end)
      local server <close> = serve()
      local result, err = through(proxy, server)
      assert.fields({kind = "network", maybe_billed = support.ABSENT}, support.failure(result, err))
      assert.matches("api.localhost: the proxy 127.0.0.1: ", err.message, 1, true)
      assert.not_matches(PASSWORD, err.message, 1, true)
    end
  end)

  it("ends at a proxy that is not there, which the error names without its password", function()
    local server <close> = serve()
    for host, words in pairs {
      ["127.0.0.1:1"] = "api.localhost: the proxy 127.0.0.1: it cannot be reached",
      ["nobody.invalid:80"] = "api.localhost: the proxy nobody.invalid: the name cannot be looked up",
    } do
      local result, err = through({host = host}, server, {retries = 1})
      err = support.failure(result, err)
      assert.fields({kind = "network", maybe_billed = support.ABSENT, attempts = 2}, err)
      assert.matches(words, err.message, 1, true)
      assert.not_matches(PASSWORD, err.message, 1, true)
      local text = child(server, {https_proxy = ("http://user:%s@%s"):format(PASSWORD, host)})
      assert.matches(words, text, 1, true)
      assert.not_matches(PASSWORD, text, 1, true)
    end
  end)

  -- Without a tunnel each round of a scheme would be a request, and the first of them a POST without its body.
  for name, challenge in pairs {Digest = DIGEST, NTLM = "Proxy-Authenticate: NTLM\r\n", Basic = BASIC} do
    it(("in plain text through a proxy that asks for %s is one POST with its body, or none"):format(name), function()
      local proxy <close> = listen(ask(challenge, is_basic))
      local client <close> = support.client({}, {
        base_url = "http://127.0.0.1:1/v1", proxy = ("http://user:%s@%s"):format("another", proxy.host), retries = 2,
      })
      local err = raw.failure(assert(client:submit(PARAMS)))
      client:close()
      assert.fields({kind = "network", status = 407, attempts = 1, maybe_billed = support.ABSENT}, err)
      assert.matches("the proxy", err.message, 1, true)
      assert.equal(1, #proxy.heads)
      assert.equal("a lighthouse", json.decode(proxy.bodies[1]).prompt)
    end)
  end
end)
