-- hooks.lua BASE_URL DIRECTORY: for each N, a hook raises at its N-th event on each of the main paths: it is called
-- when a function is called, when one returns, or at each instruction. The same error leaves the call, at once.
-- Prints how often it raised.

local paths = require "spec.torture.paths"

if jit then
  jit.off() -- compiled code fires no hooks
end

local TOKEN = setmetatable({}, {__tostring = function() return "the hook's own" end})
local client = paths.client()
local raised_times = 0

local function torture(it, mask, count, n)
  local state = paths.state(it, client)
  local left, fired = n, false
  local function hook()
    left = left - 1
    if left == 0 then
      fired = true
      error(TOKEN, 0)
    end
  end
  function state.hook(co)
    debug.sethook(co, hook, mask, count)
  end
  local good, raised = pcall(function()
    debug.sethook(hook, mask, count)
    it.run(state)
    debug.sethook()
  end)
  debug.sethook()
  local what = ("%s, event %d of %s"):format(it.name, n, mask == "" and "each instruction" or mask)
  if state.co then
    debug.sethook(state.co)
  end
  assert(good or rawequal(raised, TOKEN), what .. ": " .. tostring(raised))
  assert(not good or not fired or n == left, what .. ": its error was swallowed")
  local fine, complaint = pcall(it.after, state, good, raised)
  assert(fine, what .. ": afterwards " .. tostring(complaint))
  raised_times = raised_times + (fired and 1 or 0)
  return fired
end

for _, it in ipairs(paths.list) do
  for mask, count in pairs {c = 0, r = 0, [""] = 1} do
    local n = 1
    while torture(it, mask, count, n) do
      n = paths.next(n)
    end
    paths.check(client)
  end
end
client:close()
paths.finish()
print(raised_times)
