-- The key, and what else is nobody's business: a proxy's password, the value of a header. Every failure is searched for
-- them, and so is what other hosts got to see, what is on the disk, and the memory of a client that was closed.

local hostile = require "spec.support.hostile"
local json = require "cjson".new()
local jobs = require "spec.support.jobs"
local mime = require "mime"
local standin = require "spec.standin"
local stepimg = require "stepimg"
local support = require "spec.support"

local KEY = "sk-Spec+7f3A/9c2E=4b81~0d6f" -- with what JSON and URLs write in other ways
local HOST = KEY:gsub("%W", "-") -- a key that could be a host's name
local TOKEN = "hdr-5e0b6c1f+Aa90~d47e"

-- How a server may write it.
local function forms(secret)
  local function each(pattern, form)
    return (secret:gsub(pattern, function(c) return form:format(c:byte()) end))
  end
  return {
    plain = secret, upper = secret:upper(), lower = secret:lower(),
    slashes = secret:gsub("/", "\\/"),
    ["JSON's escapes"] = each("%W", "\\u%04x"), ["only JSON's"] = each(".", "\\u%04X"),
    ["a URL's escapes"] = each("%W", "%%%02X"), ["only a URL's"] = each(".", "%%%02x"),
  }
end

local QUOTED = forms(KEY)

-- What is looked for: eight characters of either end are too much as well; and base64, in which nobody quotes it.
local SOUGHT = {}
for _, secret in ipairs {KEY, HOST, TOKEN} do
  for _, piece in ipairs {secret:sub(1, 8), secret:sub(-8)} do
    for _, form in pairs(forms(piece)) do
      SOUGHT[#SOUGHT + 1] = form:lower()
    end
  end
  for skipped = 1, 3 do
    SOUGHT[#SOUGHT + 1] = mime.b64(secret:sub(skipped)):sub(1, 12):lower()
  end
end

local function assert_clean(text, name)
  text = text:lower()
  for _, secret in ipairs(SOUGHT) do
    assert.is_nil(text:find(secret, 1, true), name .. " tells a secret: " .. text)
  end
end

-- Every text in a value, however deep, its metatable's too.
local function texts(value, found)
  found = found or {}
  if found[value] then
    return found
  elseif type(value) == "table" then
    found[value] = true
    for name, inner in pairs(value) do
      texts(name, found)
      texts(inner, found)
    end
    texts(getmetatable(value), found)
  end
  found[#found + 1] = tostring(value)
  return found
end

-- `made` are clients, jobs, results and errors: what a program might print.
local function assert_silent(name, ...)
  for _, value in pairs {...} do
    assert_clean(table.concat(texts(value), "\n"), name)
    local _, trace = xpcall(error, function(err) return tostring(err) .. debug.traceback() end, value)
    assert_clean(trace, name .. "'s trace")
  end
end

-- What a server may say that quotes the key, as knobs of the stand-in.
local function quotations()
  local found = {}
  for name, form in pairs(QUOTED) do
    local message, long = '{"error":{"message":"Wrong key %s, or %s","type":"%s"}}', ("x"):rep(110)
    found[#found + 1] = {name .. " in a message", {body = message:format(form, form, form)}}
    found[#found + 1] = {name .. " in no JSON", {body = form .. "<html>" .. form, content_type = "text/html; " .. form}}
    found[#found + 1] = {name .. " in a picture's place", {
      json = ('{"id":"%s","created":1,"data":[{"b64_json":"%s","finish_reason":"%s"}]}'):format(form, form, form),
    }}
    found[#found + 1] = {name .. ", cut off", {headers = {["x-request-id"] = long .. form}, body = long .. form}}
  end
  return found
end

local STATUSES = {204, 302, 307, 400, 402, 403, 404, 417, 429, 451, 500, 501, 502, 503, 504, 520}

-- Failures that come with no words of the server. A link to a host with the key's name is the server's own doing; the
-- link itself, where the picture lies, is not changed.
local FAILURES = {
  {"a connection lost", knobs = {cut = "request"}},
  {"a reset", knobs = {cut = "body", rst = true}},
  {"a timeout", knobs = {stall = "request"}, options = {timeout = 0.3}},
  {"a deadline", knobs = {stall = "headers"}, options = {deadline = 0.3}},
  {"nobody there", options = {base_url = "http://127.0.0.1:1/v1"}},
  {"no such name", options = {base_url = "https://nonexistent.invalid/v1"}},
  {"broken base64", knobs = {base64 = "bad_char"}},
  {"no JSON", knobs = {body = "<html>"}},
  {"too much", knobs = {bytes = 300000}, options = {max_response_bytes = 100000}},
  {"a cancelled job", knobs = {stall = "request"}, cancel = true},
  {"a bad parameter", params = {prompt = "x", size = "1x1"}},
  {"no budget", options = {budget = 0}},
  {"no disk", call = {save = "/nonexistent/x.png"}},
  {"no proxy", options = {proxy = "http://user:" .. TOKEN .. "@127.0.0.1:1"}},
  {"no such proxy", options = {proxy = "http://user:" .. TOKEN .. "@nonexistent.invalid:80",
    base_url = "https://127.0.0.1:1/v1"}},
  {"no picture", knobs = {picture_status = 404}, format = "url"},
  {"a picture cut short", knobs = {picture_cut = "body"}, format = "url"},
  {"a signed link", knobs = {url = "http://127.0.0.1:1/x.png?signature=" .. TOKEN}, format = "url"},
  {"a redirect to a signed link", format = "url",
    knobs = {picture_location = "http://127.0.0.1:1/x.png?signature=" .. TOKEN}},
  {"a link named so", knobs = {url = "https://" .. HOST .. ".invalid/"}, format = "url", options = {api_key = HOST}},
}

-- What a client is not made of.
local REFUSED = {
  {api_key = KEY .. "\n"}, {api_key = "\r\n" .. KEY}, {api_key = KEY .. "\0"}, {api_key = {KEY}},
  {base_url = "https://user:" .. KEY:gsub("/", "") .. "@127.0.0.1/v1"}, {base_url = "https://127.0.0.1/v1?key=" .. KEY},
  {base_url = "https://127.0.0.1/v1#" .. KEY}, {base_url = KEY},
  {base_url = "http://127.0.0.1:1/v1", proxy = "http://user:" .. TOKEN .. "@10.1.2.3:1"},
  {proxy = "http://user:" .. TOKEN .. "\n@127.0.0.1:1"}, {proxy = "ftp://user:" .. TOKEN .. "@127.0.0.1"},
  {headers = {Authorization = "Bearer " .. KEY}}, {headers = {["X-Token"] = TOKEN .. "\r\nX: y"}},
  {headers = {["X-Token"] = {TOKEN}}}, {headers = {["X-Token"] = TOKEN .. "\0"}},
}

local function secretive(server, more)
  local options = {
    api_key = KEY, base_url = server.base_url, ca_file = server.ca, retries = 0, max_concurrent = 50,
    headers = {["X-Token"] = TOKEN},
  }
  for name, value in pairs(more or {}) do
    options[name] = value
  end
  return assert(stepimg.new(options))
end

for _, way in ipairs(support.WAYS) do
  describe("A secret over " .. way.name, function()
    local server = support.standin(way.setting)

    it("is in nothing that a program could print, however the server quotes it", function()
      local quoted = 0
      for i, one in ipairs(quotations()) do
        local name, knobs = table.unpack(one)
        local client <close> = secretive(server, {headers = {["x-standin"] = json.encode(knobs)}})
        for _, status in ipairs {200, 401, STATUSES[i % #STATUSES + 1]} do
          local result, err = client:generate {prompt = support.prompt {status = status}}
          assert_silent(("%s, %d"):format(name, status), result, err)
          assert.equal(1, #(result or err).history)
          quoted = quoted + (tostring(err):find("***", 1, true) and 1 or 0)
        end
      end
      assert.is_true(quoted > #quotations() / 2, "the server did not quote it")
    end)

    it("is in nothing that a cache keeps, though the server says it", function()
      local directory = support.directory()
      local picture = mime.b64 "GIF89a\1\0\1\0\0\0\0\59"
      local said = {id = KEY, data = {{seed = 7, finish_reason = KEY, b64_json = picture}}}
      local client <close> = secretive(server, {headers = {["x-standin"] = json.encode {json = json.encode(said)}}})
      for i = 1, 2 do
        local result, err = client:generate({prompt = "x", seed = 7}, {cache = directory})
        assert.equal(i == 2 or nil, result.cached)
        assert.matches("***", result.id, 1, true)
        assert_silent("kept", result, err)
      end
      for _, name in ipairs(support.names(directory)) do
        assert_clean(support.read(directory .. "/" .. name), name)
      end
      support.remove(directory)
    end)

    it("is in nothing that a program could print or find on its disk after a failure of another kind", function()
      local directory = support.directory()
      for i, case in ipairs(FAILURES) do
        local client <close> = secretive(server, case.options)
        local params = case.params or {prompt = support.prompt(case.knobs or {}), response_format = case.format}
        local call = case.call or {save = ("%s/%d.png"):format(directory, i)}
        local job, err = client:submit(params, call)
        if case.cancel then
          job:cancel()
        end
        local result
        if job then
          result, err = job:wait(30)
        end
        assert(err, case[1] .. " did not fail")
        err.url = nil -- the server's own words, for the caller to follow
        assert_silent(case[1], result, err, job, client, client:stats())
      end
      for _, name in ipairs(support.names(directory)) do
        assert_clean(support.read(directory .. "/" .. name), name)
      end
      support.remove(directory)
    end)

    it("goes in one header to the API's host, and neither to a picture's host nor where a redirect leads", function()
      local other <close> = standin.start(way.setting)
      local client <close> = secretive(server)
      local url = "url"
      assert(client:generate {prompt = "x"})
      assert(client:generate {prompt = support.prompt {picture_redirects = 3}, response_format = url})
      for _, status in ipairs {301, 302, 303, 307, 308} do
        local knobs = {status = status, headers = {location = other.base_url .. "/images/generations"}}
        assert.equal("protocol", support.failure(client:generate {prompt = support.prompt(knobs)}).kind)
      end
      for _, target in ipairs {server.base_url .. "/x", server.picture_url .. "/x"} do -- the API's own host, too
        assert(client:generate {prompt = support.prompt {picture_location = target}, response_format = url} == nil)
      end
      local seen = server:log()
      assert.fields({posts = 0, gets = 0}, other:log())
      assert.equal(9, seen.posts)
      assert.is_true(seen.gets > 6)
      for _, request in ipairs(seen.requests) do
        if request.method == "POST" then
          assert.same({"Bearer " .. KEY, TOKEN}, {request.headers.authorization, request.headers["x-token"]})
          request.headers.authorization, request.headers["x-token"] = nil, nil
        end
        assert_silent(request.method, request)
      end
    end)

    it("of a proxy goes to the proxy alone, and the key not to a proxy that only tunnels", function()
      local proxy <close> = support.serve "spec/support/proxy.lua"
      local address = ("http://user:%s@127.0.0.1:%s"):format(TOKEN, proxy:line())
      local client <close> = secretive(server, {proxy = address, headers = {}})
      assert(client:generate {prompt = "x", response_format = "url"})
      for _, request in ipairs(server:log().requests) do
        request.headers.authorization = nil
        assert_silent("behind the proxy", request)
      end
      local post, get = proxy:stop():match "^(.-)\n(.-)\n$"
      assert_clean(get, "the picture's way")
      if server.ca then
        assert_clean(post, "the tunnel's head")
      end
    end)

    it("is in nothing that a program writes as it fails, whatever the environment asks of libraries", function()
      local directory = support.directory()
      local log = directory .. "/tls.log"
      local output = support.start([[
        local stepimg = require "stepimg"
        local client = stepimg.new {ca_file = os.getenv "CA", retries = 0}
        for _, knobs in ipairs {'{"status":401}', '{"cut":"body"}', '{"status":302}', '{"picture":"missing"}'} do
          local result, err = client:generate({prompt = knobs .. " x"}, {save = os.getenv "TMPDIR" .. "/x.png"})
          print(result, err, client, xpcall(error, debug.traceback, tostring(err)))
          warn("@on")
          warn(tostring(err))
        end
        error((select(2, client:generate {prompt = '{"status":500} x'})))
      ]], {
        STEP_API_KEY = KEY, STEP_BASE_URL = server.base_url, CA = server.ca or "/etc/passwd", TMPDIR = directory,
        SSLKEYLOGFILE = log, CURL_VERBOSE = 1, CURL_DEBUG = "all", OPENSSL_TRACE = "TLS", NGHTTP2_DEBUG = 1,
      }):finish()
      assert.matches("server: ", output)
      assert_clean(output, "its output")
      for _, name in ipairs(support.names(directory)) do
        assert_clean(support.read(directory .. "/" .. name), name)
      end
      if way.setting.tls then
        jobs.report("SSLKEYLOGFILE has an effect: %s", support.read(log) ~= nil)
      end
      support.remove(directory)
    end)

    it("is wiped from memory when its client is closed", function()
      local REQUESTS = 20
      -- Bound at once: else the dynamic linker saves a thread's registers on its stack, and what libcurl's memcpy of a
      -- header has left in them.
      local pipe = assert(io.popen(support.words(
        "env", "LD_BIND_NOW=1", support.host "secrets", REQUESTS, server.base_url, server.ca) .. " 2>&1"))
      local output = pipe:read "*a"
      local _, how, code = pipe:close()
      assert.same({"exit", 0}, {how, code}, output)
      local copies = {}
      for stage, count in output:gmatch "([%w_]+)=(%d+)" do
        copies[stage] = tonumber(count)
      end
      -- Three: as the key, in a header and in the proxy's address.
      assert.fields({options = 3, options_cleared = 0, client_refused = 0}, copies)
      assert.fields({key = 1, key_closed = 0}, copies)
      -- libcurl leaves copies of its own in memory that it frees: of an address it reads, of a request it sends.
      assert.is_true(copies.more_closed <= copies.more - 3, output)
      assert.is_true(copies.asked_and_closed <= copies.asked - 1, output)
      jobs.report("%s: %d requests leave %d copies of the key in memory that libcurl freed", way.name, REQUESTS,
        copies.asked_and_closed - copies.more_closed)
    end)
  end)
end

describe("A secret", function()
  it("is in no error, returned or raised, of options that are refused", function()
    for i, options in ipairs(REFUSED) do
      local ok, client, err = pcall(stepimg.new, options)
      assert.is_true(not ok or client == nil and err.kind == "invalid", i)
      assert_silent("refusal " .. i, client, err)
    end
  end)

  it("is in no error when it is the password of a proxy that the environment names", function()
    local output = support.run([[
      print(require "stepimg".new {base_url = "https://stepimg.invalid/v1"})
    ]], {STEP_API_KEY = KEY, https_proxy = "nonsense://user:" .. TOKEN .. "@127.0.0.1:1"})
    assert.matches("invalid: proxy: of the environment's https_proxy: its scheme", output)
    assert_clean(output, "its output")
  end)

  it("is in no error when the server's words end in the middle of it, as no more of them is kept", function()
    local server <close> = hostile.start()
    for _, more in ipairs {-30, -20, -10, 0} do
      local start = '{"error":{"message":"'
      local body = start .. ("x"):rep(64 * 1024 + more - #start) .. KEY .. '"}}'
      local place <close> = server:serve {{request = true}, {send = hostile.whole(body, nil, "500 No")}}
      local client <close> = secretive(place)
      local err = support.failure(client:generate {prompt = "x"})
      assert.equal("server", err.kind)
      assert_silent("a long error", err)
    end
  end)
end)
