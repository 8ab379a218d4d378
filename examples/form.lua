-- A form that is checked at each key, in the player's language: lua5.4 examples/form.lua ["prompt" [steps [aspect]]]
-- Nothing is sent, so it takes no key.
local stepimg = require "stepimg"

local PARAMS = stepimg.models["step-image-edit-2"].params

-- German, made of `reason` and `rule` alone: the English `message` is never taken apart.
local LABELS = {prompt = "Beschreibung", steps = "Schritte", aspect = "Seitenverhältnis"}
local SAY = {
  missing = function() return "bitte ausfüllen" end,
  unknown = function() return "gibt es nicht" end,
  type = function(rule) return rule.type == "integer" and "eine ganze Zahl, bitte" or "das passt hier nicht" end,
  range = function(rule) return ("erlaubt ist %s bis %s"):format(rule.min, rule.max) end,
  choice = function(rule) return "möglich ist " .. table.concat(rule.choices or rule.examples or {}, ", ") end,
  length = function(rule) return ("1 bis %d Zeichen"):format(rule.max_length) end,
  text = function() return "der Text ist beschädigt" end,
  pair = function() return "passt nicht zum Rest" end,
  image = function() return "kein Bild, das sich bearbeiten lässt" end,
}

-- What is wrong, by field.
local function flaws_of(params)
  local good, err = stepimg.validate(params)
  local found = {}
  for _, flaw in ipairs(good and {} or err.all) do
    found[flaw.field] = SAY[flaw.reason](flaw.rule or {})
  end
  return found
end

-- Called at each key, with all that stands in the field by then: a check takes microseconds.
local function on_key(text)
  local flaw = flaws_of({prompt = text}).prompt
  local characters = select(2, text:gsub("[^\128-\191]", ""))
  print(("%s: %s [%d/%d] %s"):format(LABELS.prompt, text, characters, PARAMS.prompt.max_length, flaw or "gut"))
end

local prompt = arg[1] or "ein Turm"
for at in prompt:gmatch "[^\128-\191][\128-\191]*()" do -- the end of each character
  on_key(prompt:sub(1, at - 1))
end
on_key("") -- and all of it deleted

-- The whole form at once, when it is handed in.
local form = {prompt = prompt, steps = tonumber(arg[2] or "8") or arg[2], aspect = arg[3] or "16:9"}
local found = flaws_of(form)
for _, name in ipairs(stepimg.models["step-image-edit-2"].order) do
  if LABELS[name] then
    print(("%s: %s"):format(LABELS[name], found[name] or "gut"))
  end
end
