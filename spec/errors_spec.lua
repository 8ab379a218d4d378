-- What a failure looks like: its kind, the service's own words, and what is never in it.

local hostile = require "spec.support.hostile"
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
    local server = support.standin(way.setting)

    -- Each of a client of its own: a 429 holds back whatever its client is to send next.
    local function refusal(knobs)
      local client <close> = support.client(server)
      local err
      local posts = support.posts(server, function()
        err = support.failure(client:generate {prompt = support.prompt(knobs), seed = 7})
      end)
      assert.equal(1, posts)
      assert.fields({status = knobs.status, attempts = 1}, err)
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
          "", "Oops", "[]", "null", "{}", '{"error":null}', '{"error":{}}', '{"error":[1]}',
          '{"error":{"message":{"a":1},"type":7}}', '{"error"',
        } do
          local err = refusal {status = case[1], body = body, content_type = "text/html"}
          assert.fields({kind = case[2], maybe_billed = case.maybe_billed or support.ABSENT}, err)
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
      assert.fields({kind = "protocol", maybe_billed = true}, err)
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
      local slashed = "sk/spec/0123456789"
      local other <close> = support.client(server, {api_key = slashed, retries = 0})
      for _, body in ipairs {json.encode {error = slashed}, '{"error":"' .. slashed .. '"}'} do
        assert_hidden(slashed, support.failure(other:generate {prompt = support.prompt {status = 400, body = body}}))
      end
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

    it("never has the key in it, even where the picture's link has, and the picture's host gets none", function()
      local client <close> = support.client(server)
      local link = json.encode {data = {{url = server.base_url .. "/" .. support.KEY}}}
      local err = support.failure(client:generate {prompt = support.prompt {json = link}})
      assert.equal(server.base_url .. "/" .. ("*"):rep(#support.KEY), err.url)
      assert_hidden(support.KEY, err)
    end)

    it("never has the key in it, even where JSON writes some of its characters as numbers", function()
      local key = [[sk-unusual\u/7"]]
      local client <close> = support.client(server, {api_key = key})
      for _, escaped in ipairs {"u", "\\", "/", '"', "."} do
        local body = json.encode {error = {message = "Bad key \0"}}:gsub("\\u0000", function()
          return (key:gsub(".", function(character)
            local number = ("\\u%04x"):format(character:byte())
            return (escaped == "." or character == escaped) and number or json.encode(character):sub(2, -2)
          end))
        end)
        local err = support.failure(client:generate {prompt = support.prompt {status = 400, body = body}})
        assert.equal(400, err.status)
        assert.matches("Bad key *", err.message, 1, true)
        assert_hidden(key, err)
      end
    end)
  end)
end

describe("An error's body", function()
  -- The error of a server that answers 500 with this body, and maybe says that there is more to come.
  local function error_of(body, more)
    local text = hostile.answer(body, ("content-length: %d\r\n"):format(#body + (more or 0)), "500 No")
    local server <close> = hostile.start()
    local attack <close> = server:attack({{request = true}, {send = text}}, {timeout = 10})
    local err = support.failure(attack:wait())
    assert.fields({kind = "server", status = 500}, err)
    assert.is_nil(err.maybe_billed)
    return err
  end

  local function body_of(length)
    local body = '{"error":{"message":"the words","type":"t"},"x":"%s"}'
    return body:format(("x"):rep(length - #body + 2))
  end

  it("is read up to 64 KiB, and no further", function()
    for _, length in ipairs {64 * 1024, 64 * 1024 + 1, 1000 * 1000} do
      assert.matches("; the service says: the words$", error_of(body_of(length), length > 64 * 1024 and 1 or 0).message)
    end
    local late = '{"x":"%s","error":{"message":"the words"}}'
    assert.matches("the words", error_of(late:format(("x"):rep(64 * 1024 - #late + 2))).message)
    local err = error_of(late:format(("x"):rep(64 * 1024)), 1)
    assert.not_matches("the words", err.message)
    assert.matches("500", err.message)
    assert.is_true(#err.message < 400)
  end)

  it("is shown as UTF-8 without control characters, whatever it holds", function()
    local words = "one\\u001b[31m\xff\\n\\u0000two 灯塔"
    local err = error_of(('{"error":{"message":"%s","type":"%s"}}'):format(words, words))
    assert.matches("the service says: one?[31m???two 灯塔", err.message, 1, true)
    assert.equal("one?[31m???two 灯塔", err.type)
  end)
end)

describe("An error", function()
  it("is what assert shows, in a program and to pcall", function()
    local server <close> = standin.start()
    local output, how, code = support.start([[
      io.stdout:setvbuf "no"
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
      {base_url = "https://127.0.0.1:2", proxy = ("http://user:%s@nonexistent.invalid:1"):format(secret)},
    } do
      options.api_key, options.retries = support.KEY, 0
      local client <close> = assert(stepimg.new(options))
      local err = support.failure(client:generate {prompt = "x"})
      assert.fields({kind = "network", attempts = 1}, err)
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
