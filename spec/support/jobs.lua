-- What the specs of jobs share: a job in each state it can be in, driving a client, and figures for the run's output.

local cqueues = require "cqueues"
local json = require "cjson".new()
local socket = require "socket"
local support = require "spec.support"

local jobs = {}

-- Any value: more tries, larger counts.
jobs.LONG = os.getenv "STEPIMG_LONG"

-- Where both versions of HTTP are enough: what is asked does not hang on what lies below.
jobs.WAYS = {support.WAYS[1], support.WAYS[3]}

-- Every state that a job can be kept in: what it is asked for, how it then looks, whether its end may cost money, and
-- whether it has a connection of its own.
jobs.STATES = {
  {name = "queued", status = "queued", phase = "queued", behind = true, attempt = 0},
  {name = "connecting", status = "running", phase = "connecting", silent = true, attempt = 1, connected = true},
  {name = "waiting", knobs = {stall = "request"}, status = "running", phase = "waiting", attempt = 1, billed = true,
    connected = true},
  {name = "receiving", knobs = {stall = "body", bytes = 300000}, status = "running", phase = "receiving", attempt = 1,
    billed = true, connected = true},
  {name = "retrying", knobs = {status = 500, headers = {["retry-after"] = "60"}}, status = "retrying",
    phase = "queued", attempt = 1},
  {name = "fetching its picture", knobs = {picture_stall = "body", bytes = 300000}, format = "url", status = "running",
    phase = "receiving", attempt = 1, billed = true, connected = true},
}

-- A TLS server that never answers the handshake.
function jobs.silent()
  local listener = assert(socket.bind("127.0.0.1", 0, 1000))
  local _, port = listener:getsockname()
  return setmetatable({base_url = ("https://127.0.0.1:%d/v1"):format(port)}, {
    __close = function() listener:close() end,
  })
end

local function collect_young(times)
  for _ = 1, times do
    collectgarbage "step"
  end
end

-- In the generational mode: calls `act` with a weak list and a function after which all that is alive is old. Returns
-- how many of the list's values small collections leave: none, or one if a full collection came by itself while one was
-- used.
function jobs.left_by_small_collections(act)
  local mode, weak, left = collectgarbage "generational", setmetatable({}, {__mode = "v"}), 0
  act(weak, function() collect_young(10) end)
  collect_young(4)
  collectgarbage(mode)
  for _ in pairs(weak) do
    left = left + 1
  end
  return left
end

local function reached(job, state, server)
  local now = job:progress()
  local arrives = now.phase ~= "receiving" or now.received > 0
  local fetches = state.format ~= "url" or server:log().gets > 0
  local stands = not state.silent or now.elapsed > 0.1 -- the phase begins before the connection does
  return job:status() == state.status and now.phase == state.phase and arrives and fetches and stands
end

-- A client and its job in that state; the job in front of it, where it is queued.
function jobs.reach(state, server, silent, options)
  local client = support.client(server, {
    retries = 1, max_concurrent = 1, base_url = state.silent and silent.base_url or nil,
  })
  local front = state.behind and assert(client:submit {prompt = support.prompt {stall = "request"}})
  if front then
    support.wait_until("the job in front", function() return server:log().open == 1 end)
  end
  local job = assert(client:submit({
    prompt = support.prompt(state.knobs or {}), seed = 7, response_format = state.format,
  }, options))
  support.wait_until(state.name, function() return reached(job, state, server) end)
  return client, job, front
end

-- ---------------------------------------------------------------------------------------------------- driving them --

-- Calls update until every job of the client is delivered. Returns how many were.
function jobs.drain(client)
  local delivered = 0
  support.wait_until("the end of all jobs", function()
    delivered = delivered + client:update()
    return client:pending() == 0
  end)
  return delivered
end

-- Returns when the stand-in has no request any more.
function jobs.quiet(server)
  support.wait_until("the end of all requests", function() return server:log().open == 0 end)
end

-- The picture of that many bytes that the stand-in makes where nothing goes wrong.
function jobs.picture(server, bytes)
  local client <close> = support.client(server)
  return assert(client:generate {prompt = support.prompt {bytes = bytes}, seed = 7}).image.bytes
end

-- How many sockets this process has open.
function jobs.sockets()
  local pipe = assert(io.popen(("ls -l /proc/%d/fd"):format(support.status "Pid")))
  local _, count = pipe:read "*a":gsub("socket:", "")
  pipe:close()
  return count
end

-- How often each prompt (without its knobs) arrived, of the 200 requests that the stand-in remembers.
function jobs.seen(server)
  local count = {}
  for _, request in ipairs(server:log().requests) do
    if request.method == "POST" then
      local prompt = request.body:match 'name="prompt"\r\n\r\n(.-)\r\n%-%-' or json.decode(request.body).prompt
      prompt = prompt:match "([^}]*)$":match "^%s*(.*)$"
      count[prompt] = (count[prompt] or 0) + 1
    end
  end
  return count
end

-- --------------------------------------------------------------------------------------------------------- figures --

-- A line of the run's output, in between the dots.
function jobs.report(line, ...)
  io.stdout:write("\n", line:format(...), "\n")
  io.stdout:flush()
end

-- Returns what `f` returns, and puts into `times` how many seconds it took.
function jobs.timed(times, f, ...)
  local began = cqueues.monotime()
  local one, two = f(...)
  times[#times + 1] = cqueues.monotime() - began
  return one, two
end

-- "median … p99 … p99.9 … max … µs over N calls"
function jobs.summary(times)
  table.sort(times)
  local function at(part)
    return times[math.max(1, math.ceil(part * #times))] * 1e6
  end
  return ("median %.1f p99 %.1f p99.9 %.1f max %.1f µs over %d calls"):format(
    at(0.5), at(0.99), at(0.999), at(1), #times)
end

return jobs
