-- How wide and how high a picture is, read from its bytes: PNG, GIF, JPEG, WebP. Nil for what is none.

local function jpeg(bytes)
    local at = 3
    while at + 9 <= #bytes do
        local mark, kind, length = (">I1I1I2"):unpack(bytes, at)
        if mark ~= 0xff then
            return nil
        elseif kind >= 0xc0 and kind <= 0xcf and kind ~= 0xc4 and kind ~= 0xc8 and kind ~= 0xcc then
            local height, width = (">I2I2"):unpack(bytes, at + 5)
            return "image/jpeg", width, height
        end
        at = at + 2 + length
    end
end

local function webp(bytes)
    local kind = bytes:sub(13, 16)
    if kind == "VP8X" then
        local width, height = ("<I3I3"):unpack(bytes, 25)
        return "image/webp", width + 1, height + 1
    elseif kind == "VP8L" then
        local bits = ("<I4"):unpack(bytes, 22)
        return "image/webp", (bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1
    end
    local width, height = ("<I2I2"):unpack(bytes, 27)
    return "image/webp", width & 0x3fff, height & 0x3fff
end

-- Media type, width, height.
return function(bytes)
    if bytes:find("^\x89PNG\r\n\x1a\n") and #bytes >= 24 then
        return "image/png", (">I4I4"):unpack(bytes, 17)
    elseif bytes:find("^GIF8[79]a") and #bytes >= 10 then
        return "image/gif", ("<I2I2"):unpack(bytes, 7)
    elseif bytes:find("^\xff\xd8\xff") then
        return jpeg(bytes)
    elseif bytes:find("^RIFF....WEBPVP8") and #bytes >= 30 then
        return webp(bytes)
    end
end
