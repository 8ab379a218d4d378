-- What an answer, a picture behind a link or a refusal holds, in the forms that real servers send: what is a picture is
-- taken, what is none is not, and what a server says is shown.

local hostile = require "spec.support.hostile"
local mime = require "mime"
local raw = require "spec.support.raw"
local stepimg = require "stepimg"
local support = require "spec.support"

local PIXEL = mime.unb64(hostile.PIXEL)
local BILLED = "; the picture may have been made and billed all the same"

local function answer(status, kind, body, more)
  return ("HTTP/1.1 %s\r\n%scontent-length: %d\r\n%s\r\n%s"):format(
    status, kind and "content-type: " .. kind .. "\r\n" or "", #body, more or "", body)
end

-- What a client makes of a server that answers a POST with the first, and every GET with the second. Also returns how
-- many of both there were.
local function ask(post, get, options, call, params)
  local posts, gets = 0, 0
  local server <close> = raw.listen(function(connection, self)
    for head in function() return (self:request(connection)) end do
      local is_post = head:find "^POST" ~= nil
      posts, gets = posts + (is_post and 1 or 0), gets + (is_post and 0 or 1)
      local sent = is_post and post or get
      connection:xwrite(type(sent) == "function" and sent(self) or sent)
    end
  end)
  local given = {api_key = support.KEY, base_url = "http://" .. server.host .. "/v1", retries = 0}
  for name, value in pairs(options or {}) do
    given[name] = value
  end
  given.base_url, given.path = given.base_url .. (given.path or ""), nil
  local client <close> = assert(stepimg.new(given))
  local result, err = raw.finish(assert(client:submit(params or {prompt = "a lighthouse"}, call)))
  return result, err, posts, gets
end

-- The answer that holds a link to the same server.
local function link(server)
  return answer("200 OK", "application/json", ('{"data":[{"url":"http://%s/x.png"}]}'):format(server.host))
end

local function box(name, bytes)
  return (">I4"):pack(#bytes + 8) .. name .. bytes
end

local function ispe(width, height)
  return box("ispe", (">I4I4I4"):pack(0, width, height))
end

local AVIF = box("ftyp", "avif\0\0\0\0avifmif1miaf")
  .. box("meta", "\0\0\0\0" .. box("hdlr", ("\0"):rep(24)) .. box("iprp", box("ipco", ispe(64, 64) .. ispe(1360, 768))))
  .. box("mdat", ("\1"):rep(100))
local HEIC = box("ftyp", "heic\0\0\0\0mif1heic") .. box("mdat", ("\1"):rep(100))
local PNG = PIXEL

-- Name, Content-Type, bytes, format, width, height.
local PICTURES = {
  {"a PNG", "image/png", PNG, "png", 1, 1},
  {"a PNG that is called text", "text/html", PNG, "png", 1, 1},
  {"a PNG that is called nothing", nil, PNG, "png", 1, 1},
  {"an AVIF", "image/avif", AVIF, "avif", 1360, 768},
  {"an AVIF from a store of files", "binary/octet-stream", AVIF, "avif", 1360, 768},
  {"a HEIC", "image/heic", HEIC},
  {"a HEIC from a store of files", "binary/octet-stream", HEIC},
  {"a HEIC that is called some bytes", "application/octet-stream", HEIC},
  {"a HEIC that is called nothing", nil, HEIC},
  {"an SVG", "image/svg+xml", "<svg xmlns='http://www.w3.org/2000/svg'/>"},
}

local NONE = {
  {"a page", "image/png", "<html>not found</html>"},
  {"a page in another alphabet", "image/png", "<html>non trouv\xe9</html>"},
  {"a page that is called nothing", nil, "<!DOCTYPE html><title>Not here</title>", "it is a web page: Not here"},
  {"JSON", "image/png", '{"error":{"message":"no such picture"}}', "the host says: no such picture"},
  {"text", "image/png", "Request has expired", "the host says: Request has expired"},
  {"gzip", "image/png", "\x1f\x8b\8\0\0\0\0\0\0\3\3\0\0\0\0\0\0\0\0\0"},
  {"a zip", "application/octet-stream", "PK\3\4\20\0\0\0\0\0"},
  {"something that is called JSON", "application/json", "\1\2\3\4"},
}

describe("Behind a link", function()
  for _, case in ipairs(PICTURES) do
    it(case[1] .. " is taken", function()
      local directory = support.directory()
      local path = directory .. "/picture"
      for _, save in ipairs {false, path} do
        local result, err = ask(link, answer("200 OK", case[2], case[3]), nil, {save = save or nil})
        assert.is_truthy(result, tostring(err))
        local image = result.image
        assert.fields({
          format = case[4] or support.ABSENT, width = case[5] or support.ABSENT, height = case[6] or support.ABSENT,
        }, image)
        assert.is_true(case[3] == (save and support.read(path) or image.bytes))
      end
      support.remove(directory)
    end)
  end

  for _, case in ipairs(NONE) do
    it(case[1] .. " is no picture, and leaves no file", function()
      local directory = support.directory()
      for _, save in ipairs {false, directory .. "/picture.png"} do
        local err = support.failure(ask(link, answer("200 OK", case[2], case[3]), nil, {save = save or nil}))
        assert.fields({kind = "protocol", status = 200, maybe_billed = true}, err)
        assert.matches("^http://127.0.0.1:%d+/x.png$", err.url)
        assert.matches("no picture", err.message)
        assert.is_true(case[4] == nil or err.message:sub(-#case[4]) == case[4], err.message)
        assert.same({}, support.names(directory))
      end
      support.remove(directory)
    end)
  end

  it("a JPEG tells its size also where a colour profile lies before it, in memory and on disk", function()
    local profile = ("\xff\xe2" .. (">I2"):pack(65002) .. ("p"):rep(65000)):rep(4)
    local frame = "\xff\xc0\0\11\8" .. (">I2I2"):pack(768, 1360) .. "\1\1\17\0"
    local jpeg = "\xff\xd8" .. profile .. frame .. "\xff\xd9"
    local directory = support.directory()
    local path = directory .. "/picture.jpg"
    local whole = answer("200 OK", "application/json", ('{"data":[{"b64_json":"%s"}]}'):format((mime.b64(jpeg))))
    for _, post in ipairs {link, whole} do
      for _, save in ipairs {false, path} do
        local image = assert(ask(post, answer("200 OK", "image/jpeg", jpeg), nil, {save = save or nil})).image
        assert.fields({format = "jpeg", width = 1360, height = 768}, image)
        assert.is_true(jpeg == (save and support.read(path) or image.bytes))
      end
    end
    support.remove(directory)
  end)

  it("a refusal's own words are shown", function()
    local expired = "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"
    expired = "<?xml version='1.0'?>\n" .. expired
    local err = support.failure(ask(link, answer("403 Forbidden", "application/xml", expired)))
    assert.fields({kind = "request", status = 403, code = "AccessDenied"}, err)
    assert.equal("; the host says: Request has expired", err.message:sub(-36))
  end)
end)

describe("An answer", function()
  it("of any 2xx that holds a picture is one", function()
    for _, status in ipairs {"200 OK", "201 Created", "202 Accepted", "203 Other", "206 Part", "226 Used", "299 So"} do
      local result, err = ask(answer(status, "application/json", hostile.BODY))
      assert.is_truthy(result, tostring(err))
      assert.is_true(PIXEL == result.image.bytes)
    end
  end)

  it("with half a surrogate pair is read, and has U+FFFD in its place", function()
    local body = [[{"id":"a\ud800b\udc00","data":[{"finish_reason":"\ud83d\ud83d\ude00","b64_json":"%s"}],"\udc00":1}]]
    local result = assert(ask(answer("200 OK", "application/json", body:format(hostile.PIXEL))))
    assert.equal("a\u{fffd}b\u{fffd}", result.id)
    assert.equal("\u{fffd}\u{1f600}", result.image.finish_reason)
    assert.is_true(PIXEL == result.image.bytes)
  end)

  it("gives integers, however its numbers are written, and none where they are none", function()
    for written, number in pairs {["7"] = 7, ["7.0"] = 7, ["70e-1"] = 7, ["-0"] = 0, ["9007199254740992"] = 2 ^ 53 | 0,
                                  ["7.5"] = false, ["1e999"] = false, ["9007199254740993"] = false, ['"7"'] = false} do
      local body = ('{"created":%s,"data":[{"seed":%s,"b64_json":"%s"}]}'):format(written, written, hostile.PIXEL)
      local result = assert(ask(answer("200 OK", "application/json", body)))
      assert.same({number or nil, number or nil}, {result.created, result.image.seed}, written)
      assert.equal(number and "integer", math.type(result.created) or false)
    end
  end)

  it("to a seed that is no number, which a model without rules may have, is a picture like any other", function()
    for _, seed in ipairs {"abc", "7", true, {}, {1}} do
      local params = {prompt = "x", model = "another", seed = seed}
      local result = assert(ask(answer("200 OK", "application/json", hostile.BODY), nil, {strict = false}, nil, params))
      assert.is_true(PIXEL == result.image.bytes)
      assert.is_nil(result.warnings)
    end
  end)

  it("with megabytes beside its picture fails in their midst, and holds nobody", function()
    local pad = ",1"
    local body = '{"pad":[1' .. pad:rep(10 ^ 6) .. "]," .. hostile.BODY:sub(2)
    local result, err = ask(answer("200 OK", "application/json", body))
    err = support.failure(result, err)
    assert.fields({kind = "protocol", maybe_billed = true}, err)
    assert.matches("256 KiB", err.message)
  end)
end)

-- Body, words, and the error's type and code.
local WORDS = {
  {'{"error":{"message":"No.","type":"t","code":"c"}}', "No.", "t", "c"},
  {'{"error":"No."}', "No."},
  {'{"message":"No."}', "No."},
  {'{"code":40001,"msg":"No."}', "No.", nil, "40001"},
  {'{"detail":"No."}', "No."},
  {'{"detail":[{"loc":["body"],"msg":"No.","type":"missing"}]}', "No.", "missing"},
  {'{"errors":[{"message":"No.","code":"c"}]}', "No.", nil, "c"},
  {'{"data":[{"error":{"message":"No.","code":"c"}}]}', "No.", nil, "c"},
  {'{"response":{"error":{"message":"No."}}}', "No."},
}

-- What stands in no place made for it.
local QUOTED = {
  {"upstream connect error\r\n", "; the service says: upstream connect error"},
  {'{"foo":"bar"}', '; the service says: {"foo":"bar"}'},
  {"<html><head><title>403 Forbidden</title></head></html>", "; it is a web page: 403 Forbidden"},
  {"<html><h1>Oops &amp; sorry</h1></html>", "; it is a web page: Oops & sorry"},
  {"<html></html>", ""},
  {"{}", ""},
  {"", ""},
}

describe("The server's own words", function()
  for _, case in ipairs(WORDS) do
    it(("are read from %s"):format(case[1]), function()
      local err = support.failure(ask(answer("400 No", "application/json", case[1])))
      assert.fields({
        kind = "request", status = 400, type = case[3] or support.ABSENT, code = case[4] or support.ABSENT,
      }, err)
      local said = "; the service says: " .. case[2]
      assert.equal(said, err.message:sub(-#said))
      -- A picture without one says why it is none.
      local result
      result, err = ask(answer("200 OK", "application/json", case[1]))
      err = support.failure(result, err)
      assert.fields({
        kind = "protocol", status = 200, type = case[3] or support.ABSENT, code = case[4] or support.ABSENT,
      }, err)
      assert.equal("the answer holds no picture" .. BILLED .. said, err.message)
    end)
  end

  for _, case in ipairs(QUOTED) do
    it(("are quoted from %q"):format(case[1]), function()
      local err = support.failure(ask(answer("422 No", nil, case[1])))
      assert.equal("request", err.kind)
      assert.equal("(HTTP 422)" .. case[2], err.message:match "%(HTTP 422%).*$")
      assert.fields({type = support.ABSENT, code = support.ABSENT}, err)
    end)
  end

  it("are cut at a character's end where our own take much room", function()
    for length = 600, 603 do
      local words = ("\u{706f}"):rep(170)
      local refusal = answer("404 No", nil, ('{"error":"%s"}'):format(words))
      local err = support.failure(ask(refusal, nil, {path = "/" .. ("x"):rep(length)}))
      assert.is_true(#err.message > 900 and #err.message < 1024 and utf8.len(err.message) ~= nil, err.message)
    end
  end)

  it("are those of the attempt that ended the job, and of no other", function()
    local refusals = {
      answer("503 Full", nil, '{"error":{"message":"first words","code":"first"}}', "retry-after: 0.01\r\n"),
      "HTTP/1.1 400 No\r\ncontent-length: 0\r\n\r\n",
    }
    local result, err, posts = ask(function() return table.remove(refusals, 1) end, nil, {retries = 1})
    err = support.failure(result, err)
    assert.same({"request", 400, 2, nil}, {err.kind, err.status, posts, err.code})
    assert.not_matches("first", err.message)
  end)
end)

describe("progress", function()
  it("starts anew with a pause before a repeat", function()
    local gets = 0
    local server <close> = raw.listen(function(connection, self)
      for head in function() return (self:request(connection)) end do
        if head:find "^POST" then
          connection:xwrite(link(self))
        else
          gets = gets + 1
          connection:xwrite "HTTP/1.1 200 OK\r\nretry-after: 0.5\r\ncontent-length: 70\r\n\r\n"
          connection:xwrite(gets == 1 and PNG:sub(1, 50) or PNG)
          if gets == 1 then
            return -- in the middle of it
          end
        end
      end
    end)
    local client <close> = assert(stepimg.new {
      api_key = support.KEY, base_url = "http://" .. server.host .. "/v1", retries = 1,
    })
    local job = assert(client:submit {prompt = "a lighthouse", response_format = "url"})
    raw.run("the pause", function() return job:status() == "retrying" and job:progress().phase == "queued" end)
    assert.fields({received = 0, total = support.ABSENT}, job:progress())
    assert.is_true(PNG == assert(raw.finish(job)).image.bytes)
    assert.same({70, 2}, {job:progress().received, gets})
  end)

  it("tells of pictures, not of an error's body, nor of an attempt that is over", function()
    local seen = {}
    local server <close> = raw.listen(function(connection, self)
      local first = true
      for _ in function() return (self:request(connection)) end do
        if first then
          connection:xwrite("HTTP/1.1 503 Full\r\ncontent-length: 50000\r\nretry-after: 0.2\r\n\r\n")
          connection:xwrite(("x"):rep(40000))
          seen.step()
          connection:xwrite(("x"):rep(10000))
        else
          connection:xwrite(answer("200 OK", "application/json", hostile.BODY))
        end
        first = false
      end
    end)
    local client <close> = assert(stepimg.new {
      api_key = support.KEY, base_url = "http://" .. server.host .. "/v1", retries = 1,
    })
    local job = assert(client:submit {prompt = "a lighthouse"})
    local most, phases = 0, {}
    local function look()
      local progress = job:progress()
      phases[progress.phase] = true
      if progress.phase ~= "done" then
        most = math.max(most, progress.received, progress.total or 0)
      end
    end
    function seen.step()
      local cqueues = require "cqueues"
      for _ = 1, 20 do
        look()
        cqueues.sleep(0.01)
      end
    end
    raw.run("the end of the job", function()
      look()
      return job:status() == "done" or job:status() == "failed"
    end)
    assert(job:result())
    assert.is_true(phases.receiving)
    assert.is_true(most <= #hostile.BODY, ("%d bytes were told"):format(most))
    assert.equal(#hostile.BODY, job:progress().received)
  end)
end)
