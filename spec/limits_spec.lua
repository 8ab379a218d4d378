-- The queue of a client: how many requests at once and a minute, and what a long queue costs.

local cqueues = require "cqueues"
local jobs = require "spec.support.jobs"
local standin = require "spec.standin"
local support = require "spec.support"

local QUEUED = support.NO_FIGURES and 5000 or 100000 -- a sanitizer takes half a millisecond for each
local WINDOW = 60.5 -- seconds of requests_per_minute

for _, way in ipairs(jobs.WAYS) do
  describe("A client over " .. way.name, function()
    local server = support.standin(way.setting)

    local function submit(client, knobs, text)
      knobs.bytes, knobs.format = 1000, "gif"
      return assert(client:submit {prompt = support.prompt(knobs, text), seed = 7})
    end

    it("never has more than max_concurrent requests going", function()
      for _, limit in ipairs {1, 3, 30} do
        local client <close> = support.client(server, {max_concurrent = limit})
        local most, handles = 0, {}
        for i = 1, limit * 3 do
          handles[i] = submit(client, {delay = 0.15})
        end
        support.wait_until("the end", function()
          client:update()
          most = math.max(most, server:log().open)
          return client:pending() == 0
        end)
        assert.equal(limit, most)
        for _, job in ipairs(handles) do
          assert(job:result())
        end
      end
    end)

    it("has them all going at once, be there ever so many, on as few connections as may be", function()
      local count <const> = 200
      local client <close> = support.client(server, {max_concurrent = count})
      local handles = {}
      for i = 1, count do
        handles[i] = submit(client, {stall = "request"})
      end
      support.wait_until("the last request", function() return server:log().open == #handles end)
      local connections = server:log().connections
      if way.version == 2 then
        assert.is_true(connections <= count / 2, connections .. " connections")
      else
        assert.equal(count, connections)
      end
    end)

    it("counts the download of a picture as going, and a job that waits to be repeated not", function()
      local client <close> = support.client(server, {max_concurrent = 1, retries = 1})
      local waiting = submit(client, {status = 500, headers = {["retry-after"] = "30"}})
      support.wait_until("the refusal", function() return waiting:status() == "retrying" end)
      local fetching = assert(client:submit {
        prompt = support.prompt {picture_stall = "body", bytes = 1000}, response_format = "url",
      })
      local last = submit(client, {})
      support.wait_until("the download", function() return server:log().gets == 1 end)
      assert.is_true(last:wait(0.2) == nil)
      assert.equal("queued", last:status())
      fetching:cancel()
      assert(last:wait(20))
    end)

    it("serves who came first first", function()
      local client <close> = support.client(server, {max_concurrent = 2})
      local handles = {}
      for _ = 1, 2 do -- whose connections are then kept: others overtake a request that has to open its own
        submit(client, {delay = 0.2})
      end
      jobs.drain(client)
      server:reset()
      for i = 1, 30 do
        handles[i] = submit(client, {}, ("prompt %02d"):format(i))
      end
      jobs.drain(client)
      local order = {}
      for _, request in ipairs(server:log().requests) do
        order[#order + 1] = tonumber(request.body:match "prompt (%d+)")
      end
      assert.equal(#handles, #order)
      for i, number in ipairs(order) do -- two at once may overtake each other on their way
        assert.is_true(math.abs(number - i) <= 1, ("%d came as number %d"):format(number, i))
      end
    end)
  end)
end

describe("A server that accepts and never answers a handshake", function()
  it("is tried on 64 connections at once, and the other requests stay in the queue", function()
    local server <close> = jobs.silent()
    local client <close> = support.client(server, {max_concurrent = 100})
    local handles = {}
    for i = 1, 100 do
      handles[i] = assert(client:submit {prompt = "a lighthouse"})
    end
    support.wait_until("the 64th", function() return handles[64]:progress().phase == "connecting" end)
    cqueues.sleep(0.1)
    assert.equal("queued", handles[65]:status())
    handles[1]:cancel()
    support.wait_until("the next", function() return handles[65]:progress().phase == "connecting" end)
  end)
end)

describe("requests_per_minute", function()
  local server = support.standin()

  local function submit(client, count, knobs)
    local handles = {}
    for i = 1, count do
      knobs.bytes, knobs.format = 1000, "gif"
      handles[i] = assert(client:submit {prompt = support.prompt(knobs), seed = 7})
    end
    return handles
  end

  it("is no brake below the limit: all requests leave at once", function()
    local client <close> = support.client(server, {requests_per_minute = 30, max_concurrent = 30})
    local handles = submit(client, 30, {stall = "request"})
    support.wait_until("all requests", function() return server:log().open == #handles end)
    for _, job in ipairs(handles) do
      job:cancel()
    end
    assert.equal(30, jobs.drain(client))
  end)

  it("lets exactly so many requests leave, and the others wait in the queue", function()
    local client <close> = support.client(server, {requests_per_minute = 4})
    local handles = submit(client, 10, {})
    for i = 1, 4 do
      assert(handles[i]:wait(20))
    end
    assert.is_true(handles[5]:wait(jobs.LONG and 1.5 or 0.7) == nil)
    assert.equal(4, server:log().posts)
    for i = 5, 10 do
      assert.equal("queued", handles[i]:status())
      handles[i]:cancel()
      local err = support.failure(handles[i]:wait(1))
      assert.fields({kind = "cancelled", maybe_billed = support.ABSENT, attempts = support.ABSENT}, err)
    end
  end)

  it("counts repeats, and what is cancelled or failed", function()
    local client <close> = support.client(server, {requests_per_minute = 4, retries = 1})
    assert.equal(2, assert(submit(client, 1, {status = 500, id = "counts", times = 1})[1]:wait()).attempts)
    assert.equal("request", support.failure(submit(client, 1, {status = 400})[1]:wait()).kind)
    local stalled = submit(client, 1, {stall = "request"})[1]
    support.wait_until("the request", function() return server:log().posts == 4 end)
    stalled:cancel()
    local last = submit(client, 1, {})[1]
    assert.is_true(last:wait(0.5) == nil)
    assert.same({4, "queued"}, {server:log().posts, last:status()})
  end)

  it("is a limit on requests to the service: downloads do not count", function()
    local client <close> = support.client(server, {requests_per_minute = 2, max_concurrent = 1})
    for _ = 1, 2 do
      assert(client:generate({prompt = "x", response_format = "url"}, {deadline = 20}))
    end
    assert.fields({posts = 2, gets = 2}, server:log())
  end)

  if jobs.LONG then
    it("holds over every window of a minute", function()
      local client <close> = support.client(server, {requests_per_minute = 3})
      local began, times = cqueues.monotime(), {}
      for _ = 1, 7 do
        assert(client:submit({prompt = support.prompt {bytes = 1000, format = "gif"}, seed = 7}, {
          on_done = function() times[#times + 1] = cqueues.monotime() - began end,
        }))
      end
      while client:pending() > 0 do
        client:update()
        cqueues.sleep(0.05)
      end
      for i, time in ipairs(times) do
        local wanted = (i - 1) // 3 * WINDOW
        assert.is_true(time >= wanted and time < wanted + 2, ("number %d came after %.1f s"):format(i, time))
      end
    end)
  end
end)

describe("A long queue", function()
  it(("of %d jobs costs little and is closed at once"):format(QUEUED), function()
    if not support.status "VmRSS" then
      pending "there is no /proc to measure with"
      return
    end
    local server <close> = standin.start()
    local output = support.run(support.program "queue", {
      STEP_API_KEY = "k", STEP_BASE_URL = server.base_url, COUNT = QUEUED,
    })
    local delivered, memory, submit, close = output:match "^(%d+)\t(%S+)\t(%S+)\t(%S+)\n$"
    assert.is_truthy(delivered, output)
    assert.equal(QUEUED + 1, tonumber(delivered))
    jobs.report("a queue of %d jobs: %.0f bytes a job, submitted in %.0f ms, closed in %.0f ms", QUEUED,
      tonumber(memory), submit * 1000, close * 1000)
    assert.equal(1, server:log().posts)
    if support.NO_FIGURES then
      pending(support.NO_FIGURES)
    end
    assert.is_true(tonumber(memory) < 2048, ("a job takes %s bytes"):format(memory))
    assert.is_true(tonumber(close) < 2 and tonumber(submit) < 20)
  end)
end)
