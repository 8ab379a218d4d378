-- `make soak`: SOAK_JOBS jobs (100,000) against the stand-in, over plain HTTP and over TLS with HTTP/1.1 and HTTP/2, at
-- once: a mix of sizes, faults, cancellations, clients that are closed and ways to hear of a job, drawn from SOAK_SEED.
-- Each job is to be told once, and as it may end; nothing is to be asked for twice that may be billed twice; memory,
-- descriptors, threads and files are to be what they were. Prints what it did, and fails where one of this is not so.

local cqueues = require "cqueues"
local standin = require "spec.standin"
local support = require "spec.support"

local JOBS = assert(math.tointeger(tonumber(os.getenv "SOAK_JOBS" or 100000)), "SOAK_JOBS is to be a number")
local SEED = assert(math.tointeger(tonumber(os.getenv "SOAK_SEED" or os.time())), "SOAK_SEED is to be a number")
local ROUND = math.min(10000, (JOBS + 2) // 3) -- the first one warms up
local WINDOW = 60                              -- jobs that a client has at once
local AT_ONCE = 24                             -- of them, requests under way
local LIFE = 400                               -- jobs of a client, on the average, until it is closed in their midst
local GROWTH = 2 * 1024                        -- KiB that the process may have grown by since the first round
local LONGEST = 120                            -- seconds in which nothing ends: it hangs
local RETRIES = 2

-- Bytes of a picture, and how often it is asked for.
local SIZES = {
  {100, weight = 30}, {5000, weight = 30}, {60000, weight = 30}, {400000, weight = 8}, {2700000, weight = 2},
}

-- What a job may meet, and as what it `ends` where it is not cancelled. `cuts`: the connection with all that goes over
-- it, which over HTTP/2 are others' requests too.
local CASES = {
  {weight = 800, ends = "picture"},
  {weight = 10, knobs = {extra = true, space = true, order = "reverse", escape = "slash"}, ends = "picture"},
  {weight = 10, knobs = {chunked = true, piece = 700}, ends = "picture"},
  {weight = 5, knobs = {delay = 0.2, piece = 1000, pace = 0.02}, small = true, ends = "picture"},
  {weight = 5, knobs = {picture = "filtered"}, ends = "filtered"},
  {weight = 5, options = {download = false}, format = "url", ends = "link"},
  {weight = 10, knobs = {picture_redirects = 2}, format = "url", ends = "picture"},
  {weight = 10, knobs = {status = 500, times = 1}, ends = "picture"},
  {weight = 10, knobs = {status = 503, times = 2}, ends = "picture"},
  {weight = 5, knobs = {status = 503, times = 1, headers = {["retry-after"] = "1"}}, ends = "picture"},
  {weight = 1, knobs = {status = 429, times = 1, headers = {["retry-after"] = "1"}}, ends = "picture"},
  {weight = 1, knobs = {status = 429}, options = {retries = 0}, ends = "rate_limit"},
  {weight = 5, knobs = {status = 500}, options = {retries = 1}, ends = "server"},
  {weight = 5, knobs = {status = 502}, ends = "server"},
  {weight = 5, knobs = {status = 504}, ends = "server"},
  {weight = 5, knobs = {status = 400}, ends = "request"},
  {weight = 3, knobs = {status = 401}, ends = "auth"},
  {weight = 3, knobs = {status = 402}, ends = "billing"},
  {weight = 3, knobs = {status = 451}, ends = "moderation"},
  {weight = 5, knobs = {json = "{"}, ends = "protocol"},
  {weight = 5, knobs = {picture = "missing"}, ends = "protocol"},
  {weight = 5, knobs = {base64 = "bad_char"}, format = "b64_json", ends = "protocol"},
  {weight = 5, knobs = {base64 = "truncated"}, format = "b64_json", ends = "protocol"},
  {weight = 5, knobs = {picture_status = 404}, format = "url", ends = "request"},
  {weight = 5, knobs = {picture_status = 500, picture_times = 1}, format = "url", ends = "picture"},
  {weight = 5, save = "nowhere/", ends = "io"},
  {weight = 5, knobs = {delay = 5}, options = {deadline = 0.5}, ends = "timeout"},
  {weight = 5, knobs = {stall = "request"}, options = {timeout = 0.5}, ends = "timeout"},
  {weight = 5, knobs = {stall = "headers"}, options = {timeout = 0.5}, ends = "timeout"},
  {weight = 5, knobs = {stall = "body"}, options = {timeout = 0.5}, ends = "timeout"},
  {weight = 3, knobs = {cut = "request"}, cuts = true, ends = "network"},
  {weight = 3, knobs = {cut = "headers"}, cuts = true, ends = "network"},
  {weight = 3, knobs = {cut = "body"}, cuts = true, ends = "network"},
  {weight = 3, knobs = {cut = "request", rst = true}, cuts = true, ends = "network"},
  {weight = 3, knobs = {cut = "body", rst = true}, cuts = true, ends = "network"},
  {weight = 3, knobs = {picture_cut = "body", picture_times = 1}, format = "url", cuts = true, ends = "picture"},
}

-- Who hears of a job: a callback, one that raises, a coroutine in await, who looks at its handle, or nobody.
local OBSERVERS = {
  {name = "callback", weight = 40}, {name = "raising", weight = 5}, {name = "coroutine", weight = 20},
  {name = "handle", weight = 25}, {name = "nobody", weight = 5},
}

local RAISED = {}

local directory = support.directory()
local servers, expected = {}, {}
local total = {
  jobs = 0, told = 0, posts = 0, gets = 0, closed = 0, counted = 0, requests = 0, asked = 0, ends = {},
}
local breaches, jobs = {}, nil -- jobs: of this round, by their number
local entries = {}             -- clients with jobs; those that are closed among them
local held, doomed = {}, {}    -- jobs whose handle is here, jobs that will be cancelled
local raised = {due = 0, seen = 0}

local function breach(line, ...)
  breaches[#breaches + 1] = line:format(...)
end

local function pick(list)
  local sum = 0
  for _, one in ipairs(list) do
    sum = sum + one.weight
  end
  local roll = math.random() * sum
  for _, one in ipairs(list) do
    roll = roll - one.weight
    if roll < 0 then
      return one
    end
  end
  return list[1]
end

-- ------------------------------------------------------------------------------------------------------- one job --

local function outcome(result, err)
  if not result then
    return err.kind
  end
  local image = result.image
  return image.finish_reason == "content_filtered" and "filtered" or (image.format and "picture") or "link"
end

-- The picture is the one that was asked for, in memory or on disk.
local function check_picture(job, image)
  local bytes = expected[job.size]
  if job.path then
    if image.path ~= job.path or support.read(job.path) ~= bytes then
      breach("%s: the file is not the picture", job)
    end
    os.remove(job.path)
  elseif math.random() < 0.7 and image.bytes ~= bytes then
    breach("%s: the picture is not the one that was asked for", job)
  end
end

-- A job is told of its end.
local function tell(job, result, err)
  local how = outcome(result, err)
  job.told = job.told + 1
  job.how, job.error, job.attempts = how, err, (result or err).attempts or 0
  local posts = 0
  for _, entry in ipairs((result or err).history or {}) do
    posts = posts + (entry.method == "POST" and 1 or 0)
  end
  if posts ~= job.attempts then
    breach("%s: its history has %d of %d attempts", job, posts, job.attempts)
  end
  job.handle = nil
  total.told = total.told + 1
  if how == "picture" then
    check_picture(job, result.image)
  end
end

local job_text = {__tostring = function(job)
  return ("job %d over %s, %s by %s%s, ended as %s (%s)"):format(job.number, job.entry.way.name,
    support.prompt(job.case.knobs or {}, ""), job.observer, job.doomed and ", cancelled" or "",
    job.how or "nothing", job.error or "no error")
end}

-- A new job's record, its parameters and its options.
local function draw(entry, simple)
  local case = pick(CASES)
  while case.cuts and entry.way.version == 2 and math.random() < 0.9 or simple and (case.options or case.save) do
    case = pick(CASES)
  end
  total.jobs = total.jobs + 1
  local job = setmetatable({
    number = total.jobs, entry = entry, case = case, told = 0, size = case.small and 5000 or pick(SIZES)[1],
    observer = simple and "blocking" or pick(OBSERVERS).name,
  }, job_text)
  jobs[job.number] = job
  local knobs = {id = tostring(job.number), bytes = job.size, format = "gif"}
  for name, value in pairs(case.knobs or {}) do
    knobs[name] = value
  end
  local options = {}
  for name, value in pairs(case.options or {}) do
    options[name] = value
  end
  if case.save then
    options.save = directory .. "/" .. case.save .. job.number
  elseif not simple and job.observer ~= "nobody" and math.random() < 0.1 then
    job.path = ("%s/%d.gif"):format(directory, job.number)
    options.save = job.path
  end
  local format = case.format or (math.random() < 0.2 and "url" or "b64_json")
  return job, {prompt = support.prompt(knobs), seed = 7, response_format = format}, options
end

local function submit(entry)
  local job, params, options = draw(entry)
  local observer = job.observer
  entry.life = entry.life - 1
  if observer == "callback" or observer == "raising" then
    options.on_done = function(result, err)
      tell(job, result, err)
      if observer == "raising" then
        raised.due = raised.due + 1
        error(RAISED)
      end
    end
  end
  job.handle = assert(entry.client:submit(params, options))
  if observer == "coroutine" then
    coroutine.wrap(function()
      tell(job, job.handle:await())
    end)()
  elseif observer == "handle" then
    held[#held + 1] = job
  end
  if observer == "nobody" then
    job.handle = nil -- the collector cancels it
  elseif math.random() < 0.08 then
    job.doomed = cqueues.monotime() + math.random() ^ 3 * 0.3
    doomed[#doomed + 1] = job
  elseif observer ~= "handle" and math.random() < 0.7 then
    job.handle = nil -- the callback or the coroutine keeps it
  end
end

-- ----------------------------------------------------------------------------------------------- driving them all --

local function open(way)
  local entry = {way = way, client = support.client(servers[way], {
    max_concurrent = AT_ONCE, retries = RETRIES, timeout = LONGEST / 2,
  })}
  entry.life = math.random(2 * LIFE)
  entries[#entries + 1] = entry
  return entry
end

local function update(entry)
  local ok, err = pcall(entry.client.update, entry.client)
  while not ok do
    raised.seen = raised.seen + 1
    if err ~= RAISED then
      breach("update raised %s", err)
    end
    ok, err = pcall(entry.client.update, entry.client)
  end
end

-- Takes those out of a list of which `is_over` says so.
local function sweep(list, is_over)
  local kept = 0
  for i = 1, #list do
    local one = list[i]
    list[i] = nil
    if not is_over(one) then
      kept = kept + 1
      list[kept] = one
    end
  end
end

local function cancel(job)
  if not job.handle then
    return true
  elseif cqueues.monotime() >= job.doomed then
    job.handle:cancel()
    return true
  end
end

-- A look at a job by its handle, in one of the ways there are.
local function look(job)
  local handle = job.handle
  local result, err
  if math.random() < 0.1 then
    result, err = handle:wait(math.random() * 0.002)
  elseif handle:progress().phase == "done" or math.random() < 0.1 then
    result, err = handle:result()
  end
  if not (result or err) then
    return false
  end
  local again, err_again = handle:result()
  if again ~= result or err_again ~= err then
    breach("%s: it has two results", job)
  end
  tell(job, result, err)
  return true
end

-- What blocks: a picture, or a few that are left after some of them.
local function block(entry)
  local list, some, leave = {}, {}, math.random(4)
  for i = 1, math.random(3) do
    some[i], list[i] = draw(entry, true)
  end
  if #list == 1 then
    tell(some[1], entry.client:generate(list[1]))
    return
  end
  for i, result, err in entry.client:each(list) do
    tell(some[i], result, err)
    leave = leave - 1
    if leave == 0 then
      break
    end
  end
  for _, job in ipairs(some) do
    job.observer = job.told == 0 and "nobody" or job.observer
  end
end

local function close(entry)
  entry.closed = true
  entry.client:close()
  total.closed = total.closed + 1
end

-- Of a client whose jobs have all ended.
local function check_stats(stats)
  local ended = stats.done + stats.failed + stats.cancelled
  if stats.submitted ~= ended or stats.queued ~= 0 or stats.in_flight ~= 0 then
    breach("%d jobs, %d have ended, %d queued, %d in flight", stats.submitted, ended, stats.queued, stats.in_flight)
  end
  total.counted = total.counted + stats.submitted
  total.requests = total.requests + stats.requests
  total.asked = total.asked + stats.downloads
end

-- Makes `count` jobs, and returns when all of them have ended.
local function make(count)
  local current, until_number, moved, last = {}, total.jobs + count, cqueues.monotime(), total.told
  repeat
    for _, way in ipairs(support.WAYS) do
      local entry = current[way]
      if total.jobs < until_number and (not entry or entry.life <= 0) then
        if entry then
          close(entry)
        end
        entry = open(way)
        current[way] = entry
      end
      local most = total.jobs + AT_ONCE
      while total.jobs < math.min(most, until_number) and entry.client:pending() < WINDOW do
        submit(entry)
        if math.random() < 1 / LIFE then
          block(entry)
        end
      end
    end
    for _, entry in ipairs(entries) do
      update(entry)
    end
    sweep(doomed, cancel)
    sweep(held, look)
    local ending = total.jobs >= until_number
    if ending then
      collectgarbage()
    end
    sweep(entries, function(entry)
      local is_over = (entry.closed or ending) and #held == 0 and entry.client:pending() == 0
      if is_over then
        check_stats(entry.client:stats())
      end
      return is_over
    end)
    local now = cqueues.monotime()
    if total.told > last then
      last, moved = total.told, now
    end
    assert(now - moved < LONGEST, "nothing ends any more")
    cqueues.sleep(0.001)
  until ending and #entries == 0
end

-- ------------------------------------------------------------------------------------------------------- accounts --

local function check_job(job, posts, unrefused)
  local err, how = job.error, job.how
  local may_cancel = job.doomed or job.entry.closed
  local others_cut = job.entry.way.version == 2 and how == "network" and job.case.ends ~= "io"
  if job.told ~= (job.observer == "nobody" and 0 or 1) then
    breach("%s: it was told %d times", job, job.told)
  elseif how and how ~= job.case.ends and not (how == "cancelled" and may_cancel) and not others_cut then
    breach("%s: it was to end as %s", job, job.case.ends)
  end
  if posts > (job.attempts or 1 + RETRIES) then
    breach("%s: %d requests for %d attempts", job, posts, job.attempts or 1 + RETRIES)
  elseif unrefused > 1 then
    breach("%s: it was asked for %d times, and may be on the bill as often", job, unrefused)
  elseif err and unrefused > 0 and not err.maybe_billed then
    breach("%s: the service made it, and maybe_billed is not set", job)
  elseif err and unrefused == 0 and err.status and err.maybe_billed then
    breach("%s: the service refused it, and maybe_billed is set", job)
  elseif how and not err and unrefused ~= 1 then
    breach("%s: the service made %d", job, unrefused)
  end
  local tally = total.ends[how or "nobody asked"] or {}
  tally[job.entry.way] = (tally[job.entry.way] or 0) + 1
  total.ends[how or "nobody asked"] = tally
end

-- What a server was asked for since the last time, once nothing more comes: the client of a request that is on its way
-- may have left long ago.
local function read_ledger(server)
  local before, looks = -1, 0
  while looks < 5 do
    local posts = server:log().posts
    looks = posts == before and looks + 1 or 0
    before = posts
    cqueues.sleep(0.02)
  end
  local ledger = server:ledger()
  total.gets = total.gets + server:log().gets
  server:reset()
  for _, entry in pairs(ledger) do
    total.posts = total.posts + entry[1]
  end
  return ledger
end

local function check_accounts()
  local ledgers = {}
  for _, way in ipairs(support.WAYS) do
    ledgers[way] = read_ledger(servers[way])
  end
  for _, job in pairs(jobs) do
    check_job(job, table.unpack(ledgers[job.entry.way][tostring(job.number)] or {0, 0}))
  end
  if total.counted ~= total.jobs then
    breach("%d jobs, %d in the clients' counters", total.jobs, total.counted)
  elseif total.requests < total.posts or total.asked < total.gets then
    breach("%d POSTs and %d GETs came, %d and %d were counted", total.posts, total.gets, total.requests, total.asked)
  end
  if raised.due ~= raised.seen then
    breach("%d callbacks raised, %d errors left update", raised.due, raised.seen)
  end
end

local function check_files()
  for _, name in ipairs(support.names(directory)) do
    breach("the file %s is left", name)
    os.remove(directory .. "/" .. name)
  end
end

-- glibc keeps what was freed, tens of megabytes more or less, as it happens. This is its own call to give that back; it
-- takes what Lua gives to each C function for a number, which does no harm.
local trim = package.loadlib("libc.so.6", "malloc_trim") or function() end

-- Descriptors and threads, once those that are ending have ended, and memory.
local function measure(before)
  local now
  for _ = 1, 1000 do
    now = {threads = support.threads(), descriptors = support.descriptors()}
    if now.threads == (before.threads or now.threads)
      and now.descriptors == (before.descriptors or now.descriptors) then
      break
    end
    cqueues.sleep(0.01)
  end
  trim(true)
  now.memory = support.status "VmRSS"
  return now
end

local function sum(tally)
  local count = 0
  for _, number in pairs(tally or {}) do
    count = count + number
  end
  return count
end

local function print_ends()
  local names = {}
  for name in pairs(total.ends) do
    names[#names + 1] = name
  end
  table.sort(names, function(a, b) return sum(total.ends[a]) > sum(total.ends[b]) end)
  print(("\n%-14s%10s"):format("ended as", "jobs") .. ("%20s"):rep(3):format(
    support.WAYS[1].name, support.WAYS[2].name, support.WAYS[3].name))
  for _, name in ipairs(names) do
    local tally = total.ends[name]
    local line = ("%-14s%10d"):format(name, sum(tally))
    for _, way in ipairs(support.WAYS) do
      line = line .. ("%20d"):format(tally[way] or 0)
    end
    print(line)
  end
end

-- ------------------------------------------------------------------------------------------------------------ main --

io.stdout:setvbuf "line"
math.randomseed(SEED)
for _, way in ipairs(support.WAYS) do
  servers[way] = standin.start(way.setting)
end
for _, size in ipairs(SIZES) do
  expected[size[1]] = support.painted {bytes = size[1], format = "gif", seed = 7}
end

print(("%d jobs with SOAK_SEED=%d"):format(JOBS, SEED))
print(("%8s%8s%10s%8s%11s%9s%9s%9s%13s%9s"):format("jobs", "s", "pictures", "failed", "cancelled", "POSTs", "GETs",
  "RSS MiB", "descriptors", "threads"))
local began, warm, now = cqueues.monotime(), nil, nil
-- Nothing of the module is running. A sanitizer has a thread of its own, from when the first other one starts.
local still = {threads = not support.NO_FIGURES and support.threads() or nil}
while total.jobs < JOBS and #breaches == 0 do
  jobs = {}
  make(math.min(ROUND, JOBS - total.jobs))
  check_accounts()
  check_files()
  jobs = nil
  collectgarbage()
  collectgarbage()
  now = measure(warm or still)
  warm = warm or now
  warm.descriptors = math.min(warm.descriptors, now.descriptors) -- under a sanitizer clients were still ending then
  if now.threads ~= (still.threads or now.threads) or now.descriptors ~= warm.descriptors then
    breach("there are %d threads and %d descriptors, and there were %d and %d", now.threads, now.descriptors,
      still.threads or now.threads, warm.descriptors)
  end
  local pictures, cancelled = sum(total.ends.picture), sum(total.ends.cancelled)
  print(("%8d%8.0f%10d%8d%11d%9d%9d%9.1f%13d%9d"):format(total.jobs, cqueues.monotime() - began, pictures,
    total.told - pictures - cancelled, cancelled, total.posts, total.gets, now.memory / 1024, now.descriptors,
    now.threads))
end
if not support.NO_FIGURES and now.memory - warm.memory > GROWTH then
  breach("the process grew by %d KiB since the first round", now.memory - warm.memory)
end

print_ends()
print(("\n%d clients were closed, most with jobs; %d callbacks raised. %s"):format(total.closed, raised.due,
  #breaches == 0 and "All is accounted for." or "Breaches:"))
for i = 1, math.min(#breaches, 20) do
  print(breaches[i])
end
for _, server in pairs(servers) do
  server:stop()
end
support.remove(directory)
os.exit(#breaches == 0, true)
