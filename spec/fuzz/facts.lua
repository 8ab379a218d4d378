-- What is read of an account or of models is what lua-cjson reads there, and its texts are fit to be shown.

local json = require "cjson".new()
local core = ...

local KEY = "sk-0123456789abcdef"
local LONGEST = 256 -- FACTS_MAX_TEXT

local function check_text(text)
  assert(utf8.len(text) and not text:find "[%z\1-\31\127]" and #text <= LONGEST, "a text is not fit to be shown")
  assert(not text:find(KEY, 1, true), "the key is in a text")
end

-- Texts that go through as they are.
local function is_plain(text)
  return utf8.len(text) and not text:find "[%z\1-\31\127]" and not text:find("\xc2[\x80-\x9f]") and #text <= LONGEST
    and not text:find("sk-", 1, true)
end

-- nil where lua-cjson refuses what is read here: half of a surrogate pair, a byte order mark.
local function decode(text)
  local good, value = pcall(json.decode, text)
  if not good then
    assert(text:lower():find("\\u", 1, true) or text:find "^\xef\xbb\xbf", "lua-cjson does not read it: " .. value)
    return nil
  end
  return value
end

-- Money is not reckoned in the last bits: those of more digits than a double has, and of denormal numbers, may differ.
local function is_near(one, other)
  return one == other or type(one) == "number" and type(other) == "number"
    and math.abs(one - other) <= math.abs(other) * 1e-14 + 1e-300
end

-- Of such a number nothing is read: SCANNER_MAX_NUMBER.
local function has_long_number(text)
  for number in text:gmatch "[%d.eE+-]+" do
    if #number > 64 then
      return true
    end
  end
  return false
end

local function check_account(text)
  local found = core.read(true, text)
  if not found then
    return
  end
  if found.type then
    check_text(found.type)
  end
  local wanted = decode(text)
  if has_long_number(text) then
    return
  end
  for _, name in ipairs {"balance", "total_cash_balance", "total_voucher_balance"} do
    -- Of two the last is taken that is a number; a name may be written with escapes.
    if wanted and select(2, text:gsub('"' .. name .. '"', "")) == 1 and not text:find("\\u", 1, true) then
      local value = type(wanted) == "table" and wanted[name]
      assert(is_near(found[name], type(value) == "number" and value or nil) or type(value) ~= "number" and value ~= nil,
        name .. " is another")
    end
  end
end

local function check_models(text)
  local found = core.read(false, text)
  if not found then
    return
  end
  for i = 1, #found do
    check_text(found[i])
  end
  local wanted, place = decode(text), 0
  if wanted == nil or select(2, text:gsub('"data"', "")) ~= 1 or select(2, text:gsub("\\u", "")) > 0 then
    return -- of two lists the names of both are taken
  end
  for _, entry in ipairs(type(wanted.data) == "table" and wanted.data or {}) do
    local name = type(entry) == "table" and entry.id
    if type(name) == "string" and name ~= "" then
      place = place + 1
      if not is_plain(name) then
        return
      end
      assert(found[place] == name or select(2, text:gsub('"id"', "")) > place, "a name is another")
    end
  end
end

return function(text)
  if text:byte() and text:byte() % 2 == 0 then
    check_account(text:sub(2))
  else
    check_models(text:sub(2))
  end
end
