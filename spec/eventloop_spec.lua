-- A client in somebody else's event loop: libuv's and cqueues'.

local cqueues = require "cqueues"
local jobs = require "spec.support.jobs"
local socket = require "socket"
local support = require "spec.support"

local COUNT = 8

describe("In an event loop", function()
  local server = support.standin()

  local function submit(client, knobs, on_done)
    knobs.bytes, knobs.format = knobs.bytes or 20000, "gif"
    return assert(client:submit({prompt = support.prompt(knobs), seed = 7}, {on_done = on_done}))
  end

  local function readable(client)
    local descriptor = {getfd = function() return client:fd() end}
    return #socket.select({descriptor}, nil, 0) > 0
  end

  local function finished(job)
    support.wait_until("the end", function() return job:progress().phase == "done" end)
  end

  it("the descriptor is readable exactly while update has something to deliver", function()
    local client <close> = support.client(server)
    assert.is_false(readable(client))
    local first, second = submit(client, {}), submit(client, {delay = 0.2})
    finished(first)
    assert.is_true(readable(client) and readable(client))
    assert.same({1, false}, {client:update(), readable(client)})
    finished(second)
    assert.is_true(readable(client))
    assert(second:wait()) -- the caller has it: nothing is left for update
    assert.same({false, 0}, {readable(client), client:update()})
    local told = submit(client, {}, function() assert(not readable(client)) end)
    assert(told:wait())
    assert.is_true(readable(client))
    assert.same({1, false}, {client:update(), readable(client)})
  end)

  it("the descriptor stays readable where a callback raised and others are still to come", function()
    local client <close> = support.client(server)
    local handles = {}
    for i = 1, 2 do
      handles[i] = submit(client, {}, function() error "stop" end)
    end
    finished(handles[1])
    finished(handles[2])
    assert.is_false(pcall(client.update, client))
    assert.is_true(readable(client))
    assert.is_false(pcall(client.update, client))
    assert.is_false(readable(client))
  end)

  it("the descriptor is the same one all the time, also when the client is closed with jobs to deliver", function()
    local client = support.client(server)
    local descriptor, held = client:fd(), {} -- what nobody holds may be collected, and is gone then
    for i = 1, COUNT do
      held[i] = submit(client, {stall = "request"})
    end
    assert.same({COUNT, descriptor, descriptor}, {#held, client:fd(), client:pollfd()})
    client:close()
    assert.is_true(readable(client))
    assert.same({COUNT, descriptor, false}, {client:update(), client:fd(), readable(client)})
  end)

  it("first asked for when something is finished already, the descriptor is readable", function()
    local client <close> = support.client(server)
    finished(submit(client, {}))
    assert.is_true(readable(client))
  end)

  it("there is an error where the process has no descriptor left for it, and one when it has", function()
    local script = support.write(os.tmpname(), [[
      local client = assert(require "stepimg".new {api_key = "k"})
      local files = {}
      for file in function() return (io.open "/dev/null") end do
        files[#files + 1] = file
      end
      print(client:fd())
      files[1]:close()
      print(client:fd())
    ]])
    local pipe = assert(io.popen(("ulimit -n 64; LUA_CPATH=%s %s 2>&1"):format(
      support.quote(support.CPATH), support.words(support.interpreter(), script))))
    local output = pipe:read "*a"
    pipe:close()
    os.remove(script)
    assert.matches("^nil\t[^\n]*no descriptor left\n%d+\n$", output)
  end)

  it("the client works in libuv beside a timer", function()
    local found, uv = pcall(require, "luv")
    if not found then
      pending "luv is not installed"
      return
    end
    local client <close> = support.client(server)
    local poll, timer = uv.new_poll(client:fd()), uv.new_timer()
    local sizes, ticks, wakes = {}, 0, 0
    for i = 1, COUNT do
      submit(client, {delay = 0.05 * i, bytes = 20000 + i}, function(result)
        sizes[#sizes + 1] = #result.image.bytes - 20000
      end)
    end
    timer:start(5, 5, function()
      ticks = ticks + 1
      assert(ticks < 4000, "nothing comes")
    end)
    poll:start("r", function(err)
      assert(not err)
      wakes = wakes + 1
      client:update()
      if client:pending() == 0 then
        poll:close()
        timer:close()
      end
    end)
    uv.run()
    table.sort(sizes)
    assert.same({1, 2, 3, 4, 5, 6, 7, 8}, sizes)
    assert.is_true(wakes >= 1 and wakes <= COUNT, "it was woken for nothing")
    assert.is_true(ticks > 20, ("the timer came %d times only"):format(ticks))
  end)

  it("the client works in cqueues, which polls it as it is, beside another coroutine", function()
    local client <close> = support.client(server)
    local handles, ticks, wakes, loop = {}, 0, 0, cqueues.new()
    assert.same({"r", 0}, {client:events(), select("#", client:timeout())})
    loop:wrap(function()
      while client:pending() > 0 do
        assert(cqueues.poll(client, 20) == client)
        wakes = wakes + 1
        client:update()
      end
    end)
    loop:wrap(function()
      while client:pending() > 0 do
        cqueues.sleep(0.005)
        ticks = ticks + 1
      end
    end)
    for i = 1, COUNT do
      loop:wrap(function()
        handles[i] = assert(client:submit {
          prompt = support.prompt {delay = 0.05 * i, bytes = 20000 + i, format = "gif"}, seed = 7,
        })
      end)
    end
    submit(client, {delay = 0.5})
    assert(loop:loop())
    for i, job in ipairs(handles) do
      assert.equal(20000 + i, #job:result().image.bytes)
    end
    assert.equal(COUNT, #handles)
    assert.is_true(wakes >= 1 and wakes <= COUNT + 1, "it was woken for nothing")
    assert.is_true(ticks > 20, ("the other coroutine ran %d times only"):format(ticks))
  end)

  it("a scheduler's own wait is how await waits, also without a coroutine", function()
    local waits, loop, found = 0, cqueues.new(), {}
    local client <close> = support.client(server, {wait = function(client)
      waits = waits + 1
      cqueues.poll(client, 20)
      client:update()
    end})
    local function generate(knobs)
      knobs.bytes, knobs.format = knobs.bytes or 20000, "gif"
      return assert(client:submit {prompt = support.prompt(knobs), seed = 7}):await()
    end
    for i = 1, COUNT do
      loop:wrap(function()
        found[i] = #generate {delay = 0.05 * i, bytes = 20000 + i}.image.bytes
      end)
    end
    loop:wrap(function()
      found.refusal = select(2, generate {status = 400}).kind
    end)
    assert(loop:loop())
    assert.same({20001, 20002, 20003, 20004, 20005, 20006, 20007, 20008, refusal = "request"}, found)
    assert.equal(20000, #generate({delay = 0.05}).image.bytes)
    assert.equal(0, client:pending())
    assert.is_true(waits >= COUNT)
    local failing <close> = support.client(server, {wait = function() error("no more", 0) end})
    local job = assert(failing:submit {prompt = support.prompt {bytes = 1000, format = "gif", delay = 0.1}})
    assert.same({false, "no more"}, {pcall(job.await, job)})
    assert.equal(1000, #job:wait().image.bytes)
  end)

  it("every job is delivered, however many come at once", function()
    local client <close> = support.client(server, {max_concurrent = 50})
    local told, loop = 0, cqueues.new()
    for _ = 1, 500 do
      submit(client, {bytes = 1000}, function() told = told + 1 end)
    end
    loop:wrap(function()
      while client:pending() > 0 do
        assert(cqueues.poll(client, 20) == client)
        client:update()
      end
    end)
    assert(loop:loop())
    assert.same({500, false}, {told, readable(client)})
    jobs.quiet(server)
  end)
end)
