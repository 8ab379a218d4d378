-- A server that means harm, or is broken beyond belief, by raw bytes over HTTP/1.1: every attack ends in the right
-- error, in its time, with one request sent, and with a client that is still of use.

local cqueues = require "cqueues"
local hostile = require "spec.support.hostile"
local socket = require "socket"
local standin = require "spec.standin"
local support = require "spec.support"
local zlib = require "zlib"

local SHORT = 1 -- seconds for what is to end by its timeout
local SLACK = 5 -- how much later it may end on a busy machine
local BODY, answer, whole = hostile.BODY, hostile.answer, hostile.whole
local CHUNKED = "transfer-encoding: chunked\r\n"
local BILLED = "may have been made and billed"
local ANYTHING = "" -- it is libcurl that says no, or it is we: that hangs on its version

local function chunk(text)
  return ("%x\r\n%s\r\n"):format(#text, text)
end

local function chunked(text)
  return answer(text, CHUNKED)
end

-- Reads the request, then sends that, then does what else is given.
local function sends(text, ...)
  return {{request = true}, {send = text}, ...}
end

local function floods(text, piece)
  return sends(text, {send = piece, forever = true})
end

local CLOSE, RESET, SILENCE = {close = true}, {reset = true}, {silence = true}

-- One `it` for each case. All are begun at once, as many of them only wait. A case is {name, script, kind, …}:
--   kind      nil: there is a result nevertheless
--   either    true: whether it fails or there is a result hangs on the libcurl
--   says      what the error's message matches, where the words are ours; the host's name where it is not given
--   late      true: it ends by its timeout
--   options   of the client
--   unread    how many requests the server has seen says nothing
local function attacks(what, cases)
  describe(what, function()
    local server, running, threads, descriptors

    lazy_setup(function()
      server, running = hostile.start(), {}
      threads, descriptors = support.settled()
      for _, case in ipairs(cases) do
        case.late = case.late or case[3] == "timeout"
        local options = {timeout = case.late and SHORT or 20}
        for name, value in pairs(case.options or {}) do
          options[name] = value
        end
        running[case] = server:attack(case[2], options)
      end
    end)

    lazy_teardown(function()
      server:stop()
    end)

    for _, case in ipairs(cases) do
      it(case[1], function()
        local attack <close> = running[case]
        local result, err = attack:wait()
        local connections, posts = attack.place:count()
        assert.equal(1, connections)
        assert.equal(case.unread and posts or 1, posts)
        local elapsed = attack.job:progress().elapsed
        if case[3] and not (case.either and result) then
          err = support.failure(result, err)
          assert.same({case[3], 1, true}, {err.kind, err.attempts, err.maybe_billed}, tostring(err))
          assert.matches(BILLED, err.message)
          assert.matches(case.says or "127.0.0.1", err.message)
          assert.is_nil(err.message:find "%c")
        else
          assert.is_truthy(result, tostring(err))
          assert.equal("png", result.image.format)
        end
        if case.late then
          assert.is_true(elapsed >= SHORT * 0.9 and elapsed < SHORT + SLACK, ("it took %f s"):format(elapsed))
        else
          assert.is_true(elapsed < SLACK, ("it took %f s"):format(elapsed))
        end
        assert.is_true(attack:is_over())
        assert.equal(posts + 1, (select(2, attack.place:count())))
      end)
    end

    it("leave no thread and no descriptor behind", function()
      if not support.threads() then
        pending "there is no /proc to look into"
      end
      for _, attack in pairs(running) do
        attack.client:close() -- those that were not asked for
      end
      support.wait_until("the end of all threads", function() return support.threads() <= threads end)
      assert.same({threads, descriptors}, {support.settled()})
    end)
  end)
end

-- -------------------------------------------------------------------------------- the end, and none, at every stage --

local ARRIVED = {wait = 0.1} -- long enough for what was sent to arrive
local LEFT = {wait = 0.5} -- and for a request to leave whole, however busy the machine is

-- What the server has done when it stops; `unread`: it has not looked what was asked of it; `whole`: all of the JSON
-- has come, and so the picture, which is paid for.
local STAGES = {
  {"before it reads", {LEFT}, unread = true},
  {"within the request", {{read = 20}, LEFT}},
  {"after the request", {{request = true}}},
  {"within the status line", sends "HTTP/1.1 20"},
  {"after the status line", sends "HTTP/1.1 200 OK\r\n"},
  {"within a header", sends "HTTP/1.1 200 OK\r\ncontent-ty"},
  {"between headers", sends "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"},
  {"after the headers", sends(answer("", "content-length: 1000\r\n"))},
  {"within the JSON", sends(answer(BODY:sub(1, 30), "content-length: 1000\r\n"))},
  {"within the base64", sends(answer(BODY:sub(1, -30), "content-length: 1000\r\n"))},
  {"one byte before the end", sends((whole(BODY):sub(1, -2)))},
  {"within a chunk's size", sends(chunked "1")},
  {"after a chunk's size", sends(chunked "10\r\n")},
  {"within a chunk", sends(chunked "10\r\n{")},
  {"within a chunk of base64", sends(chunked("fff\r\n" .. BODY:sub(1, -30)))},
  {"after a chunk's bytes", sends(chunked(("%x\r\n%s"):format(#BODY, BODY))), whole = true},
  {"between chunks", sends(chunked(chunk(BODY:sub(1, 20))))},
  {"before the last chunk", sends(chunked(chunk(BODY))), whole = true},
  {"within the last chunk", sends(chunked(chunk(BODY) .. "0\r\n")), whole = true},
  {"within a trailer", sends(chunked(chunk(BODY) .. "0\r\nx-sum: 1")), whole = true},
}

local function at_every_stage(kind, step)
  local cases = {}
  for _, stage in ipairs(STAGES) do
    local script = {table.unpack(stage[2])}
    script[#script + 1] = ARRIVED
    script[#script + 1] = step
    cases[#cases + 1] = {
      stage[1], script, not stage.whole and kind or nil, unread = stage.unread, late = kind == "timeout",
    }
  end
  return cases
end

attacks("A server that closes the connection", at_every_stage("network", CLOSE))
attacks("A server that resets the connection", at_every_stage("network", RESET))
attacks("A server that falls silent", at_every_stage("timeout", SILENCE))

attacks("A server that sends a byte at a time", {
  {"of the status line and the headers", {{request = true}, {drip = whole(BODY), every = 0.2}}, "timeout"},
  {"of the headers", sends("HTTP/1.1 200 OK\r\n", {drip = ("x: y\r\n"):rep(9), every = 0.1}), "timeout"},
  {"of the body", sends(answer("", "content-length: 300\r\n"), {drip = BODY, every = 0.1}), "timeout"},
  {"of a chunk's size", sends(chunked "", {drip = ("0"):rep(15), every = 0.1}), "timeout"},
  {"of a chunk", sends(chunked "fff\r\n", {drip = BODY, every = 0.1}), "timeout"},
  {"of interim answers", {{request = true}, {drip = ("HTTP/1.1 102 Wait\r\n\r\n"):rep(9), every = 0.02}}, "timeout"},
})

-- --------------------------------------------------------------------------------------------------- what it is not --

attacks("An answer whose Content-Length", {
  {"is too small", sends(answer(BODY, "content-length: 10\r\n")), "protocol", says = "not the JSON"},
  {"is 0", sends(answer(BODY, "content-length: 0\r\n")), "protocol", says = "empty answer"},
  {"is too large, and then the connection ends", sends(answer(BODY, "content-length: 9999\r\n"), CLOSE)},
  {"is too large, and then comes nothing", sends(answer(BODY, "content-length: 9999\r\n")), late = true},
  {"is larger than what is wanted", sends(answer(BODY, "content-length: 9223372036854775807\r\n")), "protocol",
    says = "larger than max_response_bytes"},
  {"is negative", sends(answer(BODY, "content-length: -5\r\n")), "protocol"},
  {"is a word", sends(answer(BODY, "content-length: many\r\n")), "protocol"},
  {"is empty", sends(answer(BODY, "content-length:\r\n")), "protocol"},
  {"is hexadecimal", sends(answer(BODY, ("content-length: 0x%x\r\n"):format(#BODY))), "protocol"},
  -- libcurl takes a length beyond 63 bits as none told.
  {"has 23 digits", sends(answer(BODY, "content-length: 99999999999999999999999\r\n"), CLOSE)},
  {"has 23 digits, and then comes nothing", sends(answer(BODY, "content-length: 99999999999999999999999\r\n")),
    late = true},
  {"is told twice", sends(answer(BODY, ("content-length: %d\r\n"):format(#BODY):rep(2)))},
  {"is told twice, once too large", sends(answer(BODY,
    ("content-length: %d\r\ncontent-length: 9999\r\n"):format(#BODY)), CLOSE), "protocol", either = true},
  {"is told twice, once too small", sends(answer(BODY,
    ("content-length: %d\r\ncontent-length: 10\r\n"):format(#BODY))), "protocol", says = ANYTHING},
})

attacks("An answer in chunks", {
  {"whose size is no number", sends(chunked("xyz\r\n" .. BODY .. "\r\n0\r\n\r\n")), "network"},
  {"whose size is negative", sends(chunked("-1\r\n" .. BODY .. "\r\n0\r\n\r\n")), "network"},
  {"whose size is missing", sends(chunked("\r\n" .. BODY .. "\r\n0\r\n\r\n")), "network"},
  {"whose size has 17 digits", sends(chunked("fffffffffffffffff\r\n" .. BODY)), "network"},
  {"whose size is 2^64 - 1", sends(chunked("ffffffffffffffff\r\n" .. BODY)), "network"},
  {"whose size is 2^63 - 1, and then comes nothing", sends(chunked("7fffffffffffffff\r\n" .. BODY)), late = true},
  {"whose size has a thousand zeros before it", sends(chunked(("0"):rep(1000) .. chunk(BODY))), "network"},
  {"whose size has an endless comment", floods(chunked "1;", ("x"):rep(65536)), "timeout"},
  {"whose size is too small", sends(chunked(("5\r\n%s\r\n0\r\n\r\n"):format(BODY))), "network"},
  {"whose size is too large", sends(chunked(("fff\r\n%s\r\n0\r\n\r\n"):format(BODY)), CLOSE), "protocol",
    says = "only white space may follow"},
  {"that does not end its line", sends(chunked(("%x\r\n%s0\r\n\r\n"):format(#BODY, BODY)))},
  {"and none of them", sends(chunked "0\r\n\r\n"), "protocol", says = "empty answer"},
  {"and with a length too", sends(answer(chunk(BODY) .. "0\r\n\r\n", CHUNKED .. "content-length: 5\r\n"))},
  {"and with a length before that", sends(answer(chunk(BODY) .. "0\r\n\r\n", "content-length: 5\r\n" .. CHUNKED))},
  {"with a trailer that never ends", floods(chunked(chunk(BODY) .. "0\r\nx: "), ("x"):rep(65536))},
  {"with trailers that never end", floods(chunked(chunk(BODY) .. "0\r\n"), "x: y\r\n")},
  {"of one byte that never end", floods(chunked(chunk "{"), chunk(" "):rep(1000)), "protocol",
    says = "larger than max_response_bytes", options = {max_response_bytes = 100000}},
  {"in a coding that does not exist", sends(answer(BODY, "transfer-encoding: pigeon\r\n")), "protocol"},
})

attacks("What is no HTTP of ours", {
  {"an answer of HTTP/0.9", sends(BODY, CLOSE), "protocol"},
  {"an answer of HTTP/0.9, and then silence", sends(BODY), "protocol"},
  {"an answer of HTTP/1.0", sends("HTTP/1.0 200 OK\r\n\r\n" .. BODY, CLOSE)},
  {"an answer of HTTP/1.2", sends("HTTP/1.2 200 OK\r\n\r\n" .. BODY, CLOSE), "protocol"},
  {"an answer of HTTP/9.9", sends("HTTP/9.9 200 OK\r\n\r\n" .. BODY, CLOSE), "protocol"},
  {"an answer of HTTP/99999", sends("HTTP/99999 200 OK\r\n\r\n" .. BODY, CLOSE), "protocol"},
  {"a frame of HTTP/2", sends("\0\0\18\4\0\0\0\0\0" .. ("\0"):rep(18), CLOSE), "protocol"},
  {"a TLS alert", sends("\21\3\1\0\2\2\70", CLOSE), "protocol"},
  {"the greeting of an SSH server", sends("SSH-2.0-OpenSSH_9.2\r\n", CLOSE), "protocol"},
  {"the greeting of a mail server", sends("220 mail.example.org ESMTP\r\n", CLOSE), "protocol"},
  {"noise", sends(("\1\2\3\255noise\n"):rep(1000)), "protocol"},
  {"NULs", sends(("\0"):rep(10000)), "protocol"},
  {"empty lines for ever", floods("\r\n", ("\r\n"):rep(10000)), "protocol"},
  {"a byte for ever", floods("x", ("x"):rep(65536)), "protocol"},
  {"a status of one digit", sends("HTTP/1.1 2 OK\r\n\r\n" .. BODY, CLOSE), "protocol"},
  {"a status of four digits", sends("HTTP/1.1 2000 OK\r\n\r\n" .. BODY, CLOSE), "protocol", either = true},
  {"a status that is no number", sends("HTTP/1.1 good\r\n\r\n" .. BODY, CLOSE), "protocol"},
  {"a negative status", sends("HTTP/1.1 -200 OK\r\n\r\n" .. BODY, CLOSE), "protocol"},
  {"status 000", sends("HTTP/1.1 000 OK\r\n\r\n" .. BODY, CLOSE), "protocol"},
  {"status 600", sends(whole(BODY, nil, "600 Even more")), "protocol", says = "HTTP 600"},
  {"status 999", sends(whole(BODY, nil, "999 Denied")), "protocol", says = "HTTP 999"},
  {"a header without a colon", sends(whole(BODY, "this is no header\r\n")), "protocol"},
  {"a header with a NUL", sends(whole(BODY, "x-a: b\0c\r\n")), "protocol"},
  {"a header that goes on from nothing", sends("HTTP/1.1 200 OK\r\n folded\r\n\r\n" .. BODY, CLOSE), "protocol"},
  {"a header without a name", sends(whole(BODY, ": b\r\n"))},
  {"lines that end as on Unix", sends((whole(BODY):gsub("\r\n", "\n")))},
})

attacks("Interim answers", {
  {"before the answer", sends("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nx: y\r\n\r\n" .. whole(BODY))},
  {"and then nothing", sends "HTTP/1.1 100 Continue\r\n\r\n", "timeout"},
  {"and then the end", sends("HTTP/1.1 100 Continue\r\n\r\n", CLOSE), "network"},
  {"without end", floods("", "HTTP/1.1 100 Continue\r\n\r\n"), "protocol", says = ANYTHING},
  {"with headers without end", floods("HTTP/1.1 103 Early\r\n", "x: y\r\n"), "protocol", says = ANYTHING},
  {"that change the protocol", sends("HTTP/1.1 101 Switching Protocols\r\n\r\n" .. BODY, CLOSE), "protocol",
    says = "HTTP 101"},
  {"that change the protocol, and then nothing", sends("HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\n\r\n"),
    "timeout"},
})

-- ---------------------------------------------------------------------------------------- before there is a request --

describe("A place where nobody answers", function()
  it("refuses the connection: a network error, and certainly not billed", function()
    local closed <close> = setmetatable({}, {__close = function(self) self.socket:close() end})
    closed.socket = assert(socket.tcp())
    assert(closed.socket:bind("127.0.0.1", 0)) -- taken, but nobody listens
    local client <close> = support.client {base_url = "http://127.0.0.1:" .. select(2, closed.socket:getsockname())}
    local err = support.failure(client:generate {prompt = "a lighthouse"})
    assert.fields({kind = "network", attempts = 1}, err)
    assert.is_nil(err.maybe_billed)
    assert.matches("127.0.0.1: it cannot be reached", err.message, 1, true)
  end)

  it("is too busy to accept: a timeout, and certainly not billed", function()
    local busy <close> = setmetatable({waiting = {}}, {__close = function(self)
      for _, one in ipairs(self.waiting) do
        one:close()
      end
      self.listener:close()
    end})
    busy.listener = assert(socket.bind("127.0.0.1", 0, 0))
    local _, port = busy.listener:getsockname()
    for i = 1, 8 do -- more than the kernel lets wait
      busy.waiting[i] = socket.tcp()
      busy.waiting[i]:settimeout(0)
      busy.waiting[i]:connect("127.0.0.1", port)
    end
    local client <close> = support.client({base_url = "http://127.0.0.1:" .. port}, {connect_timeout = SHORT})
    local began = cqueues.monotime()
    local err = support.failure(client:generate {prompt = "a lighthouse"})
    assert.is_true(cqueues.monotime() - began < SHORT + SLACK)
    assert.fields({kind = "timeout", attempts = 1}, err)
    assert.is_nil(err.maybe_billed)
    assert.matches("^no connection to 127.0.0.1 after [%d.]+ s; see connect_timeout$", err.message)
  end)
end)

describe("What an answer leaves behind", function()
  local server

  lazy_setup(function()
    server = hostile.start()
  end)

  lazy_teardown(function()
    server:stop()
  end)

  it("beyond its length is not taken for the next answer", function()
    local other = whole((BODY:gsub('"seed":7', '"seed":8')))
    for _, script in ipairs {
      sends(whole(BODY) .. other), sends(answer(BODY, "content-length: 10\r\n") .. other),
      sends(answer("", "content-length: 0\r\n") .. other), sends(whole("{}", nil, "400 Bad") .. other),
      sends("HTTP/1.1 204 Nothing\r\n\r\n" .. other), sends(chunked(chunk(BODY) .. "0\r\n\r\n") .. other),
    } do
      local attack <close> = server:attack(script)
      attack:wait()
      assert.equal(7, assert(attack.client:generate {prompt = "another lighthouse"}).image.seed)
    end
  end)
end)

-- ----------------------------------------------------------------------------------------------------------- floods --

local MAX = 2 * 1024 * 1024
local MOST = 16 * 1024 -- KiB: what is kept, its copy for the JSON reader, and what an allocator makes of both

describe("A flood", function()
  local server, good

  lazy_setup(function()
    server = hostile.start()
    good = server:serve {}
  end)

  lazy_teardown(function()
    server:stop()
  end)

  local bomb = zlib.deflate(9, 31)(("\0"):rep(50 * MAX), "finish")
  local megabyte = ("x"):rep(1024 * 1024)

  for _, case in ipairs {
    {"of 100 MB in one header", sends("HTTP/1.1 200 OK\r\nx: ", {send = megabyte, times = 100}), "protocol"},
    {"of 100 MB of headers", sends("HTTP/1.1 200 OK\r\n", {send = ("x: y\r\n"):rep(175000), times = 100}), "protocol"},
    {"of headers without end", floods("HTTP/1.1 200 OK\r\n", ("x: y\r\n"):rep(1000)), "protocol"},
    {"in the status line", floods("HTTP/1.1 200 ", megabyte), "protocol"},
    {"of body, until the connection ends", floods(answer '{"x":"', megabyte), "protocol", says = "256 KiB"},
    {"of body, in chunks", floods(chunked(chunk '{"x":"'), chunk(megabyte)), "protocol", says = "256 KiB"},
    {"of body that is no JSON", floods(answer "{", megabyte), "protocol", says = "not the JSON"},
    {"of body that is no object", floods(answer "", megabyte), "protocol", says = "JSON object but \"xxx"},
    {"of body, in tiny chunks", floods(chunked(chunk "{"), chunk(" "):rep(10000)), "protocol", says = "256 KiB"},
    {"of base64", floods(answer '{"data":[{"b64_json":"', ("A"):rep(65536)), "protocol", says = "max_response_bytes"},
    {"of one link", floods(answer '{"data":[{"url":"', ("A"):rep(65536)), "protocol", says = "link"},
    {"of pictures", floods(answer '{"data":[', '{"b64_json":"AAAA"},'), "protocol", says = "more pictures"},
    {"of nesting", sends(whole('{"x":' .. ("["):rep(MAX - 100))), "protocol", says = "nested too deeply"},
    {"of keys", sends(whole("{" .. ('"k":1,'):rep(10000) .. ("x"):rep(10000))), "protocol", says = "not the JSON"},
    {"in the body of a refusal", floods(answer("{", nil, "400 Bad"), megabyte), "request", says = "HTTP 400"},
    {"in the body of an answer without one", floods("HTTP/1.1 204 Nothing\r\n\r\n", megabyte), "protocol",
      says = "HTTP 204"},
    {"announced by a Content-Length", sends(answer("{", ("content-length: %d\r\n"):format(MAX)), CLOSE), "network"},
    -- stepimg asks for no compression, and libcurl unpacks it all the same, as it does what the transfer says it has
    -- packed.
    {"packed with gzip", sends(whole(bomb, "content-encoding: gzip\r\n")), "protocol"},
    {"packed twice", sends(whole(bomb, "content-encoding: gzip, gzip\r\n")), "protocol"},
    {"packed with deflate, as it says", sends(whole(bomb, "content-encoding: deflate\r\n")), "protocol",
      says = "coding"},
    {"packed with Brotli, as it says", sends(whole(bomb, "content-encoding: br\r\n")), "protocol", says = "coding"},
    {"packed with nobody knows what", sends(whole(bomb, "content-encoding: pigeon\r\n")), "protocol",
      says = "coding"},
    {"packed for the transfer", sends(answer(chunk(bomb) .. "0\r\n\r\n", "transfer-encoding: gzip, chunked\r\n")),
      "protocol"},
  } do
    it(case[1] .. " is stopped soon, and costs no memory", function()
      if not support.status "VmHWM" then
        pending "there is no /proc to measure with"
      end
      local place <close> = server:serve(case[2])
      local growth, elapsed, kind, message = support.run(support.program "flood", {
        STEP_API_KEY = "k", STEP_BASE_URL = place.base_url, GOOD = good.base_url, MAX = MAX,
      }):match "^(%d+)\t(%S+)\t(%S+)\t(.-)\n$"
      assert.equal(case[3], kind, message)
      assert.matches(case.says or "", message)
      assert.is_true(tonumber(growth) < (support.NO_FIGURES and 4 * MOST or MOST), ("it took %s KiB"):format(growth))
      assert.is_true(tonumber(elapsed) < 2 * SLACK, ("it took %s s"):format(elapsed))
      local _, posts = place:count()
      assert.equal(1, posts)
    end)
  end

  it("of compression is not asked for", function()
    local service <close> = standin.start()
    local client <close> = support.client(service)
    assert(client:generate {prompt = "a lighthouse", response_format = "url"})
    for _, request in ipairs(service:log().requests) do
      assert.equal("identity", request.headers["accept-encoding"])
    end
  end)
end)
