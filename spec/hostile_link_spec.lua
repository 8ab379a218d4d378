-- A hostile service or picture host that sends its client elsewhere: by a redirect of the POST, by the link in an
-- answer, by a redirect of the link. The POST goes nowhere else, the key to nobody, the download to no place that is
-- not allowed, and the error holds the link of the picture that was paid for.

local json = require "cjson".new()
local raw = require "spec.support.raw"
local stepimg = require "stepimg"
local support = require "spec.support"

local PARAMS = {prompt = "a lighthouse", response_format = "url"}

-- TRAP is the port of a server that nobody is to reach, SELF that of the one that says so.
local ELSEWHERE = {
  "http://127.0.0.1:TRAP/v1/images/generations", "http://localhost:TRAP/", "https://127.0.0.1:TRAP/",
  "//127.0.0.1:TRAP/", "http://127.0.0.1:SELF/v1/images/generations", "/v1/images/generations", "images/generations",
  "?again=1", "", "file:///etc/hostname", "gopher://127.0.0.1:TRAP/_POST", "http://user:secret@127.0.0.1:TRAP/",
  "http://127.0.0.1:99999/", false,
}

-- Links, and where a link's redirect may not lead.
local REFUSED = {
  "http://10.0.0.1:TRAP/x", "http://8.8.8.8:TRAP/x", "http://intranet:TRAP/x",
  "file:///etc/hostname", "FILE:///etc/hostname", "file://127.0.0.1/etc/hostname", "ftp://127.0.0.1:TRAP/x",
  "gopher://127.0.0.1:TRAP/_x", "dict://127.0.0.1:TRAP/d:x", "smb://127.0.0.1:TRAP/x", "ldap://127.0.0.1:TRAP/x",
  "telnet://127.0.0.1:TRAP/", "ws://127.0.0.1:TRAP/", "data:image/png;base64,iVBORw0KGgo=", "javascript:alert(1)",
  "http://user@127.0.0.1:TRAP/x", "http://user:secret@127.0.0.1:TRAP/x", "http://:@127.0.0.1:TRAP/x",
  "//user@127.0.0.1:TRAP/x", "https://api.stepfun.ai@127.0.0.1:TRAP/x", "http://127.0.0.1@example.org/x",
  "http://example.org\\@127.0.0.1:TRAP/x",
  "http://0.0.0.0:TRAP/x", "http://[::]:TRAP/x", "http://[::ffff:127.0.0.1]:TRAP/x", "http://[0:0:0:0:0:0:0:0]:TRAP/",
  "http://\239\189\140ocalhost:TRAP/x", "http://lo\204\136calhost:TRAP/x",
  "http://127.0.0.1:99999/x", "http://127.0.0.1:-1/x", "http://127.0.0.1:x/x", "http://[127.0.0.1]:TRAP/x",
  "http://[::1/x", "http:///x", "http://", "https://",
  "http://127.0.0.1:TRAP\1/x", "http://127.0.0.1:TRAP/\27[31mx", "http://127.0.0.1 :TRAP/x", "http:127.0.0.1:TRAP/x",
  "http:\\\\127.0.0.1:TRAP\\x", "http://127.0.0.1:TRAP/\tx",
}

-- Those that are tried over https, at a name that nobody has.
local SECURED = {
  "http://example.invalid/x.png", "HTTP://EXAMPLE.INVALID/x.png", "//example.invalid/x.png",
  "http://127.0.0.1.example.invalid:TRAP/x", "http://localhost.example.invalid:TRAP/",
  "http://localhost%2eexample.invalid:TRAP/",
}

-- Redirects that lead nowhere: no header says where, or it leads back for ever.
local NOWHERE = {
  {"no Location", ""}, {"an empty Location", "Location: \r\n"}, {"a Location of blanks", "Location:  \t \r\n"},
  {"a NUL in its Location", "Location: http://127.0.0.1:TRAP/\0x\r\n"},
  {"a Location of a megabyte", "Location: http://127.0.0.1:TRAP/" .. ("x"):rep(2 ^ 20) .. "\r\n"},
  {"itself as its Location", "Location: http://127.0.0.1:SELF/x.png\r\n", times = 3},
  {"its own path as its Location", "Location: /x.png\r\n", times = 3},
  {"a query as its Location", "Location: ?x\r\n", times = 3},
  {"a fragment as its Location", "Location: #x\r\n", times = 3},
  {"a path that climbs as its Location", "Location: ../../../x\r\n", times = 3},
  {"backslashes in its Location", "Location: \\\\127.0.0.1:TRAP\\x\r\n", times = 3},
  {"a slash and a backslash in its Location", "Location: /\\127.0.0.1:TRAP/x\r\n", times = 3},
  {"bytes that are no text as its Location", "Location: \xff\xfe\x80\r\n", times = 3},
  {"a Location of 90 KB", "Location: /" .. ("x"):rep(90000) .. "\r\n", times = 3},
}

-- What is in the place of a link, as JSON.
local NO_LINKS = {"5", "true", "false", "null", "{}", "[]", '["http://127.0.0.1:TRAP/x"]', '{"url":"x"}', '""', "1e999"}

-- How a picture's host can fail.
local HOSTS = {
  {"closes at once", function() end, "network"},
  {"resets at once", raw.reset, "network"},
  {"closes after the request", function(connection, server) server:request(connection) end, "network"},
  {"resets after the request", function(connection, server)
    server:request(connection)
    raw.reset(connection)
  end, "network"},
  {"is silent", function(connection) raw.silence(connection) end, "timeout"},
  {"sends headers without end", answer = "HTTP/1.1 200 OK\r\n", again = "X-More: and more\r\n", "protocol"},
  {"answers without HTTP", answer = "\x89PNG\r\n\x1a\n", "protocol"},
  {"answers in TLS", answer = "\x15\3\3\0\2\2\40", "protocol"},
  {"answers 200 with nothing", answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "protocol"},
  {"answers 204", answer = "HTTP/1.1 204 No Content\r\n\r\n", "protocol"},
  {"answers 206", answer = "HTTP/1.1 206 Partial Content\r\nContent-Length: 4\r\n\r\n\x89PNG", "protocol"},
  {"answers 401 and asks for a password", answer = "HTTP/1.1 401 Who?\r\nWWW-Authenticate: Basic realm=x\r\n"
    .. "Content-Length: 0\r\n\r\n", "request"},
  {"answers 407 and asks for a password", answer = "HTTP/1.1 407 Who?\r\nProxy-Authenticate: Basic realm=x\r\n"
    .. "Content-Length: 0\r\n\r\n", "request"},
  {"answers 999", answer = "HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n", "protocol"},
  {"sends a web page", answer = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>",
    "protocol"},
  {"sends a web page, and colours for a terminal", answer = "HTTP/1.1 200 OK\r\nContent-Type: \27[31mred\xff\r\n"
    .. "Content-Length: 6\r\n\r\n<html>", "protocol"},
  {"sends a page without end for a refusal", answer = "HTTP/1.1 404 No\r\n\r\n", again = ("x"):rep(10000), "request"},
  {"sends a body without end", answer = "HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n",
    again = ("x"):rep(10000), "protocol"},
  {"announces more than anyone wants", answer = "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\nx",
    "protocol"},
  {"refuses, and announces more than anyone wants", answer = "HTTP/1.1 410 Gone\r\nContent-Length: 99999999999999\r\n"
    .. "\r\nx", "request"},
  {"sets a cookie and sends the client back", answer = "HTTP/1.1 302 Found\r\nSet-Cookie: a=b\r\nLocation: /x.png\r\n"
    .. "Content-Length: 0\r\n\r\n", "protocol"},
}

describe("A server that leads elsewhere", function()
  -- Calls `f(server, trap, heads)`: a server that answers each request with what `serve(server, head)` returns, the one
  -- that nobody is to reach, and the heads of the requests.
  local function between(serve, f)
    local trap <close> = raw.listen(function(connection, self)
      self:request(connection)
      raw.silence(connection)
    end)
    local heads = {}
    local server <close> = raw.listen(function(connection, self)
      for head in function() return (self:request(connection)) end do
        heads[#heads + 1] = head
        connection:xwrite(serve(self, head))
      end
    end)
    server.place = function(text)
      return (text:gsub("TRAP", trap.host:match "%d+$"):gsub("SELF", server.host:match "%d+$"))
    end
    f(server, trap, heads)
  end

  -- A case that leaves no thread and no descriptor behind.
  local function try(name, f)
    it(name, function()
      raw.traceless(f)
    end)
  end

  local function connect(server, options)
    local given = {api_key = support.KEY, base_url = "http://" .. server.host .. "/v1", retries = 0}
    given.headers, given.max_response_bytes = {["X-Secret"] = "a header of ours"}, 1000000
    for name, value in pairs(options or {}) do
      given[name] = value
    end
    return assert(stepimg.new(given))
  end

  -- The answer that holds a link, or the JSON in its place.
  local function envelope(value)
    local text = '{"data":[{"url":' .. value .. "}]}"
    return ("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s"):format(#text, text)
  end

  local function redirect(status, header)
    return ("HTTP/1.1 %d Elsewhere\r\n%sContent-Length: 0\r\n\r\n"):format(status, header)
  end

  -- What came after the POST is to hold nothing that is ours to keep.
  local function check_secrets(heads)
    for i, head in ipairs(heads) do
      assert.equal(head:find "^POST" ~= nil, i == 1)
      for _, secret in ipairs {support.KEY, "a header of ours", "Authorization", "Cookie", "Referer"} do
        assert.is_true(i == 1 or not head:find(secret, 1, true), secret)
      end
    end
  end

  for _, status in ipairs {300, 301, 302, 303, 305, 307, 308, 399} do
    try(("gets the POST once, and nobody else does, with %d and any Location"):format(status), function()
      for _, location in ipairs(ELSEWHERE) do
        between(function(server)
          return redirect(status, location and ("Location: %s\r\n"):format(server.place(location)) or "")
        end, function(server, trap)
          local client <close> = connect(server, {retries = 1})
          local err = raw.failure(assert(client:submit(PARAMS)))
          assert.fields({kind = "protocol", status = status, attempts = 1}, err)
          assert.fields({maybe_billed = support.ABSENT, url = support.ABSENT}, err)
          assert.same({1, 1, 0}, {server.requests, server.connections, trap.connections})
          assert.matches("sent the request elsewhere", err.message)
          assert.not_matches(support.KEY, err.message, 1, true)
        end)
      end
    end)
  end

  -- The picture's link leads to place, at once or by a redirect, and the job fails, as judge(err, link) wants it.
  local function lead(place, judge)
    for _, at_once in ipairs {true, false} do
      local link
      between(function(server, head)
        link = at_once and server.place(place) or "http://" .. server.host .. "/x.png"
        return head:find "^POST" and envelope(json.encode(link))
          or redirect(302, ("Location: %s\r\n"):format(server.place(place)))
      end, function(server, trap, heads)
        local client <close> = connect(server)
        judge(raw.failure(assert(client:submit(PARAMS))), link)
        assert.same({at_once and 1 or 2, 0}, {server.requests, trap.connections})
        check_secrets(heads)
      end)
    end
  end

  for _, place in ipairs(REFUSED) do
    try(("is not followed to %q, neither at once nor by a redirect"):format(place), function()
      lead(place, function(err, link)
        assert.fields({kind = "protocol", maybe_billed = true, url = (link:gsub("%c", "?"))}, err)
        assert.matches("the picture's link", err.message)
        assert.not_matches("[%c]", err.message)
      end)
    end)
  end

  for _, place in ipairs(SECURED) do
    try(("is followed to %q over https alone"):format(place), function()
      lead(place, function(err, link)
        assert.fields({kind = "network", maybe_billed = true, url = link}, err)
        assert.matches("name cannot be looked up", err.message)
      end)
    end)
  end

  for _, case in ipairs(NOWHERE) do
    try("leads nowhere with " .. case[1], function()
      local link
      between(function(server, head)
        link = "http://" .. server.host .. "/x.png"
        return head:find "^POST" and envelope(json.encode(link)) or redirect(302, server.place(case[2]))
      end, function(server, trap, heads)
        local client <close> = connect(server)
        local err = raw.failure(assert(client:submit(PARAMS)))
        assert.fields({kind = "protocol", maybe_billed = true, url = link}, err)
        assert.matches(case.times and "redirects" or "did not hand out the picture", err.message)
        assert.same({2 + (case.times or 0), 0}, {server.requests, trap.connections})
        check_secrets(heads)
      end)
    end)
  end

  for _, value in ipairs(NO_LINKS) do
    try("gives no link with " .. value, function()
      between(function(server)
        return envelope(server.place(value))
      end, function(server, trap)
        local client <close> = connect(server)
        local err = raw.failure(assert(client:submit(PARAMS)))
        assert.same({"protocol", true, 1}, {err.kind, err.maybe_billed, server.requests})
        assert.is_nil(err.url)
        assert.equal(0, trap.connections)
      end)
    end)
  end

  try("does not get the key with a link to the service itself", function()
    local link
    between(function(server, head)
      link = "http://" .. server.host .. "/v1/images/generations"
      return head:find "^POST" and envelope(json.encode(link)) or "HTTP/1.1 401 Who?\r\nContent-Length: 0\r\n\r\n"
    end, function(server, _, heads)
      local client <close> = connect(server)
      local err = raw.failure(assert(client:submit(PARAMS)))
      assert.fields({kind = "request", status = 401, maybe_billed = true, url = link}, err)
      assert.equal(2, server.requests)
      check_secrets(heads)
    end)
  end)

  try("does not get a port that nobody can listen on for more than a failed connection", function()
    local link = "http://127.0.0.1:0/x.png"
    between(function() return envelope(json.encode(link)) end, function(server)
      local client <close> = connect(server)
      local err = raw.failure(assert(client:submit(PARAMS)))
      assert.fields({kind = "network", maybe_billed = true, url = link}, err)
    end)
  end)

  for _, case in ipairs(HOSTS) do
    try("fails the download, and keeps its link, where the picture's host " .. case[1], function()
      local kind = case[#case]
      local host
      local function serve(connection, self)
        local head = self:request(connection)
        while head do
          connection:xwrite(case.answer)
          while case.again and connection:xwrite(case.again) do end
          head = self:request(connection)
        end
      end
      between(function()
        return envelope(json.encode("http://" .. host.host .. "/x.png"))
      end, function(server, _, heads)
        local there <close> = raw.listen(case.answer and serve or case[2])
        host = there
        local client <close> = connect(server, {timeout = kind == "timeout" and 1 or 20})
        local err = raw.failure(assert(client:submit(PARAMS)))
        assert.fields({kind = kind, maybe_billed = true, url = "http://" .. host.host .. "/x.png"}, err)
        assert.not_matches("[%c\x7f-\xff]", err.message)
        assert.equal(1, server.requests)
        check_secrets(heads)
      end)
    end)
  end
end)
