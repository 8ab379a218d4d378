-- Answers made from the fuzzer's bytes, and what the client may make of them: the right kind of error, the service's
-- own words if they can be read, how long to wait, and never the key.

local json = require "cjson".new()
local stepimg = require "stepimg"

local server = ...
local KEY = "sk-0f/1e+2d\\3c=4b"
local MAX_BODY = 64 * 1024
local LONGEST_WAIT = 24 * 3600 -- longer is meant by nobody

local KINDS = {
  [400] = "request", [401] = "auth", [402] = "billing", [403] = "auth", [404] = "request", [418] = "request",
  [429] = "rate_limit", [451] = "moderation", [500] = "server", [502] = "server", [503] = "server", [504] = "server",
  [302] = "protocol", [200] = "protocol", [299] = "protocol",
}
local BILLED = {[502] = true, [504] = true, [200] = true, [299] = true}
local STATUSES = {}
for status in pairs(KINDS) do
  STATUSES[#STATUSES + 1] = status
end
table.sort(STATUSES)
local CLOSED_SET = {server = true, network = true, timeout = true, protocol = true}
for _, kind in pairs(KINDS) do
  CLOSED_SET[kind] = true
end
local TEXTS = {"Too much.", "灯塔", "\xff\xfe", "\27[31m", "\n", "\0", '"', "\\", "<b>", "\u{10ffff}", "\u{feff}", ""}

-- ------------------------------------------------------------------------------------------------------- the input --

local input = dofile "spec/fuzz/input.lua"
local byte, bytes, pick = input.byte, input.bytes, input.pick

-- A character as JSON may write it: as it is, behind a backslash, or as a number.
local function spell(character)
  local way = byte() % 4
  if way == 0 or character:find '[%c"\\]' then
    return way < 2 and character:find '[/"\\]' and "\\" .. character or ("\\u%04x"):format(character:byte())
  elseif way == 1 and character == "/" then
    return "\\/"
  end
  return way == 2 and ("\\u%04X"):format(character:byte()) or character
end

local function words()
  local parts = {}
  for _ = 1, byte() % 5 do
    local way = byte() % 8
    if way == 0 then
      parts[#parts + 1] = KEY
    elseif way == 1 then
      parts[#parts + 1] = KEY:gsub(".", spell)
    elseif way < 4 then
      parts[#parts + 1] = bytes(byte() % 32)
    else
      parts[#parts + 1] = pick(TEXTS):gsub('[%z\1-\127]', spell)
    end
  end
  return table.concat(parts)
end

local BODIES = {
  '{"error":{"message":"%s","type":"%s"}}', '{"error":{"type":"%s","message":"%s"}}', '{"error":"%s","message":"%s"}',
  '{"message":"%s","type":"%s"}', '{"error":{"message":{"a":"%s"},"type":7,"x":"%s"}}', '[{"error":"%s"},"%s"]',
  "<html><h1>%s</h1>%s</html>", "%s%s", '{"data":[{"b64_json":"%s"}],"message":"%s"}', '{"error":{"message":"%s',
  '{"code":"%s","msg":"%s"}', '{"detail":"%s"}', '{"detail":[{"msg":"%s","type":"%s"}]}', '{"errors":["%s","%s"]}',
  '{"data":[{"seed":7,"error":{"message":"%s","type":"%s"}}]}', "<!DOCTYPE html><title>%s</title>%s",
  "<?xml version='1.0'?><Error><Code>%s</Code><Message>%s</Message></Error>",
}

local function body()
  local text = pick(BODIES):gsub("%%s", function()
    return words()
  end)
  local way = byte() % 32
  if way == 0 then -- about as much as is kept
    text = (" "):rep(MAX_BODY + 8 - byte() % 16 - #text) .. text
  elseif way < 4 then
    text = text .. bytes(byte())
  end
  return text
end

-- Seconds, one of the three forms of a date (RFC 9110, section 5.6.7), or anything. Also returns the seconds or the
-- moment that it says.
local function retry_after()
  local way = byte() % 8
  local number = string.unpack("<I4", bytes(4) .. "\0\0\0\0") >> byte() % 32
  local moment = os.time() + number - 60
  if way < 2 then
    return ("%d"):format(number), number
  elseif way == 2 then
    return ("9"):rep(byte())
  elseif way == 3 then
    return (bytes(byte() % 64):gsub("[%c]", " "))
  elseif way == 4 and moment < 2 ^ 31 then
    return os.date("%a, %d %b %Y %H:%M:%S GMT", moment), nil, moment
  elseif way == 5 and moment < 2 ^ 31 then
    return os.date("%A, %d-%b-%y %H:%M:%S GMT", moment), nil, moment
  elseif way == 6 and moment < 2 ^ 31 then
    return os.date("%a %b %e %H:%M:%S %Y", moment), nil, moment
  end
end

-- ------------------------------------------------------------------------------------------------ what is to hold --

-- Text that can be shown.
local function is_shown(text)
  assert(type(text) == "string")
  assert(utf8.len(text) and not text:find "[%c\127]", text)
end

-- What the one request of a result or an error left in its history.
local function is_entry(outcome)
  local entry, timing = outcome.history[1], outcome.timing
  assert(#outcome.history == 1 and entry.kind == outcome.kind and entry.request_id == outcome.request_id)
  assert(entry.method == "POST" and entry.waited == timing.queued and entry.bytes >= 0)
  assert(entry.waited + entry.seconds <= timing.total + 1e-6)
  for name, value in pairs(entry) do
    assert(type(value) ~= "string" or not value:find(KEY, 1, true), name)
  end
  if entry.request_id then
    is_shown(entry.request_id)
    assert(#entry.request_id <= 127)
  end
  if outcome.kind then
    is_shown(entry.message)
    assert(entry.status == outcome.status)
  end
end

local function is_error(err)
  assert(CLOSED_SET[err.kind], err.kind)
  assert(tostring(err) == err.kind .. ": " .. err.message)
  for name, value in pairs(err) do
    assert(type(value) ~= "string" or not value:find(KEY, 1, true), name)
  end
  is_shown(err.message)
  assert(err.message ~= "")
  assert(err.attempts == 1)
  local wait = err.retry_after
  assert(wait == nil or (wait > 0 and wait < math.huge))
  for _, name in ipairs {"type", "code", "request_id"} do
    if err[name] ~= nil then
      is_shown(err[name])
    end
  end
end

-- The server's words in a body, if the client can have read any. The key as it is may be no JSON; hidden it is.
local function words_of(text)
  local good, decoded = pcall(json.decode, (text:gsub(KEY:gsub("%p", "%%%0"), "*")))
  if #text > MAX_BODY or not good or type(decoded) ~= "table" then
    return nil
  end
  local err, detail, data = decoded.error, decoded.detail, decoded.data
  if type(err) == "table" then
    return err.message, err.type
  elseif type(data) == "table" and type(data[1]) == "table" and type(data[1].error) == "table" then
    return data[1].error.message, data[1].error.type
  elseif type(detail) == "table" and type(detail[1]) == "table" then
    return detail[1].msg, detail[1].type
  end
  for _, one in ipairs {decoded.message or "", decoded.msg or "", detail or "", err or ""} do
    if type(one) == "string" and one:find "[^ \n]" then
      return one
    end
  end
  return type(decoded.errors) == "table" and decoded.errors[1]
end

local function check_words(err, text)
  local message, type_of = words_of(text)
  local told = err.message:match "; the service says: (.*)"
  if type(message) == "string" and message:find "[^ ]" and not message:find "[%c\127*]" and utf8.len(message)
    and not message:find(KEY, 1, true) then
    assert(told and told:sub(1, #message) == message, told)
  end
  if type(type_of) == "string" and type_of:find "^[%w_]+$" then
    assert(err.type == type_of)
  end
end

local function check_wait(wait, seconds, moment, before, after)
  if seconds then
    assert(wait == (seconds > 0 and seconds <= LONGEST_WAIT and seconds or nil))
  elseif moment and moment - before > LONGEST_WAIT then
    assert(wait == nil or wait == LONGEST_WAIT)
  elseif moment and moment > after then
    assert(wait <= moment - before and wait >= moment - after)
  elseif moment then
    assert(wait == nil or moment > before)
  end
end

local address = ("http://127.0.0.1:%d/v1"):format(server.listen())
local client

local function generate()
  client = client or assert(stepimg.new {api_key = KEY, base_url = address, retries = 0, timeout = 60})
  local result, err = client:generate({prompt = "a lighthouse"}, {download = false})
  is_entry(result or err)
  if not result then
    is_error(err)
    if err.status == 429 then -- it holds back what this client sends next
      client:close()
      client = nil
    end
  end
  return result, err
end

local function check_refusal(torn)
  local status, text, wait, seconds, moment = pick(STATUSES), body(), retry_after()
  local cut = byte() % 8 == 0
  local head = {
    ("HTTP/1.1 %d No"):format(status), "Content-Length: " .. (cut and #text + 1 or #text),
    "X-Request-Id: " .. words():gsub("[\r\n%z]", ""), "Retry-After: " .. (wait or ""),
  }
  server.answer(table.concat(head, "\r\n") .. "\r\n\r\n" .. text, torn, cut)
  local before = os.time()
  local result, err = generate()
  local after = os.time()
  if result then
    assert((status == 200 or status == 299) and result.image)
    return
  end
  assert(err.status == status)
  local is_page = text:find "^%s*<" -- which is no word of the service's, whatever its status says
  assert(err.kind == KINDS[status] or (is_page and err.kind == "protocol") or (status == 429 and err.kind == "billing")
    or (KINDS[status] == "protocol" and BILLED[status] and err.kind == "network"))
  assert(BILLED[status] == err.maybe_billed or (is_page and err.maybe_billed))
  if status ~= 200 and status ~= 299 then
    check_words(err, text)
  end
  check_wait(err.retry_after, seconds, moment, before, after)
end

local function check_nonsense(torn)
  server.answer(pick {"", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 400\r\nRetry-After:", "HTTP/"} .. input.rest(), torn, true)
  generate()
end

return function(given)
  input.begin(given)
  local way, torn = byte() % 8, byte()
  if way == 0 then
    check_nonsense(torn)
  else
    check_refusal(torn)
  end
end
