-- The stand-in's command line: the image generation service on loopback, for specs, examples and work offline.

local here = arg[0]:match("^(.*[/\\])") or "./"
package.path = here .. "?.lua;" .. package.path
require "libraries"

local USAGE = [[
usage: lua5.4 main.lua [options]

  --port N           port of the API (a free one)
  --picture-port N   port of the second origin, where `url` pictures lie (a free one)
  --control-port N   port of the log (a free one)
  --tls              speak TLS, with a certificate of an authority made for this run
  --ca FILE          write that authority's certificate here
  --key KEY          the only key that is right (any)
  --cert-host NAME   issue the certificate to NAME, instead of localhost and 127.0.0.1
  --http1            do not speak HTTP/2
  --stdin            end when standard input, a pipe, ends
  --quiet            nothing on standard error
  --help             this text

Prints one line of JSON when it is ready. Its knobs are listed in knobs.lua.
]]

local NUMBERS = {["--port"] = "port", ["--picture-port"] = "picture_port", ["--control-port"] = "control_port"}
local STRINGS = {["--ca"] = "ca", ["--cert-host"] = "cert_host", ["--key"] = "key"}
local SWITCHES = {["--tls"] = "tls", ["--http1"] = "http1", ["--stdin"] = "stdin", ["--quiet"] = "quiet"}

local function fail(message)
    io.stderr:write("stand-in: ", message, "\n")
    os.exit(2)
end

-- For failures after the options: whoever waits for the line of JSON is told as well.
local function give_up(message)
    io.stdout:write(('{"error":"%s"}\n'):format(message:gsub('[%c"\\]', " ")))
    fail(message)
end

local function options(words)
    local found, i = {}, 1
    while words[i] do
        local word = words[i]
        if word == "--help" then
            io.stdout:write(USAGE)
            os.exit(0)
        elseif SWITCHES[word] then
            found[SWITCHES[word]] = true
        elseif NUMBERS[word] or STRINGS[word] then
            i = i + 1
            local value = words[i] or fail(word .. " needs a value")
            if NUMBERS[word] then
                value = math.tointeger(tonumber(value))
                if not value or value < 0 or value > 65535 then
                    fail(word .. " needs a port number")
                end
            end
            found[NUMBERS[word] or STRINGS[word]] = value
        else
            fail(("unknown option %s (see --help)"):format(word))
        end
        i = i + 1
    end
    return found
end

local asked = options(arg)

local cqueues = require "cqueues"
local signal = require "cqueues.signal"
local json = require "cjson".new()
local authority = require "authority"
local control = require "control"
local gallery = require "gallery"
local journal = require "journal"
local origin = require "origin"
local service = require "service"

-- The garbage here is megabytes in few pieces: cheap to find, and dear to leave lying about.
collectgarbage("incremental", 110, 400)

local function write_file(path, text)
    local file, message = io.open(path, "w")
    if not file then
        give_up(message)
    end
    file:write(text)
    file:close()
end

local function context_of(authority_made)
    return authority_made and authority.context(authority_made, asked.cert_host, asked.http1)
end

local function listen(controller, setting)
    local ok, url = pcall(origin.listen, controller, setting)
    if not ok then
        give_up(("cannot listen on port %d: %s"):format(setting.port or 0, (url:gsub("^.-:%d+: ", ""))))
    end
    return url
end

local made = asked.tls and authority.new() or nil
if made and asked.ca then
    write_file(asked.ca, made.pem)
end

-- Before anything can send one, and so that no connection ends in the middle of a write.
signal.block(signal.SIGTERM, signal.SIGINT)
signal.ignore(signal.SIGPIPE)

local controller = cqueues.new()
local log = journal.new()
local pictures = gallery.new(log)
local api = service.new(log, pictures, asked.key)

local function busy(change)
    log.busy = log.busy + change
end

pictures.url = listen(controller, {
    name = "picture", port = asked.picture_port, context = context_of(made), http1 = asked.http1,
    connected = function() return log:connected "picture" end, busy = busy,
    answer = function(request, stream) pictures:answer(request, stream) end,
})
local api_url = listen(controller, {
    name = "api", port = asked.port, context = context_of(made), http1 = asked.http1,
    connected = function() return log:connected "api" end, busy = busy,
    answer = function(request, stream) api:answer(request, stream) end,
})
local control_url = listen(controller, {
    name = "control", port = asked.control_port,
    answer = control.handler(log, function() api:forget() end, function() os.exit(0) end),
})

controller:wrap(function()
    signal.listen(signal.SIGTERM, signal.SIGINT):wait()
    os.exit(0)
end)

if asked.stdin then
    controller:wrap(function()
        repeat
            cqueues.poll({pollfd = 0, events = "r"})
        until not io.stdin:read(1)
        os.exit(0)
    end)
end

-- Lua has no call for its own process id; a shell knows it as its parent's.
local shell = io.popen("echo $PPID")
local pid = shell:read("n")
shell:close()
local ca = made and asked.ca and json.encode(asked.ca):gsub("\\/", "/") or "null"
io.stdout:write(('{"base_url":"%s/v1","picture_url":"%s","control_url":"%s","ca":%s,"pid":%d}\n'):format(
    api_url, pictures.url, control_url, ca, pid))
io.stdout:flush()
if not asked.quiet then
    io.stderr:write(("The stand-in is ready: STEP_BASE_URL=%s/v1 STEP_API_KEY=anything (log: %s/standin/log)\n"):format(
        api_url, control_url))
end

origin.run(controller)
