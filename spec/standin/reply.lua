-- The JSON of a success, in the many shapes JSON writers give the same thing, and in the shapes a client must refuse.
-- It is put together by hand: which character stands where is the point here.

local picture = require "picture"

local reply = {}

-- A value is a list of strings, so that a picture's text is never copied. Members are {name, value} in their order.
local function append(list, value)
    if type(value) == "table" then
        table.move(value, 1, #value, #list + 1, list)
    else
        list[#list + 1] = value
    end
end

local function gap(spaced)
    return spaced and " \r\n\t " or ""
end

local function object(members, spaced)
    local list = {"{"}
    for i, member in ipairs(members) do
        append(list, (i > 1 and "," or "") .. gap(spaced) .. '"' .. member[1] .. '"')
        append(list, gap(spaced) .. ":" .. gap(spaced))
        append(list, member[2])
        append(list, gap(spaced))
    end
    append(list, "}")
    return list
end

local function array(values, spaced)
    local list = {"[" .. gap(spaced)}
    for i, value in ipairs(values) do
        append(list, i > 1 and gap(spaced) .. "," .. gap(spaced) or "")
        append(list, value)
    end
    append(list, gap(spaced) .. "]")
    return list
end

local function quoted(text)
    return {'"', text, '"'}
end

local function reversed(list)
    local other = {}
    for i = #list, 1, -1 do
        other[#other + 1] = list[i]
    end
    return other
end

-- Traps for a scanner that looks for names but not for where they stand.
local TRAPS = {
    top = {
        {"object", '"list"'},
        {"note", [["not this one: {\"data\":[{\"b64_json\":\"AAAA\",\"url\":\"http:\/\/127.0.0.1:9\/\"}]} \\"]]},
        {"b64_json", '"QUFB"'},
        {"url", '"http://127.0.0.1:9/top"'},
        {"usage", '{"data":[{"b64_json":"QkJC","url":"http://127.0.0.1:9/nested"}]}'},
        {"list", '[1,-2.5e3,[true,{"data":[]}],null]'},
        {"Data", '[{"b64_json":"Q0ND"}]'},
    },
    item = {
        {"revised_prompt", [["a \"b64_json\":\"AAAA\" and \u4e2d\ud83d\ude00 ]}"]]},
        {"meta", '{"b64_json":"RERE","data":[{"b64_json":"RUVF"}]}'},
        {"tags", '["b64_json","url",{"b64_json":"RkZG"}]'},
    },
}

-- The member that carries the picture, or nil.
local function carried(field, text, how)
    if how == "missing" or how == "filtered" then
        return nil
    elseif how == "null" then
        return {field, "null"}
    elseif how == "empty" then
        return {field, '""'}
    elseif how == "number" then
        return {field, "42"}
    end
    return {field, quoted(text)}
end

local function item(seed, field, text, given)
    local how = given.picture
    local filtered = how == "filtered" or how == "filtered_with"
    local members = {
        {"seed", ("%d"):format(seed)},
        {"finish_reason", filtered and '"content_filtered"' or '"success"'},
    }
    if given.extra then
        table.move(TRAPS.item, 1, #TRAPS.item, #members + 1, members)
    end
    members[#members + 1] = carried(field, text, how)
    if given.order == "reverse" then
        members = reversed(members)
    end
    return object(members, given.space)
end

-- `field` is b64_json or url; `text` is what stands there, unescaped for a url, ready for base64.
function reply.success(id, seed, field, text, given)
    if field == "url" then
        text = picture.escape(text, given.escape)
    end
    local members = {{"id", quoted(id)}, {"created", ("%d"):format(os.time())}}
    if given.extra then
        table.move(TRAPS.top, 1, #TRAPS.top, #members + 1, members)
    end
    local how = given.picture
    if how == "empty_data" then
        members[#members + 1] = {"data", array({}, given.space)}
    elseif how ~= "no_data" then
        local items = {item(seed, field, text, given)}
        if how == "two" then
            items[2] = item(seed + 1, field, text, given)
        end
        members[#members + 1] = {"data", array(items, given.space)}
    end
    if given.order == "reverse" then
        members = reversed(members)
    end
    local list = object(members, given.space)
    if given.space then
        table.insert(list, 1, gap(true))
        append(list, "\n\n")
    end
    return list
end

return reply
