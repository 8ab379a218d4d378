-- The option save: the picture goes to disk as it arrives, whole or not at all, and never through memory.

local lfs = require "lfs"
local jobs = require "spec.support.jobs"
local support = require "spec.support"

local SIZE = 2700 * 1000
local MIB = 1024 -- in the KiB that the kernel counts in

-- What leaves no file, and the error's kind (none: the answer is a result).
local FRUITLESS = {
  {knobs = {status = 400}, kind = "request"},
  {knobs = {cut = "body"}, kind = "network"},
  {knobs = {stall = "body"}, kind = "timeout"},
  {knobs = {base64 = "bad_char"}, kind = "protocol"},
  {knobs = {base64 = "truncated"}, kind = "protocol"},
  {knobs = {bytes = 300000}, kind = "protocol"},
  {knobs = {json = '{"data":[{"b64_json":"iVBORw0KGgo="}],"more":'}, kind = "protocol"},
  {knobs = {json = '{"data":[{"b64_json":"iVBORw0KGgo="},7]}'}, kind = "protocol"},
  {knobs = {picture = "filtered"}},
  {knobs = {picture = "filtered_with"}},
  {knobs = {picture_status = 404}, format = "url", kind = "request"},
  {knobs = {picture_cut = "body"}, format = "url", kind = "network"},
  {knobs = {picture_body = "<html>", picture_content_type = "text/html"}, format = "url", kind = "protocol"},
  {knobs = {picture = "filtered"}, format = "url"},
}

for _, way in ipairs(support.WAYS) do
  describe("A picture that is saved over " .. way.name, function()
    local server = support.standin(way.setting)
    local directory, path

    before_each(function()
      directory = support.directory()
      path = directory .. "/picture.png"
    end)

    after_each(function()
      support.remove(directory)
    end)

    local function params(knobs, format)
      return {prompt = support.prompt(knobs or {}), seed = 7, response_format = format}
    end

    it("is on disk as it was painted, in both formats and by every call, in the place of an old file", function()
      local client <close> = support.client(server)
      local wanted = support.painted {seed = 7}
      for _, format in ipairs {"b64_json", "url"} do
        for _, ask in ipairs {
          function() return assert(client:generate(params({}, format), {save = path})) end,
          function() return assert(assert(client:submit(params({}, format), {save = path})):wait()) end,
          function()
            local found
            for _, result in client:each({params({}, format)}, {save = function() return path end}) do
              found = result
            end
            return found
          end,
        } do
          support.write(path, ("old"):rep(1000000))
          local image = ask().image
          assert.fields({path = path, format = "png", width = 1024, height = 1024, seed = 7}, image)
          assert.is_nil(image.bytes)
          assert.is_true(support.read(path) == wanted)
          assert.same({"picture.png"}, support.names(directory))
        end
      end
    end)

    it("is in its place when its callback runs, also where no handle was kept", function()
      local client <close> = support.client(server)
      local found
      assert(client:submit(params(), {save = path, on_done = function(result)
        found = support.read(result.image.path)
      end}))
      collectgarbage()
      jobs.drain(client)
      assert.is_true(found == support.painted {seed = 7})
    end)

    it("is copied by its image's save, whole or not at all", function()
      local client <close> = support.client(server)
      local image, other = client:submit(params(), {save = path}):wait().image, directory .. "/other.png"
      support.write(other, "old")
      for _, place in ipairs {other, path} do
        assert.equal(place, image:save(place))
        assert.is_true(support.read(place) == support.painted {seed = 7})
      end
      assert.equal("io", support.failure(image:save(directory .. "/none/x")).kind)
      assert(os.remove(path))
      support.write(other, "old")
      local err = support.failure(image:save(other))
      assert.same({"io", true}, {err.kind, err.message:find(path, 1, true) ~= nil})
      assert.equal("old", support.read(other))
      assert.same({"other.png"}, support.names(directory))
    end)

    it("that does not come leaves no file and no part of one, and the old file as it was", function()
      local running = {}
      for i = 1, 2 * #FRUITLESS do -- each once without an old file, and once with one
        local case = FRUITLESS[(i + 1) // 2]
        local one = {path = ("%s/%d.png"):format(directory, i), old = i % 2 == 0 and "old" or nil, case = case}
        if one.old then
          support.write(one.path, one.old)
        end
        case.knobs.bytes = case.knobs.bytes or 100000
        one.client = support.client(server, {max_response_bytes = 200000, timeout = case.knobs.stall and 1 or nil})
        one.job = assert(one.client:submit(params(case.knobs, case.format), {save = one.path}))
        running[i] = one
      end
      for _, one in ipairs(running) do
        local result, err = one.job:wait(20)
        local name = support.prompt(one.case.knobs)
        assert.equal(one.case.kind, err and err.kind, name)
        assert.is_true(err ~= nil or result.image.path == nil and result.image.bytes == nil, name)
        assert.equal(one.old, support.read(one.path), name)
      end
      assert.equal(#FRUITLESS, #support.names(directory), "a part is left")
    end)

    it("is no more where its job is cancelled, its handle dropped or its client closed while it arrives", function()
      for _, format in ipairs {"b64_json", "url"} do
        for _, stop in ipairs {
          function(job) job:cancel() job:wait() end, function(_, client) client:close() end,
        } do
          local client <close> = support.client(server)
          support.write(path, "old")
          local job = assert(client:submit(params({
            stall = format == "b64_json" and "body" or nil, picture_stall = "body", bytes = 1000000,
          }, format), {save = path}))
          support.wait_until("the picture", function() return job:progress().received > 300000 end)
          assert.equal(2, #support.names(directory))
          stop(job, client)
          assert.same({"cancelled", "old"}, {job:status(), support.read(path)})
          support.wait_until("the end of the part", function() return #support.names(directory) == 1 end)
        end
      end
    end)

    it("where a directory has taken its place meanwhile is kept beside it, and the error tells where", function()
      local client <close> = support.client(server)
      for i, format in ipairs {"b64_json", "url"} do
        local job = assert(client:submit(params({delay = 0.5}, format), {save = path}))
        support.wait_until("the request", function() return server:log().posts == i end)
        assert(lfs.mkdir(path))
        local err = support.failure(job:wait())
        assert.fields({kind = "io", maybe_billed = true, attempts = 1}, err)
        assert.matches(path, err.message, 1, true)
        local kept = err.message:match '"([^"]*%.part)"'
        assert.equal(directory, kept:match "^(.*)/")
        assert.is_true(support.read(kept) == support.painted {seed = 7})
        assert(os.remove(kept))
        assert.same({"picture.png"}, support.names(directory))
        assert(os.remove(path))
      end
    end)

    it("with nowhere to go is an error of kind io, and nothing is sent", function()
      local client <close> = support.client(server, {budget = 1})
      assert(os.execute(("mkfifo %s"):format(support.quote(directory .. "/pipe"))))
      for _, place in ipairs {
        directory .. "/none/picture.png", directory, directory .. "/pipe", directory .. "/" .. ("x"):rep(300), "",
      } do
        local err = support.failure(assert(client:submit(params(), {save = place})):wait())
        assert.fields({kind = "io", maybe_billed = support.ABSENT, attempts = support.ABSENT}, err)
        assert.is_true(place == "" or err.message:find(directory, 1, true) ~= nil)
      end
      assert.equal(0, server:log().posts)
      assert(client:generate(params(), {save = path}), "it has cost something")
    end)
  end)
end

describe("Saving", function()
  local server = support.standin()

  local function run(script, prefix)
    return support.run(script, {STEP_API_KEY = "k", STEP_BASE_URL = server.base_url, PREFIX = prefix})
  end

  it("takes no memory for the picture", function()
    if not support.status "VmHWM" then
      pending "there is no /proc to measure with"
      return
    end
    local path = os.tmpname()
    local function peak(format, size)
      return tonumber(run(([[
        local stepimg = require "stepimg"
        assert(stepimg.generate({prompt = '{"bytes":%d}', response_format = %q, seed = 7}, {save = %q}))
        print(require "spec.support.files".status "VmHWM")
      ]]):format(size, format, path)))
    end
    for _, format in ipairs {"b64_json", "url"} do
      local small, large = peak(format, 0), peak(format, SIZE)
      assert.equal(SIZE, #support.read(path))
      assert.truthy(support.NO_FIGURES or large - small < 1 * MIB,
        ("a picture of %d bytes took %d KiB"):format(SIZE, large - small))
      jobs.report("save: a picture of 2.7 MB as %s takes %d KiB more than a tiny one", format, large - small)
    end
    os.remove(path)
    if support.NO_FIGURES then
      pending(support.NO_FIGURES)
    end
  end)

  it("goes where its path led when it was given, whatever becomes the working directory", function()
    local directory = support.directory()
    for format in pairs {b64_json = true, url = true} do
      run(([[
        local lfs, stepimg = require "lfs", require "stepimg"
        local client = assert(stepimg.new())
        assert(lfs.chdir %q)
        local job = assert(client:submit({prompt = '{"delay":0.1}', response_format = %q}, {save = "%s.png"}))
        assert(lfs.chdir "/")
        assert(job:wait().image.path == "%s.png")
      ]]):format(directory, format, format, format))
    end
    assert.same({"b64_json.png", "url.png"}, support.names(directory))
    support.remove(directory)
  end)

  it("is found again by its image, whatever became the working directory", function()
    local directory = support.directory()
    run(([[
      local lfs, stepimg = require "lfs", require "stepimg"
      local client = assert(stepimg.new())
      assert(lfs.chdir %q)
      local image = assert(client:generate({prompt = "x"}, {save = "a.png"})).image
      assert(lfs.mkdir "below" and lfs.chdir "below")
      assert(image.path == "a.png")
      assert(image:save "copy.png")
      assert(client:generate {prompt = "now with a hat", image = image})
      image.path = "copy.png" -- the host has moved it
      assert(image:save "../too.png")
    ]]):format(directory))
    for _, name in ipairs {"below/copy.png", "too.png"} do
      assert.is_true(support.read(directory .. "/a.png") == support.read(directory .. "/" .. name))
    end
    support.remove(directory)
  end)

  it("replaces what a link leads to, and keeps the mode of an old file", function()
    local client <close> = support.client(server)
    local directory = support.directory()
    local path, link = directory .. "/picture.png", directory .. "/link.png"
    support.write(path, "old")
    assert(os.execute(("chmod 600 %s && ln -s picture.png %s"):format(support.quote(path), support.quote(link))))
    assert(client:generate({prompt = support.prompt {}, seed = 7}, {save = link}))
    assert.is_true(support.read(path) == support.painted {seed = 7})
    assert.same({"link", "rw-------"}, {lfs.symlinkattributes(link, "mode"), lfs.attributes(path, "permissions")})
    assert.same({"link.png", "picture.png"}, support.names(directory))
    support.remove(directory)
  end)

  it("on a full disk is an error of kind io that tells of the money, and the old file stays", function()
    -- A process may be forbidden to write files beyond a size.
    local directory = support.directory()
    local path = directory .. "/picture.png"
    support.write(path, "old")
    for i = 1, 4 do -- the disk is full in the midst of the picture, or when the last of it is written
      local format, prompt = i % 2 == 0 and "url" or "b64_json", i > 2 and support.prompt {bytes = 40000} or "x"
      local script = support.write(directory .. "/script", ([[
        local result, err = require "stepimg".generate({prompt = %q, response_format = %q}, {save = %q})
        print(result, err.kind, err.maybe_billed, err.url ~= nil, err.attempts)
      ]]):format(prompt, format, path))
      local pipe = assert(io.popen(
        ("trap '' XFSZ; ulimit -f 64; LUA_CPATH=%s STEP_API_KEY=k STEP_BASE_URL=%s %s 2>&1"):format(
          support.quote(support.CPATH), server.base_url, support.words(support.interpreter(), script))))
      local output = pipe:read "*a"
      pipe:close()
      os.remove(script)
      assert.equal(("nil\tio\ttrue\t%s\t1\n"):format(tostring(format == "url")), output)
      assert.equal("old", support.read(path))
      assert.same({"picture.png"}, support.names(directory))
    end
    support.remove(directory)
  end)

  it("of many jobs to one path leaves one whole picture", function()
    local client <close> = support.client(server, {max_concurrent = 20})
    local directory = support.directory()
    local path = directory .. "/picture.png"
    for _ = 1, 20 do
      assert(client:submit({prompt = support.prompt {bytes = 100000, piece = 5000, pace = 0.001}, seed = 7},
        {save = path}))
    end
    assert.equal(20, jobs.drain(client))
    assert.is_true(support.read(path) == jobs.picture(server, 100000))
    assert.same({"picture.png"}, support.names(directory))
    support.remove(directory)
  end)
end)
