-- Two pictures in luv's event loop, with a timer running beside: lua5.4 examples/luv.lua ["prompt" "prompt" …]
-- Your key is to be in the environment: STEP_API_KEY=…
local stepimg = require "stepimg"
local uv = require "luv"

local prompts = #arg > 0 and arg or {"a lighthouse at dusk, oil painting", "a lighthouse at dawn, woodcut"}
local client = assert(stepimg.new())
local ticks, failed = 0, 0

-- Runs in a coroutine, which await leaves until client:update comes back to it.
local function generate(params, options)
  local job, err = client:submit(params, options)
  if not job then
    return nil, err
  end
  return job:await()
end

local function make(i)
  local result, err = generate({prompt = prompts[i]}, {save = ("luv-%d.png"):format(i)})
  if result and result.image.path then
    print(("%s: %s"):format(result.image.path, prompts[i]))
  else
    failed = failed + 1
    io.stderr:write(("No picture of %s. %s\n"):format(prompts[i], tostring(err or "The service's filter stopped it.")))
  end
end

assert(uv.new_poll(client:fd())):start("r", function()
  client:update()
  if client:pending() == 0 then
    uv.stop()
  end
end)
uv.new_timer():start(0, 10, function()
  ticks = ticks + 1
end)
for i = 1, #prompts do
  coroutine.wrap(make)(i)
end
if client:pending() > 0 then
  uv.run()
end
print(("Meanwhile the timer ran %d times."):format(ticks))
os.exit(failed == 0 and 0 or 1)
