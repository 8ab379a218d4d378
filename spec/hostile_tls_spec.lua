-- A hostile or broken server below HTTP: certificates that are to be refused, handshakes that go wrong, connections
-- that are cut where TLS would not. No request is handed to such a server, and what it does is told in plain words.

local certificates = require "spec.support.certificates"
local cqueues = require "cqueues"
local lfs = require "lfs"
local raw = require "spec.support.raw"
local ssl_context = require "openssl.ssl.context"
local support = require "spec.support"

local authority = support.part "authority"

local HELLO = -65536 -- bytes of it, at most
local ALERT = "\x15\3\3\0\2\2" -- a fatal one's record, except for its last byte

local ours, between = certificates.ours, certificates.between

-- Answers that it failed: a request that gets here is one too many.
local function answer(connection, server)
  if server:request(connection) then
    connection:xwrite "HTTP/1.1 500 It came through\r\nContent-Length: 0\r\n\r\n"
  end
  raw.silence(connection)
end

local function issued(wanted, issuer, ...)
  return raw.context(authority.issue(issuer or ours, wanted), nil, ...)
end

local function without(context, option)
  context:setOptions(option)
  return context
end

-- How a handshake can fail. Each may pass, and so is repeated; `again` where it is tried, as that takes its time.
local HANDSHAKES = {
  {"speaks SSL 3 only", context = function() return issued(nil, nil, nil, "SSLv3") end, says = "too old"},
  {"speaks TLS 1.0 only", context = function() return issued(nil, nil, nil, "TLSv1") end, says = "too old"},
  {"speaks TLS 1.1 only", again = true, context = function() return issued(nil, nil, nil, "TLSv1_1") end,
    says = "too old"},
  {"has no cipher but such as encrypt nothing", context = function()
    local context = without(issued(), ssl_context.OP_NO_TLSv1_3)
    context:setCipherList "NULL:@SECLEVEL=0"
    return context
  end},
  {"wants to see a certificate of ours", context = function()
    local context = without(issued(), ssl_context.OP_NO_TLSv1_3)
    context:setVerify(ssl_context.VERIFY_PEER | ssl_context.VERIFY_FAIL_IF_NO_PEER_CERT)
    return context
  end},
  {"answers with garbage", serve = function(connection)
    connection:xread(HELLO)
    connection:xwrite(("garbage\0\1\2"):rep(100))
    raw.silence(connection)
  end, says = "does not speak TLS"},
  {"speaks plain HTTP", serve = function(connection)
    connection:xread(HELLO)
    connection:xwrite "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
    raw.silence(connection)
  end, says = "does not speak TLS"},
  {"sends the alert that nothing of ours suits it", serve = function(connection)
    connection:xread(HELLO)
    connection:xwrite(ALERT .. "\40")
    raw.silence(connection)
  end},
  {"sends the alert that it failed", serve = function(connection)
    connection:xread(HELLO)
    connection:xwrite(ALERT .. "\80")
    raw.silence(connection)
  end},
  {"closes at once", serve = function() end, says = "127.0.0.1"},
  {"closes in the middle", serve = function(connection) connection:xread(HELLO) end, again = true,
    says = "hung up"},
  {"closes in the middle of a message", serve = function(connection)
    connection:xread(HELLO)
    connection:xwrite "\x16\3\3\1\0\2\0"
  end, says = "hung up"},
  {"resets at once", serve = raw.reset, says = "127.0.0.1"},
  {"resets in the middle", again = true, serve = function(connection)
    connection:xread(HELLO)
    raw.reset(connection)
  end, says = "127.0.0.1"},
  {"sends a record larger than there are", serve = function(connection)
    connection:xread(HELLO)
    connection:xwrite("\x16\3\3\xff\xff" .. ("x"):rep(70000))
    raw.silence(connection)
  end, says = "127.0.0.1"},
  {"is silent", serve = raw.silence, timeout = true, says = "no connection"},
  {"sends it byte by byte, without end", serve = function(connection)
    connection:xread(HELLO)
    connection:xwrite "\x16\3\3\x3f\xff\2\0\x3f\xfb\3\3"
    while connection:xwrite "x" do
      cqueues.sleep(0.02)
    end
  end, timeout = true, says = "no connection"},
}

-- Over a good connection. In a race the request may have left or not; one that has not is repeated.
local CUTS = {
  {"is closed before the request was read", race = true, serve = function() end},
  {"is reset before the request was read", race = true, serve = raw.reset},
  {"has garbage below TLS before the request", race = true, serve = function(connection)
    raw.below(connection):xwrite("\x17\3\3\0\x20" .. ("j"):rep(32))
    raw.silence(connection)
  end},
  {"wants to see a certificate of ours too late", race = true, context = function()
    local context = issued()
    context:setVerify(ssl_context.VERIFY_PEER | ssl_context.VERIFY_FAIL_IF_NO_PEER_CERT)
    return context
  end},
  {"has an answer in plain text below TLS", billed = true, requests = 2, serve = function(connection, server)
    server:request(connection)
    raw.below(connection):xwrite "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    raw.silence(connection)
  end},
  {"has a forged alert in place of the answer", billed = true, requests = 2, serve = function(connection, server)
    server:request(connection)
    raw.below(connection):xwrite(ALERT .. "\0")
    raw.silence(connection)
  end},
}

describe("A server of hostile TLS", function()
  local service = support.standin()
  local ca_file

  lazy_setup(function()
    ca_file = support.write(os.tmpname(), ours.pem)
  end)

  lazy_teardown(function()
    os.remove(ca_file)
  end)

  -- The errors of a POST to such a server, and of a picture's download from there.
  local function meet(case, serve, context, retries)
    raw.traceless(function()
      local server <close> = raw.listen(serve, context)
      local origin = "https://" .. server.host:gsub("127.0.0.1", case.host or "%0")
      local options = {ca_file = ca_file, connect_timeout = case.timeout and 0.4, retries = 0}
      local downloader <close> = support.client(service, options)
      options.base_url, options.retries = origin .. "/v1", retries
      local client <close> = support.client(service, options)
      local url = origin .. "/x.png"
      local download, err
      local posts = support.posts(service, function()
        download = assert(downloader:submit {prompt = support.prompt {url = url}, response_format = "url"})
        err = raw.failure(assert(client:submit {prompt = "a lighthouse"}))
        download = raw.failure(download)
      end)
      local kind = case.timeout and "timeout" or "network"
      if case.race then
        assert.is_true(err.maybe_billed or err.attempts == 2)
        assert.equal(kind, err.kind)
      elseif case.again == "perhaps" then
        assert.fields({kind = kind, maybe_billed = support.ABSENT}, err)
      else
        assert.fields({
          kind = kind, attempts = case.again and 2 or 1, maybe_billed = case.billed or support.ABSENT,
        }, err)
      end
      assert.fields({kind = kind, attempts = 1, maybe_billed = true, url = url}, download)
      assert.equal(1, posts)
      assert.fields({connections = err.attempts + 1, requests = case.requests or 0}, server)
      for _, one in ipairs {err, download} do
        -- Whether libcurl notices as it sends or as it reads is chance.
        assert.is_truthy(one.message:find(case.says or "the connection was lost")
          or not case.says and one.message:find "the answer could not be received", one.message)
        assert.not_matches(support.KEY, one.message, 1, true)
      end
    end)
  end

  it("is judged by the authorities that ca_file led to when the client was made", function()
    local server <close> = raw.listen(answer, issued(nil, between, {between}))
    local here = lfs.currentdir()
    local folder, name = ca_file:match "^(.*)/([^/]+)$"
    assert(lfs.chdir(folder))
    local client = support.client(service, {base_url = "https://" .. server.host, ca_file = name})
    assert(lfs.chdir(here))
    assert.equal("server", raw.failure(assert(client:submit {prompt = "a lighthouse"})).kind)
    client:close()
  end)

  it("is not what these cases have in common: a good one gets the request", function()
    local server <close> = raw.listen(answer, issued(nil, between, {between}))
    local client <close> = support.client(service, {base_url = "https://" .. server.host, ca_file = ca_file})
    assert.equal("server", raw.failure(assert(client:submit {prompt = "a lighthouse"})).kind)
    assert.equal(1, server.requests)
  end)

  for _, case in ipairs(certificates.REFUSED) do
    it("is refused where its certificate " .. case[1], function()
      case.says = "no secure connection"
      meet(case, answer, certificates.context(case), 1)
    end)
  end

  for _, case in ipairs(HANDSHAKES) do
    it("gets no request where it " .. case[1], function()
      case.says = case.says or "no secure connection"
      meet(case, case.serve or answer, case.context and case.context(), case.again and 1 or 0)
    end)
  end

  for _, case in ipairs(CUTS) do
    it("ends the request as lost where the connection " .. case[1], function()
      meet(case, case.serve or answer, case.context and case.context() or issued(), 1)
    end)
  end

  -- What is told of a picture whose host ends an answer without a length so: after `length` bytes of it.
  local function fetch(picture, length, finish, save, retries)
    local server <close> = raw.listen(function(connection, self)
      self:request(connection)
      connection:xwrite("HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n" .. picture:sub(1, length))
      finish(connection)
      raw.silence(connection)
    end, issued())
    local client <close> = support.client(service, {ca_file = ca_file, retries = retries})
    local prompt = support.prompt {url = "https://" .. server.host .. "/x.png"}
    local result, err = raw.finish(assert(client:submit({prompt = prompt, response_format = "url"}, {save = save})))
    return result, err, server.requests
  end

  it("gives a picture with something behind its end, where length or chunks say that this is its end", function()
    local picture = support.painted {seed = 7, bytes = 2000, format = "jpeg"} .. "made by a camera"
    for _, lines in ipairs {
      ("Content-Length: %d\r\n\r\n%s"):format(#picture, picture),
      ("transfer-encoding:chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"):format(#picture, picture),
    } do
      local server <close> = raw.listen(function(connection, self)
        self:request(connection)
        connection:xwrite("HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n" .. lines)
        raw.silence(connection)
      end, issued())
      local client <close> = support.client(service, {ca_file = ca_file})
      local prompt = support.prompt {url = "https://" .. server.host .. "/x.jpg"}
      local result, err = raw.finish(assert(client:submit {prompt = prompt, response_format = "url"}))
      assert.is_true(picture == assert(result, err).image.bytes)
    end
  end)

  local function say_goodbye(connection)
    connection:shutdown "w"
  end

  local function cut(connection)
    raw.below(connection):shutdown "w"
  end

  it("gives no half of a picture for a whole one, although it ends as a whole one does", function()
    local picture, path = support.painted {seed = 7, bytes = 200000}, os.tmpname()
    os.remove(path)
    for _, save in ipairs {false, path} do
      for _, finish in ipairs {say_goodbye, cut} do
        for _, length in ipairs {1, 8, 60000, 70000, #picture - 12, #picture - 1} do
          local retries = length == 60000 and 1 or 0
          local result, err, requests = fetch(picture, length, finish, save or nil, retries)
          assert.is_nil(result)
          assert.same({"network", true, 1 + retries}, {err.kind, err.maybe_billed, requests}, length)
          assert.is_string(err.url)
          assert.is_nil(support.read(path))
        end
        local image = assert(fetch(picture, #picture, finish, save or nil)).image
        assert.is_true(picture == (image.bytes or support.read(path)))
        os.remove(path)
      end
    end
  end)

  -- What a POST gives whose answer has no length, and ends so after `length` bytes.
  local function generate(json, length, finish)
    local server <close> = raw.listen(function(connection, self)
      self:request(connection)
      connection:xwrite("HTTP/1.1 200 OK\r\n\r\n" .. json:sub(1, length))
      if not finish(connection) then
        raw.silence(connection)
      end
    end, issued())
    local client <close> = support.client(service, {base_url = "https://" .. server.host, ca_file = ca_file})
    local result, err = raw.finish(assert(client:submit {prompt = "a lighthouse"}))
    return result, err, server.requests
  end

  local JSON = [[{"data":[{"b64_json":"iVBORw0KGgo="}]}]]

  it("gives no picture out of JSON that is cut", function()
    for _, finish in ipairs {say_goodbye, cut} do
      for length = 0, #JSON - 1 do
        local result, err, requests = generate(JSON, length, finish)
        assert.is_nil(result)
        assert.same({"network", true, 1}, {err.kind, err.maybe_billed, requests}, JSON:sub(1, length))
      end
    end
  end)

  it("gives the picture out of JSON that is whole, however the connection ends then", function()
    local function reset(connection)
      cqueues.sleep(0.2) -- a reset throws away what is on its way
      raw.reset(connection)
      return true
    end
    for _, finish in ipairs {say_goodbye, cut, reset} do
      for _, json in ipairs {JSON, JSON .. "\n", " \r\n" .. JSON .. "\t\r\n"} do
        local result, err = generate(json, #json, finish)
        assert.equal("\x89PNG\r\n\x1a\n", assert(result, err).image.bytes)
      end
    end
  end)
end)
