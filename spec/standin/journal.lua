-- What the stand-in received, so that a spec can prove what was sent, and that nothing was sent twice.

local journal = {}
journal.__index = journal

local KEPT = 200

function journal.new()
    return setmetatable({open = 0, busy = 0}, journal):reset()
end

-- `open` counts the API's requests that are being answered, `busy` those of both origins from their first byte on. Both
-- stay: these requests are still going, whatever is forgotten of the others.
function journal:reset()
    self.posts, self.gets = 0, 0
    self.connections, self.picture_connections = 0, 0
    self.requests, self.ledger = {}, {}
    return self
end

function journal:connected(origin)
    if origin == "api" then
        self.connections = self.connections + 1
        return self.connections
    end
    self.picture_connections = self.picture_connections + 1
    return self.picture_connections
end

function journal:add(request)
    if request.method == "POST" then
        self.posts = self.posts + 1
    elseif request.method == "GET" then
        self.gets = self.gets + 1
    end
    table.insert(self.requests, request)
    if #self.requests > KEPT then
        table.remove(self.requests, 1)
    end
end

-- For each `id`, how many requests came with it, and how many of them were not refused: what these asked for is, or may
-- be, on the bill.
function journal:book(id, status)
    local entry = self.ledger[id] or {0, 0}
    local refused = status >= 400 and status < 500 or status == 500 or status == 503
    self.ledger[id] = {entry[1] + 1, entry[2] + (refused and 0 or 1)}
end

return journal
