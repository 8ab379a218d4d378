-- A picture while the frames go on, as in a game: build/host examples/frame.lua ["prompt"]
-- Your key is to be in the environment: STEP_API_KEY=…; c or q cancels.
local stepimg = require "stepimg"

local PROMPT = ... or "a lighthouse on a cliff at dusk, oil painting"
local PATH = "frame.png"
local SPINNER = {"|", "/", "-", "\\"}

-- A game has a screen; this is a line of a terminal, drawn over itself. test(1) knows what Lua does not.
local answer = os.execute "test -t 2"
local on_terminal = answer == true or answer == 0 -- of Lua 5.1
local function draw(line)
  if on_terminal then
    io.stderr:write("\r", line, "\27[K")
  end
end

local game = {}
local client, job
local running, seconds, frames = true, 0, 0

-- client:update calls it, in a frame like any other.
local function on_done(result, err)
  running = false
  draw ""
  if result and result.image.path then
    print(("%s: %d x %d, %d frames went by"):format(PATH, result.image.width, result.image.height, frames))
  elseif err and err.kind == "cancelled" then
    print(("Cancelled after %.1f s; %s is as it was."):format(seconds, PATH))
  else
    error("No picture. " .. tostring(err or "The service's filter stopped it; try another prompt."), 0)
  end
end

function game.load()
  local err
  client = assert(stepimg.new())
  job, err = client:submit({prompt = PROMPT}, {save = PATH, on_done = on_done})
  if not job then
    error(tostring(err), 0) -- assert does the same, but in Lua 5.1 and 5.2
  end
end

function game.update(dt)
  seconds, frames = seconds + dt, frames + 1
  local progress = job:progress()
  draw(("%s %s, %d KB, %.1f s (c: cancel)"):format(
    SPINNER[math.floor(frames / 6) % #SPINNER + 1], progress.phase, math.floor(progress.received / 1000),
    progress.elapsed))
  client:update()
  return running
end

function game.key(name)
  if name == "c" or name == "q" then
    job:cancel()
  end
end

return game
