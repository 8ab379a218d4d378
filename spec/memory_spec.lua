-- Memory: pictures that are dropped are gone, and the JSON around a picture is never held.

local support = require "spec.support"

local LONG = os.getenv "STEPIMG_LONG" -- any value: ten times as many pictures
local COUNT = LONG and 10000 or 1000
local SIZE = 2700 * 1000
local PLAIN_5_1 = _VERSION == "Lua 5.1" and not rawget(_G, "jit") -- it does not say whether its collector was stopped

-- In a process with nothing else in it. `peak` is the most memory it ever had, `now` what it has.
local HEAD = [[
  local stepimg = require "stepimg"
  local client = assert(stepimg.new {ca_file = os.getenv "CA"})
  local function status(name)
    local file = io.open "/proc/self/status"
    local text = file:read "*a"
    file:close()
    return tonumber(text:match(name .. ":%s*(%d+)")) * 1024
  end
  local function generate(size, format)
    local prompt = ('{"bytes":%d} x'):format(size)
    return assert(client:generate {prompt = prompt, seed = 7, response_format = format}).image
  end
]]

local DROP = [[
  local first
  for i = 1, %d do
    local image = generate(%d, %q)
    assert(%s)
    if i == 100 then
      first = status "VmRSS"
    end
  end
  print(first, status "VmRSS", status "VmHWM")
]]

local UPDATE = [[
  local left = %d
  for _ = 1, left do
    assert(client:submit({prompt = '{"bytes":%d} x'}, {on_done = function(result, err)
      assert(result, err)
      left = left - 1
    end}))
  end
  while left > 0 do
    client:update()
  end
  print(status "VmHWM")
]]

-- update is called where there is something to deliver, as an event loop does.
local ONE_BY_ONE = [[
  generate(0)
  local before = status "VmHWM"
  for _ = 1, %d do
    local job = assert(client:submit({prompt = '{"bytes":%d} x'}, {on_done = assert}))
    while job:status() ~= "done" do end
    job = nil
    client:update()
  end
  print(before, status "VmHWM")
]]

local PEAK = [[
  generate(%d, %q)
  print(status "VmHWM")
]]

for _, way in ipairs(support.WAYS) do
  describe("Memory over " .. way.name, function()
    local server = support.standin(way.setting)
    local environment

    lazy_setup(function()
      environment = {STEP_API_KEY = "k", STEP_BASE_URL = server.base_url, CA = server.ca}
    end)

    local function numbers(script, ...)
      if not support.status "VmRSS" then
        pending "there is no /proc to measure with"
      end
      local found = {}
      for number in support.run(HEAD .. script:format(...), environment):gmatch "%d+" do
        found[#found + 1] = tonumber(number)
      end
      return table.unpack(found)
    end

    local function assert_level(use)
      local after_100, at_end, peak = numbers(DROP, COUNT, SIZE, "b64_json", use)
      -- A few pictures are on their way to the collector at any time.
      assert.truthy(support.NO_FIGURES or at_end - after_100 < 4 * SIZE,
        ("it grew by %d bytes"):format(at_end - after_100))
      assert.truthy(support.NO_FIGURES or peak < 15 * SIZE, ("it was %d bytes once"):format(peak))
      if support.NO_FIGURES then
        pending(support.NO_FIGURES)
      end
    end

    it(("stays where it was while %d pictures are made and dropped"):format(COUNT), function()
      assert_level "image.width"
    end)

    if not way.setting.tls then
      it(("stays where it was while %d pictures are made, read and dropped"):format(COUNT), function()
        assert_level(("#image.bytes == %d"):format(SIZE))
      end)

      it("does not grow with the pictures that callbacks dropped, though lua5.4 collects by generation", function()
        local count = 150
        local peak = numbers(UPDATE, count, SIZE)
        assert.truthy(support.NO_FIGURES or peak < count / 3 * SIZE, ("it was %d bytes once"):format(peak))
        if support.NO_FIGURES then
          pending(support.NO_FIGURES)
        end
      end)

      it("is that of two or three pictures where an event loop makes one after the other", function()
        local most = PLAIN_5_1 and 20 or 4.5
        local before, peak = numbers(ONE_BY_ONE, 30, SIZE)
        assert.truthy(support.NO_FIGURES or peak - before < most * SIZE, ("it was %d bytes once"):format(peak - before))
        if support.NO_FIGURES then
          pending(support.NO_FIGURES)
        end
      end)
    end

    it("holds a picture and not the JSON or the base64 around it", function()
      for _, format in ipairs {"b64_json", "url"} do
        local small, large = numbers(PEAK, 0, format), numbers(PEAK, SIZE, format)
        local cost = large - small
        assert.is_true(cost > SIZE * 0.8, "the measurement is broken")
        assert.truthy(support.NO_FIGURES or cost < SIZE * 1.5 + 2 * 1024 * 1024,
          ("a picture of %d bytes cost %d"):format(SIZE, cost))
      end
      if support.NO_FIGURES then
        pending(support.NO_FIGURES)
      end
    end)
  end)
end
