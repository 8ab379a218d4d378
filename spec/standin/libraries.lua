-- Makes lua-http loadable, and fit for clients that vanish.

-- Debian and Ubuntu install lua-http and three small modules it needs below the folders of Lua 5.3 and 5.2 only,
-- although all of them run under 5.4; elsewhere these entries name nothing and do no harm.
package.path = package.path .. ";/usr/share/lua/5.3/?.lua;/usr/share/lua/5.2/?.lua"

local errno = require "cqueues.errno"
local methods = require "http.h2_connection".methods

-- At the end of input lua-http 0.4 calls a step of an HTTP/2 connection a success, and the streams that wait for a
-- frame in the middle of a body ask again for ever.
local step = methods.step
function methods:step(timeout)
    if self.socket:eof("r") and self.socket:pending() == 0 then
        return nil, errno.strerror(errno.ECONNRESET), errno.ECONNRESET
    end
    return step(self, timeout)
end
