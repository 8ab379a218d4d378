-- What a host is tested on: a stand-in, a folder of its own, a screen where one is wanted, and how it ended.

local cqueues = require "cqueues"
local files = require "spec.support.files"
local json = require "cjson".new()
local lfs = require "lfs"
local standin = require "spec.standin"

local stage = {}
stage.__index = stage

local ROOT = lfs.currentdir()
local LONGEST = 40 -- seconds of a host that hangs
local KEY = "sk-hosts-0123456789abcdef"

stage.ROOT = ROOT

stage.quote, stage.words, stage.read, stage.write = files.quote, files.words, files.read, files.write

function stage.has_program(name)
  return os.execute(("PATH=$PATH:/usr/sbin:/usr/games command -v %s >/dev/null"):format(name))
end

function stage.is_picture(path)
  local bytes = stage.read(path)
  return bytes ~= nil and #bytes > 10000 and bytes:sub(1, 8) == "\137PNG\r\n\26\n" and bytes:sub(-8, -5) == "IEND"
end

-- The piece of docs/schedulers.md for that host, as a file.
function stage.snippet(name, path)
  return stage.write(path, assert(stage.read "docs/schedulers.md":match("```lua " .. name .. "\n(.-)```"), name))
end

-- A prompt that steers the stand-in.
function stage.prompt(knobs, text)
  return json.encode(knobs) .. " " .. text
end

-- A port that nobody has at the moment, of UDP and most likely of TCP.
function stage.free_port()
  local socket = require("socket").udp()
  assert(socket:setsockname("127.0.0.1", 0))
  local _, port = socket:getsockname()
  socket:close()
  return port
end

function stage.median(values)
  local sorted = table.move(values, 1, #values, 1, {})
  table.sort(sorted)
  return sorted[#sorted // 2 + 1]
end

-- ---------------------------------------------------------------------------------------------------------- screen --

-- Starts an X server without a screen at a display that is free; it ends with the pipe's reader, or by itself.
local function open_screen()
  local pipe = assert(io.popen "echo $$; exec timeout 7200 Xvfb -displayfd 1 -screen 0 1280x800x24 -nolisten tcp 2>/dev/null")
  local pid, _, display = pipe:read("*n", "*l", "*n")
  assert(display, "Xvfb does not start")
  return {pipe = pipe, pid = pid, display = ":" .. math.tointeger(display)}
end

function stage.new()
  local self = setmetatable({directories = {}}, stage)
  self.server = standin.start {tls = true, key = KEY}
  return self
end

function stage:display()
  self.screen = self.screen or open_screen()
  return self.screen.display
end

function stage:close()
  self.server:stop()
  if self.screen then
    os.execute(("kill %d"):format(self.screen.pid))
    self.screen.pipe:close()
    self.screen = nil
  end
  for _, directory in ipairs(self.directories) do
    os.execute("rm -rf " .. stage.quote(directory))
  end
  self.directories = {}
end

stage.__close = stage.close

-- A new, empty folder.
function stage:directory()
  local name = os.tmpname()
  os.remove(name)
  assert(lfs.mkdir(name))
  table.insert(self.directories, name)
  return name
end

-- ----------------------------------------------------------------------------------------------------------- hosts --

-- What a host finds in its environment; nothing of whoever runs the test.
function stage:environment(host, home, more)
  local given = {
    HOME = home, XDG_CACHE_HOME = home .. "/cache", XDG_CONFIG_HOME = home .. "/config", XDG_DATA_HOME = home .. "/data",
    XDG_STATE_HOME = home .. "/state", XDG_RUNTIME_DIR = home, PATH = os.getenv "PATH" .. ":/usr/sbin:/usr/games",
    LUA_CPATH = ("%s/%s?.so;;"):format(ROOT, host.lua == "lua5.4" and "" or "build/" .. host.lua .. "/"),
    STEP_API_KEY = KEY, STEP_BASE_URL = self.server.base_url, SSL_CERT_FILE = self.server.ca,
    HOST_ROOT = ROOT, HOST_HOME = home, TERM = "xterm", LC_ALL = "C.UTF-8",
    HOST_STALLS = stage.prompt({stall = "body", bytes = 300000}, "a lighthouse"),
  }
  if host.screen then
    given.DISPLAY = self:display()
    given.LIBGL_ALWAYS_SOFTWARE, given.SDL_AUDIODRIVER, given.GDK_BACKEND = "1", "dummy", "x11"
  end
  for name, value in pairs(more or {}) do
    given[name] = value
  end
  local list = {}
  for name, value in pairs(given) do
    table.insert(list, stage.quote(name .. "=" .. value))
  end
  return "env -i " .. table.concat(list, " ")
end

-- Runs a host until it ends. `on_line` gets each line of its output. Returns the output, how it ended in words (nil: well),
-- and the seconds from its line "ending" to its end (nil: it did not say so).
local function run(environment, command, on_line)
  local pipe = assert(io.popen(("exec timeout -k 5 %d %s %s 2>&1 </dev/null"):format(LONGEST, environment, command)))
  local lines, ending = {}, nil
  for line in pipe:lines() do
    if line:find "^ending" and not ending then
      ending = cqueues.monotime()
    end
    table.insert(lines, line)
    if on_line then
      on_line(line)
    end
  end
  local _, how, code = pipe:close()
  local ended = cqueues.monotime()
  local output = table.concat(lines, "\n")
  local trouble = (how ~= "exit" or code ~= 0) and ("it ended with %s %d"):format(how, code) or nil
  return output, trouble, ending and ended - ending
end

-- `starts`: a line that the host's script says when the host has started. One that hangs before is started again.
function stage.run(_, environment, command, on_line, starts)
  local output, trouble, seconds
  for _ = 1, starts and 4 or 1 do
    output, trouble, seconds = run(environment, command, on_line)
    if not trouble or not starts or ("\n" .. output):find("\n" .. starts, 1, true) then
      break
    end
  end
  return output, trouble, seconds
end

return stage
