-- assert.fields({kind = "io", maybe_billed = true, url = support.ABSENT}, err): the table has these fields with these
-- values, whatever else is in it. A failure names each field that differs.

local luassert = require "luassert"
local say = require "say"
local same = require "luassert.util".deepcompare

local fields = {}

-- What a field that is not there is compared with: in a table of expected fields, nil would be no field.
fields.ABSENT = setmetatable({}, {__tostring = function() return "nothing" end})

local function shown(value)
  if value == nil or value == fields.ABSENT then
    return "nothing"
  end
  return luassert:format({value, n = 1})[1]
end

local function differences(expected, found)
  local lines = {}
  assert(next(expected) ~= nil, "no field is expected")
  for name, wanted in pairs(expected) do
    local value = found[name]
    local absent = wanted == fields.ABSENT and value == nil
    if not absent and not same(wanted, value, true) then
      lines[#lines + 1] = ("%s: expected %s, got %s"):format(name, shown(wanted), shown(value))
    end
  end
  table.sort(lines)
  -- What an error says tells most about why it is another one.
  if lines[1] and expected.kind ~= nil and found.message ~= nil then
    lines[#lines + 1] = "the error's message: " .. tostring(found.message)
  end
  return lines
end

luassert:register("assertion", "fields", function(_, arguments)
  local expected, found = arguments[1], arguments[2]
  if found == nil then
    arguments[1] = "there is no table"
  else
    arguments[1] = table.concat(differences(expected, found), "\n")
  end
  arguments.nofmt = {true}
  return arguments[1] == ""
end, "assertion.fields")

say:set("assertion.fields", "Fields differ:\n%s")

return fields
