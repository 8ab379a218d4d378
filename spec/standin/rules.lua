-- Holds a request against the service's reference. Written from the reference alone and not from the core's catalogue
-- of models: two readings that agree are worth more than one.

local form = require "form"
local json = require "cjson".new()
local sides = require "sides"
json.decode_invalid_numbers(false)

local rules = {}

local SIZES = {["1024x1024"] = true, ["768x1360"] = true, ["896x1184"] = true, ["1360x768"] = true, ["1184x896"] = true}
local LONGEST = 512
local LARGEST = 4096

local function text(name, value)
    if type(value) ~= "string" then
        return name .. " must be a string"
    elseif utf8.len(value) > LONGEST then
        return ("%s must be at most %d characters, got %d"):format(name, LONGEST, utf8.len(value))
    end
end

local function integer(low, high)
    return function(name, value, written)
        if type(value) ~= "number" then
            return name .. " must be an integer"
        elseif not written:find("^%-?%d+$") then
            return ("%s must be an integer, got %s"):format(name, written)
        elseif value < low or value > high then
            return ("%s must be between %d and %d, got %s"):format(name, low, high, written)
        end
    end
end

local FIELDS = {
    model = function(_, value)
        if value ~= "step-image-edit-2" then
            return type(value) == "string" and ("model %q does not exist"):format(value) or "model must be a string"
        end
    end,
    prompt = text,
    negative_prompt = text,
    size = function(_, value)
        if type(value) ~= "string" or not SIZES[value] then
            return ("size %s is not supported"):format(tostring(value))
        end
    end,
    n = integer(1, 1),
    response_format = function(_, value)
        if value ~= "b64_json" and value ~= "url" then
            return "response_format must be b64_json or url"
        end
    end,
    seed = integer(0, 2147483647),
    steps = integer(1, 50),
    cfg_scale = function(_, value)
        if type(value) ~= "number" or not (value >= 1 and value <= 10) then
            return "cfg_scale must be between 1.0 and 10.0"
        end
    end,
    text_mode = function(_, value)
        if type(value) ~= "boolean" then
            return "text_mode must be a boolean"
        end
    end,
}

-- The key comes first, as with the service. Returns status, message, or nothing when all is well.
function rules.key(request, right)
    local key = (request.headers.authorization or ""):match("^Bearer (%S+)$")
    if not key or key:find("bad", 1, true) or right and key ~= right then
        return 401, "Incorrect API key provided"
    elseif key:find("broke", 1, true) then
        return 402, "Your balance is too low"
    end
end

-- The parameters as a table, or nil, status, message.
function rules.read(request)
    local kind = request.headers["content-type"] or ""
    if not kind:lower():find("^application/json%s*$") and not kind:lower():find("^application/json%s*;") then
        return nil, 400, "content-type must be application/json"
    elseif not utf8.len(request.body) then
        return nil, 400, "the body is not valid UTF-8"
    end
    local ok, params = pcall(json.decode, request.body)
    if not ok then
        return nil, 400, "the body is not valid JSON"
    elseif type(params) ~= "table" or not request.body:find("^%s*{") then
        return nil, 400, "the body is not a JSON object"
    end
    return params
end

local NUMBERS = {seed = true, steps = true, cfg_scale = true}
local BOOLEANS = {["true"] = true, ["false"] = false}

-- Of a picture to edit: the same from a form's texts, and the picture as params.image; or nil, status, message.
function rules.read_form(request)
    local parts, message = form.read(request.headers["content-type"] or "", request.body)
    if not parts then
        return nil, 400, message
    end
    local params = {}
    for _, part in ipairs(parts) do
        local name, given = part.name, part.body
        if params[name] ~= nil then
            return nil, 400, ("field %q is given twice"):format(name)
        elseif name == "image" then
            params.image = part
        elseif part.filename or part.type then
            return nil, 400, ("field %q must be text"):format(name)
        elseif not utf8.len(given) then
            return nil, 400, ("field %q is not valid UTF-8"):format(name)
        elseif NUMBERS[name] then
            params[name] = given:find "^%-?%d+%.?%d*$" and tonumber(given) or given
        elseif name == "text_mode" then
            params[name] = BOOLEANS[given] == nil and given or BOOLEANS[given]
        else
            params[name] = given
        end
        request.written = request.written or {}
        request.written[name] = given
    end
    return params
end

-- One picture, by its bytes, as large as is allowed, under a name, and called what it is.
local function check_image(image)
    if not image then
        return 'field "image" is required'
    end
    local kind, width, height = sides(image.body)
    if not kind then
        return "image is not a picture"
    elseif width > LARGEST or height > LARGEST then
        return ("image is larger than %d x %d"):format(LARGEST, LARGEST)
    elseif image.type ~= kind then
        return ("image is called %s, but is %s"):format(tostring(image.type), kind)
    elseif not image.filename or image.filename == "" then
        return "image has no file name"
    end
    image.width, image.height = width, height
end

function rules.check_form(request, params)
    local message = check_image(params.image)
    if message then
        return 400, message
    end
    for _, name in ipairs {"size", "n"} do
        if params[name] ~= nil then
            return 400, ("unknown field %q"):format(name)
        end
    end
    for _, name in ipairs {"model", "prompt"} do
        if params[name] == nil then
            return 400, ("field %q is required"):format(name)
        end
    end
    for name, value in pairs(params) do
        if name ~= "image" and not FIELDS[name] then
            return 400, ("unknown field %q"):format(name)
        end
        message = name ~= "image" and FIELDS[name](name, value, request.written[name])
        if message then
            return 400, message
        end
    end
end

-- Every `"name": value` of the body as it was written: the decoder knows no difference between 8 and 8.0, and keeps
-- silent about a name that comes twice. With the escapes gone, every quote left is a string's own, so that a string
-- followed by a colon is a name.
local function as_written(body)
    local written, twice = {}, nil
    for name, value in body:gsub("\\.", ""):gmatch('"([^"]*)"%s*:%s*([^,}%s]*)') do
        twice = twice or written[name] and name
        written[name] = value
    end
    return written, twice
end

function rules.check(request, params)
    local written, twice = as_written(request.body)
    if request.body:find("[\0-\8\11\12\14-\31]") then
        return 400, "the body has control characters in it"
    elseif twice then
        return 400, ("field %q is given twice"):format(twice)
    end
    for name in pairs(params) do
        if not FIELDS[name] then
            return 400, ("unknown field %q"):format(name)
        end
    end
    for _, name in ipairs {"model", "prompt"} do
        if params[name] == nil then
            return 400, ("field %q is required"):format(name)
        end
    end
    for name, rule in pairs(FIELDS) do
        if params[name] ~= nil then
            local message = rule(name, params[name], written[name] or "")
            if message then
                return 400, message
            end
        end
    end
end

return rules
