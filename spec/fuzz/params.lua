-- Tables of parameters and options made from the fuzzer's bytes. What is right is said here once more, from the
-- service's reference and in Lua: a bad parameter is returned, never raised; what validate takes, submit takes.

local json = require "cjson".new()
local stepimg = require "stepimg"

local SECRET = "sk-0f1e2d3c4b5a6978"
local SIZES = {["1024x1024"] = true, ["768x1360"] = true, ["896x1184"] = true, ["1360x768"] = true, ["1184x896"] = true}
local TEXTS = {
  "a lighthouse", "", "step-image-edit-2", "step-2x-large", "1024x1024", "768x1360", "1360X768", "b64_json", "url",
  "16:9", "1.85:1", "3:2", "1:101",
  ("灯"):rep(512), ("灯"):rep(513), "\u{10ffff}", "\xed\xa0\x80", "\xc0\xaf", "a\0b", "8", "nan", "\27[2J",
}
-- Pictures, and what is none or too large.
local PICTURES = {
  ["GIF89a" .. ("<I2I2"):pack(16, 8) .. "\x81\0\0"] = true,
  ["\x89PNG\r\n\x1a\n" .. (">I4c4I4I4"):pack(13, "IHDR", 4096, 1) .. "\8\6\0\0\0"] = true,
  ["\x89PNG\r\n\x1a\n" .. (">I4c4I4I4"):pack(13, "IHDR", 4097, 1) .. "\8\6\0\0\0"] = false,
  ["\xff\xd8\xff\xc0\0\x0b\8" .. (">I2I2"):pack(8, 16) .. "\1\1\x11\0"] = true,
  ["GIF88a" .. ("<I2I2"):pack(16, 8)] = false, ["face.png"] = false, ["https://x/y"] = false,
}
local IMAGES = {}
for bytes in pairs(PICTURES) do
  IMAGES[#IMAGES + 1] = bytes
end
table.sort(IMAGES)
local NUMBERS = {
  0, 1, 50, 51, 8.0, 8.5, -0.0, 10, 10.5, 1 / 0, -1 / 0, 0 / 0, 2147483647, 2147483648, 2 ^ 53, 2 ^ 63, -2 ^ 63,
  math.maxinteger, math.mininteger, 768, 1360, 1024, 896, 1184, 5e-324, 1e308,
}
local PARAMS = {
  "model", "prompt", "size", "width", "height", "n", "response_format", "seed", "steps", "cfg_scale", "negative_prompt",
  "text_mode", "aspect", "image",
}
local NUMERIC = {aspect = true, width = true, height = true, n = true, seed = true, steps = true, cfg_scale = true}
local OPTIONS = {
  "api_key", "base_url", "proxy", "ca_file", "user_agent", "headers", "max_concurrent", "requests_per_minute", "budget",
  "max_response_bytes", "connect_timeout", "strict", "timeout", "deadline", "retries", "download", "save", "on_done",
  "model", "allow_http", "stall_timeout",
}
local RAISING = {}
for _, event in ipairs {"newindex", "len", "call", "pairs", "tostring", "eq", "lt", "concat"} do
  RAISING["__" .. event] = function()
    error("__" .. event .. " was called")
  end
end
RAISING.__name = "\xff\0"

-- ------------------------------------------------------------------------------------------------------- the input --

local input = dofile "spec/fuzz/input.lua"
local byte, bytes, pick = input.byte, input.bytes, input.pick

local function number()
  local way = byte() % 4
  if way == 0 then
    return pick(NUMBERS)
  elseif way == 1 then
    return byte() - 64
  end
  local eight = (bytes(8) .. ("\0"):rep(8)):sub(1, 8)
  return (string.unpack(way == 2 and "<i8" or "<d", eight))
end

-- The fuzzer learns the key from what the judge looks for. Written in any other place it would be no secret.
local function text()
  local given = byte() % 3 > 0 and pick(TEXTS) or bytes(byte())
  given = byte() % 8 > 0 and given or given:sub(1, byte()) .. bytes(byte() % 8)
  return given:find(SECRET, 1, true) and "" or given
end

local value

local function fill(names, depth)
  local filled = {prompt = names == PARAMS and byte() % 4 > 0 and TEXTS[1] or nil} -- else hardly any would be good
  for _ = 1, byte() % 16 do
    if input.is_over() then
      break
    end
    local way, name = byte() % 16, pick(names)
    if way == 0 then
      name = name:sub(1, byte() % #name) .. name:sub(byte() % #name + 1) -- a part left out or twice
    elseif way == 1 then
      name = text()
    elseif way == 2 then
      name = value(depth + 1)
    end
    if name ~= nil and name == name then
      filled[name] = name == "api_key" and way > 2 and SECRET or NUMERIC[name] and way > 4 and number()
        or name == "image" and way > 4 and pick(IMAGES) or value(depth)
    end
  end
  return byte() % 4 > 0 and filled or setmetatable(filled, RAISING)
end

function value(depth)
  local way = byte() % 16
  if way < 6 then
    return text()
  elseif way < 11 then
    return number()
  elseif way < 13 then
    return byte() % 2 == 0
  elseif way == 13 and depth < 3 then
    return fill(PARAMS, depth + 1)
  end
  return pick {print, io.stdout, coroutine.create(print), json.null, stepimg.generate, {}}
end

-- ------------------------------------------------------------------------------------------------ what is to hold --

local function is_text(given, most)
  local characters = type(given) == "string" and utf8.len(given)
  return characters and not given:find "\0" and (not most or characters <= most)
end

local function is_within(least, most, whole)
  return function(given)
    return math.type(given) and given >= least and given <= most and (not whole or given == math.floor(given))
  end
end

local function is_one_of(choices)
  return function(given)
    return type(given) == "string" and choices[given]
  end
end

-- One to nine digits on each side of a point.
local function is_decimal(given)
  local whole, part = given:match "^(%d+)%.?(%d*)$"
  return whole and #whole <= 9 and #part <= 9 and given:sub(-1) ~= "."
end

local function is_aspect(given)
  if type(given) == "string" then
    local width, height = given:match "^([^:]*):([^:]*)$"
    if not width or not is_decimal(width) or not is_decimal(height) or tonumber(height) == 0 then
      return false
    end
    given = tonumber(width) / tonumber(height)
  end
  return math.type(given) and given >= 0.01 and given <= 100
end

local GOOD = {
  aspect = is_aspect,
  image = function(given) return type(given) == "string" and PICTURES[given] end,
  model = is_one_of {["step-image-edit-2"] = true},
  prompt = function(given) return is_text(given, 512) and given ~= "" end,
  size = is_one_of(SIZES),
  width = is_within(1, 65535, true),
  height = is_within(1, 65535, true),
  n = is_within(1, 1, true),
  response_format = is_one_of {b64_json = true, url = true},
  seed = is_within(0, 2147483647, true),
  steps = is_within(1, 50, true),
  cfg_scale = is_within(1, 10),
  negative_prompt = function(given) return is_text(given, 512) end,
  text_mode = function(given) return type(given) == "boolean" end,
}

for name in pairs(stepimg.models["step-image-edit-2"].params) do
  assert(GOOD[name], name)
end

local SHAPE = {size = true, aspect = true, width = true, height = true} -- has no effect on an edit

local function is_good(params)
  local edits = rawget(params, "image") ~= nil
  for name, given in next, params do
    if not (edits and SHAPE[name]) and (not GOOD[name] or not GOOD[name](given)) then
      return false
    end
  end
  local width, height = rawget(params, "width"), rawget(params, "height")
  if rawget(params, "image") then
    return rawget(params, "prompt") ~= nil
  end
  if rawget(params, "aspect") and (width or height or rawget(params, "size")) then
    return false
  end
  if width or height then
    return rawget(params, "prompt") and width and height and not rawget(params, "size")
      and SIZES[("%dx%d"):format(height, width)]
  end
  return rawget(params, "prompt") ~= nil
end

-- Text that can be shown, with no secret in it.
local function is_shown(shown)
  assert(type(shown) == "string" and shown ~= "" and #shown < 4096)
  assert(utf8.len(shown) and not shown:find "[%c\127]", shown)
  assert(not shown:find(SECRET, 1, true), shown)
end

local function is_error(err)
  is_shown(err.message)
  assert(tostring(err) == err.kind .. ": " .. err.message)
  assert(err.field == nil or #err.field < 64) -- a name as the user wrote it, whatever that is
  return err
end

local function copy(original)
  local copied = {}
  for name, given in next, original do
    copied[name] = given
  end
  return copied
end

local function is_same(one, other)
  for name, given in next, one do
    assert(rawequal(other[name], given) or given ~= given)
  end
  for name in next, other do
    assert(rawget(one, name) ~= nil)
  end
end

local REASONS = {
  missing = true, unknown = true, type = true, range = true, choice = true, length = true, text = true, pair = true,
  image = true,
}

local function check_flaws(err)
  local first = err.all[1]
  assert(first.field == err.field and first.message == err.message and first.reason == err.reason)
  for _, flaw in ipairs(err.all) do
    is_shown(flaw.message)
    assert(REASONS[flaw.reason] and (flaw.rule ~= nil) == (GOOD[flaw.field] ~= nil))
  end
end

local function judge(good, err, wanted)
  if wanted then
    assert(good == true)
  else
    assert(good == nil and is_error(err).kind == "invalid", "taken, although it breaks a rule")
    check_flaws(err)
  end
end

local keyless = assert(stepimg.new())
local loose = assert(stepimg.new {strict = false})

-- There is no key, so that is the only flaw that good parameters have.
local function submit(client, params)
  local job, err = client:submit(params)
  assert(job == nil)
  return is_error(err)
end

-- Whether what only begins like a picture is one is for sniff to say, which has a fuzzer of its own.
local function is_for_sniff(given)
  return type(given) == "string" and PICTURES[given] == nil
    and (given:find "^GIF8" or given:find "^\x89PNG" or given:find "^\xff\xd8" or given:find "^RIFF")
end

local function check_params(params)
  if is_for_sniff(rawget(params, "image")) then
    return
  end
  local wanted, before = is_good(params), copy(params)
  local good, second = stepimg.validate(params)
  judge(good, second, wanted)
  if good then
    assert(#second <= 5)
    for _, warning in ipairs(second) do
      is_shown(warning.message)
      assert(tostring(warning) == warning.message and GOOD[warning.field])
    end
  end
  local err = submit(keyless, params)
  assert(err.kind == (wanted and "auth" or "invalid"))
  assert(good or (err.message == second.message and err.field == second.field))
  err = submit(loose, params)
  assert(err.kind == "auth" or (not wanted and err.kind == "invalid"))
  is_same(params, before)
end

-- A programmer's mistake raises, a bad value is returned: either way the text can be shown.
local function check_options(options)
  local before = copy(options)
  local good, client, err = pcall(stepimg.new, options)
  if not good then
    is_shown(client)
  elseif client == nil then
    assert(is_error(err).kind == "invalid")
  else
    assert(client:pending() == 0 and client:close() == nil)
    local job, closed = client:submit {prompt = "x"}
    assert(job == nil and (is_error(closed).kind == "cancelled" or closed.kind == "auth" or closed.kind == "budget"))
  end
  is_same(options, before)
end

local function check_call(options)
  local before = copy(options)
  local good, job, err = pcall(keyless.submit, keyless, {prompt = "x"}, options)
  if not good then
    is_shown(job)
  else
    assert(job == nil and (is_error(err).kind == "auth" or err.kind == "invalid"))
  end
  is_same(options, before)
end

return function(given)
  input.begin(given)
  local way = byte() % 8
  if way == 0 then
    check_options(fill(OPTIONS, 0))
  elseif way == 1 then
    check_call(fill(OPTIONS, 0))
  else
    check_params(fill(PARAMS, 0))
  end
end
