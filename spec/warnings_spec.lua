-- Warnings: what was valid, but is not as it seems. Each prints and concatenates as its message, and names its field.

local stepimg = require "stepimg"
local support = require "spec.support"

describe("A warning", function()
  local server = support.standin()
  local client, directory

  lazy_setup(function()
    client = support.client(server)
    directory = support.directory()
  end)

  lazy_teardown(function()
    client:close()
    support.remove(directory)
  end)

  local function only(result)
    assert.equal(1, #result.warnings)
    return result.warnings[1]
  end

  it("is a table with a field and a message, and is written like its message", function()
    local one = select(2, stepimg.validate {prompt = "x", negative_prompt = "fog"})[1]
    assert.equal("negative_prompt", one.field)
    assert.equal(one.message, tostring(one))
    local text = one.message
    assert.same({"- " .. text, text .. " -", text .. text}, {"- " .. one, one .. " -", one .. one})
  end)

  it("says that another seed came than was asked for", function()
    local answer = support.prompt {json = ('{"data":[{"seed":8,"b64_json":"%s"}]}'):format "R0lGODlhAQABAAAAACw="}
    local one = only(assert(client:generate {prompt = answer, seed = 7}))
    assert.equal("seed", one.field)
    assert.matches("7 was asked for.* 8", one.message)
    assert.is_nil(assert(client:generate {prompt = answer, seed = 8}).warnings)
    assert.is_nil(assert(client:generate {prompt = answer}).warnings)
  end)

  it("says that the name of a saved picture is that of another format", function()
    for name, wanted in pairs {
      ["x.jpg"] = "jpeg", ["x.JPEG"] = "jpeg", ["x.png.webp"] = "webp", ["x.png"] = false, x = false, ["x.txt"] = false,
      ["x.jfif"] = "jpeg", ["x.bmp"] = "bmp", ["x.TIF"] = "tiff", ["x.heic"] = "heic",
    } do
      local result = assert(client:generate({prompt = "x", seed = 7}, {save = directory .. "/" .. name}))
      if wanted then
        local one = only(result)
        assert.equal("save", one.field)
        assert.matches(("is that of a %s, but the picture is a png"):format(wanted), one.message, 1, true)
      else
        assert.is_nil(result.warnings)
      end
    end
  end)

  it("says so, too, of a picture whose format is not known, where the name is one of those that are", function()
    for name, wanted in pairs {["y.png"] = "png", ["y.bmp"] = false, y = false} do
      local path = directory .. "/" .. name
      local result = assert(client:generate({prompt = support.prompt {format = "unknown"}, seed = 7}, {save = path}))
      assert.is_nil(result.image.format)
      local one = wanted and only(result)
      assert.equal(wanted and ("save: the name of %s is that of a png, but the picture is none"):format(path),
        one and one.message)
      assert.equal(wanted and 1 or nil, result.warnings and #result.warnings)
    end
  end)
end)
