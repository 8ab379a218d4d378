-- A server that is not the stand-in: what works against the one works against whoever answers as the reference says.

local stepimg = require "stepimg"
local support = require "spec.support"

describe("Against another server", function()
  local server, base_url

  setup(function()
    server = support.serve "spec/support/other_server.lua"
    base_url = ("http://127.0.0.1:%s/v1"):format(server:line())
  end)

  teardown(function()
    server:stop()
  end)

  it("the first script of the README saves its picture, in both formats", function()
    local directory = support.directory()
    for _, format in ipairs {"b64_json", "url"} do
      local path = directory .. "/" .. format .. ".png"
      support.run(([[
        local stepimg = require "stepimg"
        local image = assert(stepimg.generate {prompt = "a lighthouse", response_format = %q}).image
        assert(image:save %q)
      ]]):format(format, path), {STEP_API_KEY = "the-key", STEP_BASE_URL = base_url})
      assert.matches("^\x89PNG\r\n\x1a\n.*IEND", support.read(path))
    end
    assert.is_true(support.read(directory .. "/url.png") == support.read(directory .. "/b64_json.png"))
    support.remove(directory)
  end)

  it("a client reads all that the answer says, call after call", function()
    local client <close> = assert(stepimg.new {api_key = "the-key", base_url = base_url})
    for _, format in ipairs {"b64_json", "url", "url", "b64_json"} do
      local result = assert(client:generate {prompt = "a lighthouse", response_format = format})
      assert.same({1589478378, 1}, {result.created, #result.data})
      assert.is_nil(result.id)
      local image = result.image
      assert.same({123838, "success", "png", 1, 1}, {
        image.seed, image.finish_reason, image.format, image.width, image.height,
      })
      assert.equal(70, #image.bytes)
      assert.equal(format == "url", image.url ~= nil)
    end
  end)

  it("a refusal has its words", function()
    local client <close> = assert(stepimg.new {api_key = "another", base_url = base_url})
    local err = support.failure(client:generate {prompt = "a lighthouse"})
    assert.fields({kind = "auth", status = 401, type = "invalid_api_key"}, err)
    assert.matches("Incorrect API key provided", err.message)
    local lost <close> = assert(stepimg.new {api_key = "the-key", base_url = base_url .. "/v2"})
    assert.same({"request", 404}, {(function(e) return e.kind, e.status end)(
      support.failure(lost:generate {prompt = "a lighthouse"}))})
  end)
end)
