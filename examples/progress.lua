-- Makes a picture, saves it as demo.png and tells meanwhile how far it is: lua5.4 examples/progress.lua ["prompt"]
-- Your key is to be in the environment: STEP_API_KEY=…
local stepimg = require "stepimg"

local prompt = arg[1] or "a lighthouse on a cliff at dusk, oil painting"

local function or_die(value, err)
  if not value then
    io.stderr:write("No picture. ", tostring(err), "\n")
    os.exit(1)
  end
  return value
end

-- Drawn over itself, on a terminal alone; test(1) knows what Lua does not.
local answer = os.execute "test -t 2"
local on_terminal = answer == true or answer == 0 -- of Lua 5.1
local function draw(line)
  if on_terminal then
    io.stderr:write("\r", line, "\27[K")
  end
end

local function megabytes(count)
  return ("%.1f"):format(count / 1e6)
end

local function wait(job)
  local result, err
  repeat
    local now = job:progress()
    local bytes = now.total and megabytes(now.received) .. " of " .. megabytes(now.total) or megabytes(now.received)
    draw(("%-10s  %s MB  %.1f s"):format(now.phase, bytes, now.elapsed))
    result, err = job:wait(0.1)
  until result or err
  return result, err
end

local client = or_die(stepimg.new())
local job = or_die(client:submit {prompt = prompt, width = 1360, height = 768})
local good, result, err = pcall(wait, job)
draw "" -- also after Ctrl-C
if not good then
  error(result, 0)
end
or_die(result, err)
local image = result.image
or_die(image.finish_reason ~= "content_filtered", "The service's filter stopped it; try another prompt.")
local path = or_die(image:save "demo.png")
print(("%s: %s, %d x %d, seed %s, %.2f s"):format(
  path, image.format, image.width, image.height, image.seed, result.timing.total))
