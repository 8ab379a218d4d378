-- What an answer means that is no plain success or refusal: repeated where the service cannot have made a picture, told
-- as what it is where it is no word of the service, and in words that say what to do.

local hostile = require "spec.support.hostile"
local raw = require "spec.support.raw"
local stepimg = require "stepimg"
local support = require "spec.support"

local PICTURE = hostile.whole(hostile.BODY)
local PAGE = "<!DOCTYPE html>\n<html><head><title>Checking your browser</title></head><body>…</body></html>"
local QUOTA = '{"error":{"message":"You exceeded your current quota","type":"%s","code":"%s"}}'
local PARAMS = {prompt = "a lighthouse"}

local function answer(status, body, lines)
  return hostile.whole(body or "", lines, status .. " Such")
end

-- A server that gives the answers one after the other, whatever the connection, then pictures; `posts` lists the number
-- of the connection that each request came on.
local function serve(answers)
  local posts = {}
  local server = raw.listen(function(connection, self)
    local number = self.connections
    while self:request(connection) do
      posts[#posts + 1] = number
      local given = answers[#posts] or PICTURE
      if not connection:xwrite(given) then
        return
      end
    end
  end)
  server.posts = posts
  return server
end

-- Calls f with a client of such a server; both are closed after it.
local function with(answers, options, f)
  local server <close> = serve(answers)
  local given = {base_url = ("http://%s/v1"):format(server.host)}
  for name, value in pairs(options or {}) do
    given[name] = value
  end
  local client <close> = support.client({}, given)
  f(client, server)
  client:close()
end

-- The error of one request that gets this answer, each time it is sent.
local function refusal(given, options)
  local answers, err, posts = {}, nil, nil
  for i = 1, 5 do
    answers[i] = given
  end
  with(answers, options, function(client, server)
    err = raw.failure(assert(client:submit(PARAMS)))
    posts = #server.posts
  end)
  return err, posts
end

describe("An answer", function()
  for _, status in ipairs {408, 421} do
    it(("of %d on a kept connection is followed by the same request on a new one"):format(status), function()
      with({PICTURE, answer(status)}, {retries = 1}, function(client, server)
        assert(raw.finish(assert(client:submit(PARAMS))))
        local result = assert(raw.finish(assert(client:submit(PARAMS))))
        assert.equal(2, result.attempts)
        assert.same({1, 1, 2}, server.posts)
      end)
      with({PICTURE, answer(status)}, {retries = 0}, function(client, server)
        assert(raw.finish(assert(client:submit(PARAMS))))
        local err = raw.failure(assert(client:submit(PARAMS)))
        assert.fields({kind = "request", status = status, attempts = 1, maybe_billed = support.ABSENT}, err)
        assert.same({1, 1}, server.posts)
      end)
    end)
  end

  it("of 408 on a new connection is a refusal, of 421 a reason to try another", function()
    local late, once = refusal(answer(408), {retries = 1})
    assert.same({"request", 408, 1, nil}, {late.kind, late.status, once, late.maybe_billed})
    local wrong, twice = refusal(answer(421), {retries = 1})
    assert.same({"request", 421, 2, nil}, {wrong.kind, wrong.status, twice, wrong.maybe_billed})
  end)

  it("of 429 for want of a balance is billing, sent once, and holds nobody back", function()
    local bodies = {
      '{"error":{"message":"Insufficient Balance","code":"x"}}', '{"code":429,"msg":"账户余额不足，请充值"}',
      '{"error":"You exceeded your current quota, please check your plan"}',
    }
    for _, words in ipairs {
      {"insufficient_quota", "x"}, {"x", "insufficient_quota"}, {"x", "INSUFFICIENT_QUOTA"},
      {"x", "insufficient_user_quota"}, {"x", "insufficient_balance"}, {"exceeded_current_quota_error", "x"},
    } do
      bodies[#bodies + 1] = QUOTA:format(table.unpack(words))
    end
    for _, body in ipairs(bodies) do
      local empty = answer(429, body, "retry-after: 20\r\n")
      with({empty}, {retries = 2}, function(client, server)
        local err = raw.failure(assert(client:submit(PARAMS)))
        assert.fields({kind = "billing", status = 429, attempts = 1, maybe_billed = support.ABSENT}, err)
        assert(raw.finish(assert(client:submit(PARAMS, {deadline = 10}))))
        assert.equal(2, #server.posts)
      end)
    end
  end)

  it("of 429 that speaks of a quota of requests is a rate limit", function()
    local body = '{"error":{"message":"quota of 10 requests per minute exceeded"}}'
    assert.equal("rate_limit", (refusal(answer(429, body))).kind)
  end)

  it("of 521, 523, 525 or 526 is repeated where Cloudflare says so, and else may be billed", function()
    for _, status in ipairs {520, 521, 522, 523, 524, 525, 526, 527} do
      local never_reached = status % 2 == 1 and status < 526 or status == 526
      local err, posts = refusal(answer(status, PAGE, "CF-RAY: 8c1f2d3e4a5b6c7d-FRA\r\n"), {retries = 1})
      assert.same({"server", never_reached and 2 or 1, not never_reached or nil}, {err.kind, posts, err.maybe_billed},
        status)
      err, posts = refusal(answer(status, PAGE), {retries = 1})
      assert.same({"server", 1, true}, {err.kind, posts, err.maybe_billed}, status)
    end
  end)

  it("that is a web page is no word of the service", function()
    for status, wanted in pairs {
      [403] = {"protocol", 1, nil}, [500] = {"server", 1, true}, [503] = {"server", 1, true},
      [429] = {"rate_limit", 2, nil}, [401] = {"auth", 1, nil}, [502] = {"server", 1, true},
    } do
      local err, posts = refusal(answer(status, PAGE), {retries = 1})
      assert.same(wanted, {err.kind, posts, err.maybe_billed}, status)
    end
  end)

  it("that is JSON is the service's word, whatever its type says it is", function()
    for status, wanted in pairs {[403] = {"auth", 1, nil}, [500] = {"server", 2, nil}, [503] = {"server", 2, nil}} do
      local err, posts = refusal(answer(status, '{"error":"no"}', "Content-Type: text/html\r\n"), {retries = 1})
      assert.same(wanted, {err.kind, posts, err.maybe_billed}, status)
    end
  end)
end)

describe("A wait that a server asks for", function()
  for _, value in ipairs {"100000", "99999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"} do
    it(("and nobody can mean (%s) counts as none"):format(value), function()
      local limited = answer(429, "", ("Retry-After: %s\r\n"):format(value))
      with({limited}, {retries = 1}, function(client, server)
        assert.equal(2, assert(raw.finish(assert(client:submit(PARAMS, {deadline = 10})))).attempts)
        assert.equal(2, #server.posts)
      end)
    end)
  end

  it("and that is longer than anyone obeys holds the other jobs no longer than none", function()
    for _, retries in ipairs {0, 2} do
      for _, value in ipairs {"601", "86400", "100000"} do
        with({answer(429, "", ("Retry-After: %s\r\n"):format(value))}, {retries = retries}, function(client)
          local first = assert(client:submit(PARAMS))
          raw.finish(first)
          assert(raw.finish(assert(client:submit(PARAMS, {deadline = 10}))))
        end)
      end
    end
  end)
end)

describe("The words of a refusal", function()
  it("of 401 name the host that was asked, and which keys are for which", function()
    local err = refusal(answer(401, '{"error":{"message":"Incorrect API key provided"}}'))
    for _, word in ipairs {"127.0.0.1", "platform.stepfun.com", "platform.stepfun.ai", "Step Plan", "base_url",
        "Incorrect API key provided"} do
      assert.matches(word, err.message, 1, true)
    end
  end)

  it("of 404 show the URL that was asked", function()
    with({answer(404)}, nil, function(client, server)
      local err = raw.failure(assert(client:submit(PARAMS)))
      assert.matches(("http://%s/v1/images/generations"):format(server.host), err.message, 1, true)
      assert.matches("base_url", err.message, 1, true)
    end)
  end)

  it("of 301 and 308 show where they lead", function()
    for _, status in ipairs {301, 308} do
      local err = refusal(answer(status, "", "Location: https://api.example/v2/images\r\n"))
      assert.fields({kind = "protocol", status = status}, err)
      assert.matches("https://api.example/v2/images", err.message, 1, true)
      assert.matches("base_url", err.message, 1, true)
    end
  end)

  it("never show the key, though a Location does", function()
    local err = refusal(answer(301, "", ("Location: https://api.example/%s?%s\r\n"):format(("x"):rep(20), support.KEY)))
    for length = 8, #support.KEY do
      assert.is_nil(err.message:find(support.KEY:sub(1, length), 1, true))
    end
  end)
end)

describe("A base_url", function()
  it("may be the endpoint's own address", function()
    local server <close> = serve {}
    for _, path in ipairs {"/v1/images/generations", "/v1/images/generations/", "/v1/images/edits"} do
      local client <close> = support.client({}, {base_url = "http://" .. server.host .. path})
      assert(raw.finish(assert(client:submit(PARAMS))))
      client:close()
    end
    assert.equal(3, #server.posts)
  end)
end)

describe("allow_http", function()
  it("lets base_url be http beyond this machine, and nothing else does", function()
    local server <close> = serve {}
    local options = {base_url = ("http://gateway.localhost:%s/v1"):format(server.host:match "%d+$"), api_key = "k"}
    for _, allowed in ipairs {false, "nothing"} do
      options.allow_http = allowed ~= "nothing" and allowed or nil
      local err = support.failure(stepimg.new(options))
      assert.fields({kind = "invalid", field = "base_url"}, err)
      assert.matches("allow_http", err.message)
    end
    options.allow_http = true
    local client <close> = support.client({}, options)
    assert(raw.finish(assert(client:submit(PARAMS))))
    client:close()
    assert.equal(1, #server.posts)
  end)
end)

describe("A key", function()
  it("in quotes is refused, and said to be in quotes", function()
    for _, key in ipairs {'"sk-1234567890"', "'sk-1234567890'"} do
      local err = support.failure(stepimg.new {api_key = key})
      assert.fields({kind = "invalid", field = "api_key"}, err)
      assert.matches("quotes", err.message)
      assert.is_nil(err.message:find("1234567890", 1, true))
    end
    assert.matches("api_key.*STEP_API_KEY.*quotes", support.run([[
      print(select(2, require "stepimg".generate {prompt = "x"}))
    ]], {STEP_API_KEY = '"sk-1234567890"'}))
  end)
end)
