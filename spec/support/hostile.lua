-- Starts the server of hostile_server.lua, gives it scripts, and sends clients to what it then does.

local json = require "cjson".new()
local socket = require "socket"
local support = require "spec.support"

local hostile = {}

local PATIENCE = 20 -- no attack takes as long, on any machine

-- A picture in base64: a PNG of one pixel, with both characters in it that are special to URLs.
hostile.PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

-- The body of an answer with that picture.
hostile.BODY = ('{"id":"1","created":1589478378,"data":[{"seed":7,"finish_reason":"success","b64_json":"%s"}]}'):format(
  hostile.PIXEL)

-- Head and body of an answer, with further lines of headers, each with its CRLF.
function hostile.answer(body, lines, status)
  return ("HTTP/1.1 %s\r\ncontent-type: application/json\r\n%s\r\n%s"):format(status or "200 OK", lines or "", body)
end

-- The same, and its true length.
function hostile.whole(body, lines, status)
  return hostile.answer(body, ("content-length: %d\r\n%s"):format(#body, lines or ""), status)
end

-- ----------------------------------------------------------------------------------------------------- the server --

local server = {}
server.__index = server

function hostile.start()
  local process = support.serve "spec/support/hostile_server.lua"
  local port = process:line()
  local control = assert(socket.connect("127.0.0.1", port))
  control:settimeout(PATIENCE)
  return setmetatable({process = process, control = control}, server)
end

function server:stop()
  self.control:close() -- which ends the process
  local output = self.process:finish()
  assert(output == "", output)
end

server.__close = server.stop

local function command(self, given)
  assert(self.control:send(json.encode(given) .. "\n"))
  local reply = assert(self.control:receive "*l")
  return json.decode(reply)
end

local place = {}
place.__index = place

-- A place whose first connection gets the script. Every request after it, and every other connection, gets a picture.
function server:serve(script)
  local port = command(self, {serve = script, after = hostile.whole(hostile.BODY)}).port
  return setmetatable({server = self, port = port, base_url = ("http://127.0.0.1:%d/v1"):format(port)}, place)
end

-- How many connections came, and how many POSTs.
function place:count()
  local count = command(self.server, {count = self.port})
  return math.tointeger(count.connections), math.tointeger(count.posts)
end

function place:drop()
  command(self.server, {drop = self.port})
end

place.__close = place.drop

-- ----------------------------------------------------------------------------------------------------- an attack --

local attack = {}
attack.__index = attack

-- Sends a client of its own to a place with that script.
function server:attack(script, options)
  local given = self:serve(script)
  local client = support.client(given, options)
  local job = assert(client:submit {prompt = "a lighthouse"})
  return setmetatable({place = given, client = client, job = job}, attack)
end

-- Waits until the attack is over. Returns what the job returns.
function attack:wait()
  local result, err = self.job:wait(PATIENCE)
  assert(result or err, "it has not ended")
  return result, err
end

-- Whether the client gets a picture from the same place afterwards.
function attack:is_over()
  local result, err = self.client:generate {prompt = "a lighthouse"}
  return result and result.image.format == "png", err
end

function attack:__close()
  self.client:close()
  self.place:drop()
end

return hostile
