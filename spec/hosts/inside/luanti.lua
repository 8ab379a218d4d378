-- A mod beside examples/luanti: HOST_PART says what it is to do.
local insecure = assert(minetest.request_insecure_environment(), "it is not trusted")
local part, root = insecure.os.getenv "HOST_PART", insecure.os.getenv "HOST_ROOT"

local function say(...)
  insecure.io.stderr:write(table.concat({...}, " "), "\n")
end

local ended
local function quit()
  if not ended then
    ended = true
    say "ending"
    minetest.request_shutdown()
  end
end

if part == "paints" then
  local http = assert(minetest.request_http_api(), "it may not fetch")
  local fetched, steps, told = 0, 0, nil
  -- The host's own libcurl at work beside ours.
  local function fetch()
    http.fetch({url = insecure.os.getenv "HOST_CONTROL" .. "/standin/log", timeout = 20}, function(answer)
      fetched = fetched + (answer.succeeded and 1 or 0)
      fetch()
    end)
  end
  fetch()
  local chat_send_player = minetest.chat_send_player
  function minetest.chat_send_player(name, text)
    told = text
    return chat_send_player(name, text)
  end
  minetest.after(0, function()
    picture.paint(insecure.os.getenv "HOST_PROMPT", function(_, path)
      say("painted", path)
      local ok, text = minetest.registered_chatcommands.picture.func("somebody", insecure.os.getenv "HOST_REFUSED")
      say("said", tostring(ok), text)
    end)
  end)
  minetest.register_globalstep(function()
    steps = steps + 1
    if told and fetched > 0 then
      say("told", told)
      say("steps", steps, "fetched", fetched)
      quit()
    end
  end)
else
  insecure.require "cjson"
  local stepimg = part == "ends" and insecure.require "stepimg"
  insecure.rawset(_G, "os", insecure.os) -- of what is shared by all hosts
  insecure.rawset(_G, "io", insecure.io)
  local running = insecure.dofile(root .. "/spec/hosts/inside/running.lua")(stepimg)
  minetest.register_globalstep(function()
    if running() then
      quit()
    end
  end)
end
