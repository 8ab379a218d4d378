-- Makes a picture for each prompt and saves it as 001.png, 002.png …; one that fails does not stop the others.
-- Your key is to be in the environment: STEP_API_KEY=…
local stepimg = require "stepimg"

local USAGE = [[
usage: lua5.4 examples/batch.lua "prompt" "prompt" …
       lua5.4 examples/batch.lua -f FILE               one prompt a line]]

local function die(message)
  io.stderr:write(message, "\n")
  os.exit(2)
end

local function read_prompts(path)
  local prompts, file, message = {}, io.open(path)
  for line in (file or die(message)):lines() do
    if line:find "%S" then
      table.insert(prompts, line)
    end
  end
  return prompts
end

local prompts = arg[1] == "-f" and read_prompts(arg[2] or die(USAGE)) or arg
if #prompts == 0 then
  die(USAGE)
end

local client, unusable = stepimg.new()
if not client then
  die(tostring(unusable))
end

-- On a terminal a bar stands beneath the lines, drawn over itself; test(1) knows what Lua does not.
local answer = os.execute "test -t 2"
local on_terminal = answer == true or answer == 0 -- of Lua 5.1
local WIDTH = 40
local saved, failed = 0, 0

local function wipe()
  if on_terminal then
    io.stderr:write "\r\27[K"
  end
end

local function draw()
  if on_terminal then
    local filled = math.floor((saved + failed) * WIDTH / #prompts)
    io.stderr:write(("[%s%s] %d of %d saved, %d failed"):format(
      ("#"):rep(filled), ("."):rep(WIDTH - filled), saved, #prompts, failed))
  end
end

-- Where one request fails for want of a key or of money, so would the rest: no more are sent.
local HOPELESS = {auth = true, billing = true, budget = true}
local taken, hopeless = 0, false

local function next_params()
  if taken < #prompts and not hopeless then
    taken = taken + 1
    return {prompt = prompts[taken]}
  end
end

local function save(i, result, err)
  if not result then
    hopeless = hopeless or HOPELESS[err.kind]
    return nil, err
  elseif result.image.finish_reason == "content_filtered" then
    return nil, "the service's filter stopped it"
  end
  return result.image:save(("%03d.%s"):format(i, result.image.format or "png"))
end

draw()
for i, result, err in client:each(next_params) do
  local path, problem = save(i, result, err)
  wipe()
  if path then
    saved = saved + 1
    print(("%s: %s"):format(path, prompts[i]))
  else
    failed = failed + 1
    io.stderr:write(("%03d: no picture of %s. %s\n"):format(i, prompts[i], tostring(problem)))
  end
  draw()
end
wipe()
print(("%d of %d pictures saved, %d failed, %d not asked for"):format(
  saved, #prompts, failed, #prompts - saved - failed))
os.exit(saved == #prompts and 0 or 1)
