-- A walk whose scenery is painted as one goes, for LÖVE 11: arrow keys walk; t: decode pictures in a thread, or here.
-- Your key is to be in the environment: STEP_API_KEY=… love examples/love
local stepimg = require "stepimg"

local PLACES = {
  "a lighthouse on a cliff at dusk", "a fishing village at low tide", "a birch wood in morning mist",
  "a stone bridge over a brook", "a mill among poppy fields", "a town gate under snow",
}
local STYLE = ", side view of a landscape, gouache"
local AHEAD = 1 -- scenes that are asked for before they are in sight
local SPEED = 240 -- pixels a second
local FRAME = 1 / 60

local client
local scenes = {} -- by their place on the way: {state=, image=, since=, words=}
local x, facing, step = 0, 1, 0 -- of the walker
local in_thread = true

-- Decoding a PNG takes tens of milliseconds, more than a frame has. Here LÖVE does it beside the game.
local DECODER = [[
  require "love.image"
  local names, pictures = ...
  for name in function() return names:demand() end do
    local ok, picture = pcall(love.image.newImageData, name)
    pictures:push({name = name, picture = ok and picture or nil, err = not ok and picture or nil})
  end
]]
local names, pictures = love.thread.newChannel(), love.thread.newChannel()

-- What this frame and those before it took, in seconds, by who took it.
local KINDS = {"module", "decode", "upload"}
local COLOURS = {module = {0.3, 1, 0.4}, decode = {1, 0.3, 0.3}, upload = {1, 0.8, 0.2}, frame = {0.6, 0.7, 0.9}}
local spent, worst, frames = {}, {}, {}

local function timed(kind, f, ...)
  local began = love.timer.getTime()
  local a, b = f(...)
  spent[kind] = (spent[kind] or 0) + love.timer.getTime() - began
  return a, b
end

-- A frame is over when the next one begins: what drawing asks of the module is in it.
local function next_frame(dt)
  for kind, seconds in pairs(spent) do
    worst[kind] = math.max(worst[kind] or 0, seconds)
  end
  spent = {frame = dt}
  table.insert(frames, 1, spent)
  frames[240] = nil
end

local function file_of(i)
  return ("scene-%d.png"):format(i)
end

local function put(scene, picture)
  local image = timed("upload", love.graphics.newImage, picture)
  scene.state, scene.image, scene.since = "painted", image, love.timer.getTime()
end

-- The picture is in the save folder: to be decoded.
local function decode(i)
  if in_thread then
    scenes[i].state = "decoding"
    names:push(file_of(i))
  else
    put(scenes[i], timed("decode", love.image.newImageData, file_of(i)))
  end
end

local function fail(scene, err)
  scene.state, scene.words = "failed", tostring(err)
end

-- The module writes the picture on a thread of its own; not a byte of it passes through this one.
local function paint(i)
  local scene = {state = "asked", words = PLACES[(i - 1) % #PLACES + 1]}
  scenes[i] = scene
  if love.filesystem.getInfo(file_of(i)) then -- painted on another day
    return decode(i)
  end
  local function on_done(result, err)
    scene.job = nil
    if not result then
      fail(scene, err)
    elseif not result.image.path then
      fail(scene, "the service's filter stopped it")
    elseif scenes[i] == scene then
      scene.arrived = true
    end
  end
  local job, err = timed("module", client.submit, client, {
    prompt = scene.words .. STYLE, width = 1360, height = 768, seed = i,
  }, {save = love.filesystem.getSaveDirectory() .. "/" .. file_of(i), on_done = on_done})
  if job then
    scene.job = job
  else
    fail(scene, err)
  end
end

function love.load()
  love.filesystem.createDirectory ""
  love.thread.newThread(DECODER):start(names, pictures)
  client = assert(stepimg.new())
end

function love.update(dt)
  next_frame(dt)
  local right = love.keyboard.isDown "right" and 1 or 0
  local left = love.keyboard.isDown "left" and 1 or 0
  if right ~= left then
    facing = right - left
    x, step = math.max(0, x + facing * SPEED * dt), step + dt
  end

  timed("module", client.update, client)
  local here = math.floor(x / love.graphics.getWidth()) + 1
  for i in pairs(scenes) do
    if math.abs(i - here) > AHEAD + 2 then
      scenes[i] = nil
    end
  end
  for i = math.max(1, here - 1), here + 1 + AHEAD do
    if not scenes[i] then
      paint(i)
    elseif scenes[i].arrived then
      scenes[i].arrived = nil
      decode(i)
    end
  end
  local done = pictures:pop()
  if done then
    local scene = scenes[tonumber(done.name:match "%d+")]
    if scene and done.picture then
      put(scene, done.picture)
    elseif scene then
      fail(scene, done.err)
    end
  end
end

function love.keypressed(key)
  if key == "t" then
    in_thread, worst, spent = not in_thread, {}, {}
  elseif key == "escape" then
    love.event.quit()
  end
end

-- --------------------------------------------------------------------------------------------------------- drawing --

local function draw_scene(i, left, width, height)
  local scene, g = scenes[i], love.graphics
  g.setColor(0.16, 0.18, 0.24)
  g.rectangle("fill", left, 0, width, height)
  if scene and scene.image then
    g.setColor(1, 1, 1, math.min(1, (love.timer.getTime() - scene.since) * 2)) -- it fades in
    g.draw(scene.image, left, 0, 0, width / scene.image:getWidth(), height / scene.image:getHeight())
  elseif scene then
    local progress = scene.job and timed("module", scene.job.progress, scene.job)
    local text = scene.state == "failed" and scene.words
      or ("%s: %s"):format(scene.words, progress and progress.phase or scene.state)
    g.setColor(1, 1, 1, 0.7)
    g.printf(text, left + 40, height / 2, width - 80, "center")
  end
end

local function draw_walker(at, ground)
  local g, swing = love.graphics, math.sin(step * 12) * 14
  g.setColor(0, 0, 0, 0.3)
  g.ellipse("fill", at, ground, 26, 6)
  g.setLineWidth(6)
  g.setColor(0.1, 0.1, 0.12)
  g.circle("fill", at + facing * 2, ground - 86, 13)
  g.line(at, ground - 72, at, ground - 34)
  g.line(at - swing, ground - 46, at, ground - 66, at + swing, ground - 46)
  g.line(at - swing, ground, at, ground - 34, at + swing, ground)
end

-- Frame times, the newest at the right; the line is a frame at 60 Hz.
local function draw_times(width, height)
  local g, scale, base = love.graphics, 40 / FRAME, height - 8
  g.setColor(0, 0, 0, 0.6)
  g.rectangle("fill", 0, height - 100, width, 100)
  for i, frame in ipairs(frames) do
    local left, top = width - 2 * i, base
    for _, kind in ipairs(KINDS) do
      local size = math.min(88, (frame[kind] or 0) * scale)
      g.setColor(COLOURS[kind])
      g.rectangle("fill", left, top - size, 2, size)
      top = top - size
    end
    g.setColor(COLOURS.frame)
    g.points(left, base - math.min(88, frame.frame * scale))
  end
  g.setColor(1, 1, 1, 0.5)
  g.setLineWidth(1)
  g.line(width - 480, base - 40, width, base - 40)
  g.print("16.7 ms", width - 530, base - 48)
  local line = 0
  for _, kind in ipairs {"module", "decode", "upload", "frame"} do
    g.setColor(COLOURS[kind])
    g.print(("%-7s %6.2f ms, longest %6.2f ms"):format(kind, (spent[kind] or 0) * 1000, (worst[kind] or 0) * 1000),
      16, height - 92 + line * 16)
    line = line + 1
  end
  g.setColor(1, 1, 1)
  g.print(("t: pictures are decoded %s"):format(in_thread and "in a thread" or "here"), 16, height - 22)
end

function love.draw()
  local width, height = love.graphics.getDimensions()
  local camera = math.max(0, x - width / 3)
  for i = math.floor(camera / width) + 1, math.floor(camera / width) + 2 do
    draw_scene(i, (i - 1) * width - camera, width, height)
  end
  draw_walker(x - camera + 40, height - 120)
  draw_times(width, height)
end
