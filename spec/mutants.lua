-- `make mutants`: changes the sources in one place at a time and looks whether a test notices: the C tests, then the
-- specs that are about that part, then all. Works in a copy of its own below build/. Prints who caught what, and the
-- ones that lived, for a person to say whether they change anything.
--   MUTANTS=100 how many, MUTANTS_SEED=1 which, MUTANTS_FILES=src/http/ a pattern of the files they are made in

local COUNT = tonumber(os.getenv "MUTANTS") or 100
local SEED = tonumber(os.getenv "MUTANTS_SEED") or 1
local FILES = os.getenv "MUTANTS_FILES" or "^src/"
local TREE = "build/mutants"
local SECONDS = {make = 300, core = 120, related = 900, all = 1800} -- a mutant that hangs is caught

-- The specs that are about a folder of the sources.
local RELATED = {
  base = "save image errors secrets process", rules = "validate options models docs",
  payload = "payload hostile_payload generate save image",
  http = "retry errors transport link download hostile_http1 waits",
  client = "jobs cancel waits limits budget callbacks release cache history stats each_save edit account",
  lua = "client generate jobs callbacks await each each_save image save history torture validate edit",
}

-- What is put in the place of what, by the ends of files' names: Lua patterns, with a frontier where a word or an
-- operator must stand alone.
local BOTH = {
  {" < ", " <= "}, {" <= ", " < "}, {" > ", " >= "}, {" >= ", " > "}, {" < ", " >= "}, {" %+ ", " - "}, {" %- ", " + "},
  {"%f[%w]true%f[%W]", "false"}, {"%f[%w]false%f[%W]", "true"}, {"%f[%w]0%f[^%w%.]", "1"}, {"%f[%w]1%f[^%w%.]", "2"},
  {"^(%s+)break;?$", "%1;"},
}
local CHANGES = {
  c = {
    {"==", "!="}, {"!=", "=="}, {" && ", " || "}, {" || ", " && "}, {"%+%+", "--"}, {"if %(", "if (!"},
    {"^(%s+)[%a_][%w_>%-%.]*%(.*%);$", "%1;"}, {"^(%s+)[%a_][%w_>%-%.%[%]]* [%+%-|]?= .*;$", "%1;"},
  },
  lua = {
    {"==", "~="}, {"~=", "=="}, {" and ", " or "}, {" or ", " and "}, {"%f[%w]not ", ""},
    {"if (.*) then$", "if not (%1) then"}, {"^(%s+)[%a_][%w_%.:]*%(.*%)$", "%1;"},
    {"^(%s+)[%a_][%w_%.%[%]]* = .*[^,{(]$", "%1;"},
  },
}
for _, changes in pairs(CHANGES) do
  table.move(BOTH, 1, #BOTH, #changes + 1, changes)
end

local function quote(word)
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "*a"
  file:close()
  return text
end

local function write(path, text)
  local file = assert(io.open(path, "wb"))
  assert(file:write(text))
  assert(file:close())
end

-- Whether a command in the copy ends well, and in time.
local function passes(what, command)
  local line = "cd %s && timeout -k 5 %d sh -c %s >mutant.log 2>&1"
  return (os.execute(line:format(TREE, SECONDS[what], quote(command))))
end

-- All places where a change can be made: file, number of the line, the line before and after.
local function places()
  local found = {}
  for path in assert(io.popen "find lua_stepimg.c src -type f | LC_ALL=C sort"):lines() do
    if path:find(FILES) and not path:find "_win32%.c$" and not path:find "neon" then -- what is built here
      local number, comment = 0, nil
      for line in (read(path) .. "\n"):gmatch "(.-)\n" do
        number = number + 1
        local code = not (comment or line:find "^%s*#" or line:find "^%s*/%*" or line:find "^%s*%-%-" or line:find '"')
        comment = (comment or line:find("/*", 1, true)) and not line:find("*/", 1, true)
        for _, change in ipairs(code and CHANGES[path:match "%w+$"] or {}) do
          local changed = line:gsub(change[1], change[2], 1)
          if change[2] == "if (!" and changed ~= line then -- the whole condition
            changed = changed:gsub("if %(!(.*)%)(.-)$", "if (!(%1))%2", 1)
          end
          if changed ~= line then
            found[#found + 1] = {path = path, number = number, before = line, after = changed}
          end
        end
      end
    end
  end
  return found
end

local function mutate(place)
  local lines, number = {}, 0
  for line in (place.text .. "\n"):gmatch "(.-)\n" do
    number = number + 1
    lines[number] = number == place.number and place.after or line
  end
  write(TREE .. "/" .. place.path, (table.concat(lines, "\n"):gsub("\n$", "", 1)))
end

-- Who catches it; nil: nobody. "no code" is no mutant: it does not compile.
local function judge(place)
  local of_binding = not place.path:find "^src/" or place.path:find "^src/lua/" -- no C test has it in it
  if not passes("make", "make") or place.path:find "%.lua$" and not loadfile(TREE .. "/" .. place.path) then
    return "no code"
  elseif not of_binding and not passes("core", "make run-core") then
    return "core"
  end
  local specs = {"--no-keep-going"}
  for name in (RELATED[place.path:match "^src/(%w+)/"] or RELATED.lua):gmatch "%S+" do
    specs[#specs + 1] = "spec/" .. name .. "_spec.lua"
  end
  if not passes("related", "make run-spec SPECS='" .. table.concat(specs, " ") .. "'") then
    return "related"
  end
  return not passes("all", "make run-spec SPECS=--no-keep-going") and "all" or nil
end

assert(os.execute(("rm -rf %s && mkdir -p %s && for name in .busted *; do "
  .. "[ \"$name\" = build ] || cp -R \"$name\" %s || exit; done"):format(TREE, TREE, TREE)))
assert(passes("make", "make") and passes("core", "make run-core"), "the tree itself does not pass; see " .. TREE)
math.randomseed(SEED)
local all, caught, lived, made = places(), {}, {}, 0
while made < COUNT and #all > 0 do
  local place = table.remove(all, math.random(#all))
  place.text = read(place.path)
  mutate(place)
  local by = judge(place)
  write(TREE .. "/" .. place.path, place.text)
  if by ~= "no code" then
    made = made + 1
    caught[by or "nobody"] = (caught[by or "nobody"] or 0) + 1
    local line = ("%s:%d: %s  ->  %s"):format(
      place.path, place.number, place.before:match "^%s*(.*)", place.after:match "^%s*(.*)")
    print(("%3d %-8s %s"):format(made, by or "LIVES", line))
    io.stdout:flush()
    lived[#lived + 1] = not by and line or nil
  end
end
print(("%d of %d caught (by the C tests %d, by the related specs %d, by all %d); %d live:"):format(
  made - #lived, made, caught.core or 0, caught.related or 0, caught.all or 0, #lived))
for _, line in ipairs(lived) do
  print("  " .. line)
end
