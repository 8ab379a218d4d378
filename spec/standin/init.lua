-- Starts and stops the stand-in for specs: `local standin = require "spec.standin"`, run from the project's root.
-- The server is a real process. It reads its standard input, a pipe whose other end is here: however this process
-- ends, the pipe closes, and the server with it.

local cqueues = require "cqueues"
local socket = require "cqueues.socket"
local json = require "cjson".new()

local standin = {}

local server = {}
server.__index = server

local MAIN = (debug.getinfo(1, "S").source:match("^@(.*[/\\])") or "./") .. "main.lua"
local LONGEST_START = 20

-- The one that is asked for, or the interpreter that runs this, if it was not a host of its own kind.
local first = 0
while arg and arg[first - 1] do
    first = first - 1
end
local LUA = os.getenv "LUA" or first < 0 and arg[first] or "lua5.4"

local function shell_word(text)
    return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function read_file(path)
    local file = io.open(path, "rb")
    local text = file and file:read("*a") or ""
    if file then
        file:close()
    end
    return text
end

-- HTTP of the plainest kind, so that a spec's process gets no other HTTP library, and no SIGPIPE handler, with it.
local function control(self, method, path)
    local connection = socket.connect {host = "127.0.0.1", port = self.control_port, nodelay = true}
    connection:onerror(function(_, _, why) return why end)
    connection:settimeout(10)
    connection:setmode("b", "b")
    local sent = connection:connect()
        and connection:xwrite(("%s %s HTTP/1.0\r\nhost: 127.0.0.1\r\n\r\n"):format(method, path), "n")
    local text = sent and connection:xread("*a") or ""
    connection:close()
    return text:match("^HTTP/1%.%d 200.-\r\n\r\n(.*)$")
end

local function arguments(setting)
    local words = {"--stdin", "--quiet"}
    for _, name in ipairs {"tls", "http1"} do
        if setting[name] then
            table.insert(words, "--" .. name)
        end
    end
    for _, name in ipairs {"key", "cert_host", "ca", "port", "picture_port", "control_port"} do
        if setting[name] then
            table.insert(words, "--" .. name:gsub("_", "-"))
            table.insert(words, shell_word(tostring(setting[name])))
        end
    end
    return table.concat(words, " ")
end

-- `setting`: tls, http1, key, cert_host, port, picture_port, control_port; all optional.
function standin.start(setting)
    local self = setmetatable({temporary = {}}, server)
    local ready = os.tmpname()
    local asked = {}
    for name, value in pairs(setting or {}) do
        asked[name] = value
    end
    if asked.tls and not asked.ca then
        asked.ca = os.tmpname()
        table.insert(self.temporary, asked.ca)
    end
    self.process = assert(io.popen(("exec %s %s %s >%s"):format(
        shell_word(LUA), shell_word(MAIN), arguments(asked), shell_word(ready)), "w"))
    local deadline = cqueues.monotime() + LONGEST_START
    local line
    repeat
        cqueues.sleep(0.005)
        line = read_file(ready):match("^(.-)\n")
    until line or cqueues.monotime() > deadline
    os.remove(ready)
    local told = line and json.decode(line) or {error = "it is not ready in time"}
    if told.error then
        self:stop()
        error("the stand-in did not start: " .. told.error, 2)
    end
    self.base_url, self.picture_url, self.control_url = told.base_url, told.picture_url, told.control_url
    self.ca, self.pid = asked.ca, math.tointeger(told.pid)
    self.control_port = told.control_url:match(":(%d+)$")
    return self
end

-- What arrived so far, see control.lua.
function server:log()
    local text = assert(control(self, "GET", "/standin/log"), "the stand-in does not answer")
    return json.decode(text)
end

-- For each `id`: {requests, requests that were not refused}.
function server:ledger()
    local text = assert(control(self, "GET", "/standin/ledger"), "the stand-in does not answer")
    return json.decode(text)
end

-- Forgets the log and the ledger, and how often each `id` was seen.
function server:reset()
    assert(control(self, "DELETE", "/standin/log"), "the stand-in does not answer")
end

-- Returns when the process is gone. Asks first: a child that this process started in the meantime may hold the pipe.
function server:stop()
    if not self.process then
        return
    end
    if self.control_port then
        pcall(control, self, "POST", "/standin/stop")
    end
    -- When the whole Lua state is closed, the pipe may have gone first.
    if io.type(self.process) == "file" then
        self.process:close()
    end
    self.process = nil
    for _, path in ipairs(self.temporary) do
        os.remove(path)
    end
end

server.__gc = server.stop
server.__close = server.stop

return standin
