-- The second origin: hands out the pictures whose `url` the API gave away. It keeps recipes and paints them again when
-- they are asked for, so that thousands of links cost nothing.

local answer = require "answer"
local faults = require "faults"
local knobs = require "knobs"
local picture = require "picture"

local gallery = {}
gallery.__index = gallery

local KEPT = 10000
local FORMATS = {jpeg = "image/jpeg", gif = "image/gif", webp = "image/webp", unknown = "application/octet-stream"}

function gallery.new(journal)
    return setmetatable({journal = journal, count = 0, shelf = {}}, gallery)
end

-- A link like those of object stores: signed, with an ampersand in it.
function gallery:hang(recipe, given)
    self.count = self.count + 1
    local id = ("%x%08x"):format(self.count, math.random(0, 0xffffffff))
    local sig = ("%08x%%2B%08x%%3D"):format(math.random(0, 0xffffffff), math.random(0, 0xffffffff))
    local target = ("/pictures/%s.png?sig=%s&expires=%d"):format(id, sig, os.time() + 7200)
    self.shelf[id] = {target = target, recipe = recipe, given = given, gets = 0, number = self.count}
    self.shelf[self.count] = id
    if self.count > KEPT then
        local oldest = self.count - KEPT
        self.shelf[self.shelf[oldest]], self.shelf[oldest] = nil, nil
    end
    return self.url .. target
end

local function redirect(where)
    local outgoing = answer.new(302, "", "text/plain")
    outgoing.headers.location = where
    return outgoing
end

-- What the knobs make of one GET, and the wire knobs to send it with. `hops` are the redirects still to go; every
-- other one is given as a path only, as servers do.
local function response(self, one, given, hops)
    if hops > 0 then
        local where = ("/hop/%d%s"):format(hops - 1, one.target)
        return redirect(hops % 2 == 0 and where or self.url .. where), {}
    elseif given.picture_location then
        return redirect(given.picture_location), {}
    end
    local wire = knobs.for_picture(given)
    local outgoing
    if wire.body then
        outgoing = answer.new(wire.status or 200, wire.body, "image/png")
    elseif (wire.status or 200) ~= 200 then
        outgoing = answer.new(wire.status, "<Error><Code>StandIn</Code></Error>", "application/xml")
    else
        local recipe = one.recipe
        outgoing = answer.new(200, picture.of(recipe).bytes, FORMATS[recipe.format] or "image/png")
    end
    return answer.dress(outgoing, wire), wire
end

-- The picture of a path and the hops in it, or nil and the status to refuse with.
local function find(self, path)
    local hops, rest = path:match("^/hop/(%d+)(/.*)$")
    path = rest or path
    local one = self.shelf[path:match("^/pictures/(%x+)%.png") or ""]
    if not one then
        return nil, 404
    elseif path ~= one.target then
        return nil, 403     -- the signature came back changed
    end
    return one, tonumber(hops)
end

function gallery:answer(request, stream)
    self.journal:add(request)
    if request.method ~= "GET" then
        local refusal = answer.refuse(405, "Pictures are for GET")
        refusal.bodyless = request.method == "HEAD"
        return faults.send(stream, refusal, {})
    end
    local one, hops = find(self, request.path)
    if not one then
        return faults.send(stream, answer.refuse(hops, "The link is not valid"), {})
    end
    if not hops then
        one.gets = one.gets + 1
    end
    local given = one.given
    if one.gets > (given.picture_times or math.huge) then
        given = {}
    end
    return faults.send(stream, response(self, one, given, hops or given.picture_redirects or 0))
end

return gallery
