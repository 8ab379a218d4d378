-- Sets a locale before or after the module is loaded, or takes it back, as WHICH says. Prints how the process then
-- writes 1.5, and two refusals.

local which = os.getenv "WHICH"
if which == "before" or which == "back" then
  assert(os.setlocale "de_DE.UTF-8")
end
local stepimg = require "stepimg"
if which == "after" then
  assert(os.setlocale "de_DE.UTF-8")
elseif which == "back" then
  assert(os.setlocale "C")
end
print((which == "back" and "1,5" or ("%.1f"):format(1.5)))
assert(stepimg.generate {prompt = "x", seed = 7, cfg_scale = 1.5})
print(select(2, stepimg.validate {prompt = "x", cfg_scale = 11.5}))
print(select(2, stepimg.validate {prompt = "x", steps = 1.5}))
