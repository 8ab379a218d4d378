-- mpv, with a script in its own event loop.

local stage = require "spec.hosts.stage"

local host = {name = "mpv"}

-- Debian's has Lua 5.2, others have LuaJIT.
local function lua_of_mpv()
  local pipe = io.popen [[ldd "$(command -v mpv)" 2>/dev/null]]
  local text = pipe:read "*a"
  pipe:close()
  local version = text:match "liblua(5%.%d)" or text:match "liblua%-(5%.%d)"
  return version and "lua" .. version or text:find "libluajit" and "luajit" or nil
end

function host.missing()
  if not stage.has_program "mpv" then
    return "no mpv"
  end
  host.lua = lua_of_mpv()
  return not host.lua and "no Lua in mpv" or nil
end

local function command(at, part, home, given)
  given.HOST_PART = part
  return at:environment(host, home, given), stage.words("mpv", "--no-config", "--idle", "--no-terminal", "--vo=null",
    "--ao=null", "--image-display-duration=inf", "--script=" .. stage.ROOT .. "/spec/hosts/inside/mpv.lua")
end

function host.works(at)
  local home = at:directory()
  local output, trouble = at:run(command(at, "paints", home, {HOST_PROMPT = stage.prompt({delay = 0.3}, "a lighthouse")}))
  assert(not trouble, trouble and trouble .. ": " .. output)
  assert(stage.is_picture(home .. "/cover.png"), output)
  local ticks = tonumber(output:match "shown 1024 1024 ticks (%d+)")
  assert(ticks and ticks > 5, output)
  return ("shown by mpv; %d ticks meanwhile"):format(ticks)
end

function host.ends(at, part, home)
  return command(at, part, home, {})
end

return host
