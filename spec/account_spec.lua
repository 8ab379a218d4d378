-- What costs nothing: an account, and the models that a key may use.

local cqueues = require "cqueues"
local jobs = require "spec.support.jobs"
local json = require "cjson".new()
local standin = require "spec.standin"
local stepimg = require "stepimg"
local support = require "spec.support"

local ACCOUNT = {type = "prepaid", balance = 25.5, total_cash_balance = 0, total_voucher_balance = 25.5}
local MODELS = {"step-image-edit-2", "step-2-mini"}
local QUESTIONS = {account = ACCOUNT, models = MODELS}

-- A client whose requests tell the stand-in what to do, as a question has no prompt for it.
local function steered(server, knobs, options)
  local given = {headers = {["x-standin"] = json.encode(knobs)}}
  for name, value in pairs(options or {}) do
    given[name] = value
  end
  return support.client(server, given)
end

for _, way in ipairs(support.WAYS) do
  describe("Questions over " .. way.name, function()
    local server = support.standin(way.setting)
    local client

    lazy_setup(function()
      client = support.client(server)
    end)

    lazy_teardown(function()
      client:close()
    end)

    for name, expected in pairs(QUESTIONS) do
      it("asks for " .. name .. " with the key and no body, and gets it", function()
        assert.same(expected, assert(assert(client[name](client)):wait()))
        local log = server:log()
        local request = log.requests[1]
        assert.same({0, 1, "GET"}, {log.posts, log.gets, request.method})
        assert.equal("/v1/" .. (name == "account" and "accounts" or "models"), request.path)
        assert.same({"Bearer " .. support.KEY, "application/json", nil, ""},
          {request.headers.authorization, request.headers.accept, request.headers["content-type"], request.body})
      end)

      it("is repeated freely for " .. name .. ", and told as what costs nothing", function()
        for i, knobs in ipairs {{status = 500}, {status = 502}, {status = 503}, {cut = "request"}, {cut = "body"}} do
          knobs.id, knobs.times = name .. i, 2
          local patient <close> = steered(server, knobs, {retries = 2})
          local job = assert(patient[name](patient))
          assert.same(expected, (assert(job:wait())))
          assert.equal(3, job:progress().attempt)
          knobs.id = name .. i .. "once"
          local once <close> = steered(server, knobs)
          local err = support.failure(assert(once[name](once)):wait())
          assert.fields({attempts = 1, maybe_billed = support.ABSENT}, err)
          assert.equal(knobs.status and "server" or "network", err.kind)
        end
      end)
    end

    it("opens the connection for the first picture", function()
      local own <close> = support.client(server)
      assert(assert(own:account()):wait())
      local result = assert(own:generate {prompt = "x"})
      assert.equal(0, result.timing.connect)
      assert.fields({connections = 1, gets = 1, posts = 1}, server:log())
    end)
  end)
end

describe("A question", function()
  local server = support.standin()
  local client

  lazy_setup(function()
    client = support.client(server)
  end)

  lazy_teardown(function()
    client:close()
  end)

  it("is a job like any other", function()
    local called, woken = {}, nil
    local job = assert(client:account {on_done = function(result, err, of) called = {result, err, of} end})
    local other = assert(client:models())
    coroutine.wrap(function() woken = other:await() end)()
    assert.equal(2, client:pending())
    jobs.drain(client)
    assert.same(ACCOUNT, called[1])
    assert.equal(job, called[3])
    assert.same(MODELS, woken)
    assert.same({"done", "done"}, {job:status(), job:progress().phase})
    assert.equal(called[1], (job:result()))
  end)

  it("is in no queue, limit or budget", function()
    local own <close> = support.client(server, {max_concurrent = 1, requests_per_minute = 1, budget = 1})
    local front = assert(own:submit {prompt = support.prompt {stall = "request"}})
    support.wait_until("the request", function() return server:log().open == 1 end)
    for _ = 1, 3 do
      assert.same(ACCOUNT, (assert(assert(own:account()):wait())))
    end
    front:cancel()
    assert.same(MODELS, (assert(assert(own:models()):wait())))
    local poor <close> = support.client(server, {budget = 0})
    assert.same(MODELS, (assert(assert(poor:models()):wait())))
    assert.equal("budget", support.failure(poor:generate {prompt = "x"}).kind)
  end)

  it("takes no place from a picture", function()
    local own <close> = steered(server, {id = "stalled", times = 1, stall = "request"}, {max_concurrent = 1})
    local job = assert(own:account())
    support.wait_until("the question", function() return server:log().open == 1 end)
    assert(own:generate {prompt = "x"})
    assert.equal("running", job:status())
    assert.is_true(job:cancel())
    assert.fields({kind = "cancelled", maybe_billed = support.ABSENT}, (select(2, job:result())))
  end)

  it("waits while the service wants a rest, as a picture waits for one that was told so", function()
    local knobs = {id = "rest", times = 1, status = 429, headers = {["retry-after"] = "1"}}
    for _, first in ipairs {"models", "submit"} do
      knobs.id = "rest" .. first
      local own <close> = steered(server, knobs, {retries = 1})
      local began = cqueues.monotime()
      local job = assert(first == "submit" and own:submit {prompt = "x"} or own:models())
      support.wait_until("the refusal", function() return job:status() == "retrying" end)
      local other = assert(first == "submit" and own:models() or own:submit {prompt = "x"})
      assert.equal("queued", other:status())
      assert(other:wait())
      assert.is_true(cqueues.monotime() - began >= 1)
      assert(job:wait())
    end
  end)

  it("says that the key is wrong, and where there is nothing to ask", function()
    local guarded <close> = standin.start {key = "sk-right"}
    for _, key in ipairs {"sk-wrong", "sk-right"} do
      local own <close> = support.client(guarded, {api_key = key})
      local account, err = assert(own:account()):wait()
      assert.same(key == "sk-right" and ACCOUNT or nil, account)
      if not account then
        assert.fields({kind = "auth", status = 401, attempts = 1, maybe_billed = support.ABSENT}, err)
        assert.matches("base_url", err.message)
        assert.not_matches("wrong", err.message)
      end
    end
    local plan <close> = support.client(server, {base_url = server.base_url:gsub("/v1", "/step_plan/v1")})
    local err = support.failure(assert(plan:account()):wait())
    assert.fields({kind = "request", status = 404}, err)
    assert.matches("there is nothing at http://127%.0%.0%.1:%d+/step_plan/v1/accounts .*pictures do without it",
      err.message)
    assert.same(MODELS, (assert(assert(plan:models()):wait())))
    local none <close> = assert(stepimg.new())
    assert.equal("auth", support.failure(none:account()).kind)
    none:close()
    local closed = support.client(server)
    closed:close()
    assert.equal("cancelled", support.failure(closed:models()).kind)
  end)

  it("refuses what is no answer to it", function()
    for body, message in pairs {
      ["{}"] = "", ["[]"] = "did not send a JSON object", ["<html><title>Hotel</title></html>"] = "Hotel",
      ['{"balance":"1"}'] = "no balance", ['{"data":{"id":"x"}}'] = "", ['{"balance":1'] = "not the JSON",
      ['{"error":{"message":"no such thing"}}'] = "no such thing",
    } do
      local own <close> = steered(server, {body = body})
      for name in pairs(QUESTIONS) do
        local err = support.failure(assert(own[name](own)):wait())
        assert.fields({kind = "protocol", maybe_billed = support.ABSENT}, err)
        assert.is_true(name == "models" and message == "no balance" or err.message:find(message, 1, true) ~= nil,
          err.message)
      end
    end
  end)

  it("reads what is told, whatever else there is", function()
    for body, expected in pairs {
      ['{"balance":-1.5e1,"type":null,"more":[1]}'] = {balance = -15},
      ['{"type":"postpaid","balance":26.00,"total_cash_balance":"x"}'] = {type = "postpaid", balance = 26},
      [' {"balance":0.1}\n'] = {balance = 0.1},
    } do
      local own <close> = steered(server, {body = body})
      assert.same(expected, (assert(assert(own:account()):wait())))
    end
    for body, expected in pairs {
      ['{"data":[]}'] = {}, ['{"data":[{"id":"a\\u0000\\nb"},{"name":"x"},{"id":7},{"id":"灯"}]}'] = {"a??b", "灯"},
      [('{"data":[{"id":"%s"}]}'):format(support.KEY)] = {("*"):rep(#support.KEY)},
      [json.encode {data = {{id = ("x"):rep(300)}}}] = {("x"):rep(256)},
    } do
      local own <close> = steered(server, {body = body})
      local found = assert(assert(own:models()):wait())
      assert.equal(#expected, #found)
      for i, name in ipairs(expected) do
        assert.equal(#name, #found[i])
        assert.is_nil(found[i]:find("%c") or found[i]:find(support.KEY, 1, true))
      end
    end
  end)

  it("knows its slips, and the options of a call", function()
    for _, options in ipairs {{save = "x.png"}, {timuot = 1}, {on_done = 1}, 5, "x"} do
      for name in pairs(QUESTIONS) do
        assert.is_false(pcall(client[name], client, options))
        assert.is_false(pcall(client[name], {}, nil))
      end
    end
    assert.equal("invalid", support.failure(client:account {timeout = -1}).kind)
    local own <close> = steered(server, {stall = "request"})
    local err = support.failure(assert(own:models {timeout = 0.2}):wait())
    assert.fields({kind = "timeout", maybe_billed = support.ABSENT}, err)
    err = support.failure(assert(own:models {deadline = 0.2}):wait())
    assert.fields({kind = "timeout", maybe_billed = support.ABSENT}, err)
    local job = assert(own:account())
    own:close()
    assert.fields({kind = "cancelled", maybe_billed = support.ABSENT}, (select(2, job:result())))
  end)

  it("saves the first picture its connection's round trips", function()
    local over_tls <close> = standin.start {tls = true}
    local proxy <close> = support.start(support.read "spec/support/delay.lua",
      {TARGET = over_tls.base_url:match ":(%d+)", HALF = "0.075"}, os.getenv "LUA" or "lua5.4")
    local base_url = over_tls.base_url:gsub(":%d+", ":" .. proxy:line())
    local times = {}
    for _, asked in ipairs {false, true} do
      local own <close> = support.client(over_tls, {base_url = base_url})
      if asked then
        assert(assert(own:account()):wait())
      end
      local result = assert(own:generate {prompt = support.prompt {bytes = 10000}})
      assert.equal(asked, result.timing.connect == 0)
      times[#times + 1] = result.timing.total
    end
    jobs.report("at a round trip of 150 ms the first picture takes %.0f ms, and %.0f ms once something was asked",
      times[1] * 1000, times[2] * 1000)
  end)
end)
