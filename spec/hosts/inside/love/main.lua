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
  local upload, here, starts = {}, {}, {}
  local calls, held = {update = 0, submit = 0, progress = 0}, {} -- the module's, and the milliseconds of each frame in them
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
  watch(stepimg, "new", starts)

  local function watched(object)
    return object and setmetatable({}, {__index = function(_, name)
      return function(_, params, ...)
        if name == "submit" then
          params.prompt = os.getenv "HOST_KNOBS" .. params.prompt -- the stand-in takes its time
        end
        local began = love.timer.getTime()
        local a, b = object[name](object, params, ...)
        calls[name], held[#held] = calls[name] + 1, held[#held] + (love.timer.getTime() - began) * 1000
        return name == "submit" and watched(a) or a, b
      end
    end})
  end
  local new = stepimg.new
  stepimg.new = function(...) return watched(new(...)) end
  assert(love.filesystem.load "example.lua")()
  love.keyboard.isDown = function(key) return key == "right" end
  if os.getenv "HOST_DECODES" == "here" then
    love.keypressed "t"
  end
  local update = love.update
  function love.update(dt) -- a frame's drawing comes after it
    table.insert(held, 0)
    update(math.min(dt, 0.05))
    if #upload >= wanted then
      for _, list in ipairs {held, here, upload} do
        table.sort(list)
      end
      local over = 0
      for _, ms in ipairs(held) do
        over = over + (ms > 1000 / 60 and 1 or 0)
      end
      say(("frames %d updates %d progress %d longest %.3f over %d new %.1f"):format(#held, calls.update, calls.progress,
        held[#held], over, starts[1]))
      say(("decoded %d median %.1f uploaded %d median %.1f"):format(#here, here[math.ceil(#here / 2)] or 0,
        #upload, upload[math.ceil(#upload / 2)]))
      quit()
    end
  end
end
