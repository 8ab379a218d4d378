-- In Neovim: HOST_PART says what it is to do.
local uv = vim.loop
local part, home = os.getenv "HOST_PART", os.getenv "HOST_HOME"

local function say(...)
  io.stderr:write(table.concat({...}, " "), "\n")
end

local function quit()
  say "ending"
  vim.cmd "qall!"
end

-- Every 10 ms in the main loop.
local function tick(f)
  uv.new_timer():start(10, 10, vim.schedule_wrap(f))
end

if part == "ends" or part == "without" then
  local running = dofile(os.getenv "HOST_ROOT" .. "/spec/hosts/inside/running.lua")(part == "ends" and require "stepimg")
  tick(function()
    if running() then
      quit()
    end
  end)
  return
end

local told, ticks, asked = {}, 0, false
vim.notify = function(text)
  table.insert(told, text)
end
require "picture".setup {
  directory = home .. "/pictures",
  viewer = {"sh", "-c", [[cp "$0" "$HOME/seen.part" && mv "$HOME/seen.part" "$HOME/seen.png"]]},
}
vim.cmd("Picture " .. os.getenv "HOST_PROMPT")

if part == "viewer" then
  tick(function()
    ticks = ticks + 1
    if vim.fn.filereadable(home .. "/seen.png") == 1 and not asked then
      asked = true
      say("ticks", ticks, "said", told[1])
      vim.cmd("Picture " .. os.getenv "HOST_REFUSED")
    elseif asked and told[3] then
      say(told[3])
      quit()
    end
  end)
else -- in a terminal that draws
  tick(function()
    local windows = vim.api.nvim_tabpage_list_wins(0)
    ticks = (ticks > 0 or #windows == 2) and ticks + 1 or 0
    if ticks == 20 then
      vim.api.nvim_win_close(windows[2], true)
    elseif ticks == 40 then
      quit()
    end
  end)
end
