-- Makes a picture and saves it as demo.png: lua5.4 examples/generate.lua ["prompt"]
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

local result = or_die(stepimg.generate {prompt = prompt, width = 1360, height = 768})
local image = result.image
or_die(image.finish_reason ~= "content_filtered", "The service's filter stopped it; try another prompt.")
local path = or_die(image:save "demo.png")
print(("%s: %s, %d x %d, seed %s, %.2f s"):format(
  path, image.format, image.width, image.height, image.seed, result.timing.total))
