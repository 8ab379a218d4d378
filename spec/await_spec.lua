-- job:await: coroutines that wait for their pictures while update runs everything.

local jobs = require "spec.support.jobs"
local support = require "spec.support"

describe("await", function()
  local server = support.standin()

  local function submit(client, knobs, options)
    knobs = knobs or {}
    knobs.bytes, knobs.format = knobs.bytes or 20000, "gif"
    return assert(client:submit({prompt = support.prompt(knobs), seed = 7}, options))
  end

  it("waits in its coroutine until update, and then returns the result or the error", function()
    local client <close> = support.client(server)
    local found = {}
    local function wait_for(name, knobs)
      local result, err = submit(client, knobs):await()
      found[name] = {result and #result.image.bytes, err and err.kind}
    end
    coroutine.wrap(wait_for)("picture", {delay = 0.5})
    coroutine.wrap(wait_for)("refusal", {delay = 0.5, status = 400})
    coroutine.wrap(wait_for)("loss", {delay = 0.5, cut = "body"})
    assert.same({}, found)
    assert.equal(3, jobs.drain(client))
    assert.same({picture = {20000}, refusal = {nil, "request"}, loss = {nil, "network"}}, found)
  end)

  it("returns at once where the job is over, also where it was delivered long ago", function()
    local client <close> = support.client(server)
    local job = submit(client)
    local result = assert(job:wait())
    for _ = 1, 2 do
      local thread = coroutine.create(job.await)
      assert.same({true, result}, {coroutine.resume(thread, job)})
      assert.equal("dead", coroutine.status(thread))
      assert.same({0, 0}, {client:update(), client:pending()})
    end
  end)

  it("holds thousands of coroutines at once, each of which gets its own picture", function()
    local client <close> = support.client(server, {max_concurrent = 50})
    local done, right = 0, 0
    for i = 1, 2000 do
      coroutine.wrap(function()
        local result = assert(submit(client, {bytes = 1000 + i % 5}):await())
        done = done + 1
        right = right + (#result.image.bytes == 1000 + i % 5 and 1 or 0)
      end)()
    end
    local at_once = done -- they were over before they were awaited
    assert.equal(2000, at_once + jobs.drain(client))
    assert.same({2000, 2000, 2000}, {done, right, server:log().posts})
  end)

  it("serves one picture after the other in one coroutine, submitted between them", function()
    local client <close> = support.client(server)
    local sizes = {}
    coroutine.wrap(function()
      for i = 1, 5 do
        sizes[i] = #assert(submit(client, {bytes = 1000 * i}):await()).image.bytes
      end
    end)()
    jobs.drain(client)
    assert.same({1000, 2000, 3000, 4000, 5000}, sizes)
  end)

  it("lets several coroutines wait for one job, beside its callback: all get the same, once", function()
    local client <close> = support.client(server)
    local got = {}
    local job = submit(client, nil, {on_done = function(result) got[#got + 1] = result end})
    for _ = 1, 3 do
      coroutine.wrap(function()
        local result = job:await()
        got[#got + 1] = result
      end)()
    end
    assert.equal(1, jobs.drain(client))
    assert.equal(4, #got)
    for i = 1, 4 do
      assert.is_true(rawequal(got[i], (job:result())))
    end
  end)

  it("raises outside a coroutine, and where a C call is in the way", function()
    local client <close> = support.client(server)
    local output = support.run(([[
      local job = assert(require "stepimg".new {api_key = "k", base_url = %q}):submit {prompt = "x"}
      print(pcall(job.await, job))
    ]]):format(server.base_url))
    assert.matches("^false\t.*coroutine", output)
    local job = submit(client, {delay = 0.3}) -- 5.2 cannot tell before it has to wait
    local _, message = coroutine.wrap(function()
      return pcall(table.sort, {1, 2}, function() return job:await() end)
    end)()
    assert.is_truthy(message:find("coroutine", 1, true) or message:find("C-call boundary", 1, true), message)
    assert(job:wait())
  end)

  it("is not misled when somebody else resumes its coroutine", function()
    local client <close> = support.client(server)
    local got
    local job = submit(client, {delay = 0.2})
    local thread = coroutine.create(function() got = {job:await()} end)
    assert.same({true}, {coroutine.resume(thread)})
    for _ = 1, 5 do
      assert.same({true}, {coroutine.resume(thread, "not", "the", "result")})
      assert.is_nil(got)
    end
    support.wait_until("the end", function() return job:progress().phase == "done" end)
    assert.is_true(coroutine.resume(thread))
    assert.equal(20000, #got[1].image.bytes)
    assert.equal("dead", coroutine.status(thread))
    assert.equal(1, jobs.drain(client))
    assert.equal(0, client:update())
  end)

  it("lets an error of its coroutine leave update, and loses nothing of the other jobs", function()
    local client <close> = support.client(server)
    local told, errors = 0, 0
    local function count(f, ...)
      local ok, raised = pcall(f, ...)
      if not ok then
        assert.equal(0, raised.number % 3)
        errors = errors + 1
      end
    end
    for i = 1, 10 do
      local job = submit(client)
      count(coroutine.wrap(function() -- which comes to its end here where the job is over before it is awaited
        assert(job:await())
        told = told + 1
        if i % 3 == 0 then
          error({number = i})
        end
      end))
    end
    support.wait_until("the end of all", function()
      count(client.update, client)
      return client:pending() == 0
    end)
    assert.same({10, 3}, {told, errors})
  end)

  it("lets errors of its coroutines leave update again and again, amid compiled code and the collector", function()
    local output = support.run([[
      local client = assert(require "stepimg".new {max_concurrent = 1})
      local function fail()
        local job = assert(client:submit "x")
        coroutine.wrap(function()
          job:await()
          error "not ours"
        end)()
        job:cancel()
        return pcall(client.update, client)
      end
      local sums = {}
      local function work(count, rare)
        local sum = 0
        for i = 1, count do
          sum = sum + (i % rare == 0 and #tostring(i) or 1)
          sums[i % 10] = sum
        end
      end
      for i = 1, 200 do
        assert(not fail())
        work(30, i % 5 + 2)
        collectgarbage()
      end
      print "the end"
    ]], {STEP_API_KEY = support.KEY, STEP_BASE_URL = server.base_url})
    assert.equal("the end\n", output)
  end)

  it("lets the callback and the other coroutines of a job come when one of them raised", function()
    local client <close> = support.client(server)
    local told = {}
    local job = submit(client, {delay = 0.5}, {on_done = function() told[#told + 1] = "callback" end})
    for i = 1, 3 do
      coroutine.wrap(function()
        job:await()
        told[#told + 1] = i
        error "stop"
      end)()
    end
    support.wait_until("the end", function() return job:progress().phase == "done" end)
    for _ = 1, 3 do
      assert.is_false(pcall(client.update, client))
    end
    assert.same({1, 0}, {client:update(), client:pending()})
    assert.same({1, 2, 3, "callback"}, told)
  end)

  it("goes on waiting where the C stack is too deep to resume it", function()
    local client <close> = support.client(server)
    local result, delivered, message
    coroutine.wrap(function() result = submit(client, {delay = 0.5}):await() end)()
    assert.is_true(require "cqueues".poll({pollfd = client:fd(), events = "r"}, 20) ~= 20)
    local deeper
    local function handle(err)
      if not message and tostring(err):find("C stack overflow", 1, true) then
        delivered, message = pcall(client.update, client)
      end
      return err
    end
    function deeper()
      coroutine.wrap(function() xpcall(deeper, handle) end)()
    end
    pcall(deeper)
    assert.same({false, "C stack overflow", nil}, {delivered, message, result})
    assert.equal(1, client:pending())
    assert.equal(1, client:update())
    assert.equal(20000, #result.image.bytes)
  end)

  it("is resumed where each of very many coroutines calls update as it wakes, within that of the last", function()
    local many = _VERSION == "Lua 5.1" and 60000 or 1000 -- the others have a bound of their own, at 200
    local output = support.run(([[
      local client = assert(require "stepimg".new())
      local jobs, woken = {}, 0
      for i = 1, %d do
        jobs[i] = assert(client:submit "x")
        coroutine.wrap(function()
          jobs[i]:await()
          woken = woken + 1
          client:update()
        end)()
      end
      client:close()
      while client:pending() > 0 do
        local ok, err = pcall(client.update, client)
        assert(ok or tostring(err):find("C stack overflow", 1, true), err)
      end
      print(woken)
    ]]):format(many), {STEP_API_KEY = support.KEY, STEP_BASE_URL = server.base_url})
    assert.equal(many .. "\n", output)
  end)

  it("is forgotten where its coroutine is closed or collected; the job goes on for who holds it", function()
    local client <close> = support.client(server)
    local closed = false
    local job = submit(client, {delay = 0.1})
    local thread = coroutine.create(function()
      local _ <close> = setmetatable({}, {__close = function() closed = true end})
      job:await()
      error "it was closed"
    end)
    coroutine.resume(thread)
    assert.is_true(coroutine.close(thread))
    assert.is_true(closed)
    assert.equal(1, jobs.drain(client))
    assert.equal(20000, #job:result().image.bytes)
  end)

  it("keeps the job going that nobody but its coroutine knows", function()
    local client <close> = support.client(server)
    local got
    coroutine.wrap(function()
      got = submit(client, {delay = 0.1}):await()
    end)()
    collectgarbage()
    collectgarbage()
    assert.equal(1, client:pending())
    assert.equal(1, jobs.drain(client))
    assert.equal(20000, #got.image.bytes)
  end)

  it("ends as cancelled, by update, where the job is cancelled or the client closed", function()
    for _, stop in ipairs {
      function(_, job) job:cancel() end, function(client) client:close() end,
    } do
      local client <close> = support.client(server)
      local job = submit(client, {stall = "request"})
      local err
      coroutine.wrap(function() err = support.failure(job:await()) end)()
      stop(client, job)
      assert.is_nil(err)
      assert.equal(1, jobs.drain(client))
      assert.equal("cancelled", err.kind)
      jobs.quiet(server)
    end
  end)

  it("works in a coroutine inside a coroutine, and across pcall", function()
    local client <close> = support.client(server)
    local got
    coroutine.wrap(function()
      local inner = coroutine.wrap(function()
        local ok, result = pcall(function() return assert(submit(client, {delay = 0.5}):await()) end)
        got = ok and #result.image.bytes
      end)
      inner()
    end)()
    assert.equal(1, jobs.drain(client))
    assert.equal(20000, got)
  end)
end)
