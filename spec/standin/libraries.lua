-- Makes lua-http loadable, and fit for clients that vanish.

require "paths"

local errno = require "cqueues.errno"
local methods = require "http.h2_connection".methods
local peer = require "peer"

-- Whoever waits on an HTTP/2 connection asks it again.
local function wake(connection)
    connection.new_streams_cond:signal()
    connection.peer_flow_credits_change:signal()
    for _, stream in pairs(connection.streams) do
        stream.peer_flow_credits_change:signal()
        stream.recv_headers_cond:signal()
        stream.chunk_cond:signal()
    end
end

-- At the end of input lua-http 0.4 calls a step of an HTTP/2 connection a success, and the streams that wait for a
-- frame in the middle of a body ask again for ever.
local step = methods.step
function methods:step(timeout)
    local number = peer.failed(self.socket)
    if not number and self.socket:eof("r") and self.socket:pending() == 0 then
        number = errno.ECONNRESET
    end
    local ok, err
    if not number then
        ok, err, number = step(self, timeout)
    end
    if not ok then
        wake(self)
        return nil, err or number and errno.strerror(number), number
    end
    return ok
end

-- A socket with an error has no event left that would come. A stream that then went to wait for credit, after another's
-- write had failed, waited for ever. Nor is what the TLS library has read from the socket already: with OpenSSL 3.5
-- uploads stood still for ever, from curl itself too. So each connection looks again now and then.
local LOOK_AGAIN = 0.05 -- seconds
local pollfd, events, time_left = methods.pollfd, methods.events, methods.timeout
function methods:pollfd()
    return not peer.failed(self.socket) and pollfd(self) or nil
end

function methods:events()
    return not peer.failed(self.socket) and events(self) or nil
end

function methods:timeout()
    return peer.gone(self.socket) and 0 or math.min(time_left(self) or LOOK_AGAIN, LOOK_AGAIN)
end

-- lua-http 0.4 reckons a stream's and the connection's credit before it writes a frame and sets it afterwards. What
-- other streams take and the client gives in the meantime is lost, until nobody may send any more (its issue 242).
local stream_methods = require "http.h2_stream".methods
local DATA, END_STREAM = 0x0, 0x1
function stream_methods:write_data_frame(payload, end_stream, _, timeout, flush)
    local connection = self.connection
    if self.state ~= "open" and self.state ~= "half closed (remote)" then
        return nil, errno.strerror(errno.EPIPE), errno.EPIPE
    end
    self.peer_flow_credits = self.peer_flow_credits - #payload
    connection.peer_flow_credits = connection.peer_flow_credits - #payload
    local ok, err, number = self:write_http2_frame(DATA, end_stream and END_STREAM or 0, payload, timeout, flush)
    if not ok then
        wake(connection)
        return nil, err, number
    end
    self.stats_sent = self.stats_sent + #payload
    if end_stream then
        self:set_state(self.state == "half closed (remote)" and "closed" or "half closed (local)")
    end
    return ok
end
