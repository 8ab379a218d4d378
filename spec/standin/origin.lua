-- One listener: reads each request whole, hands it to whoever answers there, and survives whatever a client does.

local cqueues = require "cqueues"
local errno = require "cqueues.errno"
local http_server = require "http.server"
local peer = require "peer"

local origin = {}

local ROOM = 2 ^ 30 | 0   -- bytes
local PATIENCE = 300    -- a spec may hold a connection idle for as long as it likes

local function plain(headers)
    local found = {}
    for name, value in headers:each() do
        if name == ":authority" then
            name = "host"
        end
        if name:sub(1, 1) ~= ":" then
            found[name] = found[name] and found[name] .. ", " .. value or value
        end
    end
    return found
end

-- Over HTTP/2 lua-http forgets to tell a client that there is room for more, where that cannot go out at once, so there
-- is room for all from the start; and it may sleep over what has come already, so it is woken now and then.
local function receive_large(stream)
    local connection, parts = stream.connection, {}
    local deadline = cqueues.monotime() + PATIENCE
    stream:write_window_update(ROOM, PATIENCE)
    if not connection.roomy then
        connection.roomy = true
        connection:write_window_update(ROOM, PATIENCE)
    end
    while cqueues.monotime() < deadline do
        local chunk, why, number = stream:get_next_chunk(0.1)
        if chunk then
            parts[#parts + 1] = chunk
        elseif not why then
            return table.concat(parts)
        elseif number ~= errno.ETIMEDOUT then
            return nil
        else
            connection:step(0)
        end
    end
end

local function receive(stream)
    stream.use_zlib = false     -- or an answer to `TE: gzip` would be compressed behind our back
    local headers = stream:get_headers(PATIENCE)
    local body
    if headers and stream.connection.version == 2 and stream.state == "open" then
        body = receive_large(stream)
    else
        body = headers and stream:get_body_as_string(PATIENCE)
    end
    -- lua-http takes a body that was cut short for a whole one.
    if not body or #body ~= tonumber(headers:get "content-length" or #body) then
        return nil
    end
    return {
        method = headers:get(":method"), path = headers:get(":path") or "", headers = plain(headers), body = body,
        version = stream.connection.version < 2 and stream.peer_version or 2,
    }
end

-- lua-http closes a connection when its last stream is closed, but cannot close an HTTP/2 stream whose client is gone.
local function bury(stream)
    if stream.state ~= "closed" and stream.state ~= "idle" and peer.gone(stream.connection.socket) then
        stream:set_state("closed")
    end
end

-- `setting`: port, context (TLS, or nil), http1, name, connected() --> number, busy(change) for each request that
-- begins (1) or ends (-1), and answer(request, stream).
function origin.listen(controller, setting)
    local numbers = setmetatable({}, {__mode = "k"})
    local busy = setting.busy or function() end
    local function serve(stream)
        local request = receive(stream)
        if request then
            local connection = stream.connection
            connection.number = connection.number or numbers[connection.socket]
            request.origin, request.connection = setting.name, connection.number
            setting.answer(request, stream)
        end
        bury(stream)
    end
    local server = assert(http_server.listen {
        cq = controller, host = "127.0.0.1", port = setting.port or 0, reuseaddr = true,
        tls = setting.context ~= nil, ctx = setting.context, version = setting.http1 and 1.1 or nil,
        intra_stream_timeout = PATIENCE, connection_setup_timeout = PATIENCE,
        -- A client that leaves in the middle is this server's daily bread. What its own code raises is not.
        onerror = function(_, _, operation, err)
            if operation == "onstream" then
                io.stderr:write("stand-in: internal error: ", tostring(err), "\n")
            end
        end,
        onstream = function(_, stream)
            busy(1)
            local ok, err = pcall(serve, stream)
            busy(-1)
            if not ok then
                error(err, 0)
            end
        end,
    })
    local add_socket = server.add_socket
    server.add_socket = function(self, socket)
        -- Beyond 100 ignored errors cqueues raises, and lua-http never gets to close the socket. Many streams of one
        -- lost connection come to more.
        socket:setmaxerrs("rw", 1000000)
        numbers[socket] = setting.connected and setting.connected() or 0
        return add_socket(self, socket)
    end
    assert(server:listen())
    local _, _, port = server:localname()
    return ("%s://127.0.0.1:%d"):format(setting.context and "https" or "http", port // 1 | 0)
end

-- Errors of single connections come out here one by one; none of them is a reason to stop.
function origin.run(controller)
    repeat
        local ok = controller:loop()
        if not ok then
            cqueues.sleep(0)
        end
    until ok
end

return origin
