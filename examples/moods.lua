-- One face in five moods, as face.png, happy.png …: lua5.4 examples/moods.lua ["face" | -f FILE]
-- Your key is to be in the environment: STEP_API_KEY=…
local stepimg = require "stepimg"

local MOODS = {"happy", "sad", "angry", "afraid", "surprised"}

local function or_die(value, err)
  if not value then
    io.stderr:write("No picture. ", tostring(err), "\n")
    os.exit(1)
  end
  return value
end

local client = or_die(stepimg.new())

-- The face: a picture that is there already, or a new one, which stays in memory until all its moods are made.
local face
if arg[1] == "-f" then
  local file = or_die(io.open(arg[2] or "face.png", "rb"))
  face = file:read "*a"
  file:close()
else
  local prompt = arg[1] or "portrait of an old fisherman, plain background, oil painting"
  face = or_die(client:generate {prompt = prompt, size = "1024x1024"}).image
  or_die(face.finish_reason ~= "content_filtered", "The service's filter stopped it; try another prompt.")
  print(or_die(face:save "face.png"))
end

local requests = {}
for i, mood in ipairs(MOODS) do
  requests[i] = {prompt = ("the same face, now %s; change nothing else"):format(mood), image = face}
end

local failed = 0
for i, result, err in client:each(requests) do
  local path
  if result then
    path, err = result.image:save(MOODS[i] .. ".png")
  end
  if path then
    print(path)
  else
    failed = failed + 1
    io.stderr:write(MOODS[i], ": no picture. ", tostring(err), "\n")
  end
end
os.exit(failed == 0 and 0 or 1)
