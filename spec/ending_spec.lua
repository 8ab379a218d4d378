-- The end of a program that has jobs in flight: it comes at once, and in peace, whichever way it comes.

local cqueues = require "cqueues"
local jobs = require "spec.support.jobs"
local support = require "spec.support"

local TRIES = jobs.LONG and 200 or 50
local IN_FLIGHT = {["plain HTTP"] = 1000, ["TLS with HTTP/2"] = 100} -- of the latter, the stand-in is no friend
local AT_ONCE = 4   -- programs
local PROMISED = 0.2 -- seconds, for an end
local HANG = 5       -- seconds: no end has any reason to take this long

-- `last` marks the moment at which the end begins. Time is the system's, the same in both processes.
local HEAD = [[
  local cqueues = require "cqueues"
  local stepimg = require "stepimg"
  local client = assert(stepimg.new {ca_file = os.getenv "CA", max_concurrent = 1000})
  local jobs = {}
  local function submit(count, prompt, options)
    for i = 1, count do
      jobs[#jobs + 1] = assert(client:submit({prompt = prompt .. " x", seed = 7}, options))
    end
  end
  local function receiving()
    for _, job in ipairs(jobs) do
      while job:progress().received == 0 do
        job:wait(0.001)
      end
    end
  end
  local function last()
    io.stdout:write(("%.6f\n"):format(cqueues.monotime()))
    io.stdout:flush()
  end
]]

local TRANSFER = [[
  submit(3, '{"stall":"body","bytes":300000}', os.getenv "SAVE" and {save = os.getenv "SAVE"} or nil)
  receiving()
  last()
]]

-- How a program can end in the middle of its transfers.
local ENDS = {
  ["os.exit(0), which skips lua_close"] = TRANSFER .. "os.exit(0)",
  ["os.exit(0, true)"] = TRANSFER .. "os.exit(0, true)",
  ["the end of its script"] = TRANSFER,
  ["client:close()"] = TRANSFER .. "client:close() assert(client:update() == 3)",
  ["the collector"] = TRANSFER .. "client, jobs = nil collectgarbage() collectgarbage()",
  ["an os.exit(0) in a callback"] = TRANSFER
    .. "client:submit({prompt = ''}) client:submit({prompt = 'x'}, {on_done = function() os.exit(0) end}) "
    .. "while true do client:update() cqueues.sleep(0.001) end",
}

-- The milliseconds between the last word of each of so many programs and their end. Some run at the same time.
local function ends(script, environment, tries, at_once)
  local times, running = {}, {}
  for i = 1, tries + at_once do
    local child = running[i - at_once]
    if child then
      local line = child:line()
      local output, how, code = child:finish()
      assert.same({"exit", 0, ""}, {how, code, output}, line)
      times[#times + 1] = (cqueues.monotime() - assert(tonumber(line), line)) * 1000
    end
    running[i] = i <= tries and support.start(HEAD .. script, environment) or nil
  end
  return times
end

local function assert_prompt(name, times)
  local median = support.median(times)
  jobs.report("%s: median %.0f max %.0f ms over %d programs", name, median, times[#times], #times)
  assert.is_true(times[#times] < HANG * 1000)
end

for _, way in ipairs(jobs.WAYS) do
  describe("A program over " .. way.name, function()
    local server = support.standin(way.setting)
    local environment

    lazy_setup(function()
      environment = {STEP_API_KEY = "k", STEP_BASE_URL = server.base_url, CA = server.ca}
    end)

    for name, script in pairs(ENDS) do
      it("in the middle of its transfers ends in peace by " .. name, function()
        for _, time in ipairs(ends(script, environment, TRIES // 2, AT_ONCE)) do
          assert.is_true(time < HANG * 1000)
        end
        jobs.quiet(server)
      end)
    end

    it("that saves pictures leaves no part of one, however it ends", function()
      local directory = support.directory()
      for name, script in pairs(ENDS) do
        if name ~= "the collector" then -- it ends with files that are still being written
          environment.SAVE = directory .. "/picture.png"
          ends(script, environment, 2, 2)
          assert.same({}, support.names(directory), name)
        end
      end
      environment.SAVE = nil
      support.remove(directory)
    end)

    local many = IN_FLIGHT[way.name]

    it(("ends at once with %d jobs in flight"):format(many), function()
      local times = ends(([[
        submit(%d, '{"stall":"request"}')
        for _, job in ipairs(jobs) do
          while job:progress().phase ~= "waiting" do
            job:wait(0.001)
          end
        end
        last()
      ]]):format(many), environment, 3, 1)
      assert_prompt(("lua_close with %d jobs in flight over %s"):format(many, way.name), times)
      jobs.quiet(server)
    end)

    it("is interrupted by Ctrl-C where it waits for a job, or in a loop of each", function()
      for _, script in ipairs {
        [[submit(1, '{"stall":"body"}') last() jobs[1]:wait()]],
        [[last() for _ in client:each {{prompt = '{"stall":"body"}'}} do end]],
        [[submit(1, '{"stall":"body"}') last() coroutine.wrap(function() jobs[1]:wait(100) end)()]],
      } do
        local child = support.start(HEAD .. script, environment)
        assert(child:line())
        support.wait_until("the request", function() return server:log().open > 0 end)
        child:signal "INT"
        local began = cqueues.monotime()
        local output, how, code = child:finish()
        assert.matches("interrupted!", output)
        assert.same({"exit", 1}, {how, code})
        assert.is_true(cqueues.monotime() - began < HANG)
        jobs.quiet(server)
      end
    end)
  end)
end

describe("While a name look-up hangs", function()
  -- A namespace of its own, where the only name server is a socket that never answers.
  local SCRIPT = [[
    local server = assert(require "socket".udp())
    assert(server:setsockname("127.0.0.1", 53))
    local client = assert(require "stepimg".new {api_key = "k", base_url = "https://hangs.example.org/v1"})
    local jobs = {}
    for i = 1, 3 do
      jobs[i] = assert(client:submit {prompt = "x"})
    end
    server:settimeout(5)
    assert(server:receive(), "nobody has asked")
    assert(jobs[1]:wait(0.05) == nil and jobs[1]:progress().phase == "connecting")
    print(require "cqueues".monotime())
  ]]
  local ISOLATE = 'ip link set lo up && mount --bind "$0" /etc/resolv.conf && exec "$@"'

  local function isolated(...)
    local resolver = support.write(os.tmpname(), "nameserver 127.0.0.1\noptions timeout:30 attempts:2\n")
    local pipe = assert(io.popen(support.words("unshare", "-mn", "sh", "-c", ISOLATE, resolver, ...) .. " 2>&1"))
    local output = pipe:read "*a"
    local ok, how, code = pipe:close()
    local now = cqueues.monotime()
    os.remove(resolver)
    return output, ok, how, code, now
  end

  for name, last in pairs {
    ["client:close()"] = "client:close() assert(client:update() == 3 and jobs[1]:status() == 'cancelled')",
    ["lua_close"] = "", ["os.exit(0)"] = "os.exit(0)", ["os.exit(0, true)"] = "os.exit(0, true)",
    ["cancel"] = "for _, job in ipairs(jobs) do job:cancel() job:wait() end client:close()",
  } do
    it(("a program ends at once by %s"):format(name), function()
      local refused, allowed = isolated "true"
      if not allowed then
        pending("there is no network of its own to be had: " .. refused)
        return
      end
      local file, times = support.write(os.tmpname(), SCRIPT .. last), {}
      for i = 1, jobs.LONG and 200 or 5 do
        local output, ok, how, code, now = isolated("env", "LUA_PATH=./?.lua;./?/init.lua;;",
          "LUA_CPATH=" .. support.CPATH, support.interpreter(), file)
        assert.is_true(ok, ("%s %s: %s"):format(how, code, output))
        times[i] = (now - tonumber(output)) * 1000
      end
      os.remove(file)
      assert_prompt(("end by %s while a name look-up hangs"):format(name), times)
      assert.is_true(support.median(times) < PROMISED * 1000 + 500)
    end)
  end
end)
