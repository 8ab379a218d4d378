-- Pictures that are edited: what is sent, that it is sent once and not copied, and what may become of it meanwhile.

local cqueues = require "cqueues"
local jobs = require "spec.support.jobs"
local socket = require "socket"
local stepimg = require "stepimg"
local support = require "spec.support"

local samples = support.part "samples"
local LARGE = 30 * 1000 * 1000 -- bytes: more than any buffer on the way takes
local UNDERWAY = 2 * 1024 * 1024 -- bytes of memory that a request may take beside the picture

-- A GIF of that many bytes; what follows its end is no part of the picture.
local function gif(bytes)
  return samples.gif .. ("\0\255x\r\n--"):rep(bytes // 7 + 1):sub(1, bytes - #samples.gif)
end

-- The form that the stand-in received last: its parts, in order and by name.
local function received(server)
  local request = support.request_as_sent(server)
  local parts = assert(support.part "form".read(request.headers["content-type"], request.body))
  for i = 1, #parts do
    parts[parts[i].name] = parts[i]
  end
  return parts, request
end

local function texts(parts)
  local found = {}
  for _, part in ipairs(parts) do
    if part.name ~= "image" then
      found[part.name] = part.body
    end
  end
  return found
end

for _, way in ipairs(support.WAYS) do
  describe("A picture that is edited over " .. way.name, function()
    local server = support.standin(way.setting)
    local client

    lazy_setup(function()
      client = support.client(server)
    end)

    lazy_teardown(function()
      client:close()
    end)

    it("goes out as a form: it first, called what it is, and all else as text", function()
      local original = assert(client:generate {prompt = "x", width = 1360, height = 768}).image
      local image = assert(client:generate {
        prompt = "a smile, 微笑", image = original, seed = 7, steps = 8, cfg_scale = 2.5, text_mode = true,
        negative_prompt = "fog", response_format = "url",
      }).image
      assert.fields({width = 1360, height = 768, seed = 7, format = "png"}, image)
      local parts, request = received(server)
      assert.fields({method = "POST", path = "/v1/images/edits"}, request)
      assert.same({
        model = "step-image-edit-2", prompt = "a smile, 微笑", seed = "7", steps = "8", cfg_scale = "2.5",
        text_mode = "true", negative_prompt = "fog", response_format = "url",
      }, texts(parts))
      assert.fields({name = "image", filename = "image.png", type = "image/png"}, parts[1])
      assert.equal(original.bytes, parts.image.body)
      assert.equal("Bearer " .. support.KEY, request.headers.authorization)
      assert.equal("application/json", request.headers.accept)
    end)

    it("may be bytes of any format, and an image in memory, read or saved", function()
      local directory = support.directory()
      for format, bytes in pairs(samples) do
        assert(client:generate {prompt = "x", image = bytes})
        local parts = received(server)
        assert.fields({filename = "image." .. format, type = "image/" .. format}, parts.image)
        assert.equal(bytes, parts.image.body)
      end
      local first = assert(client:generate {prompt = "x"}).image
      local read = assert(client:generate {prompt = "y"}).image
      local path = directory .. "/saved.png"
      local saved = assert(client:generate({prompt = "z"}, {save = path})).image
      for image, bytes in pairs {[first] = false, [read] = read.bytes, [saved] = support.read(path)} do
        local edited = assert(client:generate {prompt = "x", image = image}).image
        assert.fields({width = 1024, height = 1024}, edited)
        assert.equal(bytes or first.bytes, received(server).image.body)
      end
      support.remove(directory)
    end)

    it("is sent again, whole, where it was refused", function()
      for _, status in ipairs {429, 503} do
        local picture = gif(100000)
        local knobs = {id = "again" .. status, times = 1, status = status, headers = {["retry-after"] = "0"}}
        local result = assert(client:generate({prompt = support.prompt(knobs), image = picture}, {retries = 1}))
        assert.equal(2, result.attempts)
        assert.equal(picture, received(server).image.body)
      end
    end)

    it("counts as billed like any other request", function()
      for knobs, billed in pairs {
        [{cut = "request"}] = true, [{json = "[]"}] = true, [{status = 502}] = true, [{status = 451}] = false,
        [{status = 400}] = false,
      } do
        local err = support.failure(client:generate {prompt = support.prompt(knobs), image = gif(50000)})
        assert.equal(billed or nil, err.maybe_billed)
        assert.equal(1, err.attempts)
      end
    end)

    it("comes whole, however large, and though nobody holds it", function()
      local job
      do
        local picture = gif(3000000)
        job = assert(client:submit {prompt = support.prompt({json = '{"data":[]}'}, "hold"), image = picture})
      end
      local most = 0
      repeat
        collectgarbage()
        local now = job:progress()
        most = math.max(most, now.sent)
        assert.is_true(now.to_send == 0 and now.phase ~= "waiting" or now.to_send == 3000000)
      until job:result() or select(2, job:result())
      assert.equal(3000000, job:progress().sent)
      assert.equal(gif(3000000), received(server).image.body)
    end)
  end)
end

describe("An edit", function()
  local server = support.standin()
  local client

  lazy_setup(function()
    client = support.client(server)
  end)

  lazy_teardown(function()
    client:close()
  end)

  local function refused(image, message)
    local err = support.failure(client:generate {prompt = "x", image = image})
    assert.same({"invalid", "image", "image"}, {err.kind, err.field, err.rule.name})
    assert.matches(message, err.message, 1, true)
    return err.reason
  end

  it("refuses what is no picture, and says what it is instead", function()
    assert.equal(0, support.posts(server, function()
      local closed = assert(client:generate {prompt = "x"}).image
      local filtered = assert(client:generate {prompt = support.prompt {picture = "filtered"}}).image
      server:reset()
      local left = assert(client:generate({prompt = "x", response_format = "url"}, {download = false})).image
      closed:close()
      for text, message in pairs {
        [""] = "it is empty", hello = "PNG, JPEG, WebP or GIF", ["face.png"] = "not a path",
        ["https://example.com/face.png"] = "not its link", ["data:image/png;base64,iVBO"] = "not base64",
        ["\7\0\0\0"] = "PNG, JPEG", ["BM" .. ("x"):rep(50)] = "PNG, JPEG",
      } do
        assert.equal("image", refused(text, message))
      end
      assert.equal("image", refused(closed, "it was closed"))
      assert.equal("image", refused(filtered, "the filter stopped this picture"))
      assert.equal("image", refused(left, "it was not downloaded"))
      assert.equal("image", refused("\x89PNG\r\n\x1a\n\0\0\0\13IHDR\0\0\x10\1\0\0\0\x10", "4097 x 16"))
      for _, other in ipairs {{}, 5, true, print, client, {bytes = samples.gif}, {path = "face.png"}} do
        local says = ("image expected, got %s; give a picture's bytes, or a result's image"):format(type(other))
        assert.equal("type", refused(other, says))
      end
    end) - server:log().posts)
  end)

  it("does not send what has no effect, and says so", function()
    local params = {prompt = "x", image = samples.gif, n = 1, size = "1024x1024"}
    local result = assert(client:generate(params))
    assert.equal("size", result.warnings[1].field)
    assert.same({model = "step-image-edit-2", prompt = "x", response_format = "b64_json"}, texts(received(server)))
    for _, name in ipairs {"aspect", "width", "height"} do
      local good, warnings = stepimg.validate {prompt = "x", image = samples.gif, [name] = 1}
      assert.same({true, 1, name}, {good, #warnings, warnings[1].field})
    end
    assert.same({prompt = "x", image = samples.gif, n = 1, size = "1024x1024"}, params)
    assert.equal("n", select(2, stepimg.validate {prompt = "x", image = samples.gif, n = 2}).field)
  end)

  it("sends what this version does not know as text", function()
    local lax <close> = support.client(server, {strict = false})
    local err = support.failure(lax:generate {
      prompt = "x", image = samples.gif, shiny = "yes", level = 3, half = 0.5, deep = {a = {1, 2}}, on = false,
    })
    assert.fields({kind = "request", status = 400}, err)
    local sent = texts(received(server))
    assert.fields({shiny = "yes", level = "3", half = "0.5", deep = '{"a":[1,2]}', on = "false"}, sent)
    assert.equal(0, support.posts(server, function()
      for _, params in ipairs {{[1] = 5}, {["a\nb"] = "c"}, {[""] = "c"}, {f = print}, {f = 1 / 0}} do
        params.prompt, params.image = "x", samples.gif
        assert.equal("invalid", support.failure(lax:generate(params)).kind)
      end
    end))
  end)

  it("reads a saved picture on the other thread, and says where it is gone or is none any more", function()
    local directory = support.directory()
    local path = directory .. "/saved.png"
    local image = assert(client:generate({prompt = "x"}, {save = path})).image
    assert.equal(0, support.posts(server, function()
      os.remove(path)
      local err = support.failure(client:generate {prompt = "x", image = image})
      assert.fields({kind = "io", maybe_billed = support.ABSENT}, err)
      assert.matches("saved.png\" cannot be read: No such file", err.message, 1, true)
      support.write(path, "no picture")
      err = support.failure(client:generate {prompt = "x", image = image})
      assert.fields({kind = "invalid", field = "image", reason = "image"}, err)
      support.write(path, "\x89PNG\r\n\x1a\n\0\0\0\13IHDR\0\0\x10\1\0\0\0\x10\8\2\0\0\0") -- another's, by now
      err = support.failure(client:generate {prompt = "x", image = image})
      assert.fields({kind = "invalid", field = "image", reason = "image"}, err)
      assert.matches("4097 x 16 pixels; at most 4096 x 4096", err.message, 1, true)
      assert.same(stepimg.models["step-image-edit-2"].params.image, err.rule)
      assert.same({{field = "image", reason = "image", message = err.message, rule = err.rule}}, err.all)
      os.remove(path)
      assert(os.execute("mkfifo " .. support.quote(path)))
      assert.equal("io", support.failure(client:generate {prompt = "x", image = image}).kind)
      os.remove(path)
      local small <close> = support.client(server, {max_response_bytes = 2000})
      support.write(path, samples.gif .. ("x"):rep(3000))
      assert.equal("io", support.failure(small:generate {prompt = "x", image = image}).kind)
    end))
    support.remove(directory)
  end)

  it("may come from __index, as the other parameters may", function()
    local image = assert(client:generate {prompt = "x"}).image
    local params = setmetatable({prompt = "x"}, {__index = {image = image}})
    assert(client:generate(params))
    assert.equal("/v1/images/edits", support.request_as_sent(server).path)
  end)

  -- A server that takes the connection, and then nothing.
  local function deaf()
    local listener = assert(socket.bind("127.0.0.1", 0))
    local _, port = listener:getsockname()
    return listener, ("http://127.0.0.1:%d/v1"):format(port)
  end

  it("tells how much was sent, and lets go of the picture at once when it is given up", function()
    local listener, base_url = deaf()
    for _, ending in ipairs {"cancel", "job", "client", "collect"} do
      local own = assert(stepimg.new {api_key = support.KEY, base_url = base_url})
      local job = assert(own:submit {prompt = "x", image = gif(LARGE)})
      local sent, since = 0, cqueues.monotime()
      support.wait_until("the buffers are full", function()
        local now = job:progress()
        if now.sent ~= sent then
          sent, since = now.sent, cqueues.monotime()
        end
        return sent > 0 and cqueues.monotime() > since + 0.2
      end)
      local now = job:progress()
      assert.fields({phase = "sending", to_send = LARGE}, now)
      assert.is_true(now.sent < LARGE)
      if ending == "cancel" then
        assert.is_true(job:cancel())
        assert.is_true(select(2, job:result()).maybe_billed)
      elseif ending == "job" then
        job:close()
      elseif ending == "client" then
        own:close()
      end
      if ending == "collect" then
        job = nil
      end
      collectgarbage()
      collectgarbage()
      assert.is_true(collectgarbage "count" * 1024 < LARGE / 2 or ending == "client", ending)
      local other <close> = support.client(server) -- it writes over what was freed
      assert(other:generate {prompt = "x", image = gif(1000)})
      own:close()
    end
    listener:close()
  end)

  it("is read by nobody once it is given up", function()
    local rounds = jobs.LONG and 500 or 40
    local command = ("%s %s %d 2>&1"):format(support.quote(support.host "edits"), server.base_url, rounds)
    local pipe = assert(io.popen(command))
    local output = pipe:read "*a"
    assert.is_true(pipe:close() == true, output)
    jobs.report("%d of %d edits were given up while they were sent", tonumber(output), rounds)
    assert.is_true(tonumber(output) > rounds / 2)
  end)

  it("costs nothing where it is given up before any of it has left", function()
    local front = assert(client:submit {prompt = support.prompt {stall = "request"}})
    local own <close> = support.client(server, {max_concurrent = 1})
    front:cancel()
    local first = assert(own:submit {prompt = support.prompt {stall = "request"}})
    local job = assert(own:submit {prompt = "x", image = samples.gif})
    assert.is_true(job:cancel())
    assert.is_nil(select(2, job:result()).maybe_billed)
    first:cancel()
  end)

  it("is one in a list, too", function()
    local seen = {}
    local face = assert(client:generate {prompt = "a face"}).image
    for i, result, err in client:each {
      {prompt = "happy", image = face}, {prompt = "sad", image = face.bytes}, {prompt = "angry", image = "x"},
    } do
      seen[i] = result and result.image.width or err.field
    end
    assert.same({1024, 1024, "image"}, seen)
  end)
end)

describe("Memory while a picture of 30 MB is sent", function()
  local server = support.standin()

  it("is that of the picture alone", function()
    if not support.status "VmRSS" then
      pending "there is no /proc to measure with"
    end
    local output = support.run(support.program "large_edit", {
      STEP_API_KEY = "k", STEP_BASE_URL = server.base_url, LARGE = LARGE,
    })
    local sent, beside = output:match "(%d+)%s+(%-?%d+)"
    jobs.report("%d bytes were sent from Lua's own string; beside it the request took %.2f MB", sent, beside / 1e6)
    assert.equal(LARGE, tonumber(sent))
    assert.truthy(support.NO_FIGURES or tonumber(beside) < UNDERWAY, beside)
  end)
end)
