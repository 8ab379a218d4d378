if os.getenv "HOST_PART" == "walks" then
  assert(love.filesystem.load "example_conf.lua")()
end
