-- stepimg.lua MODE BASE_URL COUNT [AT_ONCE]: asks for COUNT pictures with this library. Prints how long the host's
-- thread was held at most, in seconds.

local socket = require "socket.core"
local stepimg = require "stepimg"

local mode, url, count, at_once = arg[1], arg[2], tonumber(arg[3]), tonumber(arg[4] or 1)
local PARAMS = {prompt = "a lighthouse"}
local client = assert(stepimg.new {
  api_key = "any", base_url = url, ca_file = os.getenv "BENCH_CA", retries = 0, max_concurrent = at_once,
})
local longest = 0

-- Calls and notes how long it took.
local function hold(f, ...)
  local start = socket.gettime()
  local value, err = f(...)
  longest = math.max(longest, socket.gettime() - start)
  return assert(value, err)
end

local modes = {}

function modes.generate()
  for _ = 1, count do
    hold(client.generate, client, PARAMS)
  end
end

-- With the copy that Lua needs to have the picture as a string.
function modes.bytes()
  for _ = 1, count do
    local _ <const> = #hold(client.generate, client, PARAMS).image.bytes
  end
end

function modes.save()
  local options = {save = os.getenv "BENCH_SCRATCH" .. "/saved.png"}
  for _ = 1, count do
    hold(client.generate, client, PARAMS, options)
  end
end

-- As a host with an event loop does it.
function modes.update()
  local descriptor = {getfd = function() return client:fd() end, dirty = function() return false end}
  local delivered = 0
  local options = {on_done = function(result, err)
    assert(result, err)
    delivered = delivered + 1
  end}
  for i = 1, count do
    hold(client.submit, client, PARAMS, options)
    while delivered < i do
      socket.select({descriptor}, nil, 10)
      hold(client.update, client)
    end
  end
end

-- Many at once; the thread is held on purpose.
function modes.each()
  local left = count
  local function source()
    left = left - 1
    return left >= 0 and PARAMS or nil
  end
  for _, result, err in client:each(source) do
    assert(result, err)
  end
end

modes[mode]()
client:close()
print(("%.6f"):format(longest))
