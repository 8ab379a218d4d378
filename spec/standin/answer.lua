-- An answer of the stand-in on its way out: a status, headers, and a body kept as a list of strings, so that the
-- megabytes of a picture are shared between answers and never copied to be joined.

local json = require "cjson".new()

local answer = {}

local TYPES = {
    [400] = "invalid_request_error", [401] = "invalid_api_key", [402] = "insufficient_balance",
    [403] = "permission_denied", [404] = "not_found", [405] = "method_not_allowed", [429] = "rate_limit_exceeded",
    [451] = "content_moderation", [500] = "server_error", [502] = "bad_gateway", [503] = "service_unavailable",
    [504] = "gateway_timeout",
}

local MESSAGES = {
    [401] = "Incorrect API key provided", [402] = "Your balance is too low", [404] = "No such path",
    [429] = "Too many requests, please wait", [451] = "The request did not pass moderation",
    [500] = "Something went wrong on our side", [503] = "The engine is overloaded, please try again later",
}

-- A reader of small parts would get a packet for each.
local SMALL = 4096

local function joined(parts)
    local list, few = {}, {}
    for _, part in ipairs(parts) do
        if #part < SMALL then
            few[#few + 1] = part
        else
            list[#list + 1], few = table.concat(few), {}
            list[#list + 1] = part
        end
    end
    list[#list + 1] = table.concat(few)
    return list
end

function answer.new(status, body, content_type)
    local self = {status = status, headers = {}, body = joined(type(body) == "table" and body or {body})}
    self.headers["x-request-id"] = ("standin-%08x%08x"):format(math.random(0, 0xffffffff), math.random(0, 0xffffffff))
    self.headers["content-type"] = content_type or "application/json"
    return self
end

-- An error as the service words it.
function answer.refuse(status, message, kind)
    return answer.new(status, json.encode {error = {
        message = message or MESSAGES[status] or ("The stand-in was asked to answer %d"):format(status),
        type = kind or TYPES[status] or "error",
    }})
end

-- The headers a spec asked for; null takes one away.
function answer.dress(self, wire)
    self.headers["content-type"] = wire.content_type or self.headers["content-type"]
    for name, value in pairs(wire.headers or {}) do
        self.headers[name:lower()] = value ~= json.null and tostring(value) or nil
    end
    return self
end

function answer.length(self)
    local total = 0
    for _, part in ipairs(self.body) do
        total = total + #part
    end
    return total
end

-- Walks the first `limit` bytes of the body in pieces of at most `size`.
function answer.pieces(self, size, limit)
    local part, from, left = 1, 1, limit
    return function()
        local text = self.body[part]
        while text and from > #text do
            part, from = part + 1, 1
            text = self.body[part]
        end
        if not text or left <= 0 then
            return nil
        end
        local piece = text:sub(from, from + math.min(size, left) - 1)
        from, left = from + #piece, left - #piece
        return piece
    end
end

return answer
