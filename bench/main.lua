-- `make bench`: this library beside bare libcurl and beside the other ways to a picture, all on the same answers of a
-- local nginx; then what else a host would notice. It measures, and fails on nothing.
-- From the project's root. BENCH_ROUNDS (7) is how often each is measured.

local report = require "bench.report"
local server = require "bench.server"

local SCRATCH = "build/bench/scratch"
local PLOT = "build/bench.png"
local PICTURE = 2700000
local ROUNDS = tonumber(os.getenv "BENCH_ROUNDS") or 7
local MB, KIB = 1e6, 1024

local function note(text)
  io.stderr:write(text, "\n")
end

local lua = server.lua()
local nginx <close> = server.start(SCRATCH, PICTURE)
local environment = ('LUA_PATH="./?.lua;${LUA_PATH:-;}" LUA_CPATH="./?.so;${LUA_CPATH:-;}" BENCH_SCRATCH=%s '
  .. "BENCH_CA=%s NODE_EXTRA_CA_CERTS=$PWD/%s"):format(SCRATCH, nginx.certificate, nginx.certificate)

-- What a command prints, as words; nil and its complaint where it fails.
local function run(command)
  local pipe = assert(io.popen(("ulimit -n $(ulimit -Hn); %s %s 2>%s/complaint"):format(environment, command, SCRATCH)))
  local output = pipe:read "a"
  if pipe:close() then
    return output
  end
  local file = assert(io.open(SCRATCH .. "/complaint"))
  local complaint = file:read "a"
  file:close()
  return nil, complaint:match "[^\n]+" or "it failed"
end

-- The first number that a probe prints, as the median of so many runs; nil where it fails.
local function probe(times, command)
  local values = {}
  for i = 1, times do
    local output, complaint = run(command)
    values[i] = output and tonumber(output:match "%S+")
    if not values[i] then
      note(("  %s: %s"):format(command:match "%w+%.lua.*" or command, complaint or output))
      return nil
    end
  end
  return report.median(values)
end

local function script(words, ...)
  return (lua .. " bench/" .. words):format(...)
end

-- ------------------------------------------------------------------------------------------------------ contenders --

local function has(module)
  return run(("%s -e 'require \"%s\"'"):format(lua, module)) ~= nil
end

-- Installs the package of npm below build/, where it stays; nil where that does not work.
local function openai()
  local place = "build/openai"
  local there = ("test -e %s/node_modules/openai/package.json"):format(place)
  if not os.execute "node --version >/dev/null 2>&1 && npm --version >/dev/null 2>&1" then
    return nil
  elseif not os.execute(there) then
    note "Installing openai for Node below build/"
    os.execute(("mkdir -p %s && cd %s && echo '{}' >package.json && npm install --no-audit --no-fund "
      .. "--fetch-timeout=20000 --fetch-retries=1 openai >npm.log 2>&1"):format(place, place))
  end
  return os.execute(("%s && cp bench/contenders/openai.mjs %s/bench.mjs"):format(there, place)) and place
end

local node_place = openai()

-- In the order of the table. `count`: pictures in one measurement.
local contenders = {
  {name = "floor: bare libcurl", count = 150, command = "build/bench/floor %s/images/generations %d"},
  {name = "stepimg, generate", count = 150, command = script "contenders/stepimg.lua generate %%s %%d"},
  {name = "stepimg, generate, bytes read", count = 150, command = script "contenders/stepimg.lua bytes %%s %%d"},
  {name = "stepimg, submit and update", count = 150, command = script "contenders/stepimg.lua update %%s %%d"},
  {name = "stepimg, save", count = 150, command = script "contenders/stepimg.lua save %%s %%d"},
  {name = "LuaSocket/LuaSec, cjson, mime", count = 12, no_h2 = true,
    command = script "contenders/luasocket.lua %%s %%d"},
  {name = "Lua-cURLv3, cjson, mime", count = 12, missing = not has "lcurl",
    command = script "contenders/luacurl.lua %%s %%d"},
  {name = "openai for Node", count = 24, no_h2 = true, missing = not node_place,
    command = ("node %s/bench.mjs %%s %%d"):format(node_place or "")},
}

local WAYS = {
  {name = "plain HTTP", url = nginx.plain .. "/big/v1"},
  {name = "TLS, HTTP/1.1", url = nginx.tls .. "/big/v1"},
  {name = "TLS, HTTP/2", url = nginx.h2 .. "/big/v1", h2 = true},
}

local FEW = 4

-- One run: CPU and wall of the whole process, its peak in bytes, its longest hold; in seconds.
local function measure(command, url, count)
  local output, complaint = run("build/bench/measure " .. command:format(url, count))
  if not output then
    return nil, complaint
  end
  local hold, cpu, wall, peak = output:match "(%S+)%s+(%S+)%s+(%S+)%s+(%S+)"
  return {hold = tonumber(hold), cpu = tonumber(cpu), wall = tonumber(wall), peak = tonumber(peak) * KIB}
end

-- What a picture costs: the difference of many and few, so that the start of the process does not count.
local function sample(contender, way)
  local few, complaint = measure(contender.command, way.url, FEW)
  if not few then
    return nil, complaint
  end
  local many
  many, complaint = measure(contender.command, way.url, FEW + contender.count)
  if not many then
    return nil, complaint
  end
  return {
    cpu = (many.cpu - few.cpu) / contender.count, wall = (many.wall - few.wall) / contender.count,
    peak = many.peak, hold = many.hold,
  }
end

local COLUMNS = {
  {name = "cpu", title = "CPU, ms", factor = 1e3}, {name = "wall", title = "wall, ms", factor = 1e3},
  {name = "peak", title = "peak, MB", factor = 1 / MB}, {name = "hold", title = "longest hold, ms", factor = 1e3},
}

-- Results by contender: a list of samples for each column, and of their ratios to the floor of the same round.
local function compare(way)
  local results = {}
  for round = 1, ROUNDS do
    note(("%s, round %d of %d"):format(way.name, round, ROUNDS))
    local floor
    for _, contender in ipairs(contenders) do
      local result = results[contender] or {}
      results[contender] = result
      if contender.missing or (way.h2 and contender.no_h2) then
        result.failed = contender.missing and "not installed" or "HTTP/1.1 only"
      end
      local one, complaint
      if not result.failed then
        one, complaint = sample(contender, way)
        floor = floor or one
        result.failed = not one and complaint or nil
      end
      for _, column in ipairs(one and COLUMNS or {}) do
        local list = result[column.name] or {ratios = {}}
        result[column.name] = list
        table.insert(list, one[column.name])
        table.insert(list.ratios, one[column.name] / floor[column.name])
      end
    end
  end
  return results
end

local function print_comparison(way, results)
  local rows = {{way.name}}
  for _, column in ipairs(COLUMNS) do
    table.move({column.title, "x floor"}, 1, 2, #rows[1] + 1, rows[1])
  end
  for _, contender in ipairs(contenders) do
    local row, result = {contender.name}, results[contender]
    if result.failed then
      row[2] = result.failed
    else
      for _, column in ipairs(COLUMNS) do
        local list = result[column.name]
        row[#row + 1] = ("%.2f ±%.2f"):format(report.median(list) * column.factor, report.spread(list) * column.factor)
        row[#row + 1] = ("%.2f"):format(report.median(list.ratios))
      end
    end
    rows[#rows + 1] = row
  end
  print()
  report.table(rows)
end

local compared = {}
for i, way in ipairs(WAYS) do
  compared[i] = compare(way)
end

-- ---------------------------------------------------------------------------------------------------- what is to be --

local rows = {{"measure", "found", "must", "aim", ""}}

-- must and aim are most, or with `least` least.
local function row(name, format, value, must, aim, least)
  local sign = least and -1 or 1
  local verdict = not value and "not measured" or sign * value <= sign * aim and "aim"
    or sign * value <= sign * must and "must" or "MISSED"
  rows[#rows + 1] = {name, value and format:format(value) or "-", format:format(must), format:format(aim), verdict}
end

local floor, generate, bytes, _, _, luasocket = table.unpack(contenders)
for i = 2, 3 do
  local results = compared[i]
  row(("CPU over %s, against the floor"):format(WAYS[i].name), "%.2f", not results[generate].failed
    and report.median(results[generate].cpu.ratios) or nil, 1.25, 1.10)
end
for _, one in ipairs {{generate, "generate"}, {bytes, "generate with bytes read"}} do
  local usual, ours = compared[2][luasocket], compared[2][one[1]]
  row(("CPU over TLS, the usual Lua way against %s, times"):format(one[2]), "%.1f", not usual.failed and not ours.failed
    and report.median(usual.cpu) / report.median(ours.cpu) or nil, 8, 12, true)
end

for i = 2, 3 do
  note("The host's loop over " .. WAYS[i].name)
  local value = probe(3, script("probes/hold.lua %s 10000", WAYS[i].url))
  row(("1 kHz loop over %s, 64 at once: p99.9 of update and submit, ms"):format(WAYS[i].name), "%.3f",
    value and value * 1e3, 0.25, 0.05)
end

for _, mode in ipairs {
  {"unread", "bytes not read", PICTURE * 1.1 + MB, PICTURE + MB / 2},
  {"read", "bytes read", PICTURE * 2.1 + MB, PICTURE * 2 + MB / 2},
  {"save", "saved", MB, 0.3 * MB},
} do
  for i, base in ipairs {nginx.tls, nginx.h2} do
    note("Memory of a picture: " .. mode[2])
    local value = probe(5, script("probes/memory.lua %s/first-tiny/v1 %s", base, mode[1]))
    row(("peak memory of a picture over %s, %s, MB"):format(WAYS[i + 1].name, mode[2]), "%.2f", value and value / MB,
      mode[3] / MB, mode[4] / MB)
  end
end

for _, way in ipairs {
  {"plain HTTP", nginx.late}, {"TLS, HTTP/1.1", nginx.tls .. "/late"}, {"TLS, HTTP/2", nginx.h2 .. "/late"},
} do
  note("1,000 in flight over " .. way[1])
  local value = probe(1, script("probes/waiting.lua %s/v1 1000", way[2]))
  row(("memory of a waiting request of 1,000 over %s, KiB"):format(way[1]), "%.1f", value and value / KIB, 64, 32)
end

note "10,000 in flight"
local output, complaint = run(script("probes/waiting.lua %s/v1 10000", nginx.late))
local answered = output and tonumber(output:match "^%S+%s+(%d+)")
row("10,000 in flight, answered", "%.0f", answered, 10000, 10000, true)
if answered ~= 10000 then
  note("  " .. (complaint or output) .. ("  (descriptors allowed: %s)"):format((run "ulimit -n" or "?"):match "%S+"))
end

note "100,000 queued"
local queued = probe(1, script("probes/queued.lua %s/v1 100000", nginx.late))
row("memory of a queued job of 100,000, KiB", "%.2f", queued and queued / KIB, 2, 1)

-- Pictures per second as a ratio to bare libcurl's, in turns.
for i = 2, 3 do
  local ratios, AT_ONCE, MANY = {}, 64, 448
  for round = 1, ROUNDS do
    note(("64 at once over %s, round %d of %d"):format(WAYS[i].name, round, ROUNDS))
    local seconds = {}
    for _, command in ipairs {
      floor.command .. " " .. AT_ONCE, script("contenders/stepimg.lua each %%s %%d %d", AT_ONCE),
    } do
      local few = measure(command, WAYS[i].url, AT_ONCE)
      local many = few and measure(command, WAYS[i].url, AT_ONCE + MANY)
      table.insert(seconds, many and many.wall - few.wall)
    end
    ratios[#ratios + 1] = seconds[2] and seconds[1] / seconds[2]
  end
  row(("pictures per second over %s, 64 at once, against bare libcurl"):format(WAYS[i].name), "%.2f",
    ratios[1] and report.median(ratios), 0.9, 0.98, true)
end

row("base64, against memcpy of its text", "%.2f", probe(5, "build/bench/decode 3600000"), 4, 2)
local load = probe(21, script "probes/load.lua")
row("require \"stepimg\" beyond libcurl, ms", "%.2f", load and load * 1e3, 2, 0.3)
row("wake-ups of an idle client in 5 s", "%.0f", probe(1, script("probes/idle.lua %s/first-tiny/v1 5", nginx.h2)), 0, 0)

-- --------------------------------------------------------------------------------------------------------- the end --

local function one_line(command)
  return (run("sh -c " .. ("'%s'"):format(command:gsub("'", "'\\''"))) or "?"):match "[^\n]*"
end

print(("\nA picture of %.1f MB in an answer of %.1f MB, from nginx on this machine; medians of %d rounds and spread")
  :format(PICTURE / MB, PICTURE * 4 / 3 / MB, ROUNDS))
print(("%s; %s processors; Linux %s; %s; %s"):format(
  one_line "sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1", one_line "nproc", one_line "uname -r",
  one_line "build/bench/floor --version", one_line 'PATH="$PATH:/usr/sbin:/sbin" nginx -v 2>&1'))
for i, way in ipairs(WAYS) do
  print_comparison(way, compared[i])
end
print()
report.table(rows)

local plotted = {}
for _, contender in ipairs(contenders) do
  local one = {name = contender.name}
  for i in ipairs(WAYS) do
    local result = compared[i][contender]
    one[i] = not result.failed and report.median(result.cpu) or nil
  end
  if one[1] then
    plotted[#plotted + 1] = one
  end
end
if report.plot(PLOT, SCRATCH, PICTURE, {WAYS[1].name, WAYS[2].name, WAYS[3].name}, plotted) then
  print("\nThe plot is in " .. PLOT)
end
