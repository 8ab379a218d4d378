-- The picture of a request, as bytes and as the text that goes into the answer. The last few are kept, because specs
-- and benchmarks ask for the same ones over and over.

local mime = require "mime"
local painter = require "painter"
local samples = require "samples"

local picture = {}

local KEPT = 6
local kept = {}

local function make(recipe)
    local size, text = recipe.bytes, recipe.text
    if recipe.format == "unknown" then
        -- The first byte is that of no picture format.
        return "\1" .. painter.noise(math.max(0, (size or 1000) - 1), text)
    elseif recipe.format then
        local sample = samples[recipe.format]
        return sample .. painter.noise(math.max(0, (size or 0) - #sample), text)
    end
    return painter.paint(recipe.width, recipe.height, text, size)
end

local ESCAPES = {
    slash = function(text) return (text:gsub("/", "\\/")) end,
    unicode = function(text) return (text:gsub("[/+&]", {["/"] = "\\/", ["+"] = "\\u002B", ["&"] = "\\u0026"})) end,
    all = function(text)
        local escaped = {}
        for byte = 0, 255 do
            escaped[string.char(byte)] = ("\\u%04X"):format(byte)
        end
        return (text:gsub(".", escaped))
    end,
}

local SPOILED = {
    bad_char = function(text)
        local middle = #text // 2
        return text:sub(1, middle) .. "*" .. text:sub(middle + 2)
    end,
    no_padding = function(text) return (text:gsub("=+$", "")) end,
    truncated = function(text) return text:sub(1, #text // 8 * 4 + 1) end,
    url_safe = function(text) return (text:gsub("[+/]", {["+"] = "-", ["/"] = "_"})) end,
}

-- As a JSON writer would put `text`, which has nothing in it that must be escaped.
function picture.escape(text, how)
    return how and ESCAPES[how](text) or text
end

local function text_of(self, spoiled, escape)
    local name = (spoiled or "") .. "/" .. (escape or "")
    if not self.texts[name] then
        local bytes = self.bytes
        if spoiled == "no_padding" and #bytes % 3 == 0 then
            bytes = bytes .. "\0"   -- there is no padding to leave out otherwise
        end
        local text = mime.b64(bytes)
        if spoiled then
            text = SPOILED[spoiled](text)
        end
        self.texts[name] = picture.escape(text, escape)
    end
    return self.texts[name]
end

-- `recipe`: width, height, text (what the pattern depends on), and maybe bytes and format.
function picture.of(recipe)
    local name = table.concat({recipe.width, recipe.height, recipe.bytes or "", recipe.format or "", recipe.text}, "|")
    for i, one in ipairs(kept) do
        if one.name == name then
            table.insert(kept, 1, table.remove(kept, i))
            return one
        end
    end
    local one = {name = name, bytes = make(recipe), texts = {}, text = text_of}
    table.insert(kept, 1, one)
    kept[KEPT + 1] = nil
    return one
end

return picture
