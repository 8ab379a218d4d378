-- lua5.4 bench/versus.lua OTHER [ROUNDS]: this folder's stepimg.so beside the one in the folder OTHER, in turns, on the
-- same pictures: what a change costs. Prints medians; `make run-bench` has built what it needs.

local server = require "bench.server"

local other, rounds = arg[1], tonumber(arg[2] or 15)
local FOLDERS = {{name = "other", path = other}, {name = "this", path = "."}}
local SCRATCH = "build/bench/versus"
local nginx <close> = server.start(SCRATCH, 2700000)

local function probe(path, url, count)
  local environment = ("LUA_PATH='./?.lua;;' LUA_CPATH='%s/?.so;;' BENCH_CA=%s"):format(path, nginx.certificate)
  local command = ("%s %s bench/probes/delivery.lua %s %d"):format(environment, server.lua(), url, count)
  local pipe = assert(io.popen(command))
  local held, cpu = pipe:read("n", "n")
  assert(pipe:close() and held and cpu, "a probe failed")
  return held, cpu
end

local function median(values)
  table.sort(values)
  return values[(#values + 1) // 2]
end

for _, way in ipairs {
  {"tiny, plain HTTP", nginx.plain .. "/tiny/v1", 2000}, {"tiny, TLS with HTTP/2", nginx.h2 .. "/tiny/v1", 2000},
  {"2.7 MB, TLS with HTTP/1.1", nginx.tls .. "/big/v1", 100},
} do
  local held, cpu = {other = {}, this = {}}, {other = {}, this = {}}
  for round = 1, rounds do
    for i = 1, 2 do
      local folder = FOLDERS[(i + round) % 2 + 1]
      held[folder.name][round], cpu[folder.name][round] = probe(folder.path, way[2], way[3])
    end
  end
  for what, values in pairs {["host's thread"] = held, CPU = cpu} do
    local before, after = median(values.other), median(values.this)
    print(("%-26s %-14s %9.2f -> %9.2f us a picture (%+.2f us, x %.3f)"):format(
      way[1], what, before, after, after - before, after / before))
  end
end
