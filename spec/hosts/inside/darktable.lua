-- In darktable: HOST_PART says what it is to do.
local dt = require "darktable"
local part, root = os.getenv "HOST_PART", os.getenv "HOST_ROOT"

local function say(...)
  print(...)
  io.stdout:flush()
end

-- The command line ends by itself when it has exported its picture, also beside a script that lets go of darktable's Lua,
-- as dt.control.execute and dt.database.import do. What is still to be said holds that end up.
local finished = true

dt.register_event("host", "exit", function()
  while not finished do
    dt.control.sleep(10)
  end
end)

local function quit()
  say "ending"
  finished = true
  if dt.configuration.has_gui then
    dt.gui.action("global/quit", 0, "", "", 1.0)
  end
end

-- The command line would end beside a script that sleeps.
local function pause()
  if dt.configuration.has_gui then
    dt.control.sleep(10)
  else
    os.execute "sleep 0.01"
  end
end

-- Closed while it makes the thumbnail of a new picture, darktable 5.0 crashes in its own threads. It has none left to
-- make when it needs hardly any of a processor.
local function rest()
  local before
  repeat
    before = os.clock()
    dt.control.sleep(500)
  until os.clock() - before < 0.05
end

local function ends()
  if dt.configuration.has_gui then -- see examples/darktable about the start
    dt.control.sleep(2000)
    dt.gui.current_view()
  end
  say "begun" -- darktable's own start is behind us
  local running = dofile(root .. "/spec/hosts/inside/running.lua")(part == "ends" and require "stepimg")
  while not running() do
    pause()
  end
  quit()
end

local function paints()
  finished = false
  package.path = root .. "/examples/darktable/?.lua;" .. package.path
  local picture, stepimg = require "picture", require "stepimg"
  while dt.configuration.has_gui and not picture.panel do
    dt.control.sleep(100)
  end
  say "begun"
  local image, err = picture.paint(os.getenv "HOST_PROMPT")
  if dt.configuration.has_gui then
    rest()
  end
  say("painted", image and image.path .. "/" .. image.filename, image and image.title, err)
  image, err = picture.paint(os.getenv "HOST_REFUSED")
  say("refused", image, err)
  local client = assert(stepimg.new())
  local job = assert(client:submit {prompt = "a number", cfg_scale = 2.5})
  while not job:result() do
    pause()
  end
  say("locale", os.setlocale(), ("%.1f"):format(2.5))
  local seen = {}
  for line in io.lines "/proc/self/maps" do
    local library = line:match "/(libcurl[^/]*)$"
    if library and not seen[library] then
      seen[library] = true
      say("library", library)
    end
  end
  quit()
end

local function act()
  local ok, err = xpcall(part == "paints" and paints or ends, debug.traceback)
  if not ok then
    say("running job failed: ", err)
    os.exit(1)
  end
end

if dt.configuration.has_gui then
  dt.control.dispatch(act)
else
  act()
end
