-- Neovim, with examples/neovim as its user installs it.

local mime = require "mime"
local stage = require "spec.hosts.stage"

local host = {name = "neovim", lua = "luajit"}

function host.missing()
  return not stage.has_program "nvim" and "no nvim" or nil
end

local function command(arguments)
  return ("nvim -u NONE -i NONE -n %s -c %s"):format(arguments,
    stage.quote("luafile " .. stage.ROOT:gsub("[\\ ]", "\\%0") .. "/spec/hosts/inside/neovim.lua"))
end

local function with_plugin(arguments)
  return command(arguments .. " " .. stage.words("--cmd", "set packpath^=$HOME/site", "--cmd", "packadd picture"))
end

function host.works(at)
  local home = at:directory()
  assert(os.execute(stage.words("mkdir", "-p", home .. "/site/pack/any/opt")
    .. " && " .. stage.words("cp", "-r", stage.ROOT .. "/examples/neovim", home .. "/site/pack/any/opt/picture")))
  local given = {
    HOST_PART = "viewer", HOST_PROMPT = stage.prompt({delay = 0.3}, "a lighthouse"),
    HOST_REFUSED = stage.prompt({status = 451}, "a bomb"),
  }
  local output, trouble = at:run(at:environment(host, home, given), with_plugin "--headless")
  assert(not trouble, trouble and trouble .. ": " .. output)
  local ticks = tonumber(output:match "ticks (%d+) said Painting {")
  assert(ticks and ticks > 3, "the editor stood still: " .. output)
  assert(output:find "No picture%. moderation: ", output)
  assert(stage.is_picture(home .. "/seen.png"), "the viewer got no picture")

  given = {HOST_PART = "draws", HOST_PROMPT = "a lighthouse", KITTY_WINDOW_ID = "1", TERM = "xterm-256color"}
  output, trouble = at:run(at:environment(host, home, given),
    "script -qec " .. stage.quote("stty rows 40 cols 120; exec " .. with_plugin "") .. " /dev/null")
  assert(not trouble, trouble and trouble .. ": " .. output)
  local place, columns, rows, path = output:match "\27%[(%d+;%d+)H\27_Ga=T,f=100,t=f,q=2,C=1,i=1,p=1,c=(%d+),r=(%d+);([%w+/=]+)\27\\"
  assert(place == "1;81" and columns == "40" and rows == "20", "it draws elsewhere: " .. output)
  assert(stage.is_picture(mime.unb64(path)), "it draws no picture")
  assert(output:find("\27_Ga=d,d=I,q=2,i=1\27\\", 1, true), "the picture stays on the screen")
  home = at:directory()
  output, trouble = at:run(at:environment(host, home),
    "nvim -u NONE -i NONE -n --headless -c " .. stage.quote("luafile " .. stage.snippet("neovim", home .. "/snippet.lua")))
  assert(not trouble and output:match "^png%s*$", output)
  return ("viewer and terminal; %d ticks meanwhile"):format(ticks)
end

function host.ends(at, part, home)
  return at:environment(host, home, {HOST_PART = part}), command "--headless"
end

return host
