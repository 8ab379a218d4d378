-- Makes a picture for each prompt and saves it as 001.png, 002.png …; one that fails does not stop the others. What is
-- there already is not asked for again: a batch that was killed goes on where it was. Delete a picture to have it anew.
-- Your key is to be in the environment: STEP_API_KEY=…
-- Ends with 0 where all pictures are there, 1 where some are not, 2 where it could not begin.
local stepimg = require "stepimg"

local USAGE = [[
usage: lua5.4 examples/batch.lua [OPTION…] "prompt" "prompt" …
       lua5.4 examples/batch.lua [OPTION…] -f FILE     one prompt a line, or NAME.png: PROMPT
options: -o FOLDER   where the pictures are to be; here
         -b COUNT    the budget: at most so many pictures are paid for
         -n          only says what it would ask for]]

local PRICE = 0.003 -- US dollars a picture

local function die(message)
  io.stderr:write(message, "\n")
  os.exit(2)
end

-- ------------------------------------------------------------------------------------------------ what is asked for --

local entries, folder, budget, only_says = {}, "", nil, false

local function add(line, place)
  local name, prompt = line:match "^([%w._/-]+%.png):%s+(.*)$"
  name = name or ("%03d.png"):format(#entries + 1)
  for _, other in ipairs(entries) do
    if other.name == name then
      die(("%s: %s is the name of another picture too"):format(place, name))
    end
  end
  table.insert(entries, {name = name, prompt = prompt or line})
end

-- Of any editor's: with lines that end as on Windows, and the mark that some put before a text in UTF-8.
local function read(path)
  local file, message = io.open(path, "rb")
  local text = (file or die(message)):read "*a"
  file:close()
  if text:find "^\255\254" or text:find "^\254\255" then
    die(path .. ": this is UTF-16; save it as UTF-8")
  end
  text = text:gsub("^\239\187\191", ""):gsub("\r\n?", "\n") .. "\n"
  local number = 0
  for line in text:gmatch "([^\n]*)\n" do
    number = number + 1
    if line:find "%S" then
      add(line, ("%s, line %d"):format(path, number))
    end
  end
end

local i = 1
while arg[i] do
  local option, value = arg[i], arg[i + 1] or ""
  if option == "-n" then
    only_says = true
    i = i - 1
  elseif option == "-f" and value ~= "" then
    read(value)
  elseif option == "-o" and value ~= "" then
    folder = value:gsub("/*$", "/", 1)
  elseif option == "-b" then
    budget = value:match "^%d+$" and tonumber(value) or die(USAGE)
  elseif option:find "^%-" then
    die(USAGE)
  else
    add(option, ("prompt %d"):format(#entries + 1))
    i = i - 1
  end
  i = i + 2
end
if #entries == 0 then
  die(USAGE)
end

-- A picture is there whole or not at all; one that is empty has lost its bytes to a loss of power.
local function is_there(path)
  local file = io.open(path, "rb")
  local size = file and file:seek "end"
  if file then
    file:close()
  end
  return size and size > 0
end

local missing = {}
for _, entry in ipairs(entries) do
  entry.path = folder .. entry.name
  if not is_there(entry.path) then
    table.insert(missing, entry)
  end
end

budget = math.min(budget or #missing, #missing)
io.stdout:setvbuf "line" -- in 5.1 print keeps what it prints
print(("%d of %d pictures are there; of the others %d will be asked for, which costs at most %.3f US dollars"):format(
  #entries - #missing, #entries, budget, PRICE * budget))
if only_says then
  for _, entry in ipairs(missing) do
    print(("%s: %s"):format(entry.path, entry.prompt))
  end
end
if only_says or #missing == 0 then
  os.exit(0)
end

-- ---------------------------------------------------------------------------------------------------------- the bar --

-- On a terminal a bar stands beneath the lines, drawn over itself; test(1) knows what Lua does not.
local answer = os.execute "test -t 2"
local on_terminal = answer == true or answer == 0 -- of Lua 5.1
local WIDTH = 40
local saved, failed, billed = 0, 0, 0

local function wipe()
  if on_terminal then
    io.stderr:write "\r\27[K"
  end
end

local function draw()
  if on_terminal then
    local filled = math.floor((saved + failed) * WIDTH / #missing)
    io.stderr:write(("[%s%s] %d of %d saved, %d failed"):format(
      ("#"):rep(filled), ("."):rep(WIDTH - filled), saved, #missing, failed))
  end
end

-- ----------------------------------------------------------------------------------------------------- the pictures --

-- A refusal is free, so it may be repeated for long. The core sees to the budget.
local client, unusable = stepimg.new {budget = budget, retries = 5}
if not client then
  die(tostring(unusable))
end

-- Where one request fails for want of a key, of money or of room, so would the rest: no more are sent.
local HOPELESS = {auth = true, billing = true, budget = true, io = true}
local taken, hopeless = 0, false

local function next_params()
  if taken < #missing and not hopeless then
    taken = taken + 1
    return {prompt = missing[taken].prompt}
  end
end

local function tell(entry, result, err)
  if result and result.image.path then
    saved = saved + 1
    print(("%s: %s"):format(entry.path, entry.prompt))
  elseif result or err.kind ~= "budget" then
    failed = failed + 1
    billed = billed + ((result or err.maybe_billed) and 1 or 0)
    io.stderr:write(("%s: no picture of %s. %s\n"):format(
      entry.path, entry.prompt, tostring(err or "the service's filter stopped it")))
  end
  hopeless = hopeless or err and HOPELESS[err.kind]
end

local function work()
  draw()
  local function save(place)
    return missing[place].path
  end
  for place, result, err in client:each(next_params, {save = save}) do
    wipe()
    tell(missing[place], result, err)
    draw()
  end
end

local good, raised = pcall(work) -- Ctrl-C raises
wipe()
if not good then
  io.stderr:write(tostring(raised), "\n")
end
print(("%d of %d pictures saved, %d failed, %d not asked for%s"):format(
  saved, #missing, failed, #missing - saved - failed,
  billed > 0 and ("; %d that failed may have been billed all the same"):format(billed) or ""))
os.exit(good and saved == #missing and 0 or 1)
