-- In mpv, as a script: HOST_PART says what it is to do.
local part, root = os.getenv "HOST_PART", os.getenv "HOST_ROOT"

local function say(...)
  io.stderr:write(table.concat({...}, " "), "\n")
end

local function quit()
  say "ending"
  mp.command "quit"
end

if part == "paints" then
  local stepimg = require "stepimg"
  local client = assert(stepimg.new())
  local ticks = 0
  assert(client:submit({prompt = os.getenv "HOST_PROMPT"}, {save = os.getenv "HOST_HOME" .. "/cover.png",
    on_done = function(result, err)
      say("painted", result and result.image.path or tostring(err))
      mp.commandv("loadfile", result.image.path) -- mpv shows it
    end}))
  mp.add_periodic_timer(0.02, function()
    ticks = ticks + 1
    client:update()
  end)
  mp.register_event("file-loaded", function()
    say("shown", mp.get_property "width", mp.get_property "height", "ticks", ticks)
    quit()
  end)
else
  local running = dofile(root .. "/spec/hosts/inside/running.lua")(part == "ends" and require "stepimg")
  local timer
  timer = mp.add_periodic_timer(0.02, function()
    if running() then
      timer:kill()
      quit()
    end
  end)
end
