-- In LÖVE: HOST_PART says what it is to do. The example is beside this file, as example.lua.
local part = os.getenv "HOST_PART"

local function say(...)
  print(...)
  io.stdout:flush()
end

local function quit()
  say "ending"
  love.event.quit()
end

if part == "ends" or part == "without" then
  local running = dofile(os.getenv "HOST_ROOT" .. "/spec/hosts/inside/running.lua")(part == "ends" and require "stepimg")
  local ended = false
  function love.update()
    if not ended and running() then
      ended = true
      quit()
    end
  end
elseif part == "snippet" then
  assert(love.filesystem.load "snippet.lua")()
else
  -- Holds a key down, and watches from outside: what the example itself measures is on its screen.
  local stepimg = require "stepimg"
  local wanted = tonumber(os.getenv "HOST_SCENES")
  local upload, frames = {}, 0
  local calls, here = {}, {}
  local function watch(of, name, list)
    local inner = of[name]
    of[name] = function(...)
      local began = love.timer.getTime()
      local a, b = inner(...)
      table.insert(list, (love.timer.getTime() - began) * 1000)
      return a, b
    end
  end
  watch(love.image, "newImageData", here)
  watch(love.graphics, "newImage", upload)
  local new = stepimg.new
  stepimg.new = function(...)
    local client = new(...)
    local watched = {}
    for _, name in ipairs {"update", "submit"} do
      watched[name] = function(_, ...) return client[name](client, ...) end
      watch(watched, name, calls)
    end
    return watched
  end
  assert(love.filesystem.load "example.lua")()
  love.keyboard.isDown = function(key) return key == "right" end
  if os.getenv "HOST_DECODES" == "here" then
    love.keypressed "t"
  end
  local update = love.update
  function love.update(dt)
    update(math.min(dt, 0.05))
    frames = frames + 1
    if #upload >= wanted then
      for _, list in ipairs {calls, here, upload} do
        table.sort(list)
      end
      local over = 0
      for _, ms in ipairs(calls) do
        over = over + (ms > 1000 / 60 and 1 or 0)
      end
      say(("frames %d calls %d longest %.3f over %d decoded %d median %.1f uploaded %d median %.1f"):format(frames, #calls,
        calls[#calls], over, #here, here[math.ceil(#here / 2)] or 0, #upload, upload[math.ceil(#upload / 2)]))
      quit()
    end
  end
end
