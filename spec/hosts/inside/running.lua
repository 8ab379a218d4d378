-- In a host: a job that is still running when the host ends. running(stepimg) returns a function for the host's loop,
-- which is true when that is so. Without the module it is true at once.
local held = {} -- luacheck: ignore 241 (for the collector)

return function(stepimg)
  if not stepimg then
    return function() return true end
  end
  local client = assert(stepimg.new())
  local job, err = client:submit({prompt = os.getenv "HOST_STALLS"}, {on_done = function(_, why)
    io.stderr:write("running job failed: ", tostring(why), "\n")
  end})
  held[1], held[2] = client, job
  if not job then
    error(tostring(err), 0)
  end
  return function()
    client:update()
    return job:progress().phase == "receiving"
  end
end
