-- /picture a lighthouse: paints it, and shows it to the player who asked; for servers of Luanti (Minetest), 5.5 and
-- newer.
-- In minetest.conf: secure.trusted_mods = picture. The key is in the server's environment, STEP_API_KEY, or in its
-- minetest.conf: picture.api_key = …
local insecure = minetest.request_insecure_environment()
if not insecure then
  error "add picture to secure.trusted_mods in minetest.conf: the sandbox lets no mod load a C module"
end
insecure.require "cjson" -- first: in the sandbox stepimg finds what is loaded, and nothing else
local stepimg = insecure.require "stepimg" -- local: other mods are not trusted, and are to get at neither

picture = {}

local client = assert(stepimg.new {
  api_key = minetest.settings:get "picture.api_key", budget = tonumber(minetest.settings:get "picture.budget") or 100,
})
local directory = minetest.get_worldpath() .. "/pictures"
local count = 0
minetest.mkdir(directory)

-- Calls done(name of the file, its path), or done(nil, why there is none), in a later step of the server.
function picture.paint(words, done)
  count = count + 1
  local name = ("picture_%d_%d.png"):format(os.time(), count)
  local job, err = client:submit({prompt = words}, {save = directory .. "/" .. name, on_done = function(result, why)
    if not result then
      done(nil, tostring(why))
    elseif not result.image.path then
      done(nil, "the service's filter stopped it")
    else
      done(name, result.image.path)
    end
  end})
  if not job then
    done(nil, tostring(err))
  end
end

minetest.register_globalstep(function()
  client:update()
end)

minetest.register_privilege("picture", {description = "May have pictures painted", give_to_singleplayer = true})

minetest.register_chatcommand("picture", {
  params = "<words>", description = "Paint a picture of these words", privs = {picture = true},
  func = function(player, words)
    picture.paint(words, function(name, path)
      if not name then
        return minetest.chat_send_player(player, "No picture. " .. path)
      end
      -- The clients that are connected get the file; the one who asked sees it when it is there.
      minetest.dynamic_add_media({filepath = path, to_player = player, ephemeral = true}, function()
        local form = "formspec_version[4]size[12,12]image[0.5,0.5;11,11;" .. name .. "]"
        minetest.show_formspec(player, "picture:shown", form)
      end)
    end)
    return true, "Painting " .. words
  end,
})
