-- What a result and an error tell of the requests that were made: history, timing and request_id.

local cqueues = require "cqueues"
local hostile = require "spec.support.hostile"
local jobs = require "spec.support.jobs"
local standin = require "spec.standin"
local stepimg = require "stepimg"
local support = require "spec.support"

local MOST = 64 -- entries

-- Each way to a result: what it gives for these parameters.
local CALLS = {
  generate = function(client, params)
    return client:generate(params)
  end,
  update = function(client, params)
    local result, err
    assert(client:submit(params, {on_done = function(...) result, err = ... end}))
    jobs.drain(client)
    return result, err
  end,
  await = function(client, params)
    local result, err
    coroutine.wrap(function()
      result, err = assert(client:submit(params)):await()
    end)()
    jobs.drain(client)
    return result, err
  end,
  each = function(client, params)
    local _, result, err = client:each({params})()
    return result, err
  end,
}

-- The entries' field of that name, false where there is none.
local function column(outcome, name)
  local found = {}
  for i, entry in ipairs(outcome.history) do
    found[i] = entry[name] or false
  end
  return found
end

local FIELDS = {
  method = "string", protocol = "string", status = "number", kind = "string", message = "string", reused = "boolean",
  waited = "number", seconds = "number", bytes = "number", request_id = "string",
}

-- What holds of all: the times are pieces of the job's, one after the other, and each field has its type.
local function check(outcome)
  local sum = 0
  for i, entry in ipairs(outcome.history) do
    for name, value in pairs(entry) do
      assert.equal(FIELDS[name], type(value), name)
    end
    assert.is_true(entry.waited >= 0 and entry.seconds >= 0 and entry.bytes >= 0)
    assert.same({entry.kind == nil, "number"}, {entry.message == nil, type(entry.waited)})
    assert.is_true(i > 1 or entry.waited == outcome.timing.queued)
    sum = sum + entry.waited + entry.seconds
  end
  assert.is_true(sum <= outcome.timing.total + 1e-6)
  for name, seconds in pairs(outcome.timing) do
    assert.is_true(seconds >= 0, name)
  end
  return outcome
end

for _, way in ipairs(support.WAYS) do
  local protocol = way.version == 2 and "HTTP/2" or "HTTP/1.1"

  describe("The history over " .. way.name, function()
    local server = support.standin(way.setting)
    local client

    before_each(function()
      client = support.client(server, {retries = 2})
    end)

    after_each(function()
      client:close()
    end)

    local function ask(knobs, format, options)
      return client:generate({prompt = support.prompt(knobs), response_format = format, seed = 7}, options)
    end

    for name, call in pairs(CALLS) do
      it("is that of one request where all goes well, by " .. name, function()
        for _, reused in ipairs {false, true} do
          local result = check(assert(call(client, {prompt = support.prompt {bytes = 3000, format = "gif"}, seed = 7})))
          local entry = result.history[1]
          assert.same({1, "POST", protocol, 200, reused}, {
            #result.history, entry.method, entry.protocol, entry.status, entry.reused,
          })
          assert.same({nil, nil, nil}, {entry.kind, entry.message, result.history.left_out})
          assert.matches("^standin%-%x+$", result.request_id)
          assert.equal(result.request_id, entry.request_id)
          assert.is_true(entry.bytes > 4000 and entry.bytes < 4400, "3000 bytes in base64, and the JSON around them")
          assert.is_true(entry.seconds >= result.timing.first_byte)
        end
      end)

      it("has an entry for each attempt, with why it failed, by " .. name, function()
        local knobs = {
          status = 503, id = "again " .. name, times = 2,
          headers = {["x-request-id"] = "r-1", ["retry-after-ms"] = "70"},
        }
        local result = check(assert(call(client, {prompt = support.prompt(knobs)})))
        assert.same({"POST", "POST", "POST"}, column(result, "method"))
        assert.same({503, 503, 200}, column(result, "status"))
        assert.same({"server", "server", false}, column(result, "kind"))
        assert.same({"r-1", "r-1", result.request_id}, column(result, "request_id"))
        assert.same({false, true, true}, column(result, "reused"))
        assert.matches("overloaded or down %(HTTP 503%); the service says: ", result.history[1].message)
        assert.is_true(result.history[2].waited >= 0.07 and result.history[3].waited >= 0.07)
        assert.equal(3, result.attempts)
      end)

      it("tells of a failure as of a success, by " .. name, function()
        local err = check(support.failure(call(client, {prompt = support.prompt {status = 451}})))
        assert.same({1, 451, "moderation", err.message}, {
          #err.history, err.history[1].status, err.history[1].kind, err.history[1].message,
        })
        assert.equal(err.request_id, err.history[1].request_id)
        assert.is_true(err.history[1].bytes > 0)
      end)
    end

    it("has an entry for each download, its redirects and its repeats; the request id is the service's", function()
      local result = check(assert(ask({picture_redirects = 2}, "url")))
      assert.same({"POST", "GET", "GET", "GET"}, column(result, "method"))
      assert.same({200, 302, 302, 200}, column(result, "status"))
      assert.same({false, false, false, false}, column(result, "kind"))
      assert.same({false, false, true, true}, column(result, "reused"))
      assert.same({0, 0, #result.image.bytes}, {
        result.history[2].bytes, result.history[3].bytes, result.history[4].bytes,
      })
      assert.equal(result.history[1].request_id, result.request_id)
      assert.not_equal(result.request_id, result.history[4].request_id)
      local headers = {["x-request-id"] = "the picture's host", ["retry-after-ms"] = "1"}
      local knobs = {id = "link", picture_status = 500, picture_times = 1, picture_headers = headers}
      result = check(assert(ask(knobs, "url")))
      assert.same({{200, 500, 200}, {false, "server", false}}, {column(result, "status"), column(result, "kind")})
      assert.equal(headers["x-request-id"], result.history[2].request_id)
      assert.fields({attempts = 1, request_id = result.history[1].request_id}, result)
    end)

    it("ends with the download that failed, and has the service's request id", function()
      local err = check(support.failure(ask({picture_status = 410}, "url")))
      assert.same({200, 410}, column(err, "status"))
      assert.same({false, err.kind}, column(err, "kind"))
      assert.equal(err.history[1].request_id, err.request_id)
      assert.is_string(err.url)
    end)

    it("has the redirect that was one too many as a failure, those before it not", function()
      local err = check(support.failure(ask({picture_redirects = 4}, "url")))
      assert.same({200, 302, 302, 302, 302}, column(err, "status"))
      assert.same({false, false, false, false, "protocol"}, column(err, "kind"))
      assert.equal(err.message:gsub("; the picture.*", ""), (err.history[5].message:gsub("; the picture.*", "")))
    end)

    it("has no entry for what was never asked", function()
      local err = check(support.failure(ask({picture_location = "ftp://127.0.0.1/x"}, "url")))
      assert.same({{200, 302}, {false, false}}, {column(err, "status"), column(err, "kind")})
      for _, refused in ipairs {
        (select(2, client:generate {prompt = ""})),
        (select(2, client:generate({prompt = "x"}, {save = "/nonexistent/x.png"}))),
      } do
        assert.same({}, refused.history or {})
        assert.is_nil(refused.timing and refused.timing.queued)
      end
    end)

    it("has a request without an answer", function()
      local err = check(support.failure(ask {cut = "request"}))
      local entry = err.history[1]
      assert.same({1, "network", false}, {#err.history, entry.kind, entry.reused})
      assert.same({nil, nil, nil, nil, 0}, {
        entry.status, entry.protocol, entry.request_id, err.request_id, entry.bytes,
      })
      assert.is_true(err.timing.connect > 0 and (err.timing.tls > 0) == (server.ca ~= nil))
      assert.is_nil(err.timing.first_byte)
    end)

    it("has how much of an answer came that broke off", function()
      local err = check(support.failure(ask {cut = "body", bytes = 30000, cut_at = 20000}))
      assert.same({200, "network", protocol, 20000}, {
        err.history[1].status, err.history[1].kind, err.history[1].protocol, err.history[1].bytes,
      })
      assert.equal(err.history[1].request_id, err.request_id)
    end)

    it("tells what a kept connection saved", function()
      local first, second = check(assert(ask {})), check(assert(ask {}))
      assert.is_true(first.timing.connect > 0 and (first.timing.tls > 0) == (server.ca ~= nil))
      assert.fields({connect = 0, tls = 0}, second.timing)
      assert.is_true(second.timing.first_byte > 0)
    end)

    it("has its times from the request to the service, not from a download", function()
      assert.is_true(check(assert(ask({delay = 0.3}, "url"))).timing.first_byte >= 0.3)
    end)

    it("has its times from the last request to the service", function()
      local knobs = {status = 500, id = "slow", times = 1, delay = 0.3, headers = {["retry-after-ms"] = "1"}}
      local result = check(assert(ask(knobs)))
      assert.is_true(result.history[1].seconds >= 0.3)
      assert.is_true(result.timing.first_byte <= result.history[2].seconds)
      assert.is_true(result.timing.total >= 0.3)
    end)

    it("says how long the service made others wait", function()
      local own = support.client(server, {max_concurrent = 2, retries = 1})
      local knobs = {status = 429, id = "rest", times = 1, headers = {["retry-after-ms"] = "400"}}
      local one = assert(own:submit {prompt = support.prompt(knobs)})
      support.wait_until("the refusal", function() return one:status() == "retrying" end)
      local other = check(assert(own:generate {prompt = "x"}))
      local result = check(assert(one:wait(20)))
      assert.is_true(result.history[2].waited >= 0.4)
      assert.is_true(other.timing.queued > 0.02, "it began before the rest was over")
      assert.same({429, 200}, column(result, "status"))
      own:close()
    end)

    it("has a turn's wait in its first entry", function()
      local own = support.client(server, {max_concurrent = 1})
      local first = assert(own:submit {prompt = support.prompt {delay = 0.3}})
      local second = check(assert(own:generate {prompt = "x"}))
      assert.is_true(check(assert(first:wait(20))).history[1].seconds >= 0.3)
      assert.is_true(second.history[1].waited > 0.2 and second.timing.queued == second.history[1].waited)
      own:close()
    end)

    it("keeps how it began and how it ended of very many", function()
      local retries = 70
      local knobs = {status = 500, headers = {["retry-after-ms"] = "1"}, bytes = 3000, format = "gif"}
      local err = check(support.failure(ask(knobs, nil, {retries = retries})))
      assert.same({retries + 1, MOST, retries + 1 - MOST}, {err.attempts, #err.history, err.history.left_out})
      assert.is_false(err.history[1].reused)
      assert.equal(err.request_id, err.history[MOST].request_id)
      knobs = {id = "many", picture_status = 500, picture_headers = {["retry-after-ms"] = "1"}}
      err = check(support.failure(ask(knobs, "url", {retries = retries})))
      assert.same({MOST, retries + 2 - MOST, "POST"}, {#err.history, err.history.left_out, err.history[1].method})
      assert.equal(err.request_id, err.history[1].request_id)
    end)

    it("is that of the questions which cost nothing, where they fail", function()
      local own = support.client(server, {headers = {["x-standin"] = '{"status":500}'}, retries = 1})
      local err = check(support.failure(assert(own:account()):wait(20)))
      assert.same({{"GET", "GET"}, {500, 500}}, {column(err, "method"), column(err, "status")})
      assert.equal(err.history[2].request_id, err.request_id)
      own:close()
      assert.same({nil, nil}, {next(assert(client:models()):wait(20).history or {})})
    end)

    it("begins anew with each job, and stays what it is", function()
      local job = assert(client:submit {prompt = "x"})
      local result = assert(job:wait(20))
      local entry = result.history[1]
      assert(ask {})
      assert.is_true(rawequal(result, job:result()) and rawequal(entry, job:result().history[1]))
      assert.equal(1, #result.history)
      assert.same({"table", "table"}, {type(rawget(result, "history")), type(rawget(result, "timing"))})
    end)
  end)
end

for _, way in ipairs(jobs.WAYS) do
  describe("The history of a job that was given up, over " .. way.name, function()
    local server = support.standin(way.setting)
    local silent

    lazy_setup(function()
      silent = jobs.silent()
    end)

    lazy_teardown(function()
      getmetatable(silent).__close()
    end)

    -- By the state it was in: kind of each entry, and the status where an answer came to its end.
    local SEEN = {
      queued = {}, connecting = {"cancelled"}, waiting = {"cancelled"}, receiving = {"cancelled"},
      retrying = {"server"}, ["fetching its picture"] = {false, "cancelled"},
    }

    for _, state in ipairs(jobs.STATES) do
      for name, give_up in pairs {cancel = "cancel", ["client:close"] = "close"} do
        it("by " .. name .. " tells what had happened: it was " .. state.name, function()
          local client, job, front = jobs.reach(state, server, silent)
          if give_up == "close" then
            client:close()
          else
            job:cancel()
          end
          local err = check(support.failure(job:wait(20)))
          assert.same(SEEN[state.name], column(err, "kind"))
          assert.equal(err.attempts or 0, state.format == "url" and 1 or #err.history)
          local last = err.history[#err.history]
          if last and last.kind == "cancelled" then
            assert.equal((err.message:gsub("; the picture may.*", "")), last.message)
            assert.is_nil(last.status)
            assert.is_true(last.bytes > 0 == (job:progress().received > 0))
          end
          assert.equal(state.behind == nil, err.timing.queued ~= nil)
          if state.format == "url" or state.name == "retrying" then
            assert.matches("^standin%-", err.request_id)
            assert.equal(err.history[1].request_id, err.request_id)
            assert.is_true(err.timing.first_byte > 0)
          else
            assert.same({nil, nil}, {err.request_id, err.timing.first_byte})
          end
          if front then
            front:cancel()
          end
          client:close()
        end)
      end
    end

    it("by its deadline tells of the request that was under way, or of none", function()
      local client = support.client(server, {retries = 2, max_concurrent = 1})
      local stalls = {prompt = support.prompt {stall = "request"}}
      local err = check(support.failure(client:generate(stalls, {deadline = 0.3})))
      assert.same({{"timeout"}, {false}}, {column(err, "kind"), column(err, "status")})
      local front = assert(client:submit(stalls))
      err = check(support.failure(client:generate({prompt = "x"}, {deadline = 0.3})))
      assert.same({"timeout", 0, nil}, {err.kind, #err.history, err.timing.queued})
      assert.is_true(err.timing.total >= 0.3)
      front:cancel()
      client:close()
    end)

    it("is whole at whatever moment that was: an entry for each attempt", function()
      local client = support.client(server, {retries = 3, max_concurrent = 4})
      local knobs = {status = 503, headers = {["retry-after-ms"] = "1"}}
      local given_up, entries = 0, 0
      for i = 1, jobs.LONG and 2000 or 200 do
        local job = assert(client:submit {prompt = support.prompt(knobs)})
        cqueues.sleep(i % 20 / 4000)
        given_up = given_up + (job:cancel() and 1 or 0)
        local err = check(support.failure(job:wait(20)))
        assert.equal(err.attempts or 0, #err.history)
        entries = entries + #err.history
      end
      assert.is_true(given_up > 0 and entries > 0)
      client:close()
    end)
  end)
end

describe("The history", function()
  it("tells that nobody was there: no status, no connection, no times", function()
    local client = support.client({base_url = "http://127.0.0.1:1/v1"}, {retries = 1})
    local err = check(support.failure(client:generate {prompt = "x"}))
    assert.same({{"network", "network"}, {false, false}}, {column(err, "kind"), column(err, "reused")})
    assert.same({{false, false}, {false, false}}, {column(err, "status"), column(err, "protocol")})
    assert.fields({connect = support.ABSENT, tls = support.ABSENT, first_byte = support.ABSENT}, err.timing)
    assert.same({2, 2}, {err.attempts, #err.history})
    client:close()
  end)

  it("tells of no connection where TLS failed", function()
    local plain <close> = standin.start()
    local client = support.client({base_url = plain.base_url:gsub("^http:", "https:")})
    local err = check(support.failure(client:generate {prompt = "x"}))
    assert.fields({connect = support.ABSENT, tls = support.ABSENT, first_byte = support.ABSENT}, err.timing)
    assert.is_nil(err.history[1].reused)
    client:close()
  end)

  it("goes through a proxy, and ends at one that is dead", function()
    local server <close> = standin.start()
    local proxy <close> = support.serve "spec/support/proxy.lua"
    local client = support.client(server, {proxy = "http://127.0.0.1:" .. proxy:line()})
    local result = check(assert(client:generate {prompt = "x", response_format = "url"}))
    assert.same({{"POST", "GET"}, {200, 200}}, {column(result, "method"), column(result, "status")})
    assert.matches("^standin%-", result.request_id)
    client:close()
    client = support.client(server, {proxy = "http://127.0.0.1:1"})
    local err = check(support.failure(client:generate {prompt = "x"}))
    assert.fields({kind = "network", status = support.ABSENT}, err.history[1])
    client:close()
  end)

  -- Answers with ids that no stand-in would send.
  it("has the server's ids cut, and clean of what is no text", function()
    local server <close> = hostile.start()
    local character = "\xe4\xb8\xad"
    for id, shown in pairs {
      [("i"):rep(300)] = ("i"):rep(127), ["a\1b\127c\27[31m"] = "a?b?c?[31m", ["a\200b"] = "a?b",
      [character] = character, [character:rep(60)] = character:rep(42), [" \t"] = false,
    } do
      for _, status in ipairs {"200 OK", "500 No"} do
        local place <close> = server:serve {{request = true}, {send = hostile.whole(
          status == "200 OK" and hostile.BODY or "{}", "X-Request-Id: " .. id .. "\r\n", status)}}
        local client = support.client(place)
        local result, err = client:generate {prompt = "x"}
        local outcome = check(result or err)
        assert.same({shown or nil, shown or nil}, {outcome.request_id, outcome.history[1].request_id})
        client:close()
      end
    end
  end)

  it("is there when its client is not any more", function()
    local server <close> = standin.start()
    local result = assert(support.client(server):generate {prompt = "x"})
    collectgarbage()
    collectgarbage()
    assert.equal("POST", result.history[1].method)
    assert.is_table(stepimg)
  end)
end)
