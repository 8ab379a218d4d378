-- In a worker of nginx: HOST_PART says what it is to do. A client for each worker, made after the fork, as init_worker_by_lua
-- runs there. Its await waits in nginx's own way.
local worker = {}

local part, root = os.getenv "HOST_PART", os.getenv "HOST_ROOT"
local client, running

function worker.start()
  local stepimg = part ~= "without" and require "stepimg" or nil
  if part == "paints" then
    local err
    client, err = stepimg.new {wait = function(self)
      ngx.sleep(0.01)
      self:update()
    end}
    return client or error(tostring(err), 0) -- nginx shows no error but texts
  end
  -- Each worker says by a file that it may be ended.
  running = dofile(root .. "/spec/hosts/inside/running.lua")(stepimg)
  local function look(premature)
    if premature then
      return
    elseif running() then
      io.open(os.getenv "HOST_HOME" .. "/running-" .. ngx.worker.id(), "w"):close()
    else
      ngx.timer.at(0.02, look)
    end
  end
  ngx.timer.at(0, look)
end

-- GET /picture?a lighthouse
function worker.answer()
  local job, err = client:submit {prompt = ngx.unescape_uri(ngx.var.args)}
  local result
  if job then
    result, err = job:await()
  end
  if not result then
    ngx.status = 502
    return ngx.say(tostring(err))
  end
  ngx.header["X-Worker"] = ngx.worker.id()
  ngx.header["Content-Type"] = "image/png"
  ngx.print(result.image.bytes)
end

return worker
