-- Jobs from submit to delivery: what each call says in each state, and that each job is delivered once.

local cqueues = require "cqueues"
local jobs = require "spec.support.jobs"
local standin = require "spec.standin"
local support = require "spec.support"

local PARAMS = {prompt = "a lighthouse", seed = 7}

-- The ways in which a caller can come by the end of a job. Each returns how many update delivered, in all.
local DELIVERIES = {
  {"update, with nobody to tell", jobs.drain},
  {"wait", function(client, job)
    job:wait()
    return client:update()
  end},
  {"result", function(client, job)
    support.wait_until("the end", function() return job:result() or select(2, job:result()) end)
    return client:update()
  end},
  {"update, to a callback", jobs.drain, called = true},
  {"wait, then update to a callback", function(client, job)
    job:wait()
    assert.equal(1, client:pending())
    return jobs.drain(client)
  end, called = true},
  {"update, to a coroutine", function(client, job)
    local ended = false
    coroutine.wrap(function()
      job:await()
      ended = true
    end)()
    local at_once = ended and 1 or 0 -- it was over before: nothing is left for update
    return at_once + jobs.drain(client)
  end},
}
local COUNTED = {1, 0, 0, 1, 1, 1} -- of these, by update

for _, way in ipairs(support.WAYS) do
  describe("A job over " .. way.name, function()
    local server = support.standin(way.setting)
    local silent

    lazy_setup(function()
      silent = jobs.silent()
    end)

    lazy_teardown(function()
      getmetatable(silent).__close()
    end)

    it("has its result, the same table, for whoever asks: result, wait, the callback and the coroutine", function()
      for _, knobs in ipairs {{}, {status = 400}} do
        local client <close> = support.client(server)
        local place = knobs.status and 2 or 1
        local called, awaited
        local job = assert(client:submit({prompt = support.prompt(knobs), seed = 7}, {
          on_done = function(...) called = {...} end,
        }))
        coroutine.wrap(function() awaited = {job:await()} end)()
        local waited = {job:wait()}
        jobs.drain(client)
        assert.equal(job, called[3])
        for _ = 1, 2 do
          assert.is_true(rawequal(waited[place], (select(place, job:result()))))
          assert.is_true(rawequal(waited[place], (select(place, job:wait(0)))))
        end
        assert.is_true(rawequal(waited[place], called[place]) and rawequal(waited[place], awaited[place]))
        assert.is_nil(called[3 - place])
        assert.equal(knobs.status and "failed" or "done", job:status())
        assert.equal("done", job:progress().phase)
        assert.is_true(place == 2 or waited[1].image.bytes == support.painted {seed = 7})
      end
    end)

    it("is delivered exactly once, whether it succeeds, fails or is cancelled", function()
      for i, delivery in ipairs(DELIVERIES) do
        for _, knobs in ipairs {{}, {status = 400}, {stall = "request"}} do
          local client <close> = support.client(server)
          local calls = 0
          local job = assert(client:submit({prompt = support.prompt(knobs), seed = 7}, delivery.called and {
            on_done = function() calls = calls + 1 end,
          } or nil))
          assert.equal(1, client:pending())
          if knobs.stall then
            job:cancel()
          end
          assert.equal(COUNTED[i], delivery[2](client, job), delivery[1])
          assert.same({0, 0}, {client:pending(), client:update()}, delivery[1])
          job:wait()
          assert.same({0, 0}, {client:pending(), client:update()}, delivery[1])
          assert.equal(delivery.called and 1 or 0, calls)
        end
      end
    end)

    for _, state in ipairs(jobs.STATES) do
      it("that is " .. state.name .. " says so, and is over as cancelled when its client is closed", function()
        local calls = 0
        local reached, job, front = jobs.reach(state, server, silent, {
          on_done = function() calls = calls + 1 end,
        })
        local client <close> = reached
        local progress = job:progress()
        assert.equal(state.attempt, progress.attempt)
        assert.is_true(progress.elapsed > 0 and progress.elapsed < job:progress().elapsed)
        assert.is_true(state.phase ~= "receiving" or progress.received < progress.total)
        assert.same({1, nil}, {select("#", job:result()), (job:result())})
        for _, seconds in ipairs {0, -1, 0 / 0} do
          assert.same({1, nil}, {select("#", job:wait(seconds)), (job:wait(seconds))})
        end
        assert.same({0, front and 2 or 1}, {client:update(), client:pending()})
        client:close()
        assert.same({"cancelled", "done", false}, {job:status(), job:progress().phase, job:cancel()})
        assert.same({0, front and 2 or 1}, {calls, jobs.drain(client)})
        assert.equal(1, calls)
        local err = support.failure(job:result())
        assert.fields({kind = "cancelled", maybe_billed = state.billed or support.ABSENT}, err)
        assert.matches("closed", err.message)
        assert.equal(state.format == "url", err.url ~= nil)
        assert.equal(state.attempt > 0 and state.attempt or nil, err.attempts)
        jobs.quiet(server)
      end)
    end

    it("is waited for no longer than one likes", function()
      local client <close> = support.client(server)
      local job = assert(client:submit {prompt = support.prompt {delay = 2}, seed = 7})
      for _, seconds in ipairs {0, 0.2, -1, 0.001} do
        local began = cqueues.monotime()
        assert.is_true(job:wait(seconds) == nil)
        local took = cqueues.monotime() - began
        assert.is_true(took >= seconds - 0.001 and took < 1.5, ("%g s took %g s"):format(seconds, took))
      end
      assert(job:wait(20))
      assert(job:wait(20))
    end)

    it("is submitted at once while the network stalls, and so are a thousand more", function()
      local client <close> = support.client(server, {base_url = silent.base_url})
      local times = {}
      for _ = 1, 1000 do
        assert(jobs.timed(times, client.submit, client, PARAMS, {on_done = print}))
      end
      assert.equal(1000, client:pending())
      assert.is_true(support.median(times) < 0.005)
      jobs.report("submit over %s: %s", way.name, jobs.summary(times))
    end)
  end)
end

describe("submit", function()
  local server = support.standin()

  it("returns a bad value as an error at once, and nothing is sent", function()
    local client <close> = support.client(server)
    for field, case in pairs {
      prompt = {{prompt = ""}}, steps = {{prompt = "x", steps = 51}}, promt = {{promt = "x"}},
      timeout = {PARAMS, {timeout = 0}}, retries = {PARAMS, {retries = -1}}, deadline = {PARAMS, {deadline = -1}},
    } do
      local err = support.failure(client:submit(table.unpack(case)))
      assert.fields({kind = "invalid", field = field == "promt" and err.field or field}, err)
    end
    assert.same({0, 0, 0}, {client:pending(), client:update(), server:log().posts})
  end)

  it("raises for a programmer's mistake", function()
    local client <close> = support.client(server)
    for says, case in pairs {
      ["on_done"] = {PARAMS, {on_done = "f"}}, ["save"] = {PARAMS, {save = true}}, ["timeout"] = {PARAMS, {timeot = 1}},
      ["table expected"] = {42}, ["path"] = {PARAMS, {save = "a\0b"}},
    } do
      local ok, message = pcall(client.submit, client, table.unpack(case))
      assert.is_false(ok)
      assert.matches(says, tostring(message), 1, true)
    end
    assert.is_false(pcall(client.submit, nil, PARAMS))
    assert.equal(0, client:pending())
    assert.is_false(pcall(client.generate, client, PARAMS, {on_done = print}))
  end)

  it("to a closed client is an error of kind cancelled, without a word of money", function()
    local client = support.client(server)
    client:close()
    local err = support.failure(client:submit(PARAMS))
    assert.same({"cancelled", nil, 0}, {err.kind, err.maybe_billed, client:pending()})
    assert.equal(0, client:update())
  end)

  it("has job:close: it is cancelled for ever, its callback is not called, and those who wait are told", function()
    local client <close> = support.client(server)
    local called = 0
    for _, knobs in ipairs {{stall = "request"}, {}} do
      local job = assert(client:submit({prompt = support.prompt(knobs), seed = 7}, {
        on_done = function() called = called + 1 end,
      }))
      if not knobs.stall then
        assert(job:wait())
      end
      assert.same({n = 0}, table.pack(job:close()))
      job:close()
      local err = support.failure(job:result())
      assert.same({"cancelled", "cancelled", "done"}, {err.kind, job:status(), job:progress().phase})
      assert.is_true(rawequal(err, (select(2, job:wait()))))
      assert.same({0, 0, false}, {client:pending(), client:update(), job:cancel()})
    end
    assert.equal(0, called)
    local job, told = assert(client:submit {prompt = support.prompt {stall = "request"}}), nil
    coroutine.wrap(function() told = support.failure(job:await()) end)()
    job:close()
    assert.is_nil(told)
    assert.equal(1, jobs.drain(client))
    assert.equal("cancelled", told.kind)
    jobs.quiet(server)
  end)

  it("has job:close, which says whether the picture may be on the bill all the same", function()
    local client <close> = support.client(server, {max_concurrent = 1})
    local function close(job)
      job:close()
      job:close()
      return support.failure(job:result()).maybe_billed
    end
    local front = assert(client:submit {prompt = support.prompt {stall = "request"}})
    local behind = assert(client:submit(PARAMS))
    support.wait_until("the first request", function() return front:progress().phase == "waiting" end)
    assert.is_nil(close(behind))
    assert.is_true(close(front))
    local ended = assert(client:submit(PARAMS))
    support.wait_until("its end", function() return ended:status() == "done" end)
    assert.is_nil(close(ended)) -- its result was there to be had
    local unseen = assert(client:submit(PARAMS))
    support.wait_until("its end", function() return unseen:progress().phase == "done" end)
    assert.is_true(close(unseen))
    local failed = assert(client:submit {prompt = support.prompt {status = 502}})
    support.failure(failed:wait())
    assert.is_true(close(failed))
    local refused = assert(client:submit {prompt = support.prompt {status = 400}})
    support.failure(refused:wait())
    assert.is_nil(close(refused))
  end)

  it("takes the parameters as they are now, whatever becomes of the tables", function()
    local client <close> = support.client(server)
    local params, options = {prompt = "a lighthouse", seed = 7}, {timeout = 20}
    local job = assert(client:submit(params, options))
    params.prompt, params.seed, options.timeout = nil, "x", {}
    assert.is_true(assert(job:wait()).image.bytes == support.painted {seed = 7})
  end)
end)

describe("Jobs", function()
  it("are delivered in the order they end, each with its own result", function()
    local server <close> = standin.start()
    local client <close> = support.client(server)
    local order, handles = {}, {}
    for i, delay in ipairs {4, 0, 2} do -- seconds, which a busy machine does not take for the same
      handles[i] = assert(client:submit({prompt = support.prompt {delay = delay, bytes = 30000}, seed = i}, {
        on_done = function(result, _, job) order[#order + 1] = {result.image.seed, job == handles[i]} end,
      }))
    end
    assert.equal(3, jobs.drain(client))
    assert.same({{2, true}, {3, true}, {1, true}}, order)
  end)

  it("stay readable when their client is closed, and keep it while they are held", function()
    local server <close> = standin.start()
    local client = support.client(server)
    local holder = setmetatable({client}, {__mode = "v"})
    local done, going = assert(client:submit(PARAMS)), assert(client:submit {prompt = support.prompt {stall = "body"}})
    assert(done:wait())
    client:close()
    client = nil -- luacheck: ignore
    collectgarbage()
    assert.is_userdata(holder[1])
    assert.is_true(done:result().image.bytes == support.painted {seed = 7})
    assert.equal("cancelled", support.failure(going:wait()).kind)
    done, going = nil, nil -- luacheck: ignore
    collectgarbage()
    collectgarbage()
    assert.is_nil(holder[1])
  end)

  it("that nobody can observe any more are cancelled; a callback or a file keeps them going", function()
    local server <close> = standin.start()
    local path = os.tmpname()
    for _, options in ipairs {false, {on_done = function() end}, {save = path}} do
      local client <close> = support.client(server)
      local job -- luacheck: ignore
      job = assert(client:submit({prompt = support.prompt {delay = 0.5}, seed = 7}, options or nil))
      support.wait_until("the request", function() return server:log().open == 1 end)
      job = nil -- luacheck: ignore
      collectgarbage()
      collectgarbage()
      assert.equal(options and 1 or 0, client:pending())
      assert.equal(options and 1 or 0, jobs.drain(client))
      jobs.quiet(server)
    end
    assert.is_true(support.read(path) == support.painted {seed = 7})
    os.remove(path)
  end)
end)
