-- Which connection a POST goes out on: a kept one where it lasts, and a new one where the server has ended the last,
-- however short ago. A request on a connection that is gone is lost, and may be billed.

local cqueues = require "cqueues"
local condition = require "cqueues.condition"
local h2 = require "spec.support.h2"
local raw = require "spec.support.raw"
local support = require "spec.support"

local authority = support.part "authority"

local PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
local JSON = ([[{"data":[{"b64_json":"%s"}]}]]):format(PIXEL)
local ANSWER = ("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s"):format(#JSON, JSON)
local GAPS = {0.01, 0.1, 0.9} -- seconds between a server's end of a connection and the next POST
local IN_A_ROW = 5
local LIMIT = 500 -- requests a connection of HTTP/2: CONNECTION_LIMIT

local ours = authority.new()

-- How a connection begins: `requests(connection, server)` gives a function that reads a request and answers it, false
-- where the client has left.
local function over_http1(connection, server)
  return function()
    return server:request(connection) and connection:xwrite(ANSWER)
  end
end

local function goaway(session)
  return h2.frame("GOAWAY", 0, 0, h2.u32(session.stream) .. h2.u32(0))
end

-- With the answer, as nginx does when a connection has had its keepalive_requests: one read of the client's takes both.
local function go_away_in_answer() end

local function over_http2(connection, server, finish)
  local session = h2.open(connection, server)
  return function()
    session:await "whole"
    if not session.whole then
      return false
    end
    session:answer()
    session:again()
    return session:write(h2.frame("DATA", h2.END_STREAM, session.stream, JSON) ..
      (finish == go_away_in_answer and goaway(session) or ""))
  end, session
end

local function say_goodbye(connection)
  connection:shutdown "w"
end

local function cut(connection)
  raw.below(connection):shutdown "w"
end

-- When the answer has been read: a reset throws away what was not.
local function reset(connection, _, server)
  server.answered:wait()
  raw.reset(connection)
end

-- When the answer has been read: what comes with it lies in the TLS library's buffer, where nobody can look.
local function go_away(_, session, server)
  server.answered:wait()
  session:write(goaway(session))
end

local function go_away_and_close(connection, session)
  session:write(goaway(session))
  connection:shutdown "w"
end

local WAYS = {
  {name = "plain HTTP", requests = over_http1, ends = {closes = say_goodbye, resets = reset}},
  {name = "TLS with HTTP/1.1", requests = over_http1, tls = "http/1.1",
    ends = {["says goodbye and closes"] = say_goodbye, ["closes without a word"] = cut, resets = reset}},
  {name = "TLS with HTTP/2", requests = over_http2, tls = "h2",
    ends = {["closes without a word"] = cut, ["goes away"] = go_away,
      ["goes away as it answers"] = go_away_in_answer, ["goes away and closes"] = go_away_and_close}},
}

describe("A kept connection", function()
  local service = support.standin()
  local ca_file

  lazy_setup(function()
    ca_file = support.write(os.tmpname(), ours.pem)
  end)

  lazy_teardown(function()
    os.remove(ca_file)
  end)

  -- A server that ends each connection so after its first answer; where `finish` is nil, it ends none.
  local function serve(way, finish)
    local server
    server = raw.listen(function(connection)
      local answer, session = way.requests(connection, server, finish)
      while answer() do
        if finish then
          finish(connection, session, server)
          server.finished = (server.finished or 0) + 1
          if session then
            session:silence() -- as somebody reads it already
          elseif finish ~= reset then
            raw.silence(connection)
          end
          return
        end
      end
    end, way.tls and raw.context(authority.issue(ours), way.tls))
    server.answered = condition.new()
    return server, ("%s://%s/v1"):format(way.tls and "https" or "http", server.host)
  end

  local function rest(seconds)
    local until_then = cqueues.monotime() + seconds
    raw.run("the end of a rest", function() return cqueues.monotime() >= until_then end)
  end

  for _, way in ipairs(WAYS) do
    it("carries one POST after the other over " .. way.name, function()
      local server <close>, base_url = serve(way)
      local client <close> = support.client({}, {base_url = base_url, ca_file = ca_file})
      for _ = 1, IN_A_ROW do
        assert(raw.finish(assert(client:submit {prompt = "a lighthouse"})))
      end
      assert.fields({connections = 1, requests = IN_A_ROW}, server)
      client:close()
    end)

    local limited = way.tls == "h2"
    it(("carries %s over %s"):format(limited and "no more POSTs than servers take" or "any number of POSTs", way.name),
      function()
        local server <close>, base_url = serve(way)
        local client <close> = support.client({}, {base_url = base_url, ca_file = ca_file})
        for i = 1, LIMIT + 1 do
          assert(raw.finish(assert(client:submit {prompt = "a lighthouse"})))
          assert.equal(limited and i > LIMIT and 2 or 1, server.connections, i)
        end
        assert.equal(LIMIT + 1, server.requests)
        client:close()
      end)

    for name, finish in pairs(way.ends) do
      it(("carries no POST where its server over %s %s after an answer"):format(way.name, name), function()
        local server <close>, base_url = serve(way, finish)
        local client <close> = support.client({}, {
          base_url = base_url, ca_file = ca_file, budget = 1 + #GAPS, max_concurrent = 1,
        })
        for i = 0, #GAPS do
          if i > 0 then
            raw.run("the end of a connection", function() return server.finished == i end)
            rest(GAPS[i])
          end
          local result, err = raw.finish(assert(client:submit {prompt = "a lighthouse"}))
          server.answered:signal()
          assert(result, ("%s s later: %s"):format(GAPS[i], err))
        end
        assert.equal(1 + #GAPS, server.connections)
        assert.equal(1 + #GAPS, server.bodies or server.requests) -- over HTTP/2 a head may have left, which is no POST
        client:close()
      end)
    end
  end

  -- Over TLS the rest of a record is in the TLS library already, where no look at the socket sees it.
  it("is a new one where a length was too small for its answer, whose rest would be taken for the next", function()
    local json = ([[{"data":[{"b64_json":"%s%s"}]}]]):format(PIXEL, ("="):rep(100000))
    local server <close> = raw.listen(function(connection, server)
      while server:request(connection) do
        local length = server.requests == 1 and #json - 50 or #json
        connection:xwrite(("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s"):format(length, json))
      end
    end, raw.context(authority.issue(ours)))
    local client <close> = support.client({}, {base_url = ("https://%s/v1"):format(server.host), ca_file = ca_file})
    assert.equal("protocol", support.failure(raw.finish(assert(client:submit {prompt = "a lighthouse"}))).kind)
    for _ = 1, 2 do
      local result, err = raw.finish(assert(client:submit {prompt = "a lighthouse"}))
      assert(result, tostring(err))
    end
    assert.equal(2, server.connections)
    client:close()
  end)

  -- libcurl makes another connection at once, before it sees that the body cannot be sent twice.
  it("is what the history names, where a request is lost on it", function()
    local server <close> = raw.listen(function(connection, server)
      for _ = 1, 2 do
        if server:request(connection) and server.requests == 1 then
          connection:xwrite(ANSWER)
        end
      end
    end)
    local client <close> = support.client({}, {base_url = ("http://%s/v1"):format(server.host)})
    assert(raw.finish(assert(client:submit {prompt = "a lighthouse"})))
    local err = support.failure(raw.finish(assert(client:submit {prompt = "a lighthouse"})))
    assert.fields({kind = "network", maybe_billed = true, attempts = 1}, err)
    assert.is_true(err.history[1].reused)
    assert.equal(0, err.timing.connect)
    raw.run("the other connection", function() return server.connections == client:stats().connections end)
    client:close()
  end)

  it("has what its request is asked on in its place for what is left of the timeout", function()
    local TIMEOUT, HELD = 3, 2
    local server <close> = raw.listen(function(connection, server)
      local session = h2.open(connection, server)
      if server.connections == 1 then
        session:await "whole"
        session:answer()
        session:again()
        session:send("DATA", h2.END_STREAM, session.stream, '{"data":[]}')
        session:await "whole"
        cqueues.sleep(HELD)
        session:write(h2.frame("GOAWAY", 0, 0, h2.u32(1) .. h2.u32(0)))
      end
      session:silence()
    end, raw.context(authority.issue(ours), "h2"))
    local client <close> = support.client({}, {
      base_url = "https://" .. server.host .. "/v1", ca_file = ca_file, timeout = TIMEOUT,
    })
    assert(raw.finish(assert(client:models())))
    local err = support.failure(raw.finish(assert(client:models())))
    assert.matches("^timeout: no .* 127.0.0.1 after [34][%d.]* s; see timeout and deadline$", tostring(err))
    assert.is_true(err.history[1].seconds < TIMEOUT + HELD)
    assert.equal(2, server.connections)
    client:close()
  end)

  it("has a download that libcurl itself repeats on another in the counters as often as it was asked for", function()
    local picture = support.painted {seed = 7, bytes = 10000}
    local server <close> = raw.listen(function(connection, server)
      for i = 1, 2 do
        if server:request(connection) and i == 1 then
          connection:xwrite(("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"):format(#picture) .. picture)
        end
      end
    end)
    local client <close> = support.client(service, {retries = 0})
    for i = 1, 3 do
      local result = assert(raw.finish(assert(client:submit {
        prompt = support.prompt {url = "http://" .. server.host .. "/a.png"}, response_format = "url",
      })))
      assert.equal(2, #result.history)
      assert.fields({connections = i, requests = 2 * i - 1}, server)
      assert.equal(server.requests, client:stats().downloads)
    end
    client:close()
  end)

  -- What costs nothing is asked once more, on another connection. Over HTTP/1.1 libcurl sees to it.
  local FREE = {
    download = function(client, host)
      return client:submit {prompt = support.prompt {url = host .. "/a.png"}, response_format = "url"}
    end,
    question = function(client) return client:models() end,
  }
  for name, finish in pairs {
    ["goes away"] = function(session) session:write(h2.frame("GOAWAY", 0, 0, h2.u32(1) .. h2.u32(0))) end,
    ["closes it"] = function(session) session.connection:shutdown "w" end,
  } do
    for what, ask in pairs(FREE) do
      it(("costs no repeat of a %s where its server %s instead of an answer"):format(what, name), function()
        local server <close> = raw.listen(function(connection, server)
          local session = h2.open(connection, server)
          session:await "whole"
          session:answer()
          session:again()
          session:send("DATA", h2.END_STREAM, session.stream,
            what == "question" and '{"data":[]}' or support.painted {seed = 7, bytes = 10000})
          session:await "whole"
          finish(session)
          session:silence()
        end, raw.context(authority.issue(ours), "h2"))
        local host = "https://" .. server.host
        local client <close> = support.client(service, {
          base_url = what == "question" and host .. "/v1" or nil, ca_file = ca_file, retries = 0,
        })
        for i = 1, 3 do
          assert(raw.finish(assert(ask(client, host))))
          assert.fields({connections = i, requests = 2 * i - 1}, server)
        end
        assert.equal(what == "download" and server.requests or 0, client:stats().downloads)
        client:close()
      end)
    end
  end
end)
