-- `make coverage`: what gcov counted in the C sources while all tests ran. Prints how much of each file was reached and
-- what was not; fails where too much is left, but after SPECS, which are some of the tests. Runs in the folder that was
-- built with --coverage.

local json = require "cjson".new()

local WANTED = {lines = 95, branches = 85} -- percent, of all files together
local ALL_RAN = (os.getenv "SPECS" or "") == ""

-- file -> {lines = {number -> count}, branches = {number -> {count of each way out}}}
local function read()
  local found = {}
  local pipe = assert(io.popen "gcov --branch-probabilities --json-format --stdout build/*.gcda build/core/*/*.gcda")
  for document in pipe:lines() do
    for _, file in ipairs(json.decode(document).files) do
      if file.file:find "^src/" or file.file == "lua_stepimg.c" then
        local counts = found[file.file] or {lines = {}, branches = {}}
        found[file.file] = counts
        for _, line in ipairs(file.lines) do
          local number = math.tointeger(line.line_number)
          counts.lines[number] = (counts.lines[number] or 0) + line.count
          local branches = counts.branches[number] or {}
          counts.branches[number] = branches
          for i, branch in ipairs(line.branches) do
            branches[i] = (branches[i] or 0) + branch.count
          end
        end
      end
    end
  end
  assert(pipe:close())
  return found
end

local function sorted(list)
  local keys = {}
  for key in pairs(list) do
    keys[#keys + 1] = key
  end
  table.sort(keys)
  return keys
end

-- How many there are, how many were reached, and the lines of those that were not.
local function sum_up(counts)
  local sums = {lines = {all = 0, reached = 0, left = {}}, branches = {all = 0, reached = 0, left = {}}}
  local function count(sum, number, times)
    sum.all = sum.all + 1
    if times > 0 then
      sum.reached = sum.reached + 1
    elseif sum.left[#sum.left] ~= number then
      sum.left[#sum.left + 1] = number
    end
  end
  for _, number in ipairs(sorted(counts.lines)) do
    count(sums.lines, number, counts.lines[number])
    for _, times in ipairs(counts.branches[number]) do
      count(sums.branches, number, times)
    end
  end
  return sums
end

local function percent(sum)
  return sum.all > 0 and 100 * sum.reached / sum.all or 100
end

local function row(name, sums)
  print(("%-20s%7d%8.1f %%%10d%8.1f %%"):format(name, sums.lines.all, percent(sums.lines), sums.branches.all,
    percent(sums.branches)))
end

local found = read()
local names, total = sorted(found), {lines = {all = 0, reached = 0}, branches = {all = 0, reached = 0}}
local sums = {}
print(("%-20s%7s%10s%10s%10s"):format("file", "lines", "reached", "branches", "taken"))
for _, name in ipairs(names) do
  sums[name] = sum_up(found[name])
  row(name, sums[name])
  for what, sum in pairs(total) do
    sum.all, sum.reached = sum.all + sums[name][what].all, sum.reached + sums[name][what].reached
  end
end
row("all", total)
print "\nNot reached, by line:"
for _, name in ipairs(names) do
  for _, what in ipairs {"lines", "branches"} do
    local left = sums[name][what].left
    if #left > 0 then
      print(("%s, %s: %s"):format(name, what, table.concat(left, " ")))
    end
  end
end
for what, least in pairs(WANTED) do
  if ALL_RAN and percent(total[what]) < least then
    print(("\nAt least %d %% of the %s are to be reached."):format(least, what))
    os.exit(false)
  end
end
