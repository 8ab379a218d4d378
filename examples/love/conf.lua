function love.conf(t)
  t.identity = "painted-walk" -- the folder that the scenery is kept in
  t.window.title = "A painted walk"
  t.window.width, t.window.height = 1088, 614
  t.modules.physics, t.modules.joystick, t.modules.video = false, false, false
end
