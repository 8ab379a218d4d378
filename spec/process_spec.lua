-- Stepimg in a process of its own: Ctrl-C, and every way a program can end.

local cqueues = require "cqueues"
local support = require "spec.support"

local TRIES = 8
local PROMISED, NOISE = 0.1, 0.4    -- seconds: what the contract says of Ctrl-C, and a busy machine's share
local HANG = 10                     -- seconds: no program here has any reason to live this long

local HEAD = [[
  local stepimg = require "stepimg"
  local client = assert(stepimg.new {ca_file = os.getenv "CA", timeout = 30})
  local function generate(prompt)
    return client:generate {prompt = prompt or "x", seed = 7}
  end
]]

-- What the program does with a call that nobody answers, and what is to come of Ctrl-C.
local INTERRUPTED = {
  {"generate(%s)", "exit", 1, "interrupted!"},
  {"local _ <close> = client; assert(generate(%s))", "exit", 1, "interrupted!"},
  {"coroutine.wrap(generate)(%s)", "exit", 1, "interrupted!"},
  {"print(pcall(generate, %s))", "exit", 0, "^false\t.*interrupted!\n$"},
  {"print(pcall(generate, %s)); print(assert(generate()).image.format)", "exit", 0, "^false\t.*\npng\n$"},
}

-- Ends the program in the middle of a call that waits.
local HOOK = [[
  local calls = 0
  debug.sethook(function() calls = calls + 1; if calls > 3 then %s end end, "c")
  generate '{"stall":"body"}'
]]

-- Finalizers that run at the state's end, older than the module, and call it. What they made nobody would finalize.
local FINALIZERS = [[
  local kept = {}
  debug.getregistry().kept = kept
  local function finalizer(f)
    local object = newproxy and newproxy(true) or setmetatable({}, {__gc = f})
    getmetatable(object).__gc = f
    kept[#kept + 1] = object
  end
  for _ = 1, 3 do
    finalizer(function()
      pcall(function()
        local result, err = require "stepimg".generate {prompt = "x", seed = 7}
        if result or err.message ~= "the Lua state is at its end" then
          print(result or err)
        end
      end)
      collectgarbage()
    end)
  end
]]

-- How a program can end, and with which code.
local ENDS = {
  {"assert(generate())", 0},
  {"assert(generate()); client:close()", 0},
  {"assert(generate())", 0, before = FINALIZERS},
  {"local _ <close> = client; assert(generate())", 0},
  {"assert(generate()); os.exit(0)", 0},
  {"assert(generate()); os.exit(0, true)", 0},
  {"assert(generate()); error 'stop'", 1, "stop"},
  {"coroutine.wrap(function() assert(generate()) coroutine.yield(client) end)()", 0},
  {HOOK:format "os.exit(7)", 7},
  {HOOK:format "os.exit(7, true)", 7},
}

for _, way in ipairs(support.WAYS) do
  describe("A program over " .. way.name, function()
    local server = support.standin(way.setting)
    local environment

    lazy_setup(function()
      environment = {STEP_API_KEY = "k", STEP_BASE_URL = server.base_url, CA = server.ca}
    end)

    for _, case in ipairs(INTERRUPTED) do
      it("is interrupted by Ctrl-C in " .. case[1]:format "…", function()
        local call, how, code, output = table.unpack(case)
        local times = {}
        for i, stage in ipairs {"request", "headers", "body"} do
          local child = support.start(HEAD .. call:format(("'{\"stall\":%q} x'"):format(stage)), environment)
          support.wait_until("the request", function() return server:log().open > 0 end)
          local began = cqueues.monotime()
          child:signal "INT"
          local got = {child:finish()}
          times[i] = cqueues.monotime() - began
          assert.matches(output, got[1])
          assert.same({how, code}, {got[2], got[3]})
          support.wait_until("the end of the request", function() return server:log().open == 0 end)
        end
        assert.is_true(support.median(times) < PROMISED + NOISE, ("it took %.3f s"):format(support.median(times)))
      end)
    end

    for _, case in ipairs(ENDS) do
      local finalizers = case.before and ", with finalizers that call the module" or ""
      it("ends at once and in peace after " .. case[1]:gsub("%s+", " ") .. finalizers, function()
        local script, wanted, says = table.unpack(case)
        for _ = 1, TRIES do
          local output, how, code, seconds = support.start((case.before or "") .. HEAD .. script, environment):finish()
          assert.same({"exit", wanted}, {how, code}, output)
          assert.matches(says or "^$", output)
          assert.is_true(seconds < HANG)
        end
      end)
    end
  end)
end
