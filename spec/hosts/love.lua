-- LÖVE under Xvfb, with examples/love.

local stage = require "spec.hosts.stage"

local host = {name = "love", lua = "luajit", screen = true}

function host.missing()
  return not stage.has_program "love" and "no love" or not stage.has_program "Xvfb" and "no Xvfb" or nil
end

-- A folder with a game that walks by itself.
function host.furnish(_, home)
  local from = stage.ROOT .. "/spec/hosts/inside/love/"
  assert(os.execute(stage.words("cp", "-r", from, home .. "/game")
    .. " && " .. stage.words("cp", stage.ROOT .. "/examples/love/main.lua", home .. "/game/example.lua")
    .. " && " .. stage.words("cp", stage.ROOT .. "/examples/love/conf.lua", home .. "/game/example_conf.lua")))
end

local function command(home)
  return "love " .. stage.quote(home .. "/game")
end

function host.works(at)
  local told, most, here = {}, 0, nil
  for _, where in ipairs {"thread", "here"} do
    local home = at:directory()
    host.furnish(at, home)
    local given = {HOST_PART = "walks", HOST_DECODES = where, HOST_SCENES = 4, HOST_KNOBS = stage.prompt({delay = 0.5}, "")}
    local output, trouble = at:run(at:environment(host, home, given), command(home))
    assert(not trouble, trouble and trouble .. ": " .. output)
    local frames, updates, progress, longest, over, new = output:match(
      "frames (%d+) updates (%d+) progress (%d+) longest ([%d.]+) over (%d+) new ([%d.]+)")
    local decoded, decoding, uploaded, upload = output:match "decoded (%d+) median ([%d.]+) uploaded (%d+) median ([%d.]+)"
    assert(frames and decoded, output)
    assert(updates == frames and tonumber(progress) > 0, "the example does not call the module: " .. output)
    assert(tonumber(uploaded) == 4 and tonumber(decoded) == (where == "here" and 4 or 0), output)
    -- A frame in a hundred may lose its turn on a machine with other work.
    assert(tonumber(over) <= 1 + tonumber(frames) / 100, "frames are held: " .. output)
    assert(stage.is_picture(home .. "/data/love/painted-walk/scene-1.png"), "no picture is kept")
    most, here = math.max(most, tonumber(longest)), ("decoding %.1f ms, upload %.1f ms"):format(decoding, upload)
    table.insert(told, ("decoded %s: %d frames, module at most %.1f ms of one (%d over 16.7), new %.1f ms, decoding %s, upload %.1f ms")
      :format(where == "here" and where or "in a thread", frames, longest, over, new,
      where == "here" and ("%.1f ms"):format(decoding) or "elsewhere", upload))
  end
  local home = at:directory()
  host.furnish(at, home)
  stage.snippet("love", home .. "/game/snippet.lua")
  local output, trouble = at:run(at:environment(host, home, {HOST_PART = "snippet"}), command(home))
  assert(not trouble and ("\n" .. output):find "\npng%f[%s%z]", output)
  return ("module at most %.1f ms of a frame; %s"):format(most, here), table.concat(told, "; ")
end

function host.ends(at, part, home)
  return at:environment(host, home, {HOST_PART = part}), command(home)
end

return host
