-- client:stats(): counters since the client was made, and what is so now.

local jobs = require "spec.support.jobs"
local support = require "spec.support"

local COUNTERS = {
  "submitted", "done", "failed", "cancelled", "cached", "requests", "repeats", "downloads", "maybe_billed",
  "bytes_received", "connections", "queued", "in_flight",
}

-- The counters that differ from 0, except for bytes and connections, which have specs of their own.
local function counted(client)
  local found, stats = {}, client:stats()
  for _, name in ipairs(COUNTERS) do
    assert.is_true(stats[name] >= 0 and stats[name] % 1 == 0, name)
    if stats[name] ~= 0 and name ~= "bytes_received" and name ~= "connections" then
      found[name] = stats[name]
    end
  end
  assert.equal(stats.submitted, stats.done + stats.failed + stats.cancelled + stats.queued + stats.in_flight)
  return found
end

local function bytes_of(outcome)
  local sum = 0
  for _, entry in ipairs(outcome.history) do
    sum = sum + entry.bytes
  end
  return sum
end

for _, way in ipairs(support.WAYS) do
  describe("stats over " .. way.name, function()
    local server = support.standin(way.setting)
    local client

    before_each(function()
      client = support.client(server)
    end)

    after_each(function()
      client:close()
    end)

    local function params(knobs, format)
      return {prompt = support.prompt(knobs or {}), response_format = format, seed = 7}
    end

    it("are all 0 at first, and have every name", function()
      local stats = client:stats()
      for _, name in ipairs(COUNTERS) do
        assert.equal(0, stats[name], name)
        stats[name] = nil
      end
      assert.is_nil(next(stats), "budget_left: there is no budget")
    end)

    it("count what is asked for in each way", function()
      assert(client:generate(params()))
      assert.same({submitted = 1, done = 1, requests = 1}, counted(client))
      assert(client:submit(params(), {on_done = function() end}))
      jobs.drain(client)
      coroutine.wrap(function()
        assert(assert(client:submit(params())):await())
      end)()
      jobs.drain(client)
      for _, result in client:each {params(), "", params()} do
        assert(result == nil or result.image)
      end
      assert.same({submitted = 5, done = 5, requests = 5}, counted(client))
    end)

    it("count failures, repeats and what may be on the bill", function()
      support.failure(client:generate(params {status = 400}))
      support.failure(client:generate(params {cut = "request"}))
      assert(client:generate(params({status = 503, id = "stats", times = 2, headers = {["retry-after-ms"] = "1"}}),
        {retries = 3}))
      support.failure(client:generate(params {status = 500, headers = {["retry-after-ms"] = "1"}}, {retries = 1}))
      assert.same({submitted = 4, done = 1, failed = 3, requests = 7, repeats = 3, maybe_billed = 1}, counted(client))
      assert.equal(server:log().posts, client:stats().requests)
    end)

    it("count each download, and its redirects and repeats", function()
      assert(client:generate(params({picture_redirects = 2}, "url")))
      local knobs = {picture_status = 500, picture_headers = {["retry-after-ms"] = "1"}}
      support.failure(client:generate(params(knobs, "url"), {retries = 1}))
      assert(client:generate(params(nil, "url"), {download = false}))
      assert.same({submitted = 3, done = 2, failed = 1, requests = 3, downloads = 5, maybe_billed = 1}, counted(client))
      assert.equal(server:log().gets, client:stats().downloads)
    end)

    it("count what was refused before it was a job in nothing", function()
      support.failure(client:generate {prompt = ""})
      support.failure(client:submit {prompt = "x", steps = 99})
      client:close()
      support.failure(client:submit(params()))
      local poor = support.client(server, {budget = 0})
      support.failure(poor:generate(params()))
      assert.same({{}, {}}, {counted(client), counted(poor)})
      poor:close()
    end)

    it("are what the histories say: bytes and connections", function()
      local bytes, made = 0, 0
      for _, given in ipairs {
        params(), params(), params(nil, "url"), params {status = 400}, params {cut = "body", bytes = 30000},
        params {cut = "request"}, params(),
      } do
        local result, err = client:generate(given)
        bytes = bytes + bytes_of(result or err)
        for _, entry in ipairs((result or err).history) do
          made = made + (entry.reused == false and 1 or 0)
        end
        assert.fields({bytes_received = bytes, connections = made}, client:stats())
      end
      local seen = server:log()
      assert.equal(seen.connections + seen.picture_connections, made)
      assert.is_true(bytes > 100000)
    end)

    it("say what is so now: queued and in flight", function()
      local own = support.client(server, {max_concurrent = 2, retries = 1})
      local running = {}
      for i = 1, 5 do
        running[i] = assert(own:submit(params {stall = "request"}))
      end
      support.wait_until("two requests", function() return own:stats().in_flight == 2 end)
      assert.same({submitted = 5, requests = 2, in_flight = 2, queued = 3}, counted(own))
      assert.is_true(running[5]:cancel())
      assert.equal(2, own:stats().queued)
      assert.is_true(running[1]:cancel())
      local now = own:stats()
      assert.same({2, 3}, {now.cancelled, now.queued + now.in_flight})
      own:close()
      now = counted(own)
      assert.same({submitted = 5, cancelled = 5, maybe_billed = now.maybe_billed, requests = now.requests}, now)
      assert.equal(5, own:pending())
      assert.equal(5, jobs.drain(own))
      assert.same(now, counted(own))
    end)

    it("count a job that waits before a repeat as queued, and one that fetches its picture as in flight", function()
      local own = support.client(server, {retries = 1})
      local job = assert(own:submit(params {status = 500, headers = {["retry-after"] = "60"}}))
      support.wait_until("its pause", function() return job:status() == "retrying" end)
      assert.same({submitted = 1, requests = 1, queued = 1}, counted(own))
      job:cancel()
      assert.same({submitted = 1, requests = 1, cancelled = 1}, counted(own))
      job = assert(own:submit(params({picture_stall = "body", bytes = 30000}, "url")))
      support.wait_until("its download", function() return own:stats().downloads == 1 end)
      assert.same({submitted = 2, requests = 2, cancelled = 1, downloads = 1, in_flight = 1}, counted(own))
      job:cancel()
      assert.same({submitted = 2, requests = 2, cancelled = 2, downloads = 1, maybe_billed = 1}, counted(own))
      own:close()
    end)

    it("have bytes as they come", function()
      local job = assert(client:submit(params {stall = "body", bytes = 300000, cut_at = 200000}))
      support.wait_until("what is to come", function() return client:stats().bytes_received == 200000 end)
      job:cancel()
    end)

    it("count questions in bytes and connections alone", function()
      assert(assert(client:account()):wait(20))
      assert(assert(client:models()):wait(20))
      local asked = assert(client:account())
      asked:cancel()
      local stats = client:stats()
      assert.same({}, counted(client))
      assert.is_true(stats.bytes_received > 0 and stats.connections >= 1)
    end)

    it("tell what is left of a budget", function()
      local own = support.client(server, {budget = 3})
      assert.equal(3, own:stats().budget_left)
      assert(own:generate(params()))
      assert.equal(2, own:stats().budget_left)
      support.failure(own:generate(params {status = 400})) -- which costs nothing
      assert.equal(2, own:stats().budget_left)
      support.failure(own:generate(params {cut = "request"}))
      local job = assert(own:submit(params {stall = "request"}))
      support.wait_until("its request", function() return server:log().posts == 4 end)
      assert.equal(0, own:stats().budget_left)
      assert.equal("budget", support.failure(own:generate(params())).kind)
      job:cancel()
      assert.equal(0, own:stats().budget_left)
      assert.same({submitted = 4, done = 1, failed = 2, cancelled = 1, requests = 4, maybe_billed = 2}, counted(own))
      own:close()
    end)

    it("are a table of the caller's own, of its client alone", function()
      local other = support.client(server)
      assert(other:generate(params()))
      local stats = client:stats()
      stats.done = 99
      assert.same({0, 1}, {client:stats().done, other:stats().done})
      assert.is_false((pcall(client.stats, {})))
      assert.is_false((pcall(client.stats, client:each {})))
      other:close()
    end)
  end)
end
