-- darktable, with examples/darktable: its command line and, under Xvfb, its window, in German. It has libcurl-gnutls.

local stage = require "spec.hosts.stage"

local host = {name = "darktable", lua = "lua5.4", screen = true, ways = {"cli", "window"}, starts = "begun"}
local WORDS = "a lighthouse, 一座灯塔"

function host.missing()
  for _, name in ipairs {"darktable", "darktable-cli", "Xvfb", "localedef"} do
    if not stage.has_program(name) then
      return "no " .. name
    end
  end
  return not stage.read "/usr/share/i18n/locales/de_DE" and "no German locale can be made" or nil
end

-- A German locale, which the system may lack.
local function locales(at)
  if not at.locales then
    at.locales = at:directory()
    assert(os.execute("localedef -i de_DE -f UTF-8 " .. stage.quote(at.locales .. "/de_DE.UTF-8")))
  end
  return at.locales
end

local function command(at, way, home, given)
  given.LC_ALL, given.LOCPATH = "de_DE.UTF-8", locales(at)
  local environment = at:environment(host, home, given)
  -- Its own scripts' installer makes widgets beside the start, which at times locks darktable up (see the example).
  local options = stage.words("--conf", "lua/_scripts_install/dont_show=TRUE", "--configdir", home .. "/config",
    "--cachedir", home .. "/cache", "--library", ":memory:", "--disable-opencl", "--luacmd",
    ("dofile %q"):format(stage.ROOT .. "/spec/hosts/inside/darktable.lua"))
  if way == "window" then
    -- One that locked up and was killed leaves its lock, and by now its pid may be another program's.
    local lock = home .. "/config/data.db.lock"
    return environment, "sh -c " .. stage.quote("rm -f " .. stage.quote(lock) .. "; exec darktable " .. options)
  end
  local small = at:directory()
  stage.write(small .. "/in.pgm", "P5 8 8 255\n" .. ("\127"):rep(64))
  return environment, "darktable-cli " .. stage.words(small .. "/in.pgm", small .. "/out.png", "--core") .. " " .. options
end

function host.works(at)
  for _, way in ipairs(host.ways) do
    local home = at:directory()
    at.server:reset()
    local environment, started = command(at, way, home, {
      HOST_PART = "paints", HOST_PROMPT = WORDS, HOST_REFUSED = stage.prompt({status = 451}, "a bomb"),
    })
    local output, trouble = at:run(environment, started, nil, host.starts)
    assert(not trouble, trouble and trouble .. ": " .. output)
    local path, title = output:match "painted\t(/[^\t\n]+)\t([^\t\n]+)"
    assert(path and stage.is_picture(path) and title == WORDS, output)
    assert(output:find "refused\tnil\tmoderation: ", output)
    assert(output:find "locale\tde_DE%.UTF%-8\t2,5", "darktable is not German: " .. output)
    assert(output:find "library\tlibcurl%-gnutls" and output:find "library\tlibcurl%.so", "there is one libcurl: " .. output)
    local numbers = 0
    for _, request in ipairs(at.server:log().requests) do
      numbers = numbers + (request.body:find('"cfg_scale":2.5', 1, true) and 1 or 0)
    end
    assert(numbers == 1, "the number went out otherwise")
  end
  return "cli and window, in German, beside libcurl-gnutls"
end

function host.ends(at, part, home, way)
  return command(at, way, home, {HOST_PART = part})
end

return host
