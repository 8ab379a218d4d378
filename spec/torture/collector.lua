-- collector.lua BASE_URL DIRECTORY, run by spec/host/lua_allocations.c: for each N, the N-th allocation on each of
-- the main paths makes the collector go round, and a finalizer calls one of the API's functions on what is in use.
-- Prints how often one did.

local allocations, base_url, directory = ...
arg = {base_url, directory} -- luacheck: ignore

local paths = require "spec.torture.paths"
local client = paths.client()
local meddled_times = 0

-- Calls f when what this returns is collected.
local function on_collection(f)
  local guarded = function()
    pcall(f)
  end
  if newproxy then -- of 5.1, whose tables have no finalizers
    local proxy = newproxy(true)
    getmetatable(proxy).__gc = guarded
    return proxy
  end
  return setmetatable({}, {__gc = guarded})
end

local function image_of(state)
  return state.image or state.job and state.job:result() and state.job:result().image
end

local MEDDLERS = {
  update = function(state)
    state.client:update()
    if state.own then
      state.own:update()
    end
  end,
  result = function(state)
    if state.job then
      state.job:result()
    end
  end,
  wait = function(state)
    if state.job then
      state.job:wait(0)
      state.job:status()
      state.job:progress()
    end
  end,
  stats = function(state)
    local stats = state.client:stats()
    assert(stats.submitted >= stats.done)
    if state.job then
      local result, err = state.job:result()
      local history = (result or err or {}).history
      assert(not history or history[1] == nil or history[1].method)
    end
  end,
  ["job:close"] = function(state)
    state.closed = true
    if state.job then
      state.job:close()
    end
  end,
  ["client:close"] = function(state)
    if state.own then
      state.closed = true
      state.own:close()
    end
  end,
  ["loop:close"] = function(state)
    if state.loop then
      state.closed = true
      state.loop:close()
    end
  end,
  ["loop"] = function(state)
    if state.loop then
      local i, result, err = state.loop()
      if i then
        state.seen[i] = result or err
      end
    end
  end,
  bytes = function(state)
    local image = image_of(state)
    return image and #image.bytes
  end,
  ["image:close"] = function(state)
    local image = image_of(state)
    if image then
      state.image_closed = true
      image:close()
    end
  end,
  submit = function(state)
    state.client:validate "x"
    state.other = state.client:submit("x", {on_done = function() end})
    state.other:close()
  end,
}

-- "the loop is over" and the like: what a meddler has ended raises in who works with it.
local OVER = {"the loop is over", "the picture is lost"}

local function may_raise(raised)
  for _, text in ipairs(OVER) do
    if tostring(raised):find(text, 1, true) then
      return true
    end
  end
  return false
end

local function torture(it, name, meddle, n)
  local state = paths.state(it, client)
  local happened = false
  on_collection(function()
    collectgarbage "stop"
    state.meddled, happened = true, true
    meddle(state)
  end)
  allocations.collect(n)
  local good, raised = pcall(it.run, state)
  local reached = allocations.collected()
  collectgarbage "restart"
  local what = ("%s, allocation %d, %s"):format(it.name, n, name)
  assert(good or state.closed and may_raise(raised), what .. ": " .. tostring(raised))
  local fine, complaint = pcall(it.after, state, good, raised)
  assert(fine, what .. ": afterwards " .. tostring(complaint))
  collectgarbage() -- the finalizer, if it had no chance
  meddled_times = meddled_times + (happened and reached and 1 or 0)
  return reached
end

if _VERSION >= "Lua 5.4" then
  collectgarbage("incremental", 100, 1000, 40) -- a step is a whole round
else
  collectgarbage("setstepmul", _VERSION == "Lua 5.1" and 0 or 1000000)
end
for _, it in ipairs(paths.list) do
  for name, meddle in pairs(MEDDLERS) do
    local n = 1
    while torture(it, name, meddle, n) do
      n = paths.next(n)
    end
    paths.check(client)
  end
end
client:close()
paths.finish()
print(meddled_times)
