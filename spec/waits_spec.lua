-- How long a job waits between its attempts, and the deadline over all of them.

local cqueues = require "cqueues"
local jobs = require "spec.support.jobs"
local support = require "spec.support"

local PATIENCE = 5 -- seconds: what a busy machine may add to a wait

local function seconds(f, ...)
  local began = cqueues.monotime()
  local one, two = f(...)
  return cqueues.monotime() - began, one, two
end

local function assert_within(low, high, value)
  assert.is_true(value >= low and value <= high, ("%.3f s is not from %g to %g"):format(value, low, high))
end

local server = support.standin()

describe("The wait before a repeat", function()
  local function refused(status, retry_after, times)
    return {prompt = support.prompt {
      status = status, headers = {["retry-after"] = retry_after}, id = times and os.tmpname() or nil, times = times,
    }, seed = 7}
  end

  -- The seconds that many jobs waited, which succeed after so many refusals: how long the server took is not in them.
  local function totals(refusals)
    local client <close> = support.client(server, {retries = refusals, max_concurrent = 100})
    local handles, found, sum = {}, {}, 0
    for i = 1, 40 do
      handles[i] = assert(client:submit {
        prompt = support.prompt {status = 500, id = i, times = refusals, bytes = 30000}, seed = 7,
      })
    end
    for i, job in ipairs(handles) do
      found[i] = 0
      for k, entry in ipairs(assert(job:wait(20)).history) do
        found[i] = found[i] + (k > 1 and entry.waited or 0)
      end
      sum = sum + found[i]
    end
    table.sort(found)
    return found, sum / #found
  end

  it("grows, and is anything from nothing to its bound, so that clients do not come back together", function()
    local once, mean = totals(1)
    assert_within(0, 0.5 + PATIENCE, once[#once])
    assert_within(0.1, 0.4 + PATIENCE, mean)
    assert.is_true(once[#once] - once[1] > 0.2)
    server:reset()
    local twice, longer = totals(2)
    assert_within(0, 0.5 + 1 + PATIENCE, twice[#twice])
    assert_within(0.45, 1.05 + PATIENCE, longer)
    jobs.report("the wait before one repeat: mean %.2f s (0.25 wanted); before two: %.2f s (0.75)", mean, longer)
  end)

  it("is as long as Retry-After says, in seconds or until a date", function()
    local running = {}
    local date = os.date("!%a, %d %b %Y %H:%M:%S GMT", os.time() + 2)
    for _, status in ipairs {429, 500, 503} do
      for retry_after, bounds in pairs {["1"] = {1, 1 + PATIENCE}, [date] = {0.9, 2 + PATIENCE}} do
        local client = support.client(server, {retries = 1})
        running[#running + 1] = {bounds, client, assert(client:submit(refused(status, retry_after, 1)))}
      end
    end
    for _, one in ipairs(running) do
      local result = assert(one[3]:wait(20))
      assert_within(one[1][1], one[1][2], result.timing.total)
      assert.equal(2, result.attempts)
      one[2]:close()
    end
  end)

  it("is none where Retry-After asks for too long: the job fails at once and says so", function()
    for _, status in ipairs {429, 500, 503} do
      local client <close> = support.client(server, {retries = 5})
      local took, result, err = seconds(client.generate, client, refused(status, "80000"))
      err = support.failure(result, err)
      assert.fields({status = status, attempts = 1, retry_after = 80000, maybe_billed = support.ABSENT}, err)
      assert_within(0, PATIENCE, took)
    end
  end)

  it("after a 429 is for all of its client's jobs, and not for another client's", function()
    local client <close> = support.client(server, {retries = 1, max_concurrent = 2})
    local other <close> = support.client(server)
    local first = assert(client:submit(refused(429, "3", 1)))
    support.wait_until("the refusal", function() return first:status() == "retrying" end)
    local held = {}
    for i = 1, 3 do
      held[i] = assert(client:submit {prompt = "a lighthouse", seed = 7})
    end
    assert(other:generate {prompt = "a lighthouse", seed = 7})
    assert.equal(2, server:log().posts)
    assert.same({"queued", "queued", "queued"}, {held[1]:status(), held[2]:status(), held[3]:status()})
    for _, job in ipairs(held) do
      assert_within(2.6, 3 + PATIENCE, assert(job:wait(20)).timing.queued)
    end
    assert.equal(2, assert(first:wait(20)).attempts)
  end)

  it("after a 500 is for its own job alone, and leaves its place to others", function()
    local client <close> = support.client(server, {retries = 1, max_concurrent = 1})
    local first = assert(client:submit(refused(500, "30")))
    support.wait_until("the refusal", function() return first:status() == "retrying" end)
    assert_within(0, PATIENCE, (seconds(function() assert(client:generate {prompt = "a lighthouse", seed = 7}) end)))
  end)
end)

describe("The deadline", function()
  -- Each row: what the service does, the options, and what becomes of the job.
  for name, case in pairs {
    ["of a silent service ends the request, which may have cost money"] = {
      {stall = "request"}, {deadline = 0.4}, "timeout", attempts = 1, billed = true, least = 0.4},
    ["ends the body of an answer"] = {
      {stall = "body"}, {deadline = 0.4}, "timeout", attempts = 1, billed = true, least = 0.4},
    ["ends the download of a picture"] = {
      {picture_stall = "body"}, {deadline = 0.4}, "timeout", attempts = 1, billed = true, least = 0.4, url = true},
    ["is no longer than the timeout of an attempt"] = {
      {stall = "request"}, {deadline = 10, timeout = 0.3}, "timeout", attempts = 1, billed = true, least = 0.3},
    ["lets no repeat begin that could not end in time: the refusal is the error"] = {
      {status = 503, headers = {["retry-after"] = "2"}}, {deadline = 1, retries = 5}, "server", attempts = 1,
      least = 0},
    ["ends the download's repeats"] = {
      {picture_status = 500}, {deadline = 1, retries = 100}, "server", attempts = 1, billed = true, least = 0,
      url = true},
  } do
    it(name, function()
      local client <close> = support.client(server)
      local took, result, err = seconds(client.generate, client, {
        prompt = support.prompt(case[1]), seed = 7, response_format = case.url and "url" or nil,
      }, case[2])
      err = support.failure(result, err)
      assert.same({case[3], case.attempts, case.billed}, {err.kind, err.attempts, err.maybe_billed}, tostring(err))
      assert_within(case.least - 0.01, math.min(case[2].deadline, case[2].timeout or 100) + PATIENCE, took)
      assert.equal(case.url, err.url ~= nil or nil)
      jobs.quiet(server)
    end)
  end

  it("ends the repeats, as an option of the client too", function()
    local client <close> = support.client(server, {deadline = 1.2, retries = 100})
    local took, result, err = seconds(client.generate, client, {prompt = support.prompt {status = 500}, seed = 7})
    err = support.failure(result, err)
    assert_within(0, 1.2 + PATIENCE, took)
    assert.fields({kind = "server", maybe_billed = support.ABSENT, attempts = server:log().posts}, err)
    assert.is_true(err.attempts > 1)
  end)

  it("ends a job that waits for its turn, or for its client's rest after a 429; nothing is sent", function()
    for _, knobs in ipairs {{stall = "request"}, {status = 429, headers = {["retry-after"] = "30"}}} do
      local client <close> = support.client(server, {max_concurrent = 1, retries = 1})
      local front = assert(client:submit {prompt = support.prompt(knobs)})
      support.wait_until("the request", function() return server:log().posts == 1 and front:progress().attempt == 1 end)
      support.wait_until("the refusal", function() return not knobs.status or front:status() == "retrying" end)
      local job = assert(client:submit({prompt = "a lighthouse", seed = 7}, {deadline = 0.3}))
      local took, result, err = seconds(job.wait, job, 20)
      err = support.failure(result, err)
      assert_within(0.28, 0.3 + PATIENCE, took)
      assert.same({"timeout", nil, nil, 1}, {err.kind, err.attempts, err.maybe_billed, server:log().posts})
      client:close()
      jobs.quiet(server)
      server:reset()
    end
  end)

  it("that is kept changes nothing", function()
    local client <close> = support.client(server, {retries = 2})
    local result = assert(client:generate({
      prompt = support.prompt {status = 500, id = "kept", times = 1}, seed = 7,
    }, {deadline = 20}))
    assert.equal(2, result.attempts)
    assert.is_true(result.image.bytes == support.painted {seed = 7})
  end)
end)
