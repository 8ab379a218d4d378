-- A hostile or broken server of HTTP/2, by raw frames: streams and connections that it takes back, frames that nobody
-- may send, floods, and silence. Whatever it does, no more than one POST with its body reaches it, the error says
-- whether that may cost money, and nothing of it stays behind.

local cqueues = require "cqueues"
local h2 = require "spec.support.h2"
local raw = require "spec.support.raw"
local support = require "spec.support"

local authority = support.part "authority"

local PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
local JSON = ([[{"data":[{"b64_json":"%s"}]}]]):format(PIXEL)
local HALF = JSON:sub(1, 60)
local MOST = 0x7fffffff
local u32 = h2.u32

local function settings(id, value)
  return (">I2I4"):pack(id, value)
end

local CLOSED = settings(4, 0) -- SETTINGS_INITIAL_WINDOW_SIZE: the body of a request finds no room

local function data(session, text, flags)
  return session:send("DATA", flags or 0, session.stream, text)
end

-- Sends the same again and again, to the client's end of it.
local function flood(session, frame)
  local many = frame:rep(1 + 8192 // #frame)
  while session:write(many) do end
end

local function rst(session, code)
  session:send("RST_STREAM", 0, session.stream, u32(h2.CODES[code]))
end

local function goaway(session, last, code)
  session:send("GOAWAY", 0, 0, u32(last) .. u32(h2.CODES[code or "NO_ERROR"]))
end

local function hang_up(session)
  session.connection:shutdown "w"
end

-- When a stream can be reset: after all of the request, after the answer's head, and in the answer.
local MOMENTS = {
  {"before its answer", function() end},
  {"after the answer's head", function(session) session:answer() end},
  {"in the answer", function(session)
    session:answer()
    data(session, HALF)
  end},
}

-- After the request has come whole: what is done then. All of it may have been billed. `kind` is network where it is
-- not given, `or_kind` what another libcurl makes of it; `either`: to another, it is a result.
local AFTER = {
  {"ends the connection", hang_up},
  {"ends the connection in the answer", function(session)
    session:answer()
    data(session, HALF)
    hang_up(session)
  end},
  {"resets the connection in the answer", function(session)
    session:answer()
    data(session, HALF)
    session:reset()
  end},
  {"goes away, having done nothing", function(session) goaway(session, 0) end},
  {"goes away, having done nothing, and ends the connection", function(session)
    goaway(session, 0)
    hang_up(session)
  end},
  {"goes away with an error, having done nothing", function(session) goaway(session, 0, "ENHANCE_YOUR_CALM") end},
  {"goes away with the request in hand, and ends the connection", function(session)
    goaway(session, session.stream)
    hang_up(session)
  end},
  {"goes away with the request in hand, and is silent", function(session) goaway(session, session.stream) end,
    timeout = true},
  {"goes away in the middle of its answer, having done nothing", function(session)
    session:answer()
    data(session, HALF)
    goaway(session, 0)
  end},
  {"sends DATA to stream 0", function(session) session:send("DATA", 0, 0, "x") end},
  {"sends HEADERS to stream 0", function(session) session:send("HEADERS", h2.END_HEADERS, 0, "\x88") end},
  {"sends HEADERS to a stream of its own", function(session) session:send("HEADERS", h2.END_HEADERS, 2, "\x88") end},
  {"sends HEADERS to a stream that nobody opened", function(session)
    session:send("HEADERS", h2.END_HEADERS, 5, "\x88")
  end},
  {"sends SETTINGS to a stream", function(session) session:send("SETTINGS", 0, session.stream) end},
  {"sends SETTINGS of a wrong length", function(session) session:send("SETTINGS", 0, 0, "abc") end},
  {"sends SETTINGS that no window can have", function(session)
    session:send("SETTINGS", 0, 0, settings(4, MOST + 1))
  end},
  {"sends a PING of a wrong length", function(session) session:send("PING", 0, 0, "abc") end},
  {"sends an RST_STREAM of a wrong length", function(session) session:send("RST_STREAM", 0, session.stream, "abc") end},
  {"sends a GOAWAY of a wrong length", function(session) session:send("GOAWAY", 0, 0, "abc") end},
  {"sends a WINDOW_UPDATE of a wrong length", function(session) session:send("WINDOW_UPDATE", 0, 0, "abc") end},
  {"opens the connection's window by nothing", function(session) session:send("WINDOW_UPDATE", 0, 0, u32(0)) end},
  {"opens the stream's window by nothing", function(session)
    session:send("WINDOW_UPDATE", 0, session.stream, u32(0))
  end},
  {"opens the connection's window too far", function(session) session:send("WINDOW_UPDATE", 0, 0, u32(MOST)) end},
  {"opens the stream's window too far", function(session)
    session:send("WINDOW_UPDATE", 0, session.stream, u32(MOST))
  end},
  {"sends a frame larger than agreed", function(session)
    session:send("HEADERS", 0, session.stream, ("\0"):rep(16385))
  end},
  {"announces a frame of 16 MiB", function(session)
    session:write("\xff\xff\xff\0\0" .. u32(session.stream))
    session:write(("x"):rep(100000))
  end},
  {"sends padding beyond the frame's end", function(session) session:send("DATA", 8, session.stream, "\200abc") end},
  {"sends DATA before HEADERS", function(session) data(session, JSON, h2.END_STREAM) end},
  {"sends CONTINUATION of nothing", function(session)
    session:send("CONTINUATION", h2.END_HEADERS, session.stream, "\x88")
  end},
  {"sends a PING in the middle of its headers", function(session)
    session:send("HEADERS", 0, session.stream, "\x88")
    session:send("PING", 0, 0, "12345678")
  end},
  {"never ends its headers", function(session) session:send("HEADERS", 0, session.stream, "\x88") end, timeout = true},
  {"sends headers that are no HPACK", function(session)
    session:send("HEADERS", h2.END_HEADERS, session.stream, ("\xff"):rep(50))
  end},
  {"sends headers from beyond the table", function(session)
    session:send("HEADERS", h2.END_HEADERS, session.stream, "\xff\0")
  end},
  {"asks for a header table larger than agreed", function(session)
    session:send("HEADERS", h2.END_HEADERS, session.stream, "\x3f\xff\xff\xff\xff\xff\x0f\x88")
  end},
  {"sends no status", function(session) session:answer {"a", "b"} end, or_kind = "protocol"},
  {"sends a status that is no number", function(session) session:answer {":status", "2x0"} end},
  {"sends two statuses", function(session) session:answer {":status", "200", ":status", "500"} end},
  {"sends its status last", function(session) session:answer {"a", "b", ":status", "200"} end,
    or_kind = "protocol"},
  {"sends a pseudo-header of its own", function(session) session:answer {":status", "200", ":x", "1"} end},
  {"sends a header in capitals", function(session) session:answer {":status", "200", "X-Request-Id", "1"} end},
  {"sends a header with a line break in it", function(session)
    session:answer {":status", "200", "x", "1\r\nx-request-id: forged"}
    data(session, HALF, h2.END_STREAM)
  end},
  {"sends a header with a NUL in it", function(session)
    session:answer {":status", "200", "x", "1\0002"}
    data(session, HALF, h2.END_STREAM)
  end},
  {"sends a header of HTTP/1.1", function(session)
    session:answer {":status", "200", "transfer-encoding", "chunked"}
  end},
  {"sends two lengths", function(session)
    session:answer {":status", "200", "content-length", "5", "content-length", "6"}
  end},
  {"sends less than its Content-Length", function(session)
    session:answer {":status", "200", "content-length", tostring(#JSON + 1)}
    data(session, JSON, h2.END_STREAM)
  end, either = true},
  {"sends more than its Content-Length", function(session)
    session:answer {":status", "200", "content-length", tostring(#JSON - 1)}
    data(session, JSON, h2.END_STREAM)
  end},
  {"sends a header table's worth of one byte each", function(session)
    session:send("HEADERS", 0, session.stream, "\x88\x40\1a\x7f\xa1\x1e" .. ("v"):rep(4000))
    session:send("CONTINUATION", 0, session.stream, ("\xbe"):rep(16384))
    session:send("CONTINUATION", h2.END_HEADERS, session.stream, ("\xbe"):rep(16384))
  end, or_kind = "protocol"},
  {"sends headers without end", function(session)
    session:send("HEADERS", 0, session.stream, "\x88")
    flood(session, h2.frame("CONTINUATION", 0, session.stream, h2.block {"a", ("b"):rep(100)}))
  end},
  {"sends empty CONTINUATION without end", function(session)
    session:send("HEADERS", 0, session.stream, "\x88")
    flood(session, h2.frame("CONTINUATION", 0, session.stream))
  end},
  {"sends interim answers without end", function(session)
    flood(session, h2.frame("HEADERS", h2.END_HEADERS, session.stream, h2.block {":status", "103", "a", "b"}))
  end},
  {"sends a body without end", function(session)
    session:answer()
    data(session, '{"data":"')
    flood(session, h2.frame("DATA", 0, session.stream, ("x"):rep(16384)))
  end, kind = "protocol", says = "256 KiB"},
  {"pushes a picture that nobody asked for", function(session)
    session:send("PUSH_PROMISE", h2.END_HEADERS, session.stream, u32(2) .. h2.block {
      ":method", "GET", ":path", "/x", ":scheme", "https", ":authority", "127.0.0.1",
    })
  end},
  {"answers in HTTP/1.1", function(session) session:write "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" end},
  {"ends its answer without a body", function(session) session:answer(nil, h2.END_STREAM) end, kind = "protocol",
    says = "empty"},
  {"ends its answer in the middle of the picture", function(session)
    session:answer()
    data(session, HALF, h2.END_STREAM)
  end, says = "cut short"},
}

-- After all of the JSON, which is paid for: the picture, where libcurl hands out what came before the trouble.
local AFTER_ALL = {
  {"sends trailers that do not end the stream", function(session) session:answer {"x-sum", "1"} end},
  {"sends another status in its trailers", function(session) session:answer({":status", "500"}, h2.END_STREAM) end},
  {"ends the connection", hang_up},
  {"resets the connection", function(session) session:reset() end},
  {"goes away, having done nothing", function(session) goaway(session, 0) end},
  {"resets the stream", function(session) rst(session, "INTERNAL_ERROR") end},
  {"ends the stream by a reset", function(session) rst(session, "NO_ERROR") end},
  {"is silent", function() end, timeout = true},
}

-- At once. Whether the request has left by then is for the error to say.
local AT_ONCE = {
  {"ends the connection", hang_up},
  {"resets the connection", function(session) session:reset() end},
  {"goes away", function(session) goaway(session, 0) end},
  {"sends SETTINGS that no window can have", function() end, settings = settings(4, MOST + 1)},
  {"answers in HTTP/1.1", function(session)
    session:write "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
  end, settings = false},
  {"sends SETTINGS without end", function(session) flood(session, h2.frame("SETTINGS", 0, 0, settings(4, 65535))) end,
    kind = "any"},
  {"sends PING without end", function(session) flood(session, h2.frame("PING", 0, 0, "12345678")) end, kind = "any"},
  {"sends frames of an unknown type without end", function(session)
    flood(session, h2.frame(200, 255, 77, "12345678"))
  end, kind = "any"},
  {"is silent, without SETTINGS", function() end, settings = false, kind = "timeout"},
}

-- What is odd but no attack.
local HARMLESS = {
  {"an answer with a Content-Length", function(session)
    session:answer {":status", "200", "content-length", tostring(#JSON)}
    data(session, JSON, h2.END_STREAM)
  end},
  {"an answer byte by byte", function(session)
    session:answer()
    for i = 1, #JSON do
      data(session, JSON:sub(i, i), i == #JSON and h2.END_STREAM or 0)
    end
  end},
  {"interim answers, unknown frames, a PING and padding", function(session)
    session:answer {":status", "103", "link", "x"}
    session:send(200, 255, 77, "12345678")
    session:send("PING", 0, 0, "12345678")
    session:answer()
    session:send("DATA", 8 | h2.END_STREAM, session.stream, "\3" .. JSON .. "\0\0\0")
  end},
  {"trailers", function(session)
    session:answer()
    data(session, JSON)
    session:answer({"x-sum", "1"}, h2.END_STREAM)
  end},
  {"a server that goes away after this answer", function(session)
    goaway(session, session.stream)
    session:answer()
    data(session, JSON, h2.END_STREAM)
  end},
  {"DATA behind the end", function(session)
    session:answer()
    data(session, JSON, h2.END_STREAM)
    data(session, JSON, h2.END_STREAM)
  end},
}

describe("A server of hostile HTTP/2", function()
  local service = support.standin()
  local ca_file, context

  lazy_setup(function()
    local ours = authority.new()
    ca_file = support.write(os.tmpname(), ours.pem)
    context = raw.context(authority.issue(ours), "h2")
  end)

  lazy_teardown(function()
    os.remove(ca_file)
  end)

  -- A server that does this on each connection, and answers what comes in HTTP/1.1.
  local function listen(serve, given)
    return raw.listen(function(connection, server)
      if connection:checktls():getAlpnSelected() ~= "h2" then
        if server:request(connection) then
          server.bodies = (server.bodies or 0) + 1
          connection:xwrite(("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"):format(#JSON) .. JSON)
        end
        return raw.silence(connection)
      end
      local session = h2.open(connection, server, given)
      serve(session, server)
      session:silence()
    end, context)
  end

  local function connect(server, options)
    local given = {base_url = "https://" .. server.host .. "/v1", ca_file = ca_file, max_response_bytes = 1000000}
    for name, value in pairs(options) do
      given[name] = value
    end
    return support.client(service, given)
  end

  -- What a POST to such a server gives, and what of it arrived.
  local function post(serve, given, options)
    local result, err, server
    raw.traceless(function()
      server = listen(serve, given)
      local client = connect(server, options)
      result, err = raw.finish(assert(client:submit {prompt = "a lighthouse"}))
      client:close()
      server:close()
    end)
    return result, err, server
  end

  -- After the whole request.
  local function meet(case)
    local result, err, server = post(function(session)
      session:await "whole"
      case[2](session)
    end, "", {retries = 1, timeout = case.timeout and 1 or 20})
    local kind = case.timeout and "timeout" or case.kind or "network"
    assert.fields({requests = 1, bodies = 1}, server)
    if case.either and result then
      return
    end
    assert.is_true(err.kind == kind or err.kind == case.or_kind, tostring(err))
    assert.fields({attempts = 1, maybe_billed = true}, err)
    assert.is_nil(err.request_id)
    assert.matches(case.says or "", err.message)
    assert.not_matches(support.KEY, err.message, 1, true)
  end

  for _, case in ipairs(AFTER) do
    it("fails the request where it " .. case[1], function()
      meet(case)
    end)
  end

  for _, case in ipairs(AFTER_ALL) do
    it("gives its picture, or fails as any other, where it answers and " .. case[1], function()
      local result, err, server = post(function(session)
        session:await "whole"
        session:answer()
        data(session, JSON)
        cqueues.sleep(0.1) -- mostly long enough to be read
        case[2](session)
      end, "", {retries = 1, timeout = case.timeout and 1 or 20})
      assert.is_true(result and #result.image.bytes == 70 or not case.timeout and err.kind == "network", tostring(err))
      assert.is_true(result ~= nil or err.maybe_billed)
      assert.fields({requests = 1, bodies = 1}, server)
    end)
  end

  for _, code in ipairs {
    "PROTOCOL_ERROR", "INTERNAL_ERROR", "REFUSED_STREAM", "CANCEL", "ENHANCE_YOUR_CALM", "HTTP_1_1_REQUIRED",
  } do
    for _, moment in ipairs(MOMENTS) do
      it(("fails the request, and gets it once, where it ends it with %s %s"):format(code, moment[1]), function()
        meet {code, function(session)
          moment[2](session)
          rst(session, code)
        end}
      end)
    end
  end

  for _, case in ipairs(AT_ONCE) do
    it("gets no more than one request where it at once " .. case[1], function()
      local _, err, server = post(case[2], case.settings or case.settings == nil and "", {
        retries = 1, timeout = case.kind and 1 or 20,
      })
      assert.is_true(err.kind == "network" or err.kind == "timeout" and case.kind ~= nil)
      assert.is_true((server.bodies or 0) <= 1)
      assert.is_true(err.maybe_billed or err.attempts == 2 and not server.bodies)
      assert.matches("127.0.0.1", err.message)
    end)
  end

  it("is not one that does what is odd, but allowed", function()
    for _, case in ipairs(HARMLESS) do
      local result, err, server = post(function(session)
        session:await "whole"
        case[2](session)
      end, "", {retries = 0})
      assert(result, ("%s: %s"):format(case[1], err))
      assert.equal(1, server.requests)
      assert.equal(70, #result.image.bytes)
    end
  end)

  -- Answers the first request of a connection well, and leaves no room for the body of a second.
  local function warm(session)
    session:await "head"
    session:send("WINDOW_UPDATE", 0, session.stream, u32(65535))
    session:await "whole"
    session:answer()
    data(session, JSON, h2.END_STREAM)
    session:again()
    session:await "head"
  end

  for _, case in ipairs {
    {"is silent", function() end, kind = "timeout"},
    {"ends the connection", hang_up},
    {"resets the connection", function(session) session:reset() end},
    {"goes away", function(session) goaway(session, 1) end},
    {"refuses the stream", function(session) rst(session, "REFUSED_STREAM") end},
    {"wants HTTP/1.1", function(session) rst(session, "HTTP_1_1_REQUIRED") end},
  } do
    it("gets no body twice where it leaves no room for it and " .. case[1], function()
      raw.traceless(function()
        local server = listen(function(session)
          warm(session)
          case[2](session)
        end, CLOSED)
        local client = connect(server, {retries = 1, timeout = 20})
        assert(raw.finish(assert(client:submit {prompt = "a lighthouse"})))
        local result, err = raw.finish(assert(client:submit({prompt = "a lighthouse"}, {
          timeout = case.kind and 0.5,
        })))
        local made = client:stats().connections
        client:close()
        server:close()
        assert.equal(server.secured, made)
        assert.equal(result and 2 or 1, server.bodies)
        assert.is_true(result ~= nil or err.maybe_billed and err.kind == (case.kind or "network"))
      end)
    end)
  end

  it("is asked once more over HTTP/1.1 where nothing had left, and each connection is counted", function()
    raw.traceless(function()
      local server = listen(function(session)
        session:await "head"
        rst(session, "HTTP_1_1_REQUIRED")
      end, CLOSED)
      local client = connect(server, {retries = 1, timeout = 20})
      local result, err = raw.finish(assert(client:submit {prompt = "a lighthouse"}))
      local stats, history = client:stats(), (result or err).history
      client:close()
      server:close()
      assert.fields({connections = server.secured, done = result and 1 or 0}, stats)
      assert.is_true(not result or history[#history].protocol == "HTTP/1.1" and not history[#history].reused)
    end)
  end)

  it("fails only the requests that it left undone, of many on one connection", function()
    raw.traceless(function()
      local server = listen(function(session, server)
        warm(session)
        while server.bodies < 4 do
          session.news:wait()
        end
        session.stream = 3
        goaway(session, 3)
        session:answer()
        data(session, JSON, h2.END_STREAM)
      end, "")
      local client = connect(server, {retries = 1})
      assert(raw.finish(assert(client:submit {prompt = "a lighthouse"})))
      local jobs = {}
      for i = 1, 3 do
        jobs[i] = assert(client:submit {prompt = "a lighthouse"})
      end
      assert(raw.finish(jobs[1]))
      for i = 2, 3 do
        local err = raw.failure(jobs[i])
        assert.fields({kind = "network", maybe_billed = true, attempts = 1}, err)
      end
      client:close()
      server:close()
      assert.fields({requests = 4, bodies = 4}, server)
    end)
  end)

  it("gives a picture without a length whole, whatever stands behind its end", function()
    local picture = support.painted {seed = 7, bytes = 100000}
    for _, rest in ipairs {"", "\n", "<!-- made by a gateway -->"} do
      raw.traceless(function()
        local server = listen(function(session)
          session:await "whole"
          session:answer {":status", "200", "content-type", "image/png"}
          for at = 1, #picture, 10000 do
            data(session, picture:sub(at, at + 9999))
          end
          data(session, rest, h2.END_STREAM)
        end, "")
        local client = support.client(service, {ca_file = ca_file})
        local result, err = raw.finish(assert(client:submit {
          prompt = support.prompt {url = "https://" .. server.host .. "/x.png"}, response_format = "url",
        }))
        client:close()
        server:close()
        assert.is_true(result and result.image.bytes == picture .. rest, tostring(err))
      end)
    end
  end)

  it("gives no half of a picture for a whole one", function()
    local picture = support.painted {seed = 7, bytes = 100000}
    for _, finish in ipairs {
      function(session) data(session, "", h2.END_STREAM) end,
      function(session) rst(session, "NO_ERROR") end,
      function(session) rst(session, "HTTP_1_1_REQUIRED") end,
      function(session) rst(session, "CANCEL") end,
      function(session) data(session, ("x"):rep(16385)) end,
      function(session) session:send("DATA", 8, session.stream, "\200abc") end,
      function(session) goaway(session, 0) end,
      hang_up,
    } do
      for _, headers in ipairs {{":status", "200"}, {":status", "200", "content-length", tostring(#picture)}} do
        raw.traceless(function()
          local server = listen(function(session)
            session:await "whole"
            session:answer(headers)
            for at = 1, 50000, 10000 do
              data(session, picture:sub(at, at + 9999))
            end
            finish(session)
          end, "")
          local url = "https://" .. server.host .. "/x.png"
          local client = support.client(service, {ca_file = ca_file})
          local err = raw.failure(assert(client:submit {
            prompt = support.prompt {url = url}, response_format = "url",
          }))
          client:close()
          server:close()
          assert.fields({kind = "network", maybe_billed = true, url = url}, err)
        end)
      end
    end
  end)
end)
