-- What stepimg_body writes lua-cjson reads, and finds what was given; paths have one number where they are one by a
-- normal form made here.

local json = require "cjson".new()
local core = ...

local input = dofile "spec/fuzz/input.lua"
local byte, bytes, pick = input.byte, input.bytes, input.pick

local NAMES = {
  "prompt", "prompt", "seed", "steps", "cfg_scale", "negative_prompt", "text_mode", "size", "width", "height", "aspect",
  "response_format", "model", "n", "x", 'a"b\\', "灯",
}
local VALUES = {
  string = function() return bytes(byte() % 24) end,
  word = function()
    return pick {"16:9", "768x1360", "url", "b64_json", "step-image-edit-2", "other", "", "\127\31\\\""}
  end,
  integer = function()
    return pick {0, 1, 7, 8, 50, 768, 1024, 1360, -1, 2147483647, math.mininteger, math.maxinteger}
  end,
  number = function() return pick {1.0, 1.5, 8.0, 0.1, 1e300, 5e-324, -0.0, 1 / 0, 0 / 0, 1e15, 1 / 3} end,
  boolean = function() return byte() % 2 == 0 end,
  table = function() return {} end,
}
local KINDS = {"string", "string", "word", "word", "integer", "number", "boolean", "table"}
local OURS = {aspect = true, width = true, height = true}

local function check_body()
  local params, given, seen = {}, {}, {}
  for _ = 1, byte() % 8 do
    local name = pick(NAMES)
    if not seen[name] then
      seen[name] = true
      local value = VALUES[pick(KINDS)]()
      params[#params + 1] = {name, value}
      local is_sent = type(value) ~= "table" and not (type(value) == "number" and (value ~= value or value * 0 ~= 0))
      -- With strict = false, and a model that is not known, what is no text is the default.
      is_sent = is_sent and not OURS[name] and (name ~= "response_format" or type(value) == "string")
      if is_sent then
        given[name] = value
      end
    end
  end
  local strict = byte() % 2 == 0
  local room = 4096
  local text, length = core.body(params, strict, room)
  if not text then
    return
  end
  assert(#text == length and length < room, "the length is another")
  local read = json.decode(text)
  for name, value in pairs(given) do
    local found = read[name]
    assert(found == value or type(value) == "number" and math.abs(found - value) <= math.abs(value) * 1e-13,
      name .. " is another")
    read[name] = nil
  end
  for name in pairs(read) do
    assert(name == "model" or name == "response_format" or name == "size", name .. " was not given")
  end
  room = byte() % (length + 2)
  local part, whole = core.body(params, strict, room)
  assert(whole == length and part == text:sub(1, math.max(room - 1, 0)), "it is cut elsewhere")
end

local function normal(path)
  local parts = {}
  for part in path:gmatch "[^/]+" do
    if part == ".." then
      table.remove(parts)
    elseif part ~= "." then
      parts[#parts + 1] = part
    end
  end
  return table.concat(parts, "/")
end

local PIECES = {"/", "//", ".", "..", "a", "b", "ab", "/./", "/../", "...", ".a", "/"}

local function path()
  local parts = {}
  for i = 1, byte() % 12 do
    parts[i] = pick(PIECES)
  end
  return "/" .. table.concat(parts)
end

return function(text)
  input.begin(text)
  check_body()
  local one, other = path(), path()
  assert((core.key(one) == core.key(other)) == (normal(one) == normal(other)), one .. " and " .. other)
  assert(core.key(one) == core.key("/" .. normal(one)), one)
end
