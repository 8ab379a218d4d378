-- memory.lua BASE_URL DIRECTORY, run by spec/host/core_failures.c: for each N, the N-th allocation of the core's and
-- of the primitives' fails on each of the main paths. That is raised, or is the error of a job, and is over with it.
-- Prints how many failed.

local allocations, base_url, directory = ...
arg = {base_url, directory} -- luacheck: ignore

local paths = require "spec.torture.paths"
local client = paths.client()
local failures = 0

local function torture(it, n)
  local state = paths.state(it, client)
  allocations.arm(n)
  local good, raised = pcall(it.run, state)
  local failed = allocations.disarm()
  local what = ("%s, allocation %d"):format(it.name, n)
  assert(good or failed, what .. ": " .. tostring(raised))
  assert(good or tostring(raised):find "memory" or tostring(raised):find "descriptor", what .. ": " .. tostring(raised))
  state.closed = failed -- a job may have failed for that reason
  local fine, complaint = pcall(it.after, state, good, raised)
  assert(fine or failed and tostring(complaint):find "memory", what .. ": afterwards " .. tostring(complaint))
  failures = failures + (failed and 1 or 0)
  return failed
end

for _, it in ipairs(paths.list) do
  local n = 1
  while torture(it, n) do
    n = paths.next(n)
  end
  paths.check(client)
end
client:close()
paths.finish()
print(failures)
