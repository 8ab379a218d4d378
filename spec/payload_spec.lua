-- What stepimg makes of an answer: every shape JSON allows, and every way an answer can be broken.

local support = require "spec.support"

-- All that a JSON writer or a server may do without changing what the answer says.
local HARMLESS = {
  {escape = "slash"}, {escape = "unicode"}, {escape = "all"}, {order = "reverse"}, {space = true}, {extra = true},
  {chunked = true}, {until_close = true}, {piece = 999}, {piece = 1000, chunked = true},
  {escape = "all", order = "reverse", space = true, extra = true, chunked = true, piece = 4099},
  {escape = "unicode", extra = true, order = "reverse", piece = 1, format = "webp"},
  {escape = "all", extra = true, space = true, piece = 1, chunked = true, format = "gif"},
}

-- Answers without a picture, or with one that is none.
local EMPTY = {
  {picture = "missing"}, {picture = "null"}, {picture = "number"}, {picture = "empty"}, {picture = "no_data"},
  {picture = "empty_data"}, {picture = "missing", extra = true}, {picture = "no_data", extra = true, order = "reverse"},
}

local WHOLE = [[{"id":"1","created":1,"data":[{"seed":7,"finish_reason":"success","b64_json":"iVBO\/w=="}],"x":[null]}]]

local BODIES = {
  "not JSON", "<html><body>Welcome</body></html>", "", " ", "null", "[]", "{}", "42", '"text"', "true", "\0",
  '{"data":{}}', '{"data":null}', '{"data":"AAAA"}', '{"data":[null]}', '{"data":["AAAA"]}', '{"data":[[]]}',
  '{"data":[{"b64_json":{"b64_json":"AAAA"}}]}', '{"data":[{"b64_json":["AAAA"]}]}', WHOLE .. "x", WHOLE .. WHOLE,
  WHOLE:gsub(",", ";", 1), WHOLE:gsub('"x"', "x"), WHOLE:gsub("w==", [[\q==]]), WHOLE:gsub("w==", [[\u00g0==]]),
  '{"data":[{"url":"u","url":"v"}]}', '{"data":[' .. ('{"url":"u"},'):rep(17) .. "7]}",
  WHOLE:gsub("w==", [[\ud83d\ude00==]]), WHOLE:gsub("w==", "\n=="), ("["):rep(300), '{"a":' .. ("["):rep(300),
}

for _, way in ipairs(support.WAYS) do
  describe("The payload over " .. way.name, function()
    local server = support.standin(way.setting)
    local client

    lazy_setup(function()
      client = support.client(server)
    end)

    lazy_teardown(function()
      client:close()
    end)

    local function ask(knobs, response_format)
      return client:generate {prompt = support.prompt(knobs), seed = 7, response_format = response_format}
    end

    local function refused(kind, knobs, response_format)
      local err = support.failure(ask(knobs, response_format))
      assert.same({kind, true, 1}, {err.kind, err.maybe_billed, err.attempts}, support.prompt(knobs))
      return err
    end

    it("is the same picture however the JSON and the transfer are done", function()
      for _, knobs in ipairs(HARMLESS) do
        local wanted = support.painted {seed = 7, format = knobs.format}
        for _, format in ipairs {"b64_json", "url"} do
          local result = assert(ask(knobs, format))
          assert.equal(1, #result.data)
          assert.is_true(wanted == result.image.bytes, support.prompt(knobs))
          assert.fields({seed = 7, finish_reason = "success"}, result.image)
          assert.matches("^%x+$", result.id)
        end
      end
      for _, knobs in ipairs {{chunked = true}, {until_close = true}, {piece = 1000}, {delay = 0.01}} do
        for name, value in pairs(knobs) do
          knobs = {["picture_" .. name] = value}
        end
        assert.is_true(support.painted {seed = 7} == assert(ask(knobs, "url")).image.bytes, support.prompt(knobs))
      end
    end)

    it("names format and size of JPEG, GIF and WebP, and takes what it does not know as it is", function()
      for _, format in ipairs {"jpeg", "gif", "webp", "unknown"} do
        for _, response_format in ipairs {"b64_json", "url"} do
          local image = assert(ask({format = format, picture_content_type = "image/x"}, response_format)).image
          assert.is_true(support.painted {seed = 7, format = format} == image.bytes)
          local wanted = format == "unknown" and {} or {format, 16, 8}
          assert.same(wanted, {image.format, image.width, image.height})
        end
      end
    end)

    it("may hold two pictures, each with its own seed", function()
      local result = assert(ask {picture = "two"})
      assert.equal(2, #result.data)
      assert.same({7, 8}, {result.data[1].seed, result.data[2].seed})
      assert.is_true(support.painted {seed = 7} == result.data[1].bytes)
      assert.is_true(support.painted {seed = 7} == result.data[2].bytes)
      assert.equal(result.data[1], result.image)
      result = assert(ask({picture = "two"}, "url"))
      assert.is_true(result.data[1].bytes == result.data[2].bytes)
    end)

    it("is a result also where the filter stopped the picture", function()
      for _, format in ipairs {"b64_json", "url"} do
        local image = assert(ask({picture = "filtered"}, format)).image
        assert.fields({finish_reason = "content_filtered", seed = 7}, image)
        assert.is_nil(image.bytes)
        assert.is_nil(image.format)
        image = assert(ask({picture = "filtered_with"}, format)).image
        assert.equal("content_filtered", image.finish_reason)
        assert.is_true(support.painted {seed = 7} == image.bytes)
      end
    end)

    it("is a result also where it has a link to what the filter stopped, and nothing lies there", function()
      for _, knobs in ipairs {{picture_status = 404}, {picture_status = 500}, {picture_body = "<html>no</html>"}} do
        knobs.picture = "filtered_with"
        local result = assert(ask(knobs, "url"))
        assert.fields({finish_reason = "content_filtered", seed = 7, bytes = support.ABSENT}, result.image)
        assert.is_string(result.image.url)
        assert.same({2, true}, {#result.history, result.history[2].kind ~= nil})
      end
    end)

    it("is refused where there is no picture in it", function()
      for _, knobs in ipairs(EMPTY) do
        for _, format in ipairs {"b64_json", "url"} do
          assert.matches("picture", refused("protocol", knobs, format).message)
        end
      end
    end)

    it("is read where its base64 has no padding", function()
      local bytes = assert(ask {base64 = "no_padding"}).image.bytes
      local wanted = support.painted {seed = 7}
      assert.is_true(wanted == bytes or wanted .. "\0" == bytes)
    end)

    it("is refused where its base64 is broken", function()
      for _, flaw in ipairs {"bad_char", "truncated", "url_safe"} do
        assert.matches("broken", refused("protocol", {base64 = flaw}).message)
      end
    end)

    it("is refused where it is no JSON, or not the service's, and the error says so", function()
      for _, body in ipairs(BODIES) do
        local err = refused("protocol", {json = body})
        assert.equal(200, err.status)
        assert.is_true(#err.message > 20 and #err.message < 400)
      end
    end)

    it("is refused where it was cut anywhere but said to be whole", function()
      for length = 0, #WHOLE - 1 do
        refused("protocol", {json = WHOLE:sub(1, length)})
      end
      assert.equal("\x89PN\xff", assert(ask {json = WHOLE}).image.bytes)
    end)

    it("is a network error where the connection ends first, at any point, politely or not", function()
      for _, rst in ipairs {false, true} do
        for _, stage in ipairs {"request", "headers", "body"} do
          assert.is_nil(refused("network", {cut = stage, rst = rst}).url)
          assert.matches("^http", refused("network", {picture_cut = stage, picture_rst = rst}, "url").url)
        end
      end
      for _, at in ipairs {0, 1, 60, 100, 5000, 90000} do
        refused("network", {cut = "body", cut_at = at})
        refused("network", {cut = "body", cut_at = at, chunked = true})
        refused("network", {picture_cut = "body", picture_cut_at = at}, "url")
      end
      assert(ask {})
    end)

    -- Each with a connection of its own: what comes beyond the length would be taken for the next answer.
    local function lied_to(knobs, format)
      local other <close> = support.client(server)
      return other:generate {prompt = support.prompt(knobs), seed = 7, response_format = format}
    end

    it("is not taken for whole where its announced length is a lie", function()
      for _, knobs in ipairs {
        {content_length = 0}, {content_length = 1}, {content_length = 5000},
        {picture_content_length = 0}, {picture_content_length = 10000000},
      } do
        local err = support.failure(lied_to(knobs, knobs.content_length and "b64_json" or "url"))
        assert.is_true(err.kind == "network" or err.kind == "protocol", tostring(err))
        assert.is_true(err.maybe_billed)
      end
    end)

    it("is whole where its JSON ends, though a longer one was announced", function()
      local image = assert(lied_to({content_length = 10000000}, "b64_json")).image
      assert.is_true(image.bytes == support.painted {seed = 7})
    end)
  end)
end
