-- Whether the client at the other end of a connection is still there.

local errno = require "cqueues.errno"
local socket_type = require "cqueues.socket".type

local peer = {}

-- The number of the error by which a socket is of no use any more; nil while it is. A closed one answers no question.
function peer.failed(socket)
    if socket_type(socket) ~= "socket" then
        return errno.EBADF
    end
    return socket:error "r" or socket:error "w"
end

-- As failed, and where the client has said that it sends no more, which to lua-http and its clients is the end.
function peer.gone(socket)
    return peer.failed(socket) or socket:eof "r" and errno.ECONNRESET or nil
end

return peer
