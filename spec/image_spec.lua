-- An image: its bytes, and how it is written to disk.

local lfs = require "lfs"
local support = require "spec.support"

describe("An image", function()
  local server = support.standin()
  local client, directory

  lazy_setup(function()
    client = support.client(server)
  end)

  lazy_teardown(function()
    client:close()
  end)

  before_each(function()
    directory = support.directory()
  end)

  after_each(function()
    support.remove(directory)
  end)

  local function generate(knobs, response_format)
    return assert(client:generate {
      prompt = support.prompt(knobs or {}), seed = 7, response_format = response_format,
    }).image
  end

  local function assert_wrong_path(image, path)
    local err = support.failure(image:save(path))
    assert.equal("io", err.kind)
    assert.matches(path:gsub("%c", ""):sub(1, 20), err.message, 1, true)
    assert.equal("io: ", tostring(err):sub(1, 4))
    assert.is_nil(err.maybe_billed)
  end

  it("makes its bytes when they are first read, and has them from then on", function()
    local image = generate()
    assert.is_nil(rawget(image, "bytes"))
    local bytes = image.bytes
    assert.is_true(bytes == support.painted {seed = 7})
    assert.is_true(rawget(image, "bytes") == bytes and image.bytes == bytes)
  end)

  it("shows its bytes to pairs", function()
    local image, seen = generate(nil, "url"), {}
    for name, value in pairs(image) do
      seen[name] = value
    end
    assert.is_true(seen.bytes == support.painted {seed = 7})
    seen.bytes = nil
    assert.same({
      seed = 7, finish_reason = "success", format = "png", width = 1024, height = 1024, url = image.url,
    }, seen)
  end)

  it("keeps its bytes when the client and everything else is gone", function()
    local image
    do
      local other <close> = support.client(server)
      image = assert(other:generate {prompt = support.prompt {}, seed = 7}).image
    end
    collectgarbage()
    collectgarbage()
    assert.is_true(image.bytes == support.painted {seed = 7})
  end)

  it("is saved as exactly its bytes, whether they were read or not", function()
    local wanted = support.painted {seed = 7}
    for _, response_format in ipairs {"b64_json", "url"} do
      for _, read_first in ipairs {false, true} do
        local image = generate(nil, response_format)
        local path = directory .. "/a picture 灯塔.png"
        assert.is_true(not read_first or #image.bytes > 0)
        assert.equal(path, image:save(path))
        assert.is_true(support.read(path) == wanted)
        assert.equal(path, image:save(path))
        assert.is_true(image.bytes == wanted)
        assert.same({"a picture 灯塔.png"}, support.names(directory))
      end
    end
  end)

  it("replaces an old file as a whole, also where the old one is longer, or behind a link, which stays", function()
    local path, target = directory .. "/picture.png", directory .. "/target"
    support.write(path, ("old"):rep(100000))
    assert(generate():save(path))
    assert.is_true(support.read(path) == support.painted {seed = 7})
    support.write(target, "old")
    os.remove(path)
    assert(os.execute(("ln -s target %s"):format(support.quote(path))))
    assert(generate():save(path))
    assert.equal("link", lfs.symlinkattributes(path, "mode"))
    assert.is_true(support.read(target) == support.painted {seed = 7})
  end)

  it("is saved with the rights that any new file has", function()
    local path, other = directory .. "/picture.png", directory .. "/other"
    assert(generate():save(path))
    support.write(other, "x")
    local pipe = io.popen(("ls -l %s %s"):format(support.quote(path), support.quote(other)))
    local rights = {}
    for line in pipe:lines() do
      rights[#rights + 1] = line:match "^%S+"
    end
    pipe:close()
    assert.equal(rights[1], rights[2])
  end)

  it("gives an error of kind io where it cannot be written, and leaves nothing behind", function()
    local image = generate()
    for _, path in ipairs {
      directory .. "/none/picture.png", directory, directory .. "/", "", directory .. "/" .. ("x"):rep(300),
    } do
      assert_wrong_path(image, path)
    end
    assert.same({}, support.names(directory))
    assert(image:save(directory .. "/picture.png"))
  end)

  it("leaves an old file alone where it cannot be replaced", function()
    local image, old = generate(), directory .. "/picture.png"
    assert(os.execute("mkdir " .. support.quote(old)))
    support.write(old .. "/inside", "x")
    assert_wrong_path(image, old)
    assert.same({"picture.png"}, support.names(directory))
    assert.same({"inside"}, support.names(old))
    assert_wrong_path(image, old .. "/inside/picture.png")
    assert.equal("x", support.read(old .. "/inside"))
  end)

  it("cannot be saved where nobody may write, and the old file stays", function()
    local image, old = generate(), directory .. "/picture.png"
    support.write(old, "old")
    assert(os.execute("chmod 500 " .. support.quote(directory)))
    local probe = io.open(directory .. "/probe", "w")
    local path, err = image:save(old)
    assert(os.execute("chmod 700 " .. support.quote(directory)))
    if probe then
      probe:close()
      pending "the user who runs this may write everywhere"
      return
    end
    assert.same({"io", "old"}, {support.failure(path, err).kind, support.read(old)})
    assert.same({"picture.png"}, support.names(directory))
  end)

  it("leaves no part of itself on a full disk, and the old file stays", function()
    -- A process may be forbidden to write files beyond a size; Lua's own signals would end it first, so they are off.
    -- What gcov writes is smaller.
    local path = directory .. "/picture.png"
    support.write(path, "old")
    local script = support.write(directory .. "/script", ([[
      local image = assert(require "stepimg".generate {prompt = %q}).image
      local path, err = image:save(%q)
      print(path, err.kind, err)
    ]]):format(support.prompt {bytes = 40000}, path))
    local pipe = assert(io.popen(
      ("trap '' XFSZ; ulimit -f 64; LUA_CPATH=%s STEP_API_KEY=k STEP_BASE_URL=%s %s 2>&1"):format(
        support.quote(support.CPATH), server.base_url, support.words(support.interpreter(), script))))
    local output = pipe:read "*a"
    pipe:close()
    assert.matches("^nil\tio\tio: .*picture.png", output)
    assert.equal("old", support.read(path))
    assert.same({"picture.png", "script"}, support.names(directory))
  end)

  it("without bytes has nothing to save, and says so", function()
    local image = assert(client:generate({prompt = "x", response_format = "url"}, {download = false})).image
    assert.equal("io", support.failure(image:save(directory .. "/picture.png")).kind)
    assert.same({}, support.names(directory))
  end)

  it("that the filter stopped has nothing to save, and says why", function()
    local path = directory .. "/picture.png"
    for _, options in ipairs {{}, {save = path}} do
      local image = assert(client:generate({prompt = support.prompt {picture = "filtered"}}, options)).image
      assert.fields({finish_reason = "content_filtered", bytes = support.ABSENT, path = support.ABSENT}, image)
      local err = support.failure(image:save(path))
      assert.equal("moderation", err.kind)
      assert.matches("filter", err.message)
      assert.same({}, support.names(directory))
    end
  end)

  it("that is closed has no bytes, and gives them back at once", function()
    local before = support.status "VmRSS"
    local function picture()
      return assert(client:generate {prompt = support.prompt {bytes = 20000000}, seed = 7}).image
    end
    for _, read in ipairs {false, true} do
      local image = picture()
      assert.is_true(not read or #image.bytes == 20000000)
      for _ = 1, 2 do
        assert.same({n = 0}, table.pack(image:close()))
      end
      assert.is_nil(image.bytes)
      local err = support.failure(image:save(directory .. "/picture.png"))
      assert.fields({kind = "io", message = "the image has no bytes to save: it was closed"}, err)
      assert.equal(1024, image.width)
    end
    if not before or support.NO_FIGURES then
      pending(support.NO_FIGURES or "there is no /proc to measure with")
    end
    collectgarbage()
    collectgarbage "stop"
    local most = 0
    for _ = 1, 10 do
      picture():close()
      most = math.max(most, support.status "VmRSS" - before)
    end
    collectgarbage "restart"
    assert.is_true(most < 100 * 1024, ("it was %d KiB more"):format(most))
  end)

  it("raises where the path is no path", function()
    local image = generate()
    for _, path in ipairs {directory .. "/a\0b", {}, true} do
      assert.has_error(function() image:save(path) end)
    end
    assert.has_error(function() image:save() end)
    assert.matches("path expected, got one with a NUL byte", select(2, pcall(image.save, image, "a\0b")), 1, true)
    assert.has_error(function() image.save() end)
    assert.has_error(function() image.save("x", "y") end)
    assert.same({}, support.names(directory))
  end)
end)
