-- lua rockspec/windows.lua: the API's text as the elements of a C array, in build/, for rockspec/windows.mk.

local NAME = "build/stepimg.lua.h"

local text = assert(io.open("src/lua/stepimg.lua", "rb"))
local elements = text:read "*a":gsub(".", function(character) return character:byte() .. "," end)
local file = io.open(NAME, "wb") or os.execute "mkdir build" and assert(io.open(NAME, "wb"))
assert(file:write(elements, "\n"))
assert(file:close())
