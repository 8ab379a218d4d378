-- A server whose HTTP is right and whose answers are wrong: every status, every broken JSON, base64 and picture, raw.

local hostile = require "spec.support.hostile"
local mime = require "mime"
local support = require "spec.support"

local PIXEL, BODY, whole = hostile.PIXEL, hostile.BODY, hostile.whole
local BYTES = mime.unb64(PIXEL)
local BILLED = "; the picture may have been made and billed all the same"

local server

local function setup_server()
  server = hostile.start()
end

local function stop_server()
  server:stop()
end

-- What becomes of one answer, and of the place's counts.
local function outcome(text, options)
  local attack <close> = server:attack({{request = true}, {send = text}}, options)
  local result, err = attack:wait()
  local connections, posts = attack.place:count()
  return result, err, posts, connections
end

-- The answer was refused as none: after one request, for a reason that is a short sentence.
local function refused(text, says)
  local result, err, posts = outcome(text)
  err = support.failure(result, err)
  assert.same({"protocol", 200, true, 1, 1}, {err.kind, err.status, err.maybe_billed, err.attempts, posts})
  assert.equal(BILLED, err.message:sub(-#BILLED))
  assert.matches(says, err.message)
  assert.is_true(#err.message > 20 + #BILLED and #err.message < 300)
  assert.is_nil(err.message:find "%c")
end

local function taken(text)
  local result, err, posts = outcome(text)
  assert.is_truthy(result, tostring(err))
  assert.equal(1, posts)
  return result
end

-- The good body with something else in one place. Neither is a pattern.
local function with(old, new)
  local first, last = assert(BODY:find(old, 1, true))
  return BODY:sub(1, first - 1) .. new .. BODY:sub(last + 1)
end

-- --------------------------------------------------------------------------------------------------------- statuses --

-- From the service's table of errors and the contract's kinds. What is not named: below 300 an answer that nobody
-- promised, then a redirect, which the POST does not follow; "any other 4xx"; and 5xx.
local KINDS = {[401] = "auth", [402] = "billing", [403] = "auth", [429] = "rate_limit", [451] = "moderation"}
-- "Has itself refused or failed the request": it is not billed.
local FAILED = {[500] = true, [503] = true}

local function expected(status)
  local class = status // 100
  local kind = KINDS[status] or class == 4 and "request" or class == 5 and "server" or "protocol"
  return kind, (class == 2 or class == 5 and not FAILED[status]) or nil
end

describe("Every status from 201 to 599", function()
  lazy_setup(setup_server)
  lazy_teardown(stop_server)

  for class = 2, 5 do
    it(("has its kind, tells of the bill, and is asked for once: %dxx"):format(class), function()
      for status = math.max(201, class * 100), class * 100 + 99 do
        local result, err, posts, connections = outcome(whole("", nil, status .. " So it is"))
        err = support.failure(result, err)
        local kind, billed = expected(status)
        assert.fields({kind = kind, maybe_billed = billed or support.ABSENT, status = status, attempts = 1}, err)
        assert.same({1, 1}, {connections, posts}, "status " .. status)
        assert.matches(("HTTP %d"):format(status), err.message, 1, true)
        assert.is_true(#err.message > 20)
      end
    end)
  end

  it("wins over a body that says otherwise", function()
    local _, err = outcome(whole(BODY, nil, "402 Payment Required"))
    assert.fields({kind = "billing", status = 402}, err)
    local result
    result, err = outcome(whole '{"error":{"message":"the quota is used up","type":"quota"}}')
    err = support.failure(result, err)
    assert.fields({kind = "protocol", status = 200, type = "quota"}, err)
    assert.matches("holds no picture.*; the service says: the quota is used up$", err.message)
  end)

  it("wins over a length that nobody wants", function()
    for _, length in ipairs {"68719476736", "9223372036854775807"} do
      local text = ("HTTP/1.1 402 Payment Required\r\ncontent-length: %s\r\n\r\n{"):format(length)
      local attack <close> = server:attack({{request = true}, {send = text}, {close = true}})
      local err = support.failure(attack:wait())
      assert.same({"billing", 402}, {err.kind, err.status}, tostring(err))
      assert.is_nil(err.maybe_billed)
    end
  end)

  it("keeps the service's words from doing harm to a terminal", function()
    local words = [[{"error":{"message":"a\u001b[2Jb\r\nc\u0000d\u007fe","type":"t"}}]]
    local _, err = outcome(whole(words, nil, "400 Bad"))
    assert.matches("the service says: a%?%[2Jb%?%?c%?d%?e$", err.message)
  end)
end)

-- ------------------------------------------------------------------------------------------------------ Retry-After --

describe("A Retry-After", function()
  lazy_setup(setup_server)
  lazy_teardown(stop_server)

  -- value, seconds that the error tells; nil: it is of no use
  for _, case in ipairs {
    {"-5"}, {"0"}, {""}, {"soon"}, {"seven"}, {"99999999999999999999999"}, {("9"):rep(5000)}, {"\xff\xfe"},
    {"Thu, 01 Jan 1970 00:00:00 GMT"}, {"Sun, 06 Nov 1994 08:49:37 GMT"}, {"Thu, 99 Zzz 2020 99:99:99 GMT"},
    {"Fri, 31 Dec 9999 23:59:59 GMT"}, {"86401"}, {"2147483648"}, {"9223372036854775807"}, {"1e3"}, {"0x10"},
    {"3600", 3600}, {" 7 ", 7}, {"1.5", 1.5}, {"86400", 86400},
  } do
    local value, seconds = case[1], case[2]
    local shown = #value > 40 and value:sub(1, 10) .. "…" or value:gsub("[^ -~]", "?")

    it(("of %q is %s"):format(shown, seconds and "told, and not slept through" or "ignored"), function()
      local lines = ("retry-after: %s\r\n"):format(value)
      for _, status in ipairs {400, 429, 503} do
        local _, err, posts = outcome(whole("{}", lines, status .. " No"))
        assert.equal(1, posts)
        if seconds then
          assert.equal(seconds, err.retry_after)
        else
          assert.is_nil(err.retry_after)
        end
      end
      if not seconds or seconds > 600 then -- repeated soon, or not at all
        local result, err, posts = outcome(whole("{}", lines, "503 No"), {retries = 1})
        assert.equal(seconds == nil, result ~= nil)
        assert.same(seconds and {1, 1} or {2, 2}, {posts, (result or err).attempts})
      end
    end)
  end

  it("that is a date counts by the server's own clock", function()
    for _, ahead in ipairs {-40 * 365 * 86400, -7200, 7200, 40 * 365 * 86400} do
      local now = os.time() + ahead
      local function at(moment)
        return os.date("!%a, %d %b %Y %H:%M:%S GMT", moment)
      end
      for _, lines in ipairs {"retry-after: WAIT\r\ndate: NOW\r\n", "Date: NOW\r\nRetry-After: WAIT\r\n"} do
        lines = lines:gsub("WAIT", at(now + 90)):gsub("NOW", at(now))
        local _, err = outcome(whole("{}", lines, "503 No"))
        assert.equal(90, err.retry_after)
      end
    end
  end)

  it("in milliseconds counts first", function()
    local _, err = outcome(whole("{}", "retry-after-ms: 1250\r\nretry-after: 2\r\n", "503 No"))
    assert.equal(1.25, err.retry_after)
    _, err = outcome(whole("{}", "retry-after-ms: soon\r\nretry-after: 2\r\n", "503 No"))
    assert.equal(2, err.retry_after)
  end)

  it("of an interim answer is not the answer's", function()
    local _, err = outcome("HTTP/1.1 103 Early Hints\r\nretry-after: 7\r\n\r\n" .. whole("{}", "", "503 No"))
    assert.is_nil(err.retry_after)
  end)

  it("a thousand times over is one", function()
    local _, err = outcome(whole("{}", ("retry-after: 7\r\n"):rep(1000), "503 No"))
    assert.equal(7, err.retry_after)
  end)
end)

-- ------------------------------------------------------------------------------------------------------------- JSON --

local ENTRY = ('{"b64_json":"%s"}'):format(PIXEL)

local function utf(text, before, after)
  return (text:gsub(".", function(c) return before .. c .. after end))
end

-- What is no JSON, or not the JSON of a picture; and what the error says of it.
local BROKEN = {
  {"is HTML", "<!DOCTYPE html><title>Welcome to our hotel</title>", '127.0.0.1 .*object but "<!DOCTYPE html>'},
  {"is the picture itself", BYTES, "JSON object but \".PNG"},
  {"is empty", "", "empty answer"},
  {"is a blank", " ", "JSON object but"},
  {"is blanks", (" \t\r\n"):rep(1000), "JSON object but"},
  {"is a NUL", "\0", "JSON object but"},
  {"is null", "null", "JSON object but \"null\""},
  {"is true", "true", "JSON object"},
  {"is a number", "42", "JSON object"},
  {"is a string", '"' .. PIXEL .. '"', "JSON object"},
  {"is a list", "[" .. BODY .. "]", "JSON object"},
  {"is a quote", '"', "JSON object"},
  {"is a minus", "-", "JSON object"},
  {"is an open brace", "{", "not the JSON"},
  {"is an event stream", "data: " .. BODY .. "\n\n", "JSON object but \"data: "},
  {"is a call of JavaScript", "callback(" .. BODY .. ")", "JSON object but \"callback%("},
  {"has a guard before it", ")]}',\n" .. BODY, "JSON object"},
  {"has a comment before it", "/* */" .. BODY, "JSON object"},
  {"has a comment in it", with(",", ", // so\n"), "not the JSON"},
  {"has single quotes", (BODY:gsub('"', "'")), "not the JSON"},
  {"has a key without quotes", with('"id"', "id"), "not the JSON"},
  {"has no colon", with('"id":', '"id" '), "not the JSON"},
  {"has two colons", with('"id":', '"id"::'), "not the JSON"},
  {"has no comma", with(",", " "), "not the JSON"},
  {"has two commas", with(",", ",,"), "not the JSON"},
  {"has a comma at its end", BODY:sub(1, -2) .. ",}", "not the JSON"},
  {"ends too early", BODY:sub(1, -2), "not the JSON"},
  {"ends within a string", BODY:sub(1, -10), "not the JSON"},
  {"ends within an escape", '{"data":[{"b64_json":"AAAA\\', "not the JSON"},
  {"ends within \\u", '{"data":[{"b64_json":"AAAA\\u00', "not the JSON"},
  {"closes the wrong bracket", BODY:sub(1, -3) .. "}]", "not the JSON"},
  {"closes more than it opened", ("]"):rep(100000), "JSON object"},
  {"has garbage behind it", BODY .. "x", "not the JSON"},
  {"comes twice", BODY .. BODY, "not the JSON"},
  {"has a megabyte of text beside its picture", with("{", '{"x":"' .. ("k"):rep(2 ^ 20) .. '",'), "256 KiB"},
  {"has a key of a megabyte", with("{", '{"' .. ("k"):rep(2 ^ 20) .. '":1,'), "256 KiB"},
  {"has the same key 100000 times", with("{", "{" .. ('"k":1,'):rep(100000)), "256 KiB"},
  {"has a million numbers beside its picture", with("{", '{"x":[1' .. (",1"):rep(10 ^ 6) .. "],"), "256 KiB"},
  {"has a million numbers behind its picture", BODY:sub(1, -2) .. ',"x":[1' .. (",1"):rep(10 ^ 6) .. "]}", "256 KiB"},
  {"is nested too deeply", '{"x":' .. ("["):rep(1001) .. ("]"):rep(1001) .. "," .. BODY:sub(2), "nested"},
  {"is nested too deeply behind the picture", BODY:sub(1, -2) .. ',"x":' .. ("["):rep(1000000), "nested"},
  {"is nothing but nesting", ('{"a":'):rep(100000), "nested"},
  {"has a NUL between its parts", with(",", ",\0"), "not the JSON"},
  {"has a NUL in a string", with('"1"', '"a\0b"'), "not the JSON"},
  {"has an unknown escape", with('"1"', [["\x41"]]), "not the JSON"},
  {"has half an escape", with('"1"', [["\u12"]]), "not the JSON"},
  {"has a number with two points", with("1589478378", "1.2.3"), "not the JSON"},
  {"has a number with two signs", with("1589478378", "--1"), "not the JSON"},
  {"has a word of another language", with("1589478378", "undefined"), "not the JSON"},
  {"is UTF-16, little end first", utf(BODY, "", "\0"), "."},
  {"is UTF-16, big end first", utf(BODY, "\0", ""), "."},
  {"is UTF-16 and says so", "\xff\xfe" .. utf(BODY, "", "\0"), "."},
  {"is UTF-32", utf(BODY, "", "\0\0\0"), "."},
  -- It is JSON, and there is no picture where one belongs.
  {"has no data", '{"id":"1"}', "holds no picture"},
  {"has data that is null", '{"data":null}', "holds no picture"},
  {"has data that is empty", '{"data":[]}', "holds no picture"},
  {"has data in capitals", '{"DATA":[' .. ENTRY .. "]}", "holds no picture"},
  {"has a picture that is data", '{"data":"' .. PIXEL .. '"}', "holds no picture"},
  {"has a picture that is in no list", '{"data":' .. ENTRY .. "}", "holds no picture"},
  {"has a picture in a list too many", '{"data":[[' .. ENTRY .. "]]}", "holds no picture"},
  {"has a picture in an object too many", '{"data":[{"x":' .. ENTRY .. "}]}", "holds no picture"},
  {"has a picture at its top", ENTRY, "holds no picture"},
  {"has a picture in a list of another name", '{"images":[' .. ENTRY .. "]}", "holds no picture"},
  {"has a picture of another name", '{"data":[{"image":"' .. PIXEL .. '"}]}', "holds no picture"},
  {"has a picture that is a number", '{"data":[{"b64_json":12}]}', "holds no picture"},
  {"has a picture that is true", '{"data":[{"b64_json":true}]}', "holds no picture"},
  {"has a picture that is a list", '{"data":[{"b64_json":["' .. PIXEL .. '"]}]}', "holds no picture"},
  {"has a picture that is an object", '{"data":[{"b64_json":{"x":"' .. PIXEL .. '"}}]}', "holds no picture"},
  {"has a link that is a number", '{"data":[{"url":12}]}', "holds no picture"},
  {"has null before its picture", '{"data":[null,' .. ENTRY .. "]}", "no picture"},
  {"has a text behind its picture", '{"data":[' .. ENTRY .. ',"x"]}', "no picture"},
  {"has an empty object behind its picture", '{"data":[' .. ENTRY .. ",{}]}", "holds no picture"},
  {"has two pictures in one place", ('{"data":[{"b64_json":"%s","b64_json":"%s"}]}'):format(PIXEL, PIXEL),
    "two pictures in one place"},
  {"has its data twice", ('{"data":[%s],"data":[%s]}'):format(ENTRY, ENTRY), "two pictures in one place"},
  {"takes its data back", ('{"data":[%s],"data":[]}'):format(ENTRY), "holds no picture"},
  {"has 17 pictures", '{"data":[' .. ENTRY .. ("," .. ENTRY):rep(16) .. "]}", "more pictures than"},
  {"has 100000 that were filtered", '{"data":[{}' .. (',{"finish_reason":"content_filtered"}'):rep(99999) .. "]}",
    "more pictures than"},
}

-- Odd, but the picture is there, and paid for.
local ODD = {
  {"is in its data with no name for the rest", '{"data":[' .. ENTRY .. "]}"},
  {"comes after a byte order mark", "\xef\xbb\xbf" .. BODY},
  {"comes with an id that is no UTF-8", with('"1"', '"\xff\xfe\x80"')},
  {"comes with a line break in a string", with('"1"', '"a\nb"')},
  {"comes with a number beyond all bounds", with("1589478378", "1e999")},
  {"comes with a number of 100000 digits", with("1589478378", ("9"):rep(100000))},
  {"comes with a seed that is a text", with('"seed":7', '"seed":"7"')},
  {"comes with a key of 200 KB", with("{", '{"' .. ("k"):rep(200000) .. '":1,')},
  {"comes with a text of 200 KB", with("{", '{"x":"' .. ("k"):rep(200000) .. '",')},
  {"comes with the same key 30000 times", with("{", "{" .. ('"k":1,'):rep(30000))},
  {"comes with half a surrogate pair", with('"1"', [["\ud800"]])},
  {"comes with the other half", with('"1"', [["\udc00"]])},
  {"comes with half a surrogate pair in a key", with('"id"', [["\ud800"]])},
  {"comes with a surrogate pair upside down", with('"1"', [["\udc00\ud83d"]])},
  {"comes with half a surrogate pair in its reason", with('"success"', [["success\ud83d"]])},
  {"comes with much nesting", with("{", '{"x":' .. ("["):rep(900) .. ("]"):rep(900) .. ",")},
  {"comes with null in the same place", ('{"data":[{"b64_json":null,"b64_json":"%s"}]}'):format(PIXEL)},
  {"comes with a link that nobody needs", ('{"data":[{"url":"http://127.0.0.1:1/","b64_json":"%s"}]}'):format(PIXEL)},
  {"comes 16 times", '{"data":[' .. ENTRY .. ("," .. ENTRY):rep(15) .. "]}"},
}

describe("An answer that", function()
  lazy_setup(setup_server)
  lazy_teardown(stop_server)

  for _, case in ipairs(BROKEN) do
    it(case[1] .. " is refused", function()
      refused(whole(case[2]), case[3])
    end)
  end

  for _, kind in ipairs {"text/html", "image/png", "text/event-stream", "", "multipart/mixed; boundary=x"} do
    it(("is called %q is judged by what it is"):format(kind), function()
      local text = "HTTP/1.1 200 OK\r\ncontent-type: %s\r\ncontent-length: %d\r\n\r\n%s"
      assert.is_true(BYTES == taken(text:format(kind, #BODY, BODY)).image.bytes)
    end)
  end
end)

describe("A picture that", function()
  lazy_setup(setup_server)
  lazy_teardown(stop_server)

  for _, case in ipairs(ODD) do
    it(case[1] .. " is taken", function()
      local result = taken(whole(case[2]))
      for _, image in ipairs(result.data) do
        assert.is_true(BYTES == image.bytes)
      end
    end)
  end
end)

-- ----------------------------------------------------------------------------------------------------------- base64 --

local FIRST, LAST = PIXEL:sub(1, 40), PIXEL:sub(41) -- between two groups of four

-- Flaws as they stand in the JSON, and the character that the error names; nil: it names none.
local FLAWS = {
  {"a character that is none at its start", "*" .. PIXEL:sub(2), 1},
  {"a character that is none in its middle", FIRST .. "*" .. LAST:sub(2), 41},
  {"a character that is none at its end", PIXEL:sub(1, -4) .. "*==", 94},
  {"padding at its start", "====" .. PIXEL, 5},
  {"padding in its middle", FIRST .. "AA==" .. LAST, 45},
  {"padding after one character", "A===", 2},
  {"a letter within its padding", PIXEL:sub(1, -2) .. "A", 96},
  {"one character", "A"},
  {"one character too many", FIRST .. "A"},
  {"bits that no byte holds, and no padding", (PIXEL:gsub("g==$", "h"))},
  {"more behind its end", PIXEL .. "AAAA", 97},
  {"more behind its end and a line break", PIXEL .. "\\nAAAA", 98},
  {"a form feed", FIRST .. "\\f" .. LAST, 41},
  {"the alphabet of URLs", (PIXEL:gsub("[+/]", {["+"] = "-", ["/"] = "_"})), 61},
  {"the escapes of URLs", (PIXEL:gsub("+", "%%2B")), 61},
  {"a flaw behind the start of a data URL", "data:image/png;base64," .. FIRST .. "*" .. LAST:sub(2), 63},
  {"the start of a data URL that is no base64", "data:image/png," .. PIXEL, 15},
  {"the start of a data URL in its middle", FIRST .. "data:image/png;base64," .. LAST, 45},
  {"two starts of a data URL", ("data:image/png;base64,"):rep(2) .. PIXEL, 27},
  {"a start of a data URL without end", "data:" .. ("x"):rep(1000), 261},
  {"a NUL", FIRST .. "\0" .. LAST, 41},
  {"a NUL as JSON writes it", FIRST .. "\\u0000" .. LAST, 41},
  {"a letter that is no ASCII", FIRST .. "Ł" .. LAST, 41},
  {"a letter that is no ASCII, as JSON writes it", FIRST .. "\\u0141" .. LAST, 41},
  {"a byte that is no UTF-8", FIRST .. "\xff" .. LAST, 41},
  {"half a surrogate pair", FIRST .. "\\ud800" .. LAST, 41},
  {"an escape that is none", FIRST .. "\\x" .. LAST},
  {"an escape without digits", FIRST .. "\\u00zz" .. LAST},
}

local function lines(width, line_end)
  return (PIXEL:gsub(("."):rep(width), "%0" .. line_end))
end

-- What the usual clients read.
local READ = {
  {"no padding", PIXEL:sub(1, -3)}, {"too little padding", PIXEL:sub(1, -2)},
  {"too much padding", PIXEL .. "="}, {"a whole group of padding too much", PIXEL .. "===="},
  {"padding behind a line break", PIXEL .. "\\n="}, {"bits that no byte holds", (PIXEL:gsub("g==$", "h=="))},
  {"a blank", FIRST .. " " .. LAST}, {"a blank in its padding", PIXEL:sub(1, -2) .. " ="},
  {"a line break as it is", FIRST .. "\n" .. LAST}, {"a line break as JSON writes it", FIRST .. "\\n" .. LAST},
  {"a line break as a number", FIRST .. "\\u000a" .. LAST}, {"a line break within a group", lines(7, "\\n")},
  {"lines of 76 characters", lines(76, "\\n")}, {"lines of 76 characters, as MIME ends them", lines(76, "\\r\\n")},
  {"lines of 64 characters", lines(64, "\\n")}, {"a line break behind each character", lines(1, "\\r\\n")},
  {"a line break at its end", PIXEL .. "\\n"}, {"blanks at its end", PIXEL .. " \\t\\r\\n  "},
  {"a line break at its end and no padding", PIXEL:sub(1, -3) .. "\\r\\n"},
  {"a tab before it", "\\t" .. PIXEL}, {"the start of a data URL", "data:image/png;base64," .. PIXEL},
  {"the start of a data URL, its slash escaped", "data:image\\/png;base64," .. PIXEL},
  {"a line break before the start of a data URL", "\\ndata:image/png;base64," .. PIXEL},
  {"blanks of each kind before it", " \\r\\n\\u0020data:image/png;base64," .. PIXEL},
  {"a start of a data URL without a type", "data:;base64," .. PIXEL},
  {"a start of a data URL with a parameter", "data:image/png;charset=utf-8;base64," .. PIXEL},
  {"a start of a data URL, lines and no padding", "data:image/png;base64,\\n" .. lines(76, "\\n"):gsub("=", "")},
}

describe("Base64 with", function()
  lazy_setup(setup_server)
  lazy_teardown(stop_server)

  for _, case in ipairs(FLAWS) do
    it(case[1] .. " is refused", function()
      local says = case[3] and "broken: no base64 at character " .. case[3] .. ";" or "is broken: it"
      refused(whole(('{"data":[{"b64_json":"%s"}]}'):format(case[2])), says)
    end)
  end

  for _, case in ipairs(READ) do
    it(case[1] .. " is read", function()
      local image = taken(whole(('{"data":[{"b64_json":"%s"}]}'):format(case[2]))).image
      assert.is_true(BYTES == image.bytes)
      assert.fields({format = "png", width = 1, height = 1}, image)
    end)
  end
end)

-- --------------------------------------------------------------------------------------------------------- pictures --

local PNG, JPEG = "\x89PNG\r\n\x1a\n", "\xff\xd8"
local WEBP = "RIFF\x24\0\0\0WEBP"

local function png(width, height)
  return PNG .. "\0\0\0\13IHDR" .. (">I4I4"):pack(width, height) .. "\8\2\0\0\0\0\0\0\0"
end

local function segment(marker, bytes, length)
  return ("\xff%s%s%s"):format(string.char(marker), (">I2"):pack(length or #bytes + 2), bytes)
end

local FRAME = segment(0xc0, "\8" .. (">I2I2"):pack(3, 5) .. "\1\1\17\0")

-- Bytes, and what the image says of itself: format, width, height.
local PICTURES = {
  {"a PNG of 2^31 by 2^31", png(2 ^ 31, 2 ^ 31), "png"},
  {"a PNG of 2^32 - 1 by 1", png(2 ^ 32 - 1, 1), "png"},
  {"a PNG of 2^31 - 1 by 2^31 - 1", png(2 ^ 31 - 1, 2 ^ 31 - 1), "png", 2 ^ 31 - 1, 2 ^ 31 - 1},
  {"a PNG of 0 by 0", png(0, 0), "png"},
  {"a PNG of 0 by 7", png(0, 7), "png"},
  {"a PNG of 7 by 0", png(7, 0), "png"},
  {"a PNG that is its signature", PNG, "png"},
  {"a PNG cut in its height", png(5, 3):sub(1, 23), "png"},
  {"a PNG cut behind its height", png(5, 3):sub(1, 24), "png", 5, 3},
  {"a PNG whose first chunk is another", (png(5, 3):gsub("IHDR", "IDAT")), "png"},
  {"a PNG whose signature is broken", (png(5, 3):gsub("\r\n", "\n", 1))},
  {"a JPEG of three bytes", JPEG .. "\xff", "jpeg"},
  {"a JPEG that is a frame", JPEG .. FRAME, "jpeg", 5, 3},
  {"a JPEG of 0 by 0", JPEG .. segment(0xc0, "\8\0\0\0\0\1\1\17\0"), "jpeg"},
  {"a JPEG of 65535 by 65535", JPEG .. segment(0xc0, "\8\xff\xff\xff\xff\1\1\17\0"), "jpeg", 65535, 65535},
  {"a JPEG with a segment of length 0", JPEG .. segment(0xe0, "", 0) .. FRAME, "jpeg"},
  {"a JPEG with a segment of length 1", JPEG .. segment(0xe0, "", 1) .. FRAME, "jpeg"},
  {"a JPEG with a segment longer than itself", JPEG .. segment(0xe0, "abc", 65535) .. FRAME, "jpeg"},
  {"a JPEG with a segment that is too short", JPEG .. segment(0xe0, "abcdef", 4) .. FRAME, "jpeg"},
  {"a JPEG cut in its frame", (JPEG .. FRAME):sub(1, 10), "jpeg"},
  {"a JPEG that ends before its frame", JPEG .. "\xff\xd9\0\2" .. FRAME, "jpeg"},
  {"a JPEG of 0xff", JPEG .. ("\xff"):rep(100000), "jpeg"},
  {"a JPEG of a hundred thousand segments", JPEG .. segment(0xe0, ""):rep(100000) .. FRAME, "jpeg", 5, 3},
  {"a GIF cut in its height", "GIF89a" .. ("<I2"):pack(5) .. "\3", "gif"},
  {"a GIF of 0 by 0", "GIF89a\0\0\0\0\0\0\0", "gif"},
  {"a GIF of 65535 by 1", "GIF87a" .. ("<I2I2"):pack(65535, 1), "gif", 65535, 1},
  {"a GIF of a version that does not exist", "GIF99a" .. ("<I2I2"):pack(5, 3)},
  {"a WebP that is its name", WEBP, "webp"},
  {"a WebP cut in its frame", WEBP .. "VP8 \24\0\0\0\x30\1\0\x9d\1\42\5\0\3", "webp"},
  {"a WebP without its mark", WEBP .. "VP8 \24\0\0\0\x30\1\0\x9d\1\43\5\0\3\0", "webp"},
  {"a WebP with an unknown chunk", WEBP .. "VP9 " .. ("\0"):rep(40), "webp"},
  {"a WebP of 2^24 by 2^24", WEBP .. "VP8X\10\0\0\0\0\0\0\0" .. ("\xff"):rep(6), "webp", 2 ^ 24, 2 ^ 24},
  {"one byte", "\x89"},
  {"text", "This is no picture."},
  {"HTML", "<html></html>"},
}

describe("A picture that is", function()
  lazy_setup(setup_server)
  lazy_teardown(stop_server)

  for _, case in ipairs(PICTURES) do
    it(case[1] .. " is a result that says what is known of it", function()
      local body = ('{"data":[{"b64_json":"%s"}]}'):format((mime.b64(case[2])))
      local image = taken(whole(body)).image
      assert.is_true(case[2] == image.bytes)
      assert.fields({
        format = case[3] or support.ABSENT, width = case[4] or support.ABSENT, height = case[5] or support.ABSENT,
      }, image)
      assert.equal(case[4] and "integer", image.width and math.type(image.width))
    end)
  end
end)
