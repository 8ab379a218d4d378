-- The knobs by which a spec makes the stand-in misbehave: their names and types, and where a request carries them.
-- A name or value that does not exist is refused, or a slip in a spec would look like a passing test.

local json = require "cjson".new()

local knobs = {}
knobs.__index = knobs

local function of(kind)
    return function(value)
        return type(value) == kind
    end
end

local function whole(low, high)
    return function(value)
        return type(value) == "number" and value % 1 == 0 and value >= low and value <= high
    end
end

local function one_of(...)
    local choices = {}
    for _, choice in ipairs {...} do
        choices[choice] = true
    end
    return function(value)
        return choices[value] ~= nil
    end
end

local function seconds(value)
    return type(value) == "number" and value >= 0
end

local text, yes, object = of "string", of "boolean", of "table"
local bytes = whole(0, 2 ^ 31)
local stage = one_of("request", "headers", "body")

-- How an answer goes over the wire; each also with `picture_` before it, for the download of a `url`.
local WIRE = {
    status = whole(200, 599), body = text, content_type = text, headers = object, delay = seconds,
    cut = stage, stall = stage, cut_at = bytes, rst = yes, piece = whole(1, 2 ^ 31), pace = seconds, chunked = yes,
    content_length = bytes, until_close = yes,
}

local KNOBS = {
    id = function(value) return type(value) == "string" or type(value) == "number" end,
    times = whole(0, 2 ^ 31),
    escape = one_of("slash", "unicode", "all"),
    order = one_of("reverse"),
    space = yes, extra = yes,
    picture = one_of("missing", "null", "filtered", "filtered_with", "empty", "number", "two", "no_data", "empty_data"),
    base64 = one_of("bad_char", "no_padding", "truncated", "url_safe"),
    format = one_of("jpeg", "gif", "webp", "unknown"),
    bytes = bytes, json = text,
    url = text, picture_redirects = whole(0, 100), picture_location = text, picture_times = whole(0, 2 ^ 31),
}
for name, check in pairs(WIRE) do
    KNOBS[name] = check
    KNOBS["picture_" .. name] = check
end

local function parse(written)
    local ok, given = pcall(json.decode, written)
    if not ok or type(given) ~= "table" then
        return nil, "stand-in: the knobs are not a JSON object: " .. written
    end
    for name, value in pairs(given) do
        if not KNOBS[name] then
            return nil, ("stand-in: no knob is called %q"):format(name)
        elseif not KNOBS[name](value) then
            return nil, ("stand-in: knob %q cannot be %s"):format(name, json.encode {value}:sub(2, -2))
        end
    end
    return given
end

-- The JSON object that a prompt begins with, and the prompt proper behind it. A brace inside a string is no brace.
local function split(prompt)
    local depth, at = 0, 1
    while at <= #prompt do
        local char = prompt:sub(at, at)
        if char == '"' then
            at = at + 1
            while at <= #prompt and prompt:sub(at, at) ~= '"' do
                at = at + (prompt:sub(at, at) == "\\" and 2 or 1)
            end
        elseif char == "{" then
            depth = depth + 1
        elseif char == "}" then
            depth = depth - 1
            if depth == 0 then
                return prompt:sub(1, at), (prompt:sub(at + 1):gsub("^%s+", ""))
            end
        end
        at = at + 1
    end
    return prompt, ""
end

-- The knobs of a request, from its header and from its prompt, which wins; and the prompt without them. A person's
-- prompt may begin with a brace as well, so only one that looks like JSON is taken for knobs.
function knobs.of(request, prompt)
    local found = {}
    local header = request.headers["x-standin"]
    if header then
        local given, message = parse(header)
        if not given then
            return nil, message
        end
        found = given
    end
    if type(prompt) == "string" and prompt:find('^{%s*["}]') then
        local written, rest = split(prompt)
        local given, message = parse(written)
        if not given then
            return nil, message
        end
        for name, value in pairs(given) do
            found[name] = value
        end
        prompt = rest
    end
    if found.times and not found.id then
        return nil, 'stand-in: knob "times" needs an "id" to count by'
    end
    return found, prompt
end

-- The wire knobs for the download of a picture, under their plain names. Where to break a body is enough to say that
-- it is to break.
function knobs.for_picture(given)
    local found = {}
    for name in pairs(WIRE) do
        found[name] = given["picture_" .. name]
    end
    if found.cut_at and not found.stall then
        found.cut = found.cut or "body"
    end
    return found
end

-- True when the knobs ask for a raw answer in place of a picture.
function knobs.is_raw(given)
    return given.json ~= nil or given.body ~= nil or (given.status or 200) ~= 200
end

return knobs
