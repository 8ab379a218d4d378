-- Paints the stand-in's pictures: a PNG of exactly the asked size whose pattern depends on prompt and seed.
-- A server of one thread must not spend its time on art, so no pixel is ever computed: every row is a slice of one of
-- a few long strips, with a disc of slices of another.

local zlib = require "zlib"
local cipher = require "openssl.cipher"

local painter = {}

local STRIPS = 32     -- enough that neighbouring rows differ by a hair only
local BLOCK = 4       -- equal pixels side by side, which is less work and not seen at these sizes
local SWAY = 48       -- how far a strip slides sideways, in blocks
local SIGNATURE = "\137PNG\r\n\26\n"

-- FNV-1a, so that equal requests give equal pictures on every machine (math.random promises no such thing).
local function hash(text)
    local h = 0xcbf29ce484222325
    for i = 1, #text do
        h = (h ~ text:byte(i)) * 0x100000001b3
    end
    return h
end

local function dice(text)
    local state = hash(text) | 1
    local function roll(low, high)
        state = state ~ (state << 13)
        state = state ~ (state >> 7)
        state = state ~ (state << 17)
        return low + (high - low) * ((state >> 11) * 2.0 ^ -53)
    end
    for _ = 1, 8 do
        roll(0, 1)      -- texts that differ in their last letter start out alike
    end
    return roll
end

local function chunk(name, data)
    local body = name .. data
    return string.pack(">I4", #data) .. body .. string.pack(">I4", zlib.crc32()(body) // 1 | 0)
end

local function channel(value)
    return math.max(0, math.min(255, math.floor(value + 0.5)))
end

-- 256 colours along a cosine through the colour space, a block of each.
local function palette(roll, light)
    local hue, spread = roll(0, 1), roll(0.25, 0.45)
    local colours = {}
    for i = 0, 255 do
        local t = i / 255
        local rgb = {}
        for c = 1, 3 do
            local wave = math.cos(2 * math.pi * (hue + spread * t + (c - 1) * 0.31))
            rgb[c] = channel((0.5 + 0.38 * wave) * 255 * (light + (1 - light) * t))
        end
        colours[i] = string.char(table.unpack(rgb)):rep(BLOCK)
    end
    return colours
end

local function strips(roll, colours, blocks)
    local f1, f2 = roll(1.2, 2.2), roll(2.6, 4.4)
    local sin, step = math.sin, 2 * math.pi / blocks
    -- Made when first asked for: the disc shows a few of its strips only.
    return setmetatable({}, {__index = function(made, k)
        local phase = 2 * math.pi * k / STRIPS
        local strip = {}
        for x = 1, blocks do
            local t = step * x
            strip[x] = colours[(127.5 + 79 * sin(f1 * t + phase) + 48 * sin(f2 * t - phase)) // 1 | 0]
        end
        made[k] = table.concat(strip)
        return made[k]
    end})
end

local function rows(width, height, text)
    local roll = dice(text)
    local blocks = (width + BLOCK - 1) // BLOCK + 2 * SWAY
    local ground = strips(roll, palette(roll, 0.55), blocks)
    local figure = strips(roll, palette(roll, 0.9), blocks)
    local turn, sway, waves = roll(0.5, 1.1), roll(0.3, 1), roll(0.6, 1.6)
    local radius = math.min(width, height) * roll(0.18, 0.3)
    local cx = width * roll(0.3, 0.7)
    local cy = height * roll(0.35, 0.6)
    local made = {}
    for y = 0, height - 1 do
        local t = y / height
        local slide = (SWAY * (1 + sway * math.sin(2 * math.pi * waves * t))) // 1 | 0
        local k = (STRIPS * turn * t) // 1 % STRIPS | 0
        local from = slide * BLOCK * 3
        local row = ground[k]:sub(from + 1, from + width * 3)
        local dy = y + 0.5 - cy
        if math.abs(dy) < radius then
            local half = math.sqrt(radius * radius - dy * dy)
            local left = math.max(0, (cx - half) // 1 | 0)
            local right = math.min(width, (cx + half) // 1 | 0)
            local other = figure[(STRIPS - 1) - k]
            row = row:sub(1, left * 3) .. other:sub(from + left * 3 + 1, from + right * 3) .. row:sub(right * 3 + 1)
        end
        made[y + 1] = "\0" .. row
    end
    return table.concat(made)
end

-- What no compressor can shrink, yet the same for the same text.
function painter.noise(size, text)
    local key = string.pack("<I8I8", hash(text), hash("key" .. text))
    return cipher.new("aes-128-ctr"):encrypt(key, ("\0"):rep(16)):final(("\0"):rep(size))
end

-- One colour and no pattern, for files that are to be small.
local function flat(width, height, text)
    local row = "\0" .. string.pack("<I8", hash(text)):sub(1, 3):rep(width)
    return row:rep(height)
end

local function compressed(level, raw)
    return chunk("IDAT", (zlib.deflate(level)(raw, "finish")))
end

-- `size`, if given, is how many bytes the file is to have. It is made up by a private, ancillary chunk, which every
-- decoder skips; a file that cannot be as small as that is as small as it can be.
function painter.paint(width, height, text, size)
    local head = SIGNATURE .. chunk("IHDR", string.pack(">I4I4BBBBB", width, height, 8, 2, 0, 0, 0))
    local tail = chunk("IEND", "")
    local data = compressed(1, rows(width, height, text))
    if not size then
        return head .. data .. tail
    end
    local frame = #head + #tail + #chunk("stIn", "")
    if frame + #data > size then
        data = compressed(9, flat(width, height, text))
    end
    local room = size - frame - #data
    return head .. (room >= 0 and chunk("stIn", painter.noise(room, text)) or "") .. data .. tail
end

return painter
