-- The main job: from parameters to a picture.

local json = require "cjson".new()
local standin = require "spec.standin"
local stepimg = require "stepimg"
local support = require "spec.support"

local SIZES = {{1024, 1024}, {1360, 768}, {1184, 896}, {768, 1360}, {896, 1184}}

local function assert_seconds(value)
  assert.is_number(value)
  assert.is_true(value >= 0 and value < 60)
end

for _, way in ipairs(support.WAYS) do
  describe("generate over " .. way.name, function()
    local server = support.standin(way.setting)
    local client

    before_each(function()
      client = support.client(server)
    end)

    after_each(function()
      client:close()
    end)

    it("gives exactly the picture that the service made", function()
      local result = assert(client:generate {prompt = "a lighthouse", seed = 7})
      assert.equal(1, #result.data)
      assert.equal(result.data[1], result.image)
      assert.is_true(support.painted {seed = 7} == result.image.bytes)
      assert.equal("png", result.image.format)
      assert.equal(1024, result.image.width)
      assert.equal(1024, result.image.height)
      assert.equal("success", result.image.finish_reason)
      assert.is_nil(result.image.url)
    end)

    it("gives seed, time and id of a picture whose seed the service chose", function()
      local now = os.time()
      local result = assert(client:generate {prompt = "a lighthouse"})
      assert.equal("integer", math.type(result.image.seed))
      assert.is_true(support.painted {seed = result.image.seed} == result.image.bytes)
      assert.equal("integer", math.type(result.created))
      assert.is_true(math.abs(result.created - now) <= 60)
      assert.matches("^%x+$", result.id)
      assert.equal(1, result.attempts)
      assert.is_nil(result.warnings)
    end)

    it("tells where the time went", function()
      for attempt = 1, 2 do
        local timing = assert(client:generate {prompt = support.prompt {delay = 0.05}}).timing
        for _, name in ipairs {"queued", "connect", "tls", "first_byte", "total"} do
          assert_seconds(timing[name])
        end
        assert.is_true(timing.first_byte >= 0.05 and timing.first_byte <= timing.total)
        local connects = attempt == 1
        assert.equal(connects, timing.connect > 0)
        assert.equal(connects and server.ca ~= nil, timing.tls > 0)
      end
    end)

    it("makes every size, which is height x width, in exactly that size", function()
      for _, size in ipairs(SIZES) do
        local width, height = size[1], size[2]
        local name = ("%dx%d"):format(height, width)
        for _, params in ipairs {{size = name}, {width = width, height = height}} do
          params.prompt, params.seed = "a lighthouse", 1
          local image = assert(client:generate(params)).image
          assert.fields({width = width, height = height}, image)
          assert.is_true(support.painted {seed = 1, width = width, height = height} == image.bytes)
          local _, sent = support.request(server)
          assert.fields({size = name, width = support.ABSENT, height = support.ABSENT}, sent)
        end
      end
    end)

    it("fetches the picture where the answer holds a link", function()
      local image = assert(client:generate {prompt = "a lighthouse", seed = 7, response_format = "url"}).image
      assert.is_true(support.painted {seed = 7} == image.bytes)
      assert.fields({format = "png", width = 1024, height = 1024}, image)
      assert.equal(server.picture_url, image.url:match("^%w+://[^/]+"))
      assert.equal(1, server:log().gets)
    end)

    it("leaves the link alone with download = false, as option of the call or the client", function()
      local params = {prompt = "a lighthouse", seed = 7, response_format = "url"}
      local other <close> = support.client(server, {download = false})
      for _, image in ipairs {
        assert(client:generate(params, {download = false})).image, assert(other:generate(params)).image,
      } do
        assert.equal(server.picture_url, image.url:match("^%w+://[^/]+"))
        assert.fields({seed = 7, finish_reason = "success"}, image)
        assert.is_nil(image.bytes)
        assert.is_nil(image.format)
        assert.is_nil(image.width)
        assert.matches("option download", support.failure(image:save "never.png").message)
      end
      assert.equal(0, server:log().gets)
      assert.is_string(assert(other:generate(params, {download = true})).image.bytes)
    end)

    it("keeps its connections between calls", function()
      for i = 1, 12 do
        assert(client:generate {prompt = "a lighthouse", seed = 7, response_format = i % 2 == 0 and "url" or nil})
      end
      local log = server:log()
      assert.fields({posts = 12, gets = 6}, log)
      assert.fields({connections = 1, picture_connections = 1}, log)
    end)

    it("speaks HTTP/2 where it is offered, else HTTP/1.1", function()
      assert(client:generate {prompt = "a lighthouse", seed = 7, response_format = "url"})
      for _, request in ipairs(server:log().requests) do
        assert.equal(way.version, request.version)
      end
    end)

    it("sends the key and the headers to the API and not to the picture's host", function()
      local other <close> = support.client(server, {headers = {["X-Team"] = "blue", ["X-Empty"] = ""}})
      assert(other:generate {prompt = "a lighthouse", seed = 7, response_format = "url"})
      local post, get = table.unpack(server:log().requests)
      assert.equal("Bearer " .. support.KEY, post.headers.authorization)
      assert.equal("application/json", post.headers["content-type"])
      assert.equal("blue", post.headers["x-team"])
      assert.equal("", post.headers["x-empty"])
      assert.equal("GET", get.method)
      assert.is_nil(get.headers.authorization)
      assert.is_nil(get.headers["x-team"])
      assert.is_nil(get.headers["x-empty"])
      assert.not_matches(support.KEY, json.encode(get), 1, true)
    end)
  end)
end

describe("What goes on the wire", function()
  local server = support.standin()
  local client

  lazy_setup(function()
    client = support.client(server)
  end)

  lazy_teardown(function()
    client:close()
  end)

  local function sent(params)
    assert(client:generate(params))
    local request, body = support.request(server)
    return body, request.body
  end

  it("is what the caller gave, the model and the response format", function()
    assert.same({model = "step-image-edit-2", prompt = "x", response_format = "b64_json"}, (sent {prompt = "x"}))
    local all = {
      model = "step-image-edit-2", prompt = "x", size = "768x1360", n = 1, response_format = "url", seed = 0,
      steps = 50, cfg_scale = 1.5, negative_prompt = "y", text_mode = false,
    }
    assert.same(all, (sent(all)))
  end)

  it("has integers for whole floats, and keeps numbers whole at their bounds", function()
    local _, text = sent {prompt = "x", steps = 8.0, seed = 2147483647.0, n = 1.0, cfg_scale = 10}
    assert.matches('"steps":8[,}]', text)
    assert.matches('"seed":2147483647[,}]', text)
    assert.matches('"n":1[,}]', text)
    assert.matches('"cfg_scale":10[,}]', text)
    assert.matches('"cfg_scale":1.5[,}]', select(2, sent {prompt = "x", cfg_scale = 1.5}))
    assert.matches('"text_mode":true[,}]', select(2, sent {prompt = "x", text_mode = true}))
    assert.equal("768x1360", sent {prompt = "x", width = 1360.0, height = 768.0}.size)
  end)

  it("keeps every character of a text", function()
    for _, text in ipairs {
      "山上的灯塔，黄昏，油画", "🗼 é ø", 'quotes " and \\ and / and \\u0041', "two\nlines\tand a tab",
      "\u{7f}\u{80}\u{2028}\u{ffff}\u{10ffff}", ("字"):rep(512),
    } do
      assert.equal(text, sent {prompt = text}.prompt)
    end
  end)

  it("leaves the caller's table as it was", function()
    local params = {prompt = "x", width = 1360, height = 768}
    sent(params)
    assert.same({prompt = "x", width = 1360, height = 768}, params)
  end)
end)

describe("stepimg.generate", function()
  local SCRIPT = [[
    local stepimg = require "stepimg"
    local result, err = stepimg.generate {prompt = "a lighthouse", seed = 7}
    if not result then
      print(err)
    else
      assert(stepimg.generate({prompt = "a lighthouse", seed = 7}, {timeout = 10}))
      io.write(#result.image.bytes)
    end
  ]]

  it("makes one client from the environment and keeps it", function()
    local server <close> = standin.start()
    local output = support.run(SCRIPT, {STEP_API_KEY = "key-of-the-environment", STEP_BASE_URL = server.base_url})
    assert.equal(#support.painted {seed = 7}, tonumber(output))
    assert.equal("Bearer key-of-the-environment", support.request(server).headers.authorization)
    assert.fields({posts = 2, connections = 1}, server:log())
  end)

  it("says what is missing or wrong in the environment", function()
    assert.matches("^auth: .*STEP_API_KEY", support.run(SCRIPT, {STEP_BASE_URL = "http://127.0.0.1:9/v1"}))
    assert.matches("^auth: .*STEP_API_KEY", support.run(SCRIPT, {STEP_API_KEY = ""}))
    assert.matches("^invalid: base_url: ", support.run(SCRIPT, {STEP_BASE_URL = "ftp://x"}))
    assert.matches("^invalid: api_key: .*STEP_API_KEY", support.run(SCRIPT, {STEP_API_KEY = "a\nb"}))
  end)

  it("has the version of the module beside it", function()
    assert.matches("^stepimg %d+%.%d+%.%d+$", stepimg._VERSION)
  end)
end)
