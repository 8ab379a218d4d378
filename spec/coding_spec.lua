-- Answers that are compressed although nobody asked: decoded, within the bounds; and such as are in a coding that
-- nobody knows.

local cqueues = require "cqueues"
local hostile = require "spec.support.hostile"
local mime = require "mime"
local raw = require "spec.support.raw"
local support = require "spec.support"

local PNG = mime.unb64(hostile.PIXEL)

-- {"data":[{"seed":7,"b64_json":"…"}]} with that picture in it, and the picture's own bytes.
local ANSWERS = {
  gzip = "H4sIAAAAAAAAA6tWSkksSVSyiq5WKk5NTVGyMtdRSjIzic8qzs9TslLKDHPyDyo38HZPz3d0dHT0Cw7NcA1NBzFdQYSTs2MkiE5zSw72AjFc"
    .. "QnNcA8OCTIxy/bK1fS0DXcodXTLS3R3Ds4IsE8vBWryCQk1di7K90tPTbW2VamNrASYY5dCDAAAA",
  deflate = "eJyrVkpJLElUsoquVipOTU1RsjLXUUoyM4nPKs7PU7JSygxz8g8qN/B2T893dHR09AsOzXANTQcxXUGEk7NjJIhOc0sO9gIxXEJzXAPD"
    .. "gkyMcv2ytX0tA13KHV0y0t0dw7OCLBPLwVq8gkJNXYuyvdLT021tlWpjawFFbygx",
  br = "G4IA+AUksHPab32WSCnABhxpgBwtHDDdDDiAQTP8ShNvF67z+awuVSZO+3DxLl5ZNyLFytPMJpdHgEK1vorXlwBxgEiUNsAiMa1mAGL1Xbzc"
    .. "qNit+8JWyXvKsSex1TJJc1PxjJ8AkUyl7ohftpmlCQTk3/8D",
}
local PICTURES = {
  gzip = "H4sIAAAAAAAAA+sM8HPn5ZLiYmBg4PX0cAliYGBgBGEONgYGBnnRI51gCRfHkIpbySk/zgfwMzC3MTZEmdRmMzAwMHi6+rmsc0poAgCTIEkc"
    .. "RgAAAA==",
  deflate = "eJzrDPBz5+WS4mJgYOD19HAJYmBgYARhDjYGBgZ50SOdYAkXx5CKW8kpP84H8DMwtzE2RJnUZjMwMDB4uvq5rHNKaAIAuiMPTw==",
  br = "iyKAiVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJgggM=",
}
local BOMB = "m/8IPfglQOKxQCAXoAc=" -- br: four million blanks
-- gzip: {"error":{"message":"these very words"}}
local REFUSAL = "H4sIAAAAAAAAA6tWSi0qyi9SsqpWyk0tLk5MT1WyUirJSC1OVShLLapUKM8vSilWqq0FAHkq7dAoAAAA"

-- The ways a body can end.
local FRAMES = {
  length = function(body) return ("Content-Length: %d\r\n\r\n%s"):format(#body, body) end,
  chunks = function(body) return ("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"):format(#body, body) end,
  close = function(body) return "Connection: close\r\n\r\n" .. body end,
}

local function answer(status, coding, kind, frame, body)
  return ("HTTP/1.1 %s\r\nContent-Type: %s\r\n%s%s"):format(status, kind,
    coding and ("Content-Encoding: %s\r\n"):format(coding) or "", FRAMES[frame](body))
end

-- What a client gets whose POST is answered with `post` and whose GET, number n, with `get(n)`; how many GETs there
-- were, and the heads of all requests.
local function fetch(post, get, options)
  local heads, gets = {}, 0
  local server <close> = raw.listen(function(connection, self)
    for head in function() return (self:request(connection)) end do
      heads[#heads + 1] = head
      local given = post or hostile.whole(('{"data":[{"url":"http://%s/x.png"}]}'):format(self.host))
      if head:find "^GET" then
        gets = gets + 1
        given = get(gets)
      end
      connection:xwrite(given)
      if given:find "\r\nConnection: close" then
        return
      end
    end
  end)
  local given = {base_url = ("http://%s/v1"):format(server.host), retries = 0}
  for name, value in pairs(options or {}) do
    given[name] = value
  end
  local client <close> = support.client({}, given)
  local result, err = raw.finish(assert(client:submit {prompt = "x"}))
  client:close()
  return result, err, gets, heads
end

describe("A coding", function()
  for coding in pairs(ANSWERS) do
    for frame in pairs(FRAMES) do
      it(("of %s is read from an answer and from a link, with %s"):format(coding, frame), function()
        local text, bytes = mime.unb64(ANSWERS[coding]), mime.unb64(PICTURES[coding])
        local result, err = fetch(answer("200 OK", coding, "application/json", frame, text))
        assert(result, tostring(err))
        assert.same({true, 7}, {result.image.bytes == PNG, result.image.seed})
        local there, why, gets = fetch(nil, function() return answer("200 OK", coding, "image/png", frame, bytes) end)
        assert(there, tostring(why))
        assert.same({true, 1}, {there.image.bytes == PNG, gets})
      end)
    end
  end

  it("is asked for by no request", function()
    local _, _, _, heads = fetch(nil, function() return answer("200 OK", nil, "image/png", "length", PNG) end)
    assert.equal(2, #heads)
    for _, head in ipairs(heads) do
      assert.matches("\r\nAccept%-Encoding: identity\r\n", head)
    end
  end)

  it("of identity is none, and the length that is told counts", function()
    local short = answer("200 OK", "identity", "image/png", "length", PNG):gsub("Length: %d+", "Length: 1000")
    local result, err = fetch(nil, function() return short:gsub("HTTP/1.1 200 OK", "%0\r\nConnection: close") end)
    assert.equal("network", support.failure(result, err).kind)
  end)

  it("is no way around max_response_bytes", function()
    local options = {max_response_bytes = 200000}
    local bomb = answer("200 OK", "br", "image/png", "length", mime.unb64(BOMB))
    local result, err = fetch(bomb, nil, options)
    assert.fields({kind = "protocol", maybe_billed = true}, support.failure(result, err))
    assert.matches("max_response_bytes", err.message, 1, true)
    result, err = fetch(nil, function() return bomb end, options)
    assert.fields({kind = "protocol", maybe_billed = true}, support.failure(result, err))
    assert.matches("max_response_bytes", err.message, 1, true)
  end)

  it("of a refusal does not hide its words", function()
    local result, err = fetch(answer("400 No", "gzip", "application/json", "length", mime.unb64(REFUSAL)))
    assert.fields({kind = "request", status = 400}, support.failure(result, err))
    assert.matches("these very words", err.message, 1, true)
  end)

  it("of a refusal that nobody knows is a refusal all the same", function()
    local result, err = fetch(answer("402 No", "snappy", "application/json", "length", "xxx"), nil, {retries = 1})
    assert.fields({kind = "billing", status = 402, maybe_billed = support.ABSENT}, support.failure(result, err))
    local gets
    result, err, gets = fetch(nil, function() return answer("410 No", "snappy", "text/plain", "length", "xxx") end)
    assert.same({"request", 410, 1}, {support.failure(result, err).kind, err.status, gets})
  end)

  for _, coding in ipairs {"snappy", "aws-chunked", "gzip, snappy", "GZIP2"} do
    it(("that nobody knows (%s) loses an answer, which is told, and not a link's picture"):format(coding), function()
      local lost = answer("200 OK", coding, "application/json", "length", hostile.BODY)
      local result, err = fetch(lost, nil, {retries = 2})
      assert.fields({kind = "protocol", maybe_billed = true, attempts = 1}, support.failure(result, err))
      assert.matches("coding", err.message)
      local gets
      result, err, gets = fetch(nil, function() return answer("200 OK", coding, "image/png", "length", PNG) end)
      assert(result, tostring(err))
      assert.same({true, 2}, {result.image.bytes == PNG, gets})
    end)
  end

  it("that is claimed and not there does not lose a link's picture", function()
    local result, err = fetch(nil, function() return answer("200 OK", "gzip", "image/png", "length", PNG) end)
    assert(result, tostring(err))
    assert.is_true(result.image.bytes == PNG)
  end)

  it("does not hide that a link's picture was cut before it was coded; bytes behind its end are nothing", function()
    local coded = mime.unb64(PICTURES.gzip)
    local result, err, gets = fetch(nil, function()
      return answer("200 OK", "gzip", "image/png", "length", coded:sub(1, -20))
    end)
    assert.same({"network", 1, true}, {support.failure(result, err).kind, gets, err.maybe_billed})
    result, err = fetch(nil, function() return answer("200 OK", "gzip", "image/png", "length", coded .. "xx") end)
    assert(result, tostring(err))
    assert.is_true(result.image.bytes == PNG)
  end)

  it("leaves no length to compare the bytes with", function()
    local bytes = mime.unb64(ANSWERS.gzip)
    local whole, released = answer("200 OK", "gzip", "application/json", "length", bytes), false
    local server <close> = raw.listen(function(connection, self)
      self:request(connection)
      connection:xwrite(whole:sub(1, -40))
      while not released do
        cqueues.sleep(0.01)
      end
      connection:xwrite(whole:sub(-39))
      raw.silence(connection)
    end)
    local client <close> = support.client({}, {base_url = ("http://%s/v1"):format(server.host)})
    local job = assert(client:submit {prompt = "x"})
    raw.run("the first half", function()
      return job:progress().phase == "receiving" and job:progress().received > 0
    end)
    local total = job:progress().total
    released = true
    assert.is_nil(total)
    assert(raw.finish(job))
    client:close()
  end)
end)
