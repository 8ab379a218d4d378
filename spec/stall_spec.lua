-- stall_timeout: an answer or a picture that has begun to arrive and comes no further. What is only thought about for
-- long is not that.

local cqueues = require "cqueues"
local hostile = require "spec.support.hostile"
local mime = require "mime"
local raw = require "spec.support.raw"
local support = require "spec.support"

local WHOLE = hostile.whole(hostile.BODY)
local PNG = mime.unb64(hostile.PIXEL)
local PICTURE = ("HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: %d\r\n\r\n%s"):format(#PNG, PNG)
local HALF = #PICTURE // 2
local LONG = 60 -- the timeout, which none of these is to reach

describe("stall_timeout", function()
  -- A client of a server that treats its POSTs with `post` and its GETs with `get`, of which nil sends all at once.
  local function with(post, get, options, f)
    local server <close> = raw.listen(function(connection, self)
      for head in function() return (self:request(connection)) end do
        self.gets = (self.gets or 0) + (head:find "^GET" and 1 or 0)
        if head:find "^GET" then
          (get or function() connection:xwrite(PICTURE) end)(connection, self)
        elseif get then
          connection:xwrite(hostile.whole(('{"data":[{"url":"http://%s/x.png"}]}'):format(self.host)))
        else
          (post or function() connection:xwrite(WHOLE) end)(connection, self)
        end
      end
    end)
    local given = {base_url = ("http://%s/v1"):format(server.host), timeout = LONG, retries = 0}
    for name, value in pairs(options) do
      given[name] = value
    end
    local client <close> = support.client({}, given)
    f(client, server, assert(client:submit {prompt = "x"}))
    client:close()
  end

  it("is not what the head takes: first_byte is when the answer began", function()
    local PAUSE = 0.3
    with(function(connection)
      connection:xwrite(WHOLE:sub(1, 20)) -- the first line, and no other
      cqueues.sleep(PAUSE)
      connection:xwrite(WHOLE:sub(21))
    end, nil, {}, function(_, _, job)
      local timing = assert(raw.finish(job)).timing
      assert.is_true(timing.total - timing.first_byte >= PAUSE / 2)
    end)
  end)

  local function send(bytes)
    return function(connection)
      connection:xwrite(bytes)
      raw.silence(connection)
    end
  end

  for what, bytes in pairs {
    ["in its headers"] = "HTTP/1.1 200 OK\r\nX-Some: thing\r\n", ["behind its headers"] =
      "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", ["in its body"] = WHOLE:sub(1, -20),
  } do
    it(("ends an answer that stands still %s, which may be billed"):format(what), function()
      with(send(bytes), nil, {stall_timeout = 0.3, retries = 2}, function(_, server, job)
        local began = cqueues.monotime()
        local err = raw.failure(job)
        assert.same({"timeout", true, 1, 1}, {err.kind, err.maybe_billed, err.attempts, server.requests})
        assert.matches("stall_timeout", err.message, 1, true)
        assert.is_true(cqueues.monotime() - began < LONG / 2)
      end)
    end)
  end

  for what, bytes in pairs {["before it begins"] = "", ["in its headers"] = PICTURE:sub(1, 20), ["in the middle"] =
      PICTURE:sub(1, HALF)} do
    it(("ends a download that stands still %s, and begins it anew"):format(what), function()
      local function get(connection, server)
        return server.gets <= 2 and send(bytes)(connection) or connection:xwrite(PICTURE)
      end
      with(nil, get, {stall_timeout = 0.3, retries = 2}, function(_, server, job)
        local result, err = raw.finish(job)
        assert(result, tostring(err))
        assert.is_true(result.image.bytes == PNG)
        assert.same({1, 3}, {result.attempts, server.gets})
      end)
      with(nil, send(bytes), {stall_timeout = 0.3, retries = 1}, function(_, server, job)
        local err = raw.failure(job)
        assert.same({"timeout", true, 2}, {err.kind, err.maybe_billed, server.gets})
        assert.is_string(err.url)
      end)
    end)
  end

  it("does not end what is thought about for longer, whatever interim answers say", function()
    for _, interim in ipairs {
      "", "HTTP/1.1 102 Processing\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n",
    } do
      local function post(connection)
        connection:xwrite(interim)
        cqueues.sleep(1)
        connection:xwrite(WHOLE)
      end
      with(post, nil, {stall_timeout = 0.2}, function(_, _, job)
        local result, err = raw.finish(job)
        assert(result, tostring(err))
      end)
    end
  end)

  it("does not end what comes slowly", function()
    local function slowly(bytes)
      return function(connection)
        for piece in bytes:gmatch(("."):rep(#bytes // 6 + 1, "?")) do
          connection:xwrite(piece)
          cqueues.sleep(0.5)
        end
      end
    end
    local options = {stall_timeout = 2.5}
    with(slowly(WHOLE), nil, options, function(_, _, job) assert(raw.finish(job)) end)
    with(nil, slowly(PICTURE), options, function(_, _, job) assert(raw.finish(job)) end)
  end)

  it("may be given with the call", function()
    with(send(WHOLE:sub(1, -20)), nil, {}, function(client, _, job)
      assert.equal("timeout", raw.failure(assert(client:submit({prompt = "x"}, {stall_timeout = 0.2}))).kind)
      assert.equal("running", job:status())
    end)
  end)
end)
