-- A server of Luanti, with examples/luanti in a world of its own. Debian 12's is called minetest still.

local stage = require "spec.hosts.stage"

local host = {name = "luanti", lua = "luajit"}
local PROGRAMS = {"/usr/libexec/luanti/luantiserver", "luantiserver", "/usr/lib/minetest/minetestserver", "minetestserver"}

local function program()
  for _, name in ipairs(PROGRAMS) do
    if stage.has_program(name) then
      return name
    end
  end
end

function host.missing()
  return not program() and "no server of it" or nil
end

-- A game of one node at most: the world is to be up soon.
local function furnish(home, part)
  local mods = home .. "/world/worldmods"
  assert(os.execute(stage.words("mkdir", "-p", mods .. "/within", home .. "/games/bare/mods")))
  stage.write(home .. "/games/bare/game.conf", "title = Bare\n")
  stage.write(home .. "/world/world.mt", "gameid = bare\nbackend = dummy\nplayer_backend = dummy\nauth_backend = sqlite3\n")
  stage.write(home .. "/minetest.conf", table.concat({
    "secure.trusted_mods = picture, within", "secure.http_mods = within", "mg_name = singlenode",
    "port = " .. stage.free_port(), "bind_address = 127.0.0.1", "server_announce = false", "dedicated_server_step = 0.02",
  }, "\n"))
  stage.write(mods .. "/within/mod.conf", "name = within\n" .. (part == "paints" and "depends = picture\n" or ""))
  assert(os.execute(stage.words("cp", stage.ROOT .. "/spec/hosts/inside/luanti.lua", mods .. "/within/init.lua")))
  if part == "paints" then
    assert(os.execute(stage.words("cp", "-r", stage.ROOT .. "/examples/luanti", mods .. "/picture")))
  end
end

local function command(at, part, home, given)
  furnish(home, part)
  given.HOST_PART, given.MINETEST_SUBGAME_PATH, given.MINETEST_USER_PATH = part, home .. "/games", home
  return at:environment(host, home, given),
    stage.words(program(), "--world", home .. "/world", "--gameid", "bare", "--config", home .. "/minetest.conf", "--logfile", "")
end

function host.works(at)
  local home = at:directory()
  local output, trouble = at:run(command(at, "paints", home, {
    HOST_PROMPT = stage.prompt({delay = 0.3}, "a lighthouse"), HOST_REFUSED = stage.prompt({status = 451}, "a bomb"),
    HOST_CONTROL = at.server.control_url,
  }))
  assert(not trouble, trouble and trouble .. ": " .. output)
  local path = output:match "painted (/[^\n]+)"
  assert(path and stage.is_picture(path), output)
  assert(output:find "said true Painting " and output:find "told No picture%. moderation: ", output)
  local steps, fetched = output:match "steps (%d+) fetched (%d+)"
  assert(tonumber(steps) > 5 and tonumber(fetched) > 0, output)
  assert(not output:find "WARNING[^\n]* at stepimg:", "it reads an undeclared global: " .. output)
  return ("in the sandbox; %s steps, and %s fetched by its own libcurl meanwhile"):format(steps, fetched)
end

function host.ends(at, part, home)
  return command(at, part, home, {})
end

return host
