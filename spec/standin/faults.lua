-- Sends an answer, in all the ways an answer can fail to arrive: late, in crumbs, cut, silent, or with a wrong length.

local cqueues = require "cqueues"
local socket = require "cqueues.socket"
local new_headers = require "http.headers".new
local raw_socket = require "socket"
local answer = require "answer"
local peer = require "peer"

local faults = {}

local PIECE = 64 * 1024     -- per write: what is in flight for many clients at once should not be whole bodies
local LONGEST_STALL = 60
local TICK = 0.02
local GRACE = 0.03           -- for the client to read what came before a reset, which throws away what is on its way

-- lua-http's own reader of the connection notices when the client leaves; here is only looked at what it found.
local function gone(stream)
    local sock = stream.connection.socket
    return stream.state == "closed" or not sock or peer.gone(sock) ~= nil
end

local function wait(stream, seconds)
    local deadline = cqueues.monotime() + seconds
    local left = seconds
    while left > 0 and not gone(stream) do
        cqueues.sleep(math.min(TICK, left))
        left = deadline - cqueues.monotime()
    end
    return not gone(stream)
end

-- Makes closing the descriptor a reset. cqueues has no call for it; LuaSocket has, but must not keep the descriptor.
local function arm_reset(fd)
    local tcp = raw_socket.tcp()
    tcp:setfd(fd)
    tcp:setoption("linger", {on = true, timeout = 0})
    tcp:setfd(-1)
end

-- Drops the connection below TLS and HTTP/2, so that neither says goodbye. lua-http is given a socket whose other end
-- is closed in place of the real one, and so clears up on its usual path, as for a client that went away.
local function sever(stream, reset)
    local connection = stream.connection
    local real = connection.socket
    if not real then
        return
    end
    local dead, other = socket.pair("stream")
    other:close()
    dead:setmode("b", "bf")
    dead:onerror(real:onerror())
    connection.socket = dead
    cqueues.cancel(real:pollfd())
    if reset then
        cqueues.sleep(GRACE)
        arm_reset(real:pollfd())
        real:close()
        return
    end
    -- A duplicate knows nothing of TLS. To close while input is unread would turn the FIN into a reset.
    local bare = socket.dup(real:pollfd())
    real:close()
    bare:onerror(function(_, _, why) return why end)
    bare:setmode("b", "b")
    bare:shutdown("w")
    local deadline = cqueues.monotime() + 2
    repeat
        local left = deadline - cqueues.monotime()
        local data = left > 0 and bare:xread(-4096, "b", left)
    until not data
    bare:close()
end

-- True where the answer ends here.
local function breaks(stream, given, stage)
    if given.stall == stage then
        if wait(stream, LONGEST_STALL) then
            sever(stream, given.rst)
        end
        return true
    elseif given.cut == stage then
        sever(stream, given.rst)
        return true
    end
    return false
end

-- lua-http 0.4 encodes an HPACK integer wrongly that just fills its prefix: the 63rd entry of the header table, or a
-- value of 127 bytes, and the client drops the connection. So no header enters the table, and no value has that length.
local function safe(value)
    return #value == 127 and value .. " " or value
end

local function headers_of(outgoing)
    local headers = new_headers()
    headers:append(":status", ("%d"):format(outgoing.status), true)
    for name, value in pairs(outgoing.headers) do
        headers:append(name, safe(value), true)
    end
    return headers
end

local function write_headers(stream, outgoing, given, length)
    local headers = headers_of(outgoing)
    local bare = outgoing.status == 204 or outgoing.status == 304 or outgoing.bodyless
    local http1 = stream.connection.version < 2
    local open_ended = given.chunked or given.until_close
    if bare then
        return stream:write_headers(headers, true), true
    end
    if given.until_close and http1 then
        headers:append("connection", "close", true)
        stream.body_write_type, stream.close_when_done = "close", true
    elseif given.chunked and http1 then
        headers:append("transfer-encoding", "chunked", true)
    elseif not open_ended then
        headers:append("content-length", ("%d"):format(given.content_length or length), true)
    end
    local ok = stream:write_headers(headers, false)
    if ok and http1 and given.content_length then
        -- lua-http would not let us lie. Nothing can follow such an answer, so the connection ends with it.
        stream.body_write_left, stream.close_when_done = math.huge, true
    end
    return ok, false
end

local function write_body(stream, outgoing, given, length)
    local limit = length
    if given.cut == "body" or given.stall == "body" then
        limit = math.min(length, given.cut_at or length // 2)
    end
    local first = true
    for piece in answer.pieces(outgoing, given.piece or PIECE, limit) do
        if given.pace and not first and not wait(stream, given.pace) then
            return false
        end
        first = false
        if gone(stream) or not stream:write_chunk(piece, false) then
            return false
        end
    end
    return true
end

function faults.send(stream, outgoing, given)
    if given.delay and not wait(stream, given.delay) or breaks(stream, given, "request") or gone(stream) then
        return
    end
    local length = answer.length(outgoing)
    local ok, finished = write_headers(stream, outgoing, given, length)
    if not ok or finished or breaks(stream, given, "headers") then
        return
    end
    if not write_body(stream, outgoing, given, length) or breaks(stream, given, "body") then
        return
    end
    if stream.connection.version < 2 and given.content_length then
        stream.body_write_left = 0
    end
    stream:write_chunk("", true)
end

return faults
