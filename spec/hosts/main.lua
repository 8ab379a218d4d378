-- Real hosts: each is started with the module as its users load it, makes pictures in its own loop, and ends with a job
-- still running, many times, in turns with the same host without the module. make test-hosts; HOSTS="neovim love" for
-- some, ROUNDS=50 ends of each.

local lfs = require "lfs"
local stage = require "spec.hosts.stage"

local ALL = "neovim love darktable luanti mpv nginx"
local ROUNDS = tonumber(os.getenv "ROUNDS" or "") or 50
local MOST = 0.5 -- seconds that an end with a running job may take longer, of the medians
local asked = os.getenv "HOSTS"
asked = asked and asked ~= "" and asked or ALL

-- The ends of one variant of a host, with and without the module in turns.
local function ends(at, host, way)
  local taken, slowest = {ends = {}, without = {}}, 0
  for round = 1, ROUNDS do
    for _, part in ipairs {"ends", "without"} do
      local home = at:directory()
      if host.furnish then
        host.furnish(at, home)
      end
      local environment, command, on_line = host.ends(at, part, home, way)
      local output, trouble, seconds = at:run(environment, command, on_line, host.starts)
      os.execute("rm -rf " .. stage.quote(home))
      if trouble or not seconds or output:find "running job failed: " then
        error(("round %d %s: %s\n%s"):format(round, part == "ends" and "with the module" or "without the module",
          trouble or "it did not say that it ends", output), 0)
      end
      table.insert(taken[part], seconds)
      slowest = part == "ends" and math.max(slowest, seconds) or slowest
    end
  end
  local with, without = stage.median(taken.ends), stage.median(taken.without)
  -- What holds every end shows in the fastest too. A few are told from the slowest without the module, as darktable's own
  -- threads take from 0.2 to 2 s to end.
  local ours, theirs = with, without
  if ROUNDS < 20 then
    ours, theirs = math.min(table.unpack(taken.ends)), math.max(table.unpack(taken.without))
  end
  assert(ours - theirs < MOST, ("an end takes %.2f s, and %.2f s without the module"):format(ours, theirs))
  local open = 0
  for _ = 1, 200 do -- the stand-in notices a little later
    open = at.server:log().open
    if open == 0 then
      break
    end
    os.execute "sleep 0.05"
  end
  assert(open == 0, ("%d requests are still open"):format(open))
  return ("%.3f s (%.3f s), slowest %.3f s"):format(with, without, slowest)
end

local rows, good = {}, true

local function row(...)
  table.insert(rows, {...})
end

for name in asked:gmatch "%S+" do
  local file = "spec/hosts/" .. name .. ".lua"
  assert(lfs.attributes(file), name .. " is no host; known are " .. ALL)
  local host = dofile(file)
  local missing = host.missing()
  if missing then
    print(name .. ": skipped: " .. missing)
    row(name, "", "skipped: " .. missing, "")
  else
    local at <close> = stage.new()
    -- How it went, in short for the table and at length.
    local ok, what, more = xpcall(host.works, debug.traceback, at)
    print(("%s: %s"):format(name, more or what))
    good = good and ok
    row(name, host.lua, ok and what or "FAILED", "")
    for _, way in ipairs(ok and (host.ways or {""}) or {}) do
      local well, told = pcall(ends, at, host, way)
      print(("%s%s: %d ends: %s"):format(name, way == "" and "" or " " .. way, ROUNDS, told))
      good = good and well
      if way ~= (host.ways or {""})[1] then
        row("", "", "")
      end
      rows[#rows][4] = (way == "" and "" or way .. ": ") .. (well and told or "FAILED")
    end
  end
end

table.insert(rows, 1, {"host", "Lua", "pictures", ("%d ends with a running job (without the module)"):format(ROUNDS)})
local widths = {0, 0, 0, 0}
for _, cells in ipairs(rows) do
  for i, cell in ipairs(cells) do
    widths[i] = math.max(widths[i], utf8.len(cell) or #cell)
  end
end
print()
for _, cells in ipairs(rows) do
  local line = {}
  for i, cell in ipairs(cells) do
    line[i] = cell .. (" "):rep(widths[i] - (utf8.len(cell) or #cell))
  end
  print((table.concat(line, "  "):gsub("%s+$", "")))
end
os.exit(good, true)
