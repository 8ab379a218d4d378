-- Pictures in darktable 4.2 and newer: a panel of the lighttable paints what one writes, and imports it. It goes into
-- ~/.config/darktable/lua/, with require "picture" in the luarc beside that folder.
-- Your key is to be in the environment that darktable is started from: STEP_API_KEY=…
local dt = require "darktable"
local stepimg = require "stepimg"

local picture = {}

picture.directory = dt.configuration.config_dir .. "/pictures"

local client
local jobs = {} -- under way

-- darktable runs Lua on threads of its own, one at a time, and sleep lets the others in. So this waits where wait()
-- would hold all scripts. The command line, in turn, ends beside a script that sleeps.
local function result_of(job)
  if not dt.configuration.has_gui then
    return job:wait()
  end
  repeat
    client:update()
    local result, err = job:result()
    if result or err then
      return result, err
    end
    dt.control.sleep(20)
  until dt.control.ending
  return nil, "darktable is closed"
end

-- Paints these words, and imports the picture. Returns darktable's image, or nil and why there is none. For a callback
-- of darktable's or for dt.control.dispatch.
function picture.paint(words)
  local err
  if not client then
    client, err = stepimg.new()
    if not client then
      return nil, err
    end
  end
  dt.control.execute(("mkdir -p '%s'"):format(picture.directory:gsub("'", "'\\''")))
  local path = ("%s/%s-%d.png"):format(picture.directory, os.date "%Y%m%d-%H%M%S", math.random(0, 999999))
  local job
  job, err = client:submit({prompt = words}, {save = path})
  if not job then
    return nil, err
  end
  jobs[job] = true
  local result
  result, err = result_of(job)
  jobs[job] = nil
  if not result then
    return nil, err
  elseif not result.image.path then
    return nil, "the service's filter stopped it"
  end
  local image = dt.database.import(path)
  if not image then
    return nil, path .. " cannot be imported"
  end
  image.title = words:sub(1, 200)
  image:attach_tag(dt.tags.create "stepimg")
  return image
end

function picture.cancel()
  for job in pairs(jobs) do
    job:cancel()
  end
end

if not dt.configuration.has_gui then
  return picture
end

-- ----------------------------------------------------------------------------------------------------------- panel --

local function paint(words)
  dt.print("painting " .. words)
  local image, err = picture.paint(words)
  dt.print(image and "painted " .. words or "no picture: " .. tostring(err))
end

local function add_panel()
  local entry = dt.new_widget "entry" {placeholder = "a lighthouse on a cliff at dusk"}
  picture.panel = dt.new_widget "box" {
    orientation = "vertical",
    entry,
    dt.new_widget "box" {
      orientation = "horizontal",
      dt.new_widget "button" {label = "paint", clicked_callback = function()
        dt.control.dispatch(paint, entry.text)
      end},
      dt.new_widget "button" {label = "cancel", clicked_callback = picture.cancel},
    },
  }
  dt.register_lib("stepimg", "pictures", true, false, {
    [dt.gui.views.lighttable] = {"DT_UI_CONTAINER_PANEL_RIGHT_CENTER", 0},
  }, picture.panel)
end

-- Scripts run beside the start of darktable 4.2, which locks up where one makes a widget before the window runs.
dt.control.dispatch(function()
  dt.control.sleep(2000)
  if not dt.control.ending then
    add_panel()
  end
end)

return picture
