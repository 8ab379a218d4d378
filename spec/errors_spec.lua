-- What a failure looks like: its kind, the service's own words, and what is never in it.

local json = require "cjson".new()
local standin = require "spec.standin"
local stepimg = require "stepimg"
local support = require "spec.support"

-- What the service or a gateway answers, and what becomes of it.
local STATUSES = {
  {400, "request", type = "invalid_request_error"},
  {401, "auth", type = "invalid_api_key"},
  {402, "billing", type = "insufficient_balance"},
  {403, "auth", type = "permission_denied"},
  {404, "request", type = "not_found"},
  {418, "request", type = "error"},
  {429, "rate_limit", type = "rate_limit_exceeded"},
  {451, "moderation", type = "content_moderation"},
  {500, "server", type = "server_error"},
  {502, "server", type = "bad_gateway", maybe_billed = true},
  {503, "server", type = "service_unavailable"},
  {504, "server", type = "gateway_timeout", maybe_billed = true},
  {302, "protocol", type = "error"},
  {307, "protocol", type = "error"},
}

-- Every text in a value, however deep.
local function texts(value, found)
  found = found or {}
  if type(value) == "table" then
    for name, inner in pairs(value) do
      texts(name, found)
      texts(inner, found)
    end
  else
    found[#found + 1] = tostring(value)
  end
  return found
end

local function assert_hidden(secret, err)
  for _, text in ipairs(texts(err)) do
    assert.is_nil(text:find(secret, 1, true), "the secret is in an error")
  end
  assert.is_nil(tostring(err):find(secret, 1, true), "the secret is in the error's text")
end

for _, way in ipairs(support.WAYS) do
  describe("A refusal over " .. way.name, function()
    local server

    lazy_setup(function()
      server = standin.start(way.setting)
    end)

    lazy_teardown(function()
      server:stop()
    end)

    -- Each of a client of its own: a 429 holds back whatever its client is to send next.
    local function refusal(knobs)
      local client <close>, err = support.client(server), nil
      local posts = support.posts(server, function()
        err = support.failure(client:generate {prompt = support.prompt(knobs), seed = 7})
      end)
      assert.equal(1, posts)
      assert.same({knobs.status, 1}, {err.status, err.attempts})
      assert.equal(err.kind .. ": " .. err.message, tostring(err))
      return err
    end

    it("has the kind of its status, and the service's own words and type", function()
      for _, case in ipairs(STATUSES) do
        local status = case[1]
        local words = "The prompt — “灯塔” — is not to our taste"
        local err = refusal {
          status = status, headers = {["x-request-id"] = "req-" .. status, location = server.base_url},
          body = json.encode {error = {message = words, type = case.type}},
        }
        assert.same({case[2], case.type, case.maybe_billed}, {err.kind, err.type, err.maybe_billed}, status)
        assert.equal("req-" .. status, err.request_id)
        assert.matches(words, err.message, 1, true)
        assert.matches(tostring(status), err.message)
        assert.is_nil(err.retry_after)
      end
    end)

    it("is clear where a gateway answers with HTML, with nothing, or with JSON of its own", function()
      for _, case in ipairs(STATUSES) do
        for _, body in ipairs {
          "", "<html><h1>Oops</h1></html>", "[]", "null", "{}", '{"error":null}', '{"error":{}}', '{"error":[1]}',
          '{"error":{"message":{"a":1},"type":7}}', '{"error"',
        } do
          local err = refusal {status = case[1], body = body, content_type = "text/html"}
          assert.same({case[2], case.maybe_billed}, {err.kind, err.maybe_billed})
          assert.matches(tostring(case[1]), err.message)
          assert.is_true(#err.message > 20)
          assert.is_nil(err.type)
        end
        local err = refusal {status = case[1], body = '{"error":"the words"}'}
        assert.matches("the words", err.message)
        assert.matches("the words", refusal({status = case[1], body = '{"message":"the words"}'}).message)
      end
    end)

    it("is no picture where the status is a success but not 200", function()
      local err = refusal {status = 204}
      assert.same({"protocol", true}, {err.kind, err.maybe_billed})
    end)

    it("tells for how long to wait, in both forms of Retry-After", function()
      assert.equal(7, refusal({status = 429, headers = {["retry-after"] = "7"}}).retry_after)
      assert.equal(7, refusal({status = 503, headers = {["retry-after"] = "7"}}).retry_after)
      local date = os.date("!%a, %d %b %Y %H:%M:%S GMT", os.time() + 100)
      local seconds = refusal({status = 429, headers = {["retry-after"] = date}}).retry_after
      assert.is_true(seconds > 60 and seconds <= 101)
      assert.is_nil(refusal({status = 429, headers = {["retry-after"] = "soon"}}).retry_after)
    end)

    it("never has the key in it, even where the server quotes it", function()
      local escaped = support.KEY:gsub("-", "\\u002d")
      for _, body in ipairs {
        json.encode {error = {message = "Bad key " .. support.KEY, type = support.KEY}},
        '{"error":{"message":"Bad key ' .. escaped .. '"}}', '{"error":"' .. support.KEY .. '"}', support.KEY,
      } do
        for _, status in ipairs {400, 401, 500} do
          local knobs = {status = status, body = body, headers = {["x-request-id"] = support.KEY}}
          assert_hidden(support.KEY, refusal(knobs))
        end
        local client <close> = support.client(server)
        local echo = {json = body, headers = {["x-request-id"] = support.KEY}}
        assert_hidden(support.KEY, support.failure(client:generate {prompt = support.prompt(echo)}))
      end
      local client <close> = support.client(server)
      assert_hidden(support.KEY, support.failure(client:generate {prompt = support.prompt {cut = "body"}}))
      assert_hidden(support.KEY, support.failure(client:generate {prompt = ""}))
    end)
  end)
end

describe("An error's body", function()
  -- The error of a server that answers 500 with this body, and maybe says that there is more to come.
  local function error_of(body, more)
    local path = support.write(os.tmpname(), ("HTTP/1.1 500 No\r\ncontent-length: %d\r\n\r\n%s"):format(
      #body + (more or 0), body))
    local responder <close> = support.start(support.read "spec/support/responder.lua", {RESPONSE = path})
    local client <close> = assert(stepimg.new {
      api_key = support.KEY, base_url = ("http://127.0.0.1:%s/v1"):format(responder:line()), retries = 0, timeout = 10,
    })
    local err = support.failure(client:generate {prompt = "x"})
    os.remove(path)
    assert.same({"server", 500}, {err.kind, err.status})
    assert.is_nil(err.maybe_billed)
    return err
  end

  local function body_of(length)
    local body = '{"error":{"message":"the words","type":"t"},"x":"%s"}'
    return body:format(("x"):rep(length - #body + 2))
  end

  it("is read up to 64 KiB, and no further", function()
    assert.matches("the words", error_of(body_of(64 * 1024)).message)
    for _, length in ipairs {64 * 1024 + 1, 1000 * 1000} do
      local err = error_of(body_of(length), 1)
      assert.not_matches("the words", err.message)
      assert.matches("500", err.message)
      assert.is_true(#err.message < 400)
    end
  end)
end)

describe("An error", function()
  it("is what assert shows, in a program and to pcall", function()
    local server <close> = standin.start()
    local output, how, code = support.start([[
      local stepimg = require "stepimg"
      local ok, raised = pcall(function()
        return assert(stepimg.generate {prompt = "x"})
      end)
      print(ok, raised.kind, raised.status)
      assert(stepimg.generate {prompt = "x"})
    ]], {STEP_API_KEY = "bad-key", STEP_BASE_URL = server.base_url}):finish()
    assert.matches("^false\tauth\t401\n", output)
    assert.same({"exit", 1}, {how, code})
    assert.matches("auth: .*Incorrect API key provided", output)
  end)

  it("is of kind network, and certainly not billed, where nobody can be reached", function()
    local secret = "proxy-password"
    for _, options in ipairs {
      {base_url = "http://127.0.0.1:1/v1"}, {base_url = "https://127.0.0.1:1"},
      {base_url = "https://nonexistent.invalid/v1"}, {base_url = "https://localhost:1"},
      {base_url = "https://127.0.0.1:2", proxy = ("http://user:%s@127.0.0.1:1"):format(secret)},
    } do
      options.api_key, options.retries = support.KEY, 0
      local client <close> = assert(stepimg.new(options))
      local err = support.failure(client:generate {prompt = "x"})
      assert.same({"network", 1}, {err.kind, err.attempts})
      assert.is_nil(err.maybe_billed)
      assert.is_nil(err.status)
      assert.matches(options.base_url:match "//([^/:]+)", err.message, 1, true)
      assert_hidden(support.KEY, err)
      assert_hidden(secret, err)
    end
  end)

  it("is of kind auth where there is no key, and nothing is sent", function()
    local server <close> = standin.start()
    local output = support.run(([[
      local client = assert(require "stepimg".new {base_url = %q})
      local _, err = client:generate {prompt = "x"}
      print(err.kind, err.status, err.attempts, err)
    ]]):format(server.base_url))
    assert.matches("^auth\tnil\tnil\tauth: .*STEP_API_KEY", output)
    assert.equal(0, server:log().posts)
  end)
end)
