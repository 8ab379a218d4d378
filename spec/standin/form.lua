-- Reads a multipart/form-data body, as strictly as RFC 7578 lets one.

local form = {}

local function head_of(text)
    local headers = {}
    for line in (text .. "\r\n"):gmatch "(.-)\r\n" do
        local name, value = line:match "^([%w-]+):%s*(.-)%s*$"
        if not name or headers[name:lower()] then
            return nil
        end
        headers[name:lower()] = value
    end
    return headers
end

-- The parts in their order, {name=, filename=, type=, body=} each; or nil and what is wrong.
function form.read(content_type, body)
    local boundary = content_type:match '^multipart/form%-data;%s*boundary="?([^";%s]+)"?%s*$'
    if not boundary then
        return nil, "content-type must be multipart/form-data with a boundary"
    end
    local mark, parts = "\r\n--" .. boundary, {}
    body = "\r\n" .. body
    local from, to = body:find(mark, 1, true)
    if from ~= 1 then
        return nil, "the form does not begin with its boundary"
    end
    while body:sub(to + 1, to + 2) == "\r\n" do
        local head_end, body_from = body:find("\r\n\r\n", to + 1, true)
        local next_from, next_to = body:find(mark, body_from or #body, true)
        local headers = next_from and head_of(body:sub(to + 3, head_end - 1))
        local name = headers and (headers["content-disposition"] or ""):match '^form%-data; name="([^"]*)"'
        if not name then
            return nil, "a part of the form is broken"
        end
        parts[#parts + 1] = {
            name = name, filename = headers["content-disposition"]:match '; filename="([^"]*)"$',
            type = headers["content-type"], body = body:sub(body_from + 1, next_from - 1),
        }
        to = next_to
    end
    if body:sub(to + 1) ~= "--\r\n" and body:sub(to + 1) ~= "--" then
        return nil, "the form has no end"
    end
    return parts
end

return form
