-- Pictures beside the buffer, for Neovim 0.7 and newer. They are drawn where the terminal knows kitty's graphics
-- protocol (kitty, Ghostty, WezTerm, Konsole); elsewhere the system's viewer opens them.
local stepimg = require "stepimg"
local uv = vim.uv or vim.loop

local picture = {}

-- What setup {…} changes.
local settings = {
  client = {}, -- options of stepimg.new; the key is in STEP_API_KEY
  directory = vim.fn.stdpath "cache" .. "/pictures",
  columns = 40, -- of the window with the picture
  viewer = vim.fn.has "mac" == 1 and {"open"} or vim.fn.has "win32" == 1 and {"explorer"} or {"xdg-open"},
}

local client
local jobs = {} -- under way
local shown = 0 -- pictures so far; the terminal knows each by its number

function picture.setup(given)
  settings = vim.tbl_extend("force", settings, given)
end

-- --------------------------------------------------------------------------------------------------- the terminal --

-- A terminal behind ssh could not read the picture's file.
local function draws()
  local env = vim.env
  local known = env.KITTY_WINDOW_ID or env.GHOSTTY_RESOURCES_DIR or env.WEZTERM_PANE or env.KONSOLE_VERSION
  return known and not env.SSH_TTY and not env.TMUX and #vim.api.nvim_list_uis() > 0
end

-- A command of the graphics protocol, at a place on the screen, after which the cursor is where it was.
local function send(row, column, command)
  vim.api.nvim_chan_send(vim.v.stderr, ("\27[s\27[%d;%dH\27_G%s\27\\\27[u"):format(row, column, command))
end

-- Standard base64: of a path, so its speed does not matter.
local function base64(text)
  local digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
  return (text:gsub("..?.?", function(three)
    local a, b, c = three:byte(1, 3)
    local number = a * 65536 + (b or 0) * 256 + (c or 0)
    local four = ""
    for place = 18, 0, -6 do
      local digit = math.floor(number / 2 ^ place) % 64 + 1
      four = four .. digits:sub(digit, digit)
    end
    return four:sub(1, #three + 1) .. ("="):rep(3 - #three)
  end))
end

local function draw(window, path, number)
  local place = vim.fn.win_screenpos(window)
  local width, height = vim.api.nvim_win_get_width(window), vim.api.nvim_win_get_height(window)
  local rows = math.min(height, math.floor(width / 2)) -- a cell is about twice as high as it is wide
  send(place[1], place[2], ("a=T,f=100,t=f,q=2,C=1,i=%d,p=1,c=%d,r=%d;%s"):format(
    number, rows * 2, rows, base64(path)))
end

local function erase(number)
  send(1, 1, ("a=d,d=I,q=2,i=%d"):format(number))
end

-- A window of its own, in which the picture stays until it is closed.
local function show_beside(path, words)
  shown = shown + 1
  local number, here = shown, vim.api.nvim_get_current_win()
  vim.cmd(("botright vertical %dnew"):format(settings.columns))
  local window, buffer = vim.api.nvim_get_current_win(), vim.api.nvim_get_current_buf()
  vim.bo.buftype, vim.bo.bufhidden, vim.wo.winfixwidth = "nofile", "wipe", true
  vim.wo.number, vim.wo.relativenumber, vim.wo.signcolumn = false, false, "no"
  vim.wo.statusline = " " .. words:gsub("%%", "%%%%")
  vim.opt_local.fillchars:append {eob = " "}
  vim.api.nvim_set_current_win(here)

  local group = vim.api.nvim_create_augroup("picture" .. number, {})
  vim.api.nvim_create_autocmd({"VimResized", "WinScrolled", "TabEnter"}, {group = group, callback = function()
    vim.defer_fn(function()
      if vim.api.nvim_win_is_valid(window)
        and vim.api.nvim_win_get_tabpage(window) == vim.api.nvim_get_current_tabpage() then
        draw(window, path, number)
      end
    end, 50)
  end})
  vim.api.nvim_create_autocmd("TabLeave", {group = group, callback = function() erase(number) end})
  vim.api.nvim_create_autocmd("BufWipeout", {group = group, buffer = buffer, callback = function()
    erase(number)
    vim.api.nvim_del_augroup_by_id(group)
  end})
  vim.cmd "redraw"
  draw(window, path, number)
end

local function view(path)
  local command = vim.list_extend(vim.deepcopy(settings.viewer), {path})
  if vim.fn.executable(command[1]) == 0 or vim.fn.jobstart(command, {detach = true}) <= 0 then
    vim.notify("The picture is " .. path)
  end
end

-- ------------------------------------------------------------------------------------------------------ the client --

-- What libuv calls runs outside the main loop, where Neovim's API may not be used. The poll rests meanwhile: it would
-- come again at once.
local function watch(poll)
  poll:start("r", function()
    poll:stop()
    vim.schedule(function()
      watch(poll)
      client:update()
    end)
  end)
end

local function start_client()
  local err
  client, err = stepimg.new(settings.client)
  if not client then
    return nil, err
  end
  local descriptor
  descriptor, err = client:fd()
  if not descriptor then
    client = nil
    return nil, err
  end
  watch(uv.new_poll(descriptor))
  return client
end

local function complain(err)
  vim.notify("No picture. " .. tostring(err), vim.log.levels.ERROR)
end

-- Asks for the picture and returns at once; it is shown when it is there.
function picture.paint(words)
  if not client then
    local _, err = start_client()
    if err then
      return complain(err)
    end
  end
  vim.fn.mkdir(settings.directory, "p")
  local name = vim.fn.strftime "%Y%m%d-%H%M%S" .. ("-%d.png"):format(uv.hrtime() / 1000 % 1000000)
  local function on_done(result, why, job)
    jobs[job] = nil
    if not result then
      complain(why)
    elseif not result.image.path then
      complain "The service's filter stopped it; try another prompt."
    elseif draws() then
      show_beside(result.image.path, words)
    else
      view(result.image.path)
    end
  end
  local job, err = client:submit({prompt = words}, {save = settings.directory .. "/" .. name, on_done = on_done})
  if not job then
    return complain(err)
  end
  jobs[job] = true
  vim.notify("Painting " .. words .. " …")
end

function picture.cancel()
  for job in pairs(jobs) do
    job:cancel()
  end
end

return picture
