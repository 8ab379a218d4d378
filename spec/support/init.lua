-- What the specs share: stand-ins, their clients, the picture that a request must give, and child processes.

local cqueues = require "cqueues"
local json = require "cjson".new()
local lfs = require "lfs"
local older = require "spec.support.older"
local standin = require "spec.standin"
local stepimg = require "stepimg"

local support = {}

local SERVER = os.getenv "LUA" or "lua5.4" -- of the stand-in, and of other servers

support.KEY = "sk-spec-0123456789abcdef"

-- For assert.fields, which there is where busted runs.
support.ABSENT = package.loaded.luassert and require "spec.support.fields".ABSENT

-- The three ways a client can meet the service, as settings of the stand-in.
support.WAYS = {
  {name = "plain HTTP", setting = {}, version = 1.1},
  {name = "TLS with HTTP/1.1", setting = {tls = true, http1 = true}, version = 1.1},
  {name = "TLS with HTTP/2", setting = {tls = true}, version = 2},
}

-- Without retries: what a spec asks for once happens once.
function support.client(server, options)
  local given = {api_key = support.KEY, base_url = server.base_url, ca_file = server.ca, retries = 0}
  for name, value in pairs(options or {}) do
    given[name] = value
  end
  return assert(stepimg.new(given))
end

-- A prompt that steers the stand-in.
function support.prompt(knobs, text)
  return json.encode(knobs) .. " " .. (text or "a lighthouse")
end

-- One of the stand-in's own parts, here.
function support.part(name)
  local path = package.path
  package.path = "./spec/standin/?.lua;" .. path
  local part = require(name)
  package.path = path
  return part
end

local pictures = {}

-- Painted here by the stand-in's own painter, which gives the same bytes for the same request; it wants 5.4.
function support.painted(wanted)
  if _VERSION < "Lua 5.4" then
    local words = json.encode(wanted)
    pictures[words] = pictures[words] or support.run(([[
      local json = require "cjson".new()
      io.write(require "spec.support".painted(json.decode %q))
    ]]):format(words), nil, SERVER)
    return pictures[words]
  end
  return support.part "picture".of({
    width = wanted.width or 1024, height = wanted.height or 1024, bytes = wanted.bytes, format = wanted.format,
    text = ("%s|%d"):format(wanted.prompt or "a lighthouse", wanted.seed),
  }).bytes
end

-- The error of a call that is to fail. A result is not shown: it holds megabytes.
function support.failure(result, err)
  assert(result == nil, "it did not fail")
  assert(type(err) == "table", "there is no error table")
  return err
end

-- Closed clients do not wait for their threads, whose requests may still arrive a moment later. Where threads of other
-- clients stay, nothing is wrong: then the moment passes.
local MOMENT = 0.02 -- seconds

local function threads_end(threads)
  local deadline = cqueues.monotime() + MOMENT
  while threads and support.threads() > threads and cqueues.monotime() < deadline do
    cqueues.sleep(0.001)
  end
end

-- The stand-in of a `describe`, which calls this: one process for all its tests. No test meets another's requests:
-- after each, this waits until the last one has ended, and empties the log.
function support.standin(setting)
  local busted = require "busted"
  local server, started, threads = {}, nil, nil

  busted.lazy_setup(function()
    started = standin.start(setting)
    setmetatable(server, {__index = started})
  end)

  busted.lazy_teardown(function()
    started:stop()
  end)

  busted.before_each(function()
    threads = support.threads()
  end)

  busted.after_each(function()
    support.wait_until("the end of the test's requests", function()
      collectgarbage() -- clients that the test has dropped
      threads_end(threads)
      return server:log().busy == 0
    end)
    server:reset()
  end)

  return server
end

-- The last POST to the API, as the stand-in received it.
function support.request_as_sent(server)
  local requests = server:log().requests
  for i = #requests, 1, -1 do
    if requests[i].method == "POST" then
      return requests[i]
    end
  end
end

-- The same, and its JSON as a table.
function support.request(server)
  local request = support.request_as_sent(server)
  return request, request and json.decode(request.body)
end

-- Counts what reached the API while `f` ran.
function support.posts(server, f)
  local before = server:log().posts
  f()
  return server:log().posts - before
end

function support.wait_until(what, condition)
  local deadline = cqueues.monotime() + 20
  while true do
    local value = condition()
    if value then
      return value
    end
    assert(cqueues.monotime() < deadline, what .. " did not happen")
    cqueues.sleep(0.005)
  end
end

function support.threads()
  return support.status "Threads"
end

-- Without a child that would look: while one is made, this process has a pipe's both ends.
function support.descriptors()
  local count = 0
  for descriptor = 0, 1023 do
    count = count + (support.read("/proc/self/fdinfo/" .. descriptor) and 1 or 0)
  end
  return count
end

-- How many threads and descriptors this process has once what was closed has ended: nobody waits for that.
function support.settled()
  local threads, descriptors, since = nil, nil, cqueues.monotime()
  while cqueues.monotime() < since + 0.2 do
    collectgarbage()
    collectgarbage()
    local now, open = support.threads(), support.descriptors()
    if now ~= threads or open ~= descriptors then
      threads, descriptors, since = now, open, cqueues.monotime()
    end
    cqueues.sleep(0.02)
  end
  return threads, descriptors
end

-- ------------------------------------------------------------------------------------------------------------ files --

local files = require "spec.support.files"
support.quote, support.words, support.read, support.write = files.quote, files.words, files.read, files.write
support.status = files.status

-- A new empty directory; `remove` it when done.
function support.directory()
  local name = os.tmpname()
  os.remove(name)
  assert(os.execute("mkdir -p " .. support.quote(name)))
  return name
end

function support.remove(directory)
  assert(os.execute("rm -rf " .. support.quote(directory)))
end

-- The names in a directory, sorted.
function support.names(directory)
  local names, pipe = {}, assert(io.popen("ls -A " .. support.quote(directory)))
  for name in pipe:lines() do
    names[#names + 1] = name
  end
  pipe:close()
  return names
end

-- -------------------------------------------------------------------------------------------------------- processes --

-- Where the module and the hosts are: those of a sanitizer are in a directory of their own, with an interpreter.
local SANITIZED = os.getenv "STEPIMG_SANITIZED"
local BUILT = os.getenv "STEPIMG_BUILT" -- those of another Lua, likewise
support.MODULE = (SANITIZED or BUILT or lfs.currentdir()) .. "/stepimg.so"
support.CPATH = (SANITIZED or BUILT or lfs.currentdir()) .. "/?.so;;"

-- Where it is set, it says why figures of memory and speed tell nothing of the module.
support.NO_FIGURES = SANITIZED and "a sanitizer's own memory and work are in the figures"

-- The path of a program that the Makefile builds.
function support.host(name)
  local shared = ("allocations secrets fork edits worker"):find(name, 1, true)
  return (SANITIZED or not shared and BUILT or lfs.currentdir() .. "/build") .. "/" .. name
end

-- The interpreter that runs the specs.
function support.interpreter()
  if SANITIZED then
    return support.host "lua"
  end
  local first = 0
  while arg and arg[first - 1] do
    first = first - 1
  end
  return first < 0 and arg[first] or "lua5.4"
end

local process = {}
process.__index = process

local FIRST_LINE = _VERSION < "Lua 5.4" and "require 'spec.support.older' " or ""

-- Starts `script` in a Lua process of its own that finds the module and the specs' modules. It sees the environment's
-- variables of `environment`, and no key and no URL but these. It is the Lua that runs the specs, or that
-- `interpreter`.
function support.start(script, environment, interpreter)
  local words = {"env -u STEP_API_KEY -u STEP_BASE_URL"}
  local given = {LUA_PATH = "./?.lua;./?/init.lua;;", LUA_CPATH = interpreter and "./?.so;;" or support.CPATH}
  if not interpreter and FIRST_LINE ~= "" then
    script = FIRST_LINE .. older.translate(script)
  end
  for name, value in pairs(environment or {}) do
    given[name] = value
  end
  for name, value in pairs(given) do
    words[#words + 1] = name .. "=" .. support.quote(value)
  end
  local self = setmetatable({file = support.write(os.tmpname(), script), began = cqueues.monotime()}, process)
  -- The shell becomes the process: its id is the one to send signals to.
  self.pipe = assert(io.popen(("echo $$; exec %s %s %s 2>&1"):format(
    table.concat(words, " "), support.quote(interpreter or support.interpreter()), support.quote(self.file))))
  self.pid = self.pipe:read("*n", "*l")
  return self
end

function process:signal(name)
  assert(os.execute(("kill -%s %d"):format(name, self.pid)))
end

function process:line()
  return self.pipe:read("*l")
end

-- Everything it still writes, how it ended ("exit" or "signal"), with what, and after how many seconds.
function process:finish()
  local output = self.pipe:read("*a")
  local _, how, code = self.pipe:close()
  self.pipe = nil
  os.remove(self.file)
  return output, how, code, cqueues.monotime() - self.began
end

-- For those that would not end by themselves. Returns what they still wrote.
function process:stop()
  if self.pipe then
    self:signal "TERM"
    return (self:finish())
  end
end

process.__close = process.stop

-- A server's script, whose Lua is that of the stand-in.
function support.serve(path)
  return support.start(support.read(path), nil, SERVER)
end

-- The script of one that is in a file of its own. What it is told is in the environment.
function support.program(name)
  return assert(support.read("spec/programs/" .. name .. ".lua"))
end

-- What `script` prints; it is to end well.
function support.run(script, environment, interpreter)
  local output, how, code = support.start(script, environment, interpreter):finish()
  assert(how == "exit" and code == 0, ("the child ended with %s %d: %s"):format(how, code, output))
  return output
end

-- The middle one of an odd number of measurements.
function support.median(values)
  table.sort(values)
  return values[(#values + 1) // 2]
end

return support
