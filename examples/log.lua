-- Makes a picture of each prompt, tells of every request that it took, and what it may have cost:
-- lua5.4 examples/log.lua ["prompt" …]
-- Your key is to be in the environment: STEP_API_KEY=…. It is in no line of the log, so that one may pass it on.
local stepimg = require "stepimg"

local PRICE = 0.003 -- US dollars a picture, by the model's page

local prompts = {...}
if #prompts == 0 then
  prompts = {"a lighthouse at dawn", "a lighthouse at dusk"}
end

-- One line a request: what was asked, what came, how long it took, on which connection.
local function log(number, entry)
  local waited = entry.waited >= 0.05 and ("  after %.1f s"):format(entry.waited) or ""
  local connection = entry.reused and "kept" or entry.reused == false and "new" or "none"
  print(("%3d  %-4s  %-3s  %6.2f s  %9d bytes  %-4s  %-8s  %s%s"):format(
    number, entry.method, entry.status or "-", entry.seconds, entry.bytes, connection, entry.protocol or "-",
    entry.request_id or "-", waited))
  if entry.kind then
    print(("     %s: %s"):format(entry.kind, entry.message or ""))
  end
end

local function spending(client)
  local stats = client:stats()
  return ("%d pictures, %d failed, %d requests (%d repeats), %.1f MB on %d connections; at most %.3f dollars"):format(
    stats.done, stats.failed, stats.requests, stats.repeats, stats.bytes_received / 1e6, stats.connections,
    (stats.done - stats.cached + stats.maybe_billed) * PRICE)
end

local client, problem = stepimg.new()
if not client then
  io.stderr:write(tostring(problem), "\n")
  os.exit(1)
end
local list = {}
for i, prompt in ipairs(prompts) do
  list[i] = {prompt = prompt}
end
for i, result, err in client:each(list) do
  for _, entry in ipairs((result or err).history or {}) do -- what was never a job has none
    log(i, entry)
  end
  print(("%3d  %s"):format(i, result and "done" or err.kind))
end
print(spending(client))
