-- Where an answer holds a link: which links are followed, and what is told when the picture does not come.

local cqueues = require "cqueues"
local hostile = require "spec.support.hostile"
local mime = require "mime"
local raw = require "spec.support.raw"
local support = require "spec.support"

local authority = support.part "authority"

-- Links that are never followed.
local REFUSED = {
  "http://10.0.0.1/x.png", "http://8.8.8.8/x.png", "http://intranet/x.png", "ftp://127.0.0.1/x.png",
  "file:///etc/hostname", "data:image/png;base64,iVBORw0KGgo=", "x.png", "?x", "//user@127.0.0.1/x.png",
  "not a link", " ", "http://user@127.0.0.1/x.png", "http://user:secret@127.0.0.1/x.png",
  "https://user:secret@example.org/x.png",
  "gopher://127.0.0.1:70/x", "http://", "https://", "http://0.0.0.0/x",
}

local STATUSES = {
  [401] = "request", [402] = "request", [410] = "request", [451] = "request",
  [500] = "server", [503] = "server", [504] = "server", [204] = "protocol",
}

for _, way in ipairs(support.WAYS) do
  describe("The link over " .. way.name, function()
    local server = support.standin(way.setting)
    local client

    lazy_setup(function()
      client = support.client(server)
    end)

    lazy_teardown(function()
      client:close()
    end)

    local function fetch(knobs, options)
      return client:generate({prompt = support.prompt(knobs), seed = 7, response_format = "url"}, options)
    end

    it("is followed through at most three redirects, and the key goes to none of them", function()
      for redirects = 1, 3 do
        server:reset()
        assert.is_true(assert(fetch {picture_redirects = redirects}).image.bytes == support.painted {seed = 7})
        assert.equal(1 + redirects, server:log().gets)
        for _, request in ipairs(server:log().requests) do
          assert.equal(request.method == "POST", request.headers.authorization ~= nil)
        end
      end
      for _, redirects in ipairs {4, 100} do
        server:reset()
        local err = support.failure(fetch {picture_redirects = redirects})
        assert.fields({kind = "protocol", maybe_billed = true}, err)
        assert.matches("redirect", err.message)
        assert.matches(server.picture_url, err.url, 1, true)
        assert.equal(4, server:log().gets)
      end
    end)

    it("is not followed to where it must not lead, neither at once nor by a redirect", function()
      for _, url in ipairs(REFUSED) do
        local err = support.failure(fetch {url = url})
        assert.fields({kind = "protocol", url = (url:gsub("%c", "?")), maybe_billed = true}, err)
        assert.matches("link", err.message)
      end
      assert.equal(0, server:log().gets)
      for _, url in ipairs {
        "http://10.0.0.1/x.png", "file:///etc/hostname", "ftp://127.0.0.1/", "http://u:p@127.0.0.1/",
      } do
        local err = support.failure(fetch {picture_location = url})
        assert.fields({kind = "protocol", maybe_billed = true}, err)
        assert.matches(server.picture_url, err.url, 1, true)
      end
    end)

    it("is in the error when only its download failed, so that the picture is not lost", function()
      for status, kind in pairs(STATUSES) do
        local err = support.failure(fetch {picture_status = status})
        assert.fields({kind = kind, status = status, maybe_billed = true}, err)
        assert.matches("^" .. server.picture_url:gsub("%p", "%%%0") .. "/pictures/", err.url)
      end
      local err = support.failure(fetch {url = "http://127.0.0.1:1/x.png"})
      assert.fields({kind = "network", url = "http://127.0.0.1:1/x.png", maybe_billed = true}, err)
      assert.is_nil(support.failure(client:generate {prompt = support.prompt {cut = "body"}}).url)
    end)

    it("is not taken for a picture where a web page lies there", function()
      for _, knobs in ipairs {
        {picture_body = "<html>Welcome</html>", picture_content_type = "text/html"}, {picture_body = ""},
        {picture_body = '{"error":{}}', picture_content_type = "application/json"},
      } do
        local err = support.failure(fetch(knobs))
        assert.fields({kind = "protocol", maybe_billed = true}, err)
        assert.is_string(err.url)
      end
    end)

    it("is given as it is where nobody wants it fetched, wherever it leads", function()
      for _, url in ipairs(REFUSED) do
        assert.equal((url:gsub("%c", "?")), assert(fetch({url = url}, {download = false})).image.url)
      end
      local long = "https://example.org/" .. ("x"):rep(300) .. "?a=1&b=%2B#top"
      assert.equal(long, assert(fetch({url = long}, {download = false})).image.url)
    end)
  end)
end

describe("A link", function()
  it("is refused where it is longer than any link is", function()
    local server <close> = hostile.start()
    for length, kind in pairs {[8000] = "link", [9000] = "protocol"} do
      local link = "https://example.org/" .. ("x"):rep(length - #"https://example.org/")
      local body = ('{"data":[{"url":"%s"}]}'):format(link)
      local place <close> = server:serve {{request = true}, {send = hostile.whole(body)}}
      local client <close> = support.client(place)
      local result, err = client:generate({prompt = "x", response_format = "url"}, {download = false})
      assert.equal(kind, err and err.kind or result.image.url == link and "link")
      assert.is_true(err == nil or err.maybe_billed)
    end
  end)
end)

-- What services write that is no plain link to a picture, each followed to a picture that is there.
describe("A link as a service writes it", function()
  local HOST = "pictures.localhost" -- which libcurl knows to be this machine, and stepimg takes for any other
  local PNG = mime.unb64(hostile.PIXEL)
  local WHOLE = ("HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: %d\r\n\r\n%s"):format(#PNG, PNG)
  local ours = authority.new()
  local ca_file

  lazy_setup(function()
    ca_file = support.write(os.tmpname(), ours.pem)
  end)

  lazy_teardown(function()
    os.remove(ca_file)
  end)

  -- Asks a service whose answer holds `link`, with the service's port for API and that of a picture's host for PORT,
  -- which speaks TLS. `answer(count)` is what a picture's host says to its requests, one after the other. Returns
  -- what the job gives, and the first lines of the requests for the picture.
  local function fetch(link, options, answer)
    local lines = {}
    local function serve(connection, server)
      for head in function() return (server:request(connection)) end do
        lines[#lines + 1] = head:match "^[^\r]+"
        if not connection:xwrite(answer and answer(#lines) or WHOLE) then
          return
        end
      end
    end
    local issued = authority.issue(ours, {name = HOST, names = {{"DNS", HOST}}})
    local there <close> = raw.listen(serve, raw.context(issued))
    local api <close> = raw.listen(function(connection, server)
      while server:request(connection) do
        local text = ('{"data":[{"url":"%s"}]}'):format(link:gsub("PORT", there.host:match "%d+$")
          :gsub("API", server.host:match "%d+$"))
        connection:xwrite(hostile.whole(text))
        serve(connection, server)
      end
    end)
    local given = {ca_file = ca_file, base_url = ("http://%s/v1"):format(api.host)}
    for name, value in pairs(options or {}) do
      given[name] = value
    end
    local client <close> = support.client({}, given)
    local result, err = raw.finish(assert(client:submit {prompt = "x", response_format = "url"}))
    client:close()
    return result, err, lines
  end

  for what, link in pairs {
    ["has http for a host that speaks https"] = "http://pictures.localhost:PORT/x.png?a=1&b=%2B",
    ["has HTTP in capitals"] = "HTTP://pictures.localhost:PORT/x.png?a=1&b=%2B",
    ["has blanks around it"] = " \\thttps://pictures.localhost:PORT/x.png?a=1&b=%2B\\r\\n ",
    ["begins with a host"] = "//pictures.localhost:PORT/x.png?a=1&b=%2B",
    ["begins with a path"] = "/x.png?a=1&b=%2B",
    ["begins with a path behind a blank"] = " /x.png?a=1&b=%2B",
    ["leads to the service itself"] = "http://127.0.0.1:API/x.png?a=1&b=%2B",
  } do
    it(("%s, and leads to its picture"):format(what), function()
      local result, err, lines = fetch(link)
      assert(result, tostring(err))
      assert.is_true(result.image.bytes == PNG)
      assert.same({"GET /x.png?a=1&b=%2B HTTP/1.1"}, lines)
    end)
  end

  it("is told without the blanks around it, which are no part of it", function()
    local result, err = fetch(" \\t\\r\\nhttp://127.0.0.1:API/x.png\\n ", {download = false})
    assert.matches("^http://127%.0%.0%.1:%d+/x%.png$", assert(result, tostring(err)).image.url)
    result, err = fetch("\\nhttp://127.0.0.1:1/x.png\\t", {connect_timeout = 5})
    assert.equal("http://127.0.0.1:1/x.png", support.failure(result, err).url)
  end)

  it("may have blanks and letters in it that a URL has not, as browsers do", function()
    local result, err, lines = fetch "http://pictures.localhost:PORT/a b/\u{706f}.png?c=d e"
    assert(result, tostring(err))
    assert.is_true(result.image.bytes == PNG)
    assert.same({"GET /a%20b/%E7%81%AF.png?c=d%20e HTTP/1.1"}, lines)
  end)

  it("is not followed where a NUL breaks it off", function()
    for _, link in ipairs {"http://127.0.0.1:API/x.png\\u0000", "http://127.0.0.1:API/\\u0000x", "\\u0000/x.png"} do
      local result, err, lines = fetch(link)
      assert.same({"protocol", true, {}}, {support.failure(result, err).kind, err.maybe_billed, lines})
      assert.matches("the picture's link cannot be followed", err.message)
    end
  end)

  it("leads to a picture that is there only after seconds", function()
    for _, status in ipairs {"403 Forbidden", "404 Not Found", "202 Accepted", "425 Too Early"} do
      local began
      local result, err, lines = fetch("/x.png", {retries = 2}, function()
        began = began or cqueues.monotime()
        return cqueues.monotime() - began > 2.5 and WHOLE or ("HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n"):format(status)
      end)
      assert(result, tostring(err))
      assert.equal(3, #lines)
      assert.equal(1, result.attempts)
    end
  end)
end)
