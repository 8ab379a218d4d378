-- Where an answer holds a link: which links are followed, and what is told when the picture does not come.

local hostile = require "spec.support.hostile"
local standin = require "spec.standin"
local support = require "spec.support"

-- Links that are never followed.
local REFUSED = {
  "http://example.org/x.png", "http://10.0.0.1/x.png", "http://localhost.example.org/x", "ftp://127.0.0.1/x.png",
  "file:///etc/hostname", "data:image/png;base64,iVBORw0KGgo=", "x.png", "/x.png", "//127.0.0.1/x.png",
  "not a link", " ", "http://user@127.0.0.1/x.png", "http://user:secret@127.0.0.1/x.png",
  "https://user:secret@example.org/x.png",
  "gopher://127.0.0.1:70/x", "http://", "https://", "http://0.0.0.0/x",
}

local STATUSES = {
  [401] = "request", [402] = "request", [403] = "request", [404] = "request", [410] = "request", [451] = "request",
  [500] = "server", [503] = "server", [504] = "server", [204] = "protocol",
}

for _, way in ipairs(support.WAYS) do
  describe("The link over " .. way.name, function()
    local server, client

    lazy_setup(function()
      server = standin.start(way.setting)
      client = support.client(server)
    end)

    lazy_teardown(function()
      client:close()
      server:stop()
    end)

    before_each(function()
      server:reset()
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
        assert.same({"protocol", true}, {err.kind, err.maybe_billed})
        assert.matches("redirect", err.message)
        assert.matches(server.picture_url, err.url, 1, true)
        assert.equal(4, server:log().gets)
      end
    end)

    it("is not followed to where it must not lead, neither at once nor by a redirect", function()
      for _, url in ipairs(REFUSED) do
        local err = support.failure(fetch {url = url})
        assert.same({"protocol", url, true}, {err.kind, err.url, err.maybe_billed})
        assert.matches("link", err.message)
      end
      assert.equal(0, server:log().gets)
      for _, url in ipairs {
        "http://example.org/x.png", "file:///etc/hostname", "ftp://127.0.0.1/", "http://u:p@127.0.0.1/",
      } do
        local err = support.failure(fetch {picture_location = url})
        assert.same({"protocol", true}, {err.kind, err.maybe_billed})
        assert.matches(server.picture_url, err.url, 1, true)
      end
    end)

    it("is in the error when only its download failed, so that the picture is not lost", function()
      for status, kind in pairs(STATUSES) do
        local err = support.failure(fetch {picture_status = status})
        assert.same({kind, status, true}, {err.kind, err.status, err.maybe_billed})
        assert.matches("^" .. server.picture_url:gsub("%p", "%%%0") .. "/pictures/", err.url)
      end
      local err = support.failure(fetch {url = "http://127.0.0.1:1/x.png"})
      assert.same({"network", "http://127.0.0.1:1/x.png", true}, {err.kind, err.url, err.maybe_billed})
      assert.is_nil(support.failure(client:generate {prompt = support.prompt {cut = "body"}}).url)
    end)

    it("is not taken for a picture where a web page lies there", function()
      for _, knobs in ipairs {
        {picture_body = "<html>Welcome</html>", picture_content_type = "text/html"}, {picture_body = ""},
        {picture_body = '{"error":{}}', picture_content_type = "application/json"},
      } do
        local err = support.failure(fetch(knobs))
        assert.same({"protocol", true}, {err.kind, err.maybe_billed})
        assert.is_string(err.url)
      end
    end)

    it("is given as it is where nobody wants it fetched, wherever it leads", function()
      for _, url in ipairs(REFUSED) do
        assert.equal(url, assert(fetch({url = url}, {download = false})).image.url)
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
