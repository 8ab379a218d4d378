-- The main paths as the tortures run them, in Lua 5.1 that runs on all. Each: before(state), then run(state) under
-- torture, then after(state, good, raised, meddled) in peace, which asks for what must hold whatever happened.

local stepimg = require "stepimg"

local base_url, directory = arg[1], arg[2]
local BYTES = 3000 -- of a picture
local PATIENCE = 20 -- seconds

local paths = {list = {}}

function paths.client(options)
  local given = {api_key = "sk-0123456789abcdef", base_url = base_url, retries = 0, max_concurrent = 2}
  for name, value in pairs(options or {}) do
    given[name] = value
  end
  return assert(stepimg.new(given))
end

local function prompt(knobs)
  return {prompt = ('{"bytes":%d,"format":"gif"%s} x'):format(BYTES, knobs or ""), seed = 7}
end

-- An entry for which there was no memory is counted.
local function check_history(outcome, requests)
  local history = outcome.history
  assert(#history + (history.left_out or 0) == requests, "a request was lost")
  for i = 1, #history do
    local entry = history[i]
    assert(entry.method and entry.waited >= 0 and entry.seconds >= 0 and entry.bytes >= 0, "an entry is not whole")
  end
  assert(outcome.timing.total >= 0, "the time is not known")
end

local function check_result(result, err)
  assert(result, tostring(err))
  assert(result.image == result.data[1] and result.image.seed == 7 and result.attempts == 1, "the result is not whole")
  check_history(result, 1)
end

local function check_bytes(result)
  assert(#result.image.bytes == BYTES, "the picture is lost")
end

local function check_cancelled(job)
  local _, err = job:result()
  assert(err.kind == "cancelled" or err.message:find "memory", tostring(err))
end

local function drain(client)
  local deadline = os.time() + PATIENCE
  while client:pending() > 0 do
    client:update()
    assert(os.time() < deadline, "a job was never delivered")
  end
  assert(client:update() == 0, "something was left")
end

local function finish(job)
  local deadline = os.time() + PATIENCE
  while job:progress().phase ~= "done" do
    assert(os.time() < deadline, "a job never ended")
  end
end

local function path(name, run, after, before)
  table.insert(paths.list, {name = name, run = run, after = after or function() end, before = before or function() end})
end

path("validate", function()
  local good, warnings = stepimg.validate {prompt = "x", width = 1024, height = 1024, negative_prompt = "y"}
  assert(good and #warnings == 1)
  local none, err = stepimg.validate {prompt = "x", stepps = 8}
  assert(none == nil and err.kind == "invalid" and tostring(err):find("steps", 1, true))
end)

path("new", function()
  local client = paths.client {headers = {["X-One"] = "1"}}
  assert(client:pending() == 0)
  client:close()
end)

path("generate", function(state)
  local result, err = state.client:generate(prompt())
  if not state.meddled then
    check_result(result, err)
    check_bytes(result)
  end
end)

local seeds = 100

local function check_cached(seed, result, err)
  assert(result, tostring(err))
  assert(result.image.seed == seed and #result.image.bytes == BYTES, "it is another picture")
end

-- The first one is kept, the second one found. What is kept is whole, or is none.
path("cache", function(state)
  for i = 1, 2 do
    local result, err = state.client:generate(state.params, {cache = directory})
    if not state.meddled then
      check_cached(state.params.seed, result, err)
      assert(state.failed or (result.cached or false) == (i == 2), "it was not kept, and nobody says why")
      state.failed = result.warnings ~= nil
    end
  end
end, function(state, good)
  local own = paths.client {budget = 0, cache = directory}
  local result, err = own:generate(state.params)
  if result or err.kind ~= "budget" then
    check_cached(state.params.seed, result, err)
    assert(result.cached)
  else
    assert(not good or state.meddled or state.failed, "it was not kept")
  end
  own:close()
end, function(state)
  seeds = seeds + 1
  state.params = prompt()
  state.params.seed = seeds
end)

path("account", function(state)
  state.job = assert(state.client:account {on_done = state.on_done})
  state.client:update()
end, function(state, good)
  drain(state.client)
  assert(state.called <= 1 and (not good or state.closed or state.called == 1), "called " .. state.called .. " times")
  assert(state.called == 0 or state.closed or state.result.balance == 25.5)
end)

local histories = 0

-- A refusal, a repeat and a download: three requests.
path("history", function(state)
  histories = histories + 1
  local params = prompt(([[,"id":"%d %s","times":1,"status":503,"headers":{"retry-after-ms":"1"}]]):format(
    histories, tostring(state)))
  params.response_format = "url"
  local result, err = state.client:generate(params, {retries = 1})
  if not state.meddled then
    assert(result, tostring(err))
    assert(result.attempts == 2 and #result.image.bytes > 0)
    check_history(result, 3)
  end
end)

-- A counter too few for a moment is none that a caller may see.
path("stats", function(state)
  local stats = state.client:stats()
  local sum = stats.done + stats.failed + stats.cancelled + stats.queued + stats.in_flight
  assert(stats.submitted == sum and stats.budget_left == nil, "the counters disagree")
end, function(state)
  local before = state.client:stats()
  check_result(state.client:generate(prompt()))
  local stats = state.client:stats()
  assert(stats.done == before.done + 1 and stats.requests == before.requests + 1, "it was not counted")
end)

-- A picture that is edited is the host's own, or an image's; whatever becomes of it meanwhile, all of it is sent or
-- none.
path("edit", function(state)
  for i = 1, 2 do
    local params = prompt()
    params.image, params.n = i == 1 and state.bytes or state.image, 1
    local result, err = state.client:generate(params)
    if not state.meddled then
      check_result(result, err)
      check_bytes(result)
    end
  end
end, function(state)
  assert(state.image_closed or #state.image.bytes == BYTES, "the picture is lost")
end, function(state)
  state.image = assert(state.client:generate(prompt())).image
  state.bytes = assert(state.client:generate(prompt())).image.bytes .. ("x"):rep(70000)
end)

-- A submit that returned calls its callback once; of one that raised nothing is known, but that it is over some time.
path("submit", function(state)
  state.job = assert(state.client:submit(prompt(), {on_done = state.on_done}))
end, function(state, good)
  drain(state.client)
  assert(state.called <= 1 and (not good or state.closed or state.called == 1), "called " .. state.called .. " times")
end)

local function submitted(state, knobs)
  state.job = assert(state.client:submit(prompt(knobs), {on_done = state.on_done}))
end

-- Between the job's leaving its queue and the callback's first step, an interrupt is one of the callback.
path("update", function(state)
  state.client:update()
end, function(state, good)
  drain(state.client)
  assert(state.called <= 1 and (not good or state.closed or state.called == 1), "called " .. state.called .. " times")
  if not state.closed then
    local result, err = state.job:result()
    check_result(result, err)
    assert(state.called == 0 or (state.given == state.job and rawequal(state.result, result)))
    if not state.image_closed then
      check_bytes(result)
    end
  end
end, function(state)
  submitted(state)
  finish(state.job)
end)

local function await(state)
  local result, err = state.job:await()
  state.result, state.err = result, err
  state.resumed = state.resumed + 1
end

local function after_await(state, good)
  local deadline = os.time() + PATIENCE
  while state.client:pending() > 0 do
    state.client:update()
    assert(os.time() < deadline, "a job was never delivered")
  end
  assert(coroutine.status(state.co) == "dead", "a coroutine sleeps")
  assert(state.resumed == 1 or not good, "a coroutine was resumed " .. state.resumed .. " times")
  if not state.closed then
    local result, err = state.job:wait()
    check_result(result, err)
    assert(state.resumed == 0 or rawequal(state.result, result))
  end
end

local function start(state)
  state.co = coroutine.create(await)
end

path("await", function(state)
  if state.hook then
    state.hook(state.co)
  end
  local good, raised = coroutine.resume(state.co, state)
  if not good then
    error(raised, 0)
  end
end, function(state, good)
  if coroutine.status(state.co) == "suspended" and state.resumed == 0 then -- it was not begun, or it waits
    assert(coroutine.resume(state.co, state))
  end
  after_await(state, good)
end, function(state)
  state.job = assert(state.client:submit(prompt ',"delay":0.01'))
  start(state)
end)

path("update to a coroutine", function(state)
  state.client:update()
end, after_await, function(state)
  state.job = assert(state.client:submit(prompt ',"delay":0.01'))
  start(state)
  assert(coroutine.resume(state.co, state))
  finish(state.job)
end)

path("wait", function(state)
  local result, err = state.job:wait()
  if not state.meddled then
    check_result(result, err)
  end
end, function(state)
  if not state.closed then
    local result, err = state.job:wait()
    check_result(result, err)
    if not state.image_closed then
      check_bytes(result)
    end
  end
  drain(state.client)
end, function(state)
  state.job = assert(state.client:submit(prompt()))
end)

local function walk(state)
  for i, result, err in state.loop do
    state.seen[i] = result or err
  end
end

-- The list of three, whose second entry is none, comes whole in the end.
local function check_items(state, good)
  if state.closed then
    return
  elseif not good then
    walk(state)
  end
  for i = 1, 3 do
    local item = assert(state.seen[i], "an item was lost")
    assert(item.kind == (i == 2 and "invalid" or nil), tostring(item))
  end
end

-- Each item is submitted once, which the budget sees to, and handed over. After an error the loop goes on, with the
-- item that was not handed over for certain.
path("each", walk, function(state, good)
  check_items(state, good)
  state.loop:close()
  state.own:close()
  drain(state.own)
end, function(state)
  state.own = paths.client {budget = 2}
  state.seen = {}
  state.loop = state.own:each {prompt(), "", prompt()}
end)

-- The same with pictures that go to files: each to its own, whole or not at all. The list is filled when the loop is
-- made: where an entry goes is asked when its turn comes, and again where that was cut short.
path("each that saves", walk, function(state, good)
  check_items(state, good)
  for i = 1, 3 do
    local name = ("%s/%d.gif"):format(directory, i)
    local file = io.open(name, "rb")
    assert(state.closed or (file ~= nil) == (i ~= 2), "a file is missing, or too many are there")
    if file then
      assert(#file:read "*a" == BYTES, "half a file")
      file:close()
      os.remove(name)
    end
  end
  state.loop:close()
  state.own:close()
  drain(state.own)
end, function(state)
  local list = {}
  state.own = paths.client {budget = 2}
  state.seen = {}
  state.loop = state.own:each(list, {save = function(i)
    return ("%s/%d.gif"):format(directory, i)
  end})
  list[1], list[2], list[3] = prompt(), "", prompt()
end)

path("save", function(state)
  local saved, err = state.image:save(directory .. "/x.gif")
  assert(saved or state.image_closed, tostring(err))
end, function(state, good)
  local file = io.open(directory .. "/x.gif", "rb")
  assert(file or not good or state.image_closed)
  if file then
    assert(#file:read "*a" == BYTES, "half a file")
    file:close()
    os.remove(directory .. "/x.gif")
  end
  assert(state.image_closed or #state.image.bytes == BYTES, "the picture is lost")
end, function(state)
  state.image = assert(state.client:generate(prompt())).image
end)

path("bytes", function(state)
  local bytes = state.image.bytes
  assert(state.image_closed or #bytes == BYTES)
end, function(state)
  assert(state.image_closed or #state.image.bytes == BYTES, "the picture is lost")
end, function(state)
  state.image = assert(state.client:generate(prompt())).image
end)

path("cancel", function(state)
  state.job:cancel()
end, function(state, good)
  state.job:cancel()
  drain(state.client)
  assert(state.called <= 1 and (not good or state.closed or state.called == 1), "called " .. state.called .. " times")
  check_cancelled(state.job)
end, function(state)
  submitted(state, ',"stall":"request"')
end)

path("job:close", function(state)
  state.job:close()
end, function(state)
  state.job:close()
  drain(state.client)
  assert(state.called <= 1, "called " .. state.called .. " times")
  check_cancelled(state.job)
  assert(state.job:status() == "cancelled")
end, function(state)
  submitted(state, ',"stall":"request"')
end)

path("client:close", function(state)
  state.own:close()
end, function(state)
  state.own:close()
  drain(state.own)
  assert(state.called <= 1 and (state.closed or state.called == 1), "called " .. state.called .. " times")
  check_cancelled(state.job)
end, function(state)
  state.own = paths.client()
  state.job = assert(state.own:submit(prompt ',"stall":"request"', {on_done = state.on_done}))
end)

-- A state of a run. Its fields are all there: what is set in it later needs no memory.
function paths.state(it, client)
  local state = {
    client = client, called = 0, resumed = 0, closed = false, meddled = false, image_closed = false, failed = false,
  }
  function state.on_done(result, err, job)
    state.result, state.err, state.given = result, err, job
    state.called = state.called + 1
  end
  it.before(state)
  return state
end

-- What holds after all of them.
function paths.check(client)
  drain(client)
  check_bytes(assert(client:generate(prompt())))
end

-- How many threads this process has and how many descriptors, where /proc says it.
local function held()
  local status = io.open "/proc/self/status"
  if not status then
    return 0, 0
  end
  local threads, descriptors = tonumber(status:read "*a":match "Threads:%s*(%d+)"), 0
  status:close()
  for descriptor = 0, 255 do
    local file = io.open("/proc/self/fdinfo/" .. descriptor)
    if file then
      file:close()
      descriptors = descriptors + 1
    end
  end
  return threads, descriptors
end

local threads, descriptors = held()

-- Nothing is left of all that was made: call it when the clients are closed.
function paths.finish()
  local deadline = os.time() + PATIENCE
  repeat
    collectgarbage()
    collectgarbage()
    local now, open = held()
    assert(os.time() < deadline, ("%d threads, %d descriptors are left"):format(now - threads, open - descriptors))
  until now <= threads and open <= descriptors
end

-- Long: all of them; else all of the first ones, and then ever fewer.
function paths.next(n)
  return n + 1 + (os.getenv "STEPIMG_LONG" and 0 or math.floor(n / 16))
end

return paths
