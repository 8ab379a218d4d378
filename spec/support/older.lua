-- The specs are written in Lua 5.4. For a Lua before it, this makes those files that are loaded after it readable, and
-- lends it what of the standard library they use. `local x <close>` is closed at the end of its test there, in place of
-- the end of its block. A helper of busted (--helper), and the first line of each child's script. Under 5.4 and newer
-- it does nothing.

local older = {}
package.loaded["spec.support.older"] = older -- once, however it was found

function older.translate(text)
  return text
end

if _VERSION >= "Lua 5.4" then
  return older
end

-- luacheck: std max
-- luacheck: ignore 121 122 142 143

-- --------------------------------------------------------------------------------------------------------- language --

local function character(code)
  local bytes
  if code < 0x80 then
    bytes = {code}
  elseif code < 0x800 then
    bytes = {0xc0 + math.floor(code / 0x40), 0x80 + code % 0x40}
  elseif code < 0x10000 then
    bytes = {0xe0 + math.floor(code / 0x1000), 0x80 + math.floor(code / 0x40) % 0x40, 0x80 + code % 0x40}
  else
    bytes = {
      0xf0 + math.floor(code / 0x40000), 0x80 + math.floor(code / 0x1000) % 0x40, 0x80 + math.floor(code / 0x40) % 0x40,
      0x80 + code % 0x40,
    }
  end
  return string.char((table.unpack or unpack)(bytes))
end

local function escaped(bytes)
  return (bytes:gsub(".", function(byte)
    return ("\\%03d"):format(byte:byte())
  end))
end

function older.translate(text)
  text = text:gsub("^#[^\n]*", "")
  text = text:gsub("(\\+)u{(%x+)}", function(slashes, code)
    return #slashes % 2 == 1 and slashes:sub(2) .. escaped(character(tonumber(code, 16))) or nil
  end)
  text = text:gsub("(\\+)x(%x%x)", function(slashes, code)
    return #slashes % 2 == 1 and slashes:sub(2) .. escaped(string.char(tonumber(code, 16))) or nil
  end)
  text = text:gsub("local ([%w_]+) <close> = ", "local %1 = CLOSING ^ ")
  text = text:gsub("local ([%w_]+) <const> = ", "local %1 = ")
  text = text:gsub("([%w_.#]*%b()) // ([%w_#]+)", "FLOOR(%1, %2)")
  text = text:gsub("([%w_.]+) // ([%w_#]+)", "FLOOR(%1, %2)")
  return text
end

function FLOOR(one, other)
  return math.floor(one / other)
end

local closing = {}

CLOSING = setmetatable({}, {__pow = function(_, object)
  closing[#closing + 1] = object
  return object
end})

local function close_all()
  for i = #closing, 1, -1 do
    local object = table.remove(closing, i)
    local metatable = getmetatable(object)
    if type(metatable) == "table" and metatable.__close then
      metatable.__close(object)
    end
  end
end

-- ---------------------------------------------------------------------------------------------------------- library --

local load_text = loadstring or load

local function load_file(name)
  local file, complaint = io.open(name, "rb")
  if not file then
    return nil, complaint
  end
  local text = file:read "*a"
  file:close()
  local before = name:find "_spec%.lua$" and "local it = SKIPPING(it, function(reason) pending(reason) end) " or ""
  return load_text(before .. older.translate(text), "@" .. name)
end

loadfile = load_file

table.insert(package.loaders or package.searchers, 2, function(name)
  if name:find "^spec%." then
    local path = "./" .. name:gsub("%.", "/")
    return load_file(path .. ".lua") or load_file(path .. "/init.lua")
  end
end)

table.unpack = table.unpack or unpack
table.pack = table.pack or function(...)
  return {n = select("#", ...), ...}
end
table.move = table.move or function(from, first, last, at, to)
  to = to or from
  for i = 0, last - first do
    to[at + i] = from[first + i]
  end
  return to
end
math.type = math.type or function(value)
  return type(value) == "number" and (value % 1 == 0 and "integer" or "float") or nil
end
math.tointeger = math.tointeger or function(value)
  return type(value) == "number" and value % 1 == 0 and value or nil
end
-- Unsigned integers alone.
string.unpack = string.unpack or function(format, text, at)
  local found, big = {}, format:sub(1, 1) == ">"
  at = at or 1
  for size in format:gmatch "I(%d)" do
    local number = 0
    for i = 1, size do
      number = number * 256 + text:byte(big and at + i - 1 or at + size - i)
    end
    found[#found + 1], at = number, at + size
  end
  found[#found + 1] = at
  return table.unpack(found)
end
math.mininteger, math.maxinteger = math.mininteger or -2 ^ 63, math.maxinteger or 2 ^ 63
if loadstring then
  local real = load
  load = function(text, ...)
    if type(text) == "string" then
      return loadstring(text, ...)
    end
    return real(text, ...)
  end
end

-- 5.1 does not say how a child ended.
local probe = io.popen "exit 3"
if probe:close() == true then
  local popen = io.popen

  local pipe = {}
  pipe.__index = pipe

  function pipe:read(...)
    return self.file:read(...)
  end

  function pipe:lines(...)
    return self.file:lines(...)
  end

  function pipe:write(...)
    return self.file:write(...)
  end

  function pipe:close()
    self.file:close()
    local file = io.open(self.status)
    local code = tonumber((file:read "*a"))
    file:close()
    os.remove(self.status)
    if code and code > 128 then
      return nil, "signal", code - 128
    end
    return code == 0 or nil, "exit", code
  end

  function pipe:setvbuf(...)
    return self.file:setvbuf(...)
  end

  io.popen = function(command, mode)
    local status = os.tmpname()
    local quoted = "'" .. command:gsub("'", "'\\''") .. "'"
    local file, complaint = popen(("sh -c %s; echo $? >%s"):format(quoted, status), mode or "r")
    if not file then
      return nil, complaint
    end
    return setmetatable({file = file, status = status}, pipe)
  end
end

-- ----------------------------------------------------------------------------------------------------------- busted --

-- What is not asked of these Luas, by the beginning of its name, and why.
local IS_PLAIN_51 = _VERSION == "Lua 5.1" and not jit
local CLOSE = "only 5.4 and newer close at a block's end"
local SKIPPED = {
  ["is closed at the end of its block"] = CLOSE,
  ["that is left by"] = CLOSE,
  ["may be closed by its own list or a hook"] = CLOSE,
  ["is forgotten where its coroutine is closed"] = "coroutine.close is of 5.4",
  ["is what assert shows"] = (IS_PLAIN_51 or _VERSION == "Lua 5.2") and "its assert wants a string" or nil,
  ["asks a stand-in where there is no key"] = "make demo is of 5.4",
  ["asks the service where there is one"] = "make demo is of 5.4",
  ["goes on waiting where the C stack"] = _VERSION == "Lua 5.1" and (
    jit and "LuaJIT crashes by itself at such a depth" or "coroutines have no limit in common") or nil,
  ["may be a handle that a finalizer brings back"] = _VERSION == "Lua 5.1" and "tables have no __gc" or nil,
  ["may be the client of stepimg.generate, while"] = _VERSION == "Lua 5.1" and "tables have no __gc" or nil,
  ["shows its bytes to pairs"] = _VERSION == "Lua 5.1" and "pairs asks no metamethod" or nil,
  ["works in a coroutine inside a coroutine, and across pcall"] = IS_PLAIN_51 and "5.1 yields across no pcall" or nil,
  ["raises outside a coroutine, and where a C call"] = IS_PLAIN_51 and "5.1 does not say what is yieldable" or nil,
  ["may be a job that has a callback"] = CLOSE,
  ["may be a job that a coroutine closes"] = CLOSE,
  ["needs no full collection for the pictures"] = "it is about the generational collector",
  ["may be a result: no full collection"] = "it is about the generational collector",
  ["takes the collector at its most aggressive"] = "it sets modes of 5.4's collector",
}

function SKIPPING(it, pending)
  return function(name, test)
    for start, reason in pairs(SKIPPED) do
      if name:sub(1, #start) == start then
        return it(name, function()
          pending(reason)
        end)
      end
    end
    return it(name, test)
  end
end

local found, busted = pcall(require, "busted")
if found and busted.subscribe then
  busted.subscribe({"test", "end"}, function()
    close_all()
    return nil, true
  end)
end

return older
