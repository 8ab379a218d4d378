-- :Picture a lighthouse    paints it beside the buffer; :Picture! gives up what is being painted.
vim.api.nvim_create_user_command("Picture", function(command)
  local picture = require "picture" -- not before it is wanted: an editor is to start quickly
  if command.bang then
    picture.cancel()
  end
  if command.args ~= "" then
    picture.paint(command.args)
  end
end, {nargs = "*", bang = true, desc = "Paint a picture of these words"})
