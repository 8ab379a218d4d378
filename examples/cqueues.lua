-- Two pictures in a loop of cqueues, with a ticker running beside: lua5.4 examples/cqueues.lua ["prompt" "prompt" …]
-- Your key is to be in the environment: STEP_API_KEY=…
local cqueues = require "cqueues"
local stepimg = require "stepimg"

local prompts = #arg > 0 and arg or {"a lighthouse at dusk, oil painting", "a lighthouse at dawn, woodcut"}
local client = assert(stepimg.new {
  wait = function(client) -- coroutines of cqueues are resumed by their loop, so they poll where others yield
    cqueues.poll(client, 1)
    client:update()
  end,
})
local loop = cqueues.new()
local left, ticks, failed = #prompts, 0, 0

local function make(i)
  local job, err = client:submit({prompt = prompts[i]}, {save = ("cqueues-%d.png"):format(i)})
  local result
  if job then
    result, err = job:await()
  end
  if result and result.image.path then
    print(("%s: %s"):format(result.image.path, prompts[i]))
  else
    failed = failed + 1
    io.stderr:write(("No picture of %s. %s\n"):format(prompts[i], tostring(err or "The service's filter stopped it.")))
  end
  left = left - 1
end

for i = 1, #prompts do
  loop:wrap(make, i)
end
loop:wrap(function()
  while left > 0 do
    ticks = ticks + 1
    cqueues.sleep(0.01)
  end
end)
assert(loop:loop())
print(("Meanwhile the ticker ran %d times."):format(ticks))
os.exit(failed == 0 and 0 or 1)
