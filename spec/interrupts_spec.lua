-- What is not ours leaves as it came: Ctrl-C, a stack that overflows, a locale, errors in coroutines. Where a moment is
-- asked for, spec/torture_spec.lua asks for all of them.

local cqueues = require "cqueues"
local jobs = require "spec.support.jobs"
local stepimg = require "stepimg"
local support = require "spec.support"

local TRIES = jobs.LONG and 200 or 12

describe("Nothing is in the way", function()
  local server = support.standin()

  local function submit(client, knobs, options)
    knobs = knobs or {}
    knobs.bytes, knobs.format = 5000, "gif"
    return assert(client:submit({prompt = support.prompt(knobs), seed = 7}, options))
  end

  it("of Ctrl-C, which ends a loop over pictures that come fast, at any moment", function()
    local environment = {STEP_API_KEY = "k", STEP_BASE_URL = server.base_url}
    for i = 1, TRIES do
      local child = support.start([[
        io.stdout:setvbuf "no"
        local client = assert(require "stepimg".new {max_concurrent = 4})
        print "ready"
        for _, result in client:each(function() return '{"bytes":500,"format":"gif"} x' end) do
          assert(#result.image.bytes == 500)
        end
      ]], environment)
      assert.equal("ready", child:line())
      cqueues.sleep(0.02 + i / TRIES * 0.05)
      child:signal "INT"
      local began = cqueues.monotime()
      local output, how, code = child:finish()
      assert.same({"exit", 1}, {how, code}, output)
      assert.matches("interrupted!", output)
      assert.is_true(cqueues.monotime() - began < 10)
    end
  end)

  it("of a stack that overflows: it is raised, and is nobody's flaw", function()
    local client <close> = support.client(server)
    local asked, overflows = 0, 0
    local function ask()
      asked = asked + 1
      for _, f in ipairs {
        function() return stepimg.validate {prompt = "x"} end,
        function() return client:submit({prompt = support.prompt {bytes = 500, format = "gif"}}, {on_done = print}) end,
      } do
        local good, first, second = pcall(f)
        assert(not good or first, tostring(second))
        if not good then
          local text = tostring(first)
          assert(text:find "stack overflow" or text:find "error in error handling", text)
          overflows = overflows + 1
        elseif type(first) == "userdata" then
          first:close()
        end
      end
    end
    local function deeper(left)
      ask()
      if left > 0 then
        local good, raised = pcall(string.gsub, "x", "x", function() deeper(left - 1) end)
        assert(good or tostring(raised):find "stack overflow" or tostring(raised):find "C levels", tostring(raised))
      end
    end
    collectgarbage "stop" -- Lua gives up a finalizer that overflows the stack
    deeper(230)
    collectgarbage "restart"
    assert.is_true(asked > 20)
    jobs.report("%d calls of %d overflowed the stack", overflows, 2 * asked)
    assert.equal(0, client:pending())
    assert(client:generate {prompt = "a lighthouse"})
  end)

  it("of an error in a coroutine that awaited: it leaves update as it is, and the coroutine is dead", function()
    local client <close> = support.client(server)
    local own = {}
    local job = submit(client, {delay = 0.2})
    local co = coroutine.create(function()
      assert(job:await())
      error(own)
    end)
    assert(coroutine.resume(co))
    support.wait_until("the end", function() return job:progress().phase == "done" end)
    local good, raised = pcall(client.update, client)
    assert.is_true(not good and rawequal(raised, own))
    assert.equal("dead", coroutine.status(co))
    local again, complaint = coroutine.resume(co)
    assert.is_false(again)
    assert.matches("dead", complaint)
    assert.same({1, 0}, {jobs.drain(client), client:pending()})
  end)

  it("of who resumes a coroutine too early, and it may yield for others once it has its picture", function()
    local client <close> = support.client(server)
    local got, other
    local job = submit(client, {delay = 0.3})
    local co = coroutine.create(function()
      got = job:await()
      other = coroutine.yield "mine"
    end)
    assert(coroutine.resume(co))
    for _ = 1, 3 do
      assert.same({true}, {coroutine.resume(co, "early")})
    end
    assert.equal(1, jobs.drain(client))
    assert.is_truthy(got)
    assert.equal("suspended", coroutine.status(co))
    assert.equal(0, client:update())
    assert.same({nil, "suspended"}, {other, coroutine.status(co)})
    assert(coroutine.resume(co, "his"))
    assert.same({"his", "dead"}, {other, coroutine.status(co)})
  end)

  it("of a hook that closes a job while somebody waits for it; another job's callback gets its own picture", function()
    local client <close> = support.client(server)
    local told
    submit(client, {delay = 0.2}, {on_done = function(...) told = table.pack(...) end})
    local job = submit(client, {stall = "request"})
    if rawget(_G, "jit") then
      rawget(_G, "jit").off() -- compiled code fires no hooks
    end
    local left = 20
    debug.sethook(function()
      left = left - 1
      if left == 0 then
        debug.sethook()
        job:close()
      end
    end, "c")
    local result, err = job:wait()
    debug.sethook()
    assert.equal("cancelled", support.failure(result, err).kind)
    jobs.drain(client)
    assert.equal(5000, #told[1].image.bytes)
  end)

  it("of thousands of small jobs with callbacks on one client: nothing of them is kept", function()
    local client <close> = support.client(server, {max_concurrent = 20})
    local told = 0
    local function on_done()
      told = told + 1
    end
    local function rounds(count)
      for _ = 1, count do
        for _ = 1, 500 do
          submit(client, nil, {on_done = on_done})
        end
        jobs.drain(client)
      end
      collectgarbage()
      collectgarbage()
      return collectgarbage "count"
    end
    local before = rounds(2)
    local after = rounds(6)
    assert.equal(4000, told)
    -- A record is 300 bytes and more; a table that has room for twice as many as it needs is no record.
    assert.is_true(after - before < 200, ("%.0f KiB are kept"):format(after - before))
  end)

  it("of a key that is set later: a default client without one is not kept", function()
    local output = support.run([[
      local stepimg = require "stepimg"
      local ffi = package.preload.ffi and require "ffi"
      print(select(2, stepimg.generate "x").kind)
      local key = io.read "*l"
      print(key)
    ]], {STEP_BASE_URL = server.base_url})
    assert.matches("^auth\n", output)
  end)

  it("of a host that takes strings their methods, and all libraries away, once the module is loaded", function()
    local place = support.directory()
    local output = support.run(([[
      local path, tostring, raise, try, write = %q, tostring, error, pcall, io.write
      local client = assert(require "stepimg".new {retries = 0})
      getmetatable("").__index = function(_, name) raise("a string's " .. tostring(name)) end
      for _, library in pairs {coroutine, math, string, table} do
        for name in pairs(library) do
          library[name] = nil
        end
      end
      for _, name in pairs {"error", "getmetatable", "next", "pcall", "rawget", "rawset", "select", "setmetatable"} do
        _G[name] = nil
      end

      local result = client:generate({prompt = "x", seed = 7}, {save = path})
      write(tostring(result.warnings[1].field), "\n")
      write(tostring(result.image:save(path) == path), "\n")
      write(tostring(({try(client.generate, client, 7)})[2]), "\n")
      local loop = client:each {{prompt = "x", steps = 0}}
      local _, _, err = loop()
      write(err.field, "\n")
    ]]):format(place .. "/a.jpg"), {STEP_API_KEY = support.KEY, STEP_BASE_URL = server.base_url})
    support.remove(place)
    assert.equal("save\ntrue\nbad argument #1 to '?' (string or table expected, got number)\nsteps\n",
      (output:gsub("to 'generate'", "to '?'")))
  end)

  -- The locale is made here, since a system need not have one: only the number's point is of interest.
  it("of a locale that writes 1.5 as 1,5, set before or after the module is loaded, or taken back", function()
    local place = support.directory()
    local made = os.execute(("localedef -i de_DE -f UTF-8 %s/de_DE.UTF-8 >/dev/null 2>&1"):format(place))
    if support.NO_FIGURES or not (made == true or made == 0) then
      support.remove(place)
      pending(support.NO_FIGURES and "glibc's setlocale leaks a few bytes" or "there is no source of that locale")
      return
    end
    for _, which in ipairs {"before", "after", "back"} do
      local output = support.run(support.program "locale", {
        STEP_API_KEY = "k", STEP_BASE_URL = server.base_url, LOCPATH = place, WHICH = which,
      })
      assert.matches("^1[.,]5\ninvalid: cfg_scale: 11%.5 is out of range[^\n]*\ninvalid: steps: 1%.5 is not", output)
      local request = support.request(server)
      assert.matches('"cfg_scale":1%.5[,}]', request.body)
    end
    support.remove(place)
  end)
end)
