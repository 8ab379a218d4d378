-- The options of clients and calls: what raises, what is returned as an error, and what is refused for safety's sake.

local stepimg = require "stepimg"
local support = require "spec.support"

local KEY = support.KEY

-- The message of the error that the function `f`, written on one line, raises there.
local function raised(f)
  local info = debug.getinfo(f, "S")
  local ok, message = pcall(f)
  assert.is_false(ok, "nothing was raised")
  local at = ("%s:%d: "):format(info.short_src, info.linedefined)
  assert.equal(at, message:sub(1, #at))
  return message:sub(#at + 1)
end

local function refused(options, field)
  local err = support.failure(stepimg.new(options))
  assert.fields({kind = "invalid", field = field}, err)
  assert.is_nil(err.attempts)
  assert.is_nil(err.maybe_billed)
  assert.equal(field .. ": ", err.message:sub(1, #field + 2))
  assert.same({{field = field, reason = err.reason, message = err.message}}, err.all)
  return err
end

describe("A slip in the options raises at the caller's line", function()
  local client

  setup(function()
    client = assert(stepimg.new {api_key = KEY, base_url = "http://127.0.0.1:1"})
  end)

  teardown(function()
    client:close()
  end)

  it("with the nearest name, where a name is wrong", function()
    for wrong, right in pairs {
      timeuot = "timeout", api_keys = "api_key", Base_url = "base_url", baseurl = "base_url", header = "headers",
      max_response_byte = "max_response_bytes", conect_timeout = "connect_timeout", dowload = "download",
      cafile = "ca_file", useragent = "user_agent", prox = "proxy", stric = "strict",
    } do
      local message = raised(function() local _ = stepimg.new {[wrong] = 1} end)
      assert.matches(wrong, message, 1, true)
      assert.matches(('did you mean "%s"'):format(right), message, 1, true)
    end
    local message = raised(function() local _ = client:generate({prompt = "x"}, {timout = 1}) end)
    assert.matches('did you mean "timeout"', message, 1, true)
    message = raised(function() local _ = client:generate({prompt = "x"}, {api_key = "k"}) end)
    assert.matches("api_key", message)
    message = raised(function() local _ = stepimg.new {zzzzzzzzzz = 1} end)
    assert.matches("base_url", message)
    assert.not_matches("did you mean", message)
    raised(function() local _ = stepimg.new {"key"} end)
    raised(function() local _ = stepimg.new {[{}] = 1} end)
    raised(function() local _ = stepimg.new {["timeout\0"] = 1} end)
  end)

  it("with the option's name, where a type is wrong", function()
    for name, value in pairs {
      api_key = 42, base_url = true, proxy = {}, ca_file = 1, user_agent = false, headers = "X: 1", wait = 1,
      connect_timeout = "10", max_response_bytes = "1024", strict = 1, timeout = "5", download = "yes",
    } do
      assert.matches(name, raised(function() local _ = stepimg.new {[name] = value} end), 1, true)
    end
    for name, value in pairs {timeout = "5", download = 1} do
      assert.matches(name, raised(function() local _ = client:generate({prompt = "x"}, {[name] = value}) end), 1, true)
    end
    assert.matches('"X%-Count": string expected, got number$',
      raised(function() local _ = stepimg.new {headers = {["X-Count"] = 1}} end))
    assert.not_matches("42424242", raised(function() local _ = stepimg.new {api_key = 42424242} end))
  end)

  it("where a table is missing or the object is wrong", function()
    raised(function() local _ = stepimg.new "key" end)
    raised(function() local _ = stepimg.generate() end)
    raised(function() local _ = stepimg.validate() end)
    raised(function() local _ = client:generate() end)
    raised(function() local _ = client:generate(42) end)
    raised(function() local _ = client:generate({prompt = "x"}, 5) end)
    raised(function() local _ = client.generate({prompt = "x"}) end)
    raised(function() local _ = client.generate({}, {prompt = "x"}) end)
    raised(function() local _ = client.close(io.stdout) end)
  end)

  it("where a callback stands where no value is taken", function()
    local says = "bad argument #3 to '%s' (no value expected, got function); a callback is the option on_done of submit"
    for name, f in pairs {
      submit = function() local _ = client:submit("x", {}, print) end,
      generate = function() local _ = client:generate("x", nil, print) end,
    } do
      assert.equal(says:format(name), raised(f))
    end
  end)

  it("where a colon makes the module the first argument", function()
    local says = "calling '%s' with a colon; stepimg.%s is no method"
    for name, f in pairs {
      new = function() local _ = stepimg:new {api_key = KEY} end,
      generate = function() local _ = stepimg:generate {prompt = "x"} end,
      validate = function() local _ = stepimg:validate {prompt = "x"} end,
    } do
      assert.equal(says:format(name, name), raised(f))
    end
  end)
end)

describe("A bad value of an option", function()
  it("is returned as an error that names it, on both sides of each bound", function()
    for _, case in ipairs {
      {"timeout", {0.001, 2e6, 1}, {0, 0.0009, 2e6 + 1, -1, 0 / 0, 1 / 0, -1 / 0}},
      {"max_concurrent", {1, 10000, 5.0}, {0, 10001, -1, 1.5, 1 / 0, 0 / 0}},
      {"connect_timeout", {0.001, 2e6}, {0, -1, 0 / 0, 1 / 0}},
      {"max_response_bytes", {1024, 1073741824, 2048.0}, {1023, 1073741825, 0, -1, 2048.5, 0 / 0, math.mininteger}},
    } do
      local name, good, bad = table.unpack(case)
      for _, value in ipairs(good) do
        assert(stepimg.new {[name] = value}):close()
      end
      for _, value in ipairs(bad) do
        refused({[name] = value}, name)
      end
    end
    local client <close> = assert(stepimg.new {api_key = KEY, base_url = "http://127.0.0.1:1"})
    local err = support.failure(client:generate({prompt = "x"}, {timeout = -1}))
    assert.fields({kind = "invalid", field = "timeout"}, err)
  end)

  it("may be a base URL that is none, or that has what has no place there", function()
    for _, url in ipairs {
      "", "example.org/v1", "://x", "http://", "https://", "ftp://127.0.0.1/v1", "file:///etc/passwd", "javascript:x",
      "https://host/v1?key=1", "https://host/v1#top", "https://user@host/v1", "https://user:secret@host/v1",
      "https://host:99999/v1", "https://ho st/v1", "https://host/v1\r\nX: y", "https://host/v1\0", "/v1",
      "https://host/v1?", "https://host/v1#",
    } do
      local err = refused({api_key = KEY, base_url = url}, "base_url")
      assert.not_matches("secret", tostring(err))
    end
  end)

  it("may be a model without a name, which no service has", function()
    assert.matches("the text is empty", refused({model = ""}, "model").message)
  end)

  it("is told under the name of the environment's variable that it came from", function()
    local ours = "invalid: base_url: it is no URL"
    local theirs = "invalid: base_url: of the environment's STEP_BASE_URL: it is no URL"
    local output = support.run([[
      local stepimg = require "stepimg"
      for _, given in ipairs {false, "none"} do
        print(select(2, stepimg.new {base_url = given or nil}))
      end
    ]], {STEP_API_KEY = "k", STEP_BASE_URL = "none"})
    local first, second = output:match "^([^;]*);.-\n([^;]*);"
    assert.same({theirs, ours}, {first, second})
  end)

  it("may be http to any host but this machine: the key would be read on the way", function()
    for _, host in ipairs {
      "example.org", "127.0.0.1.example.org", "localhost.example.org", "128.0.0.1", "10.0.0.1", "[::2]", "0.0.0.0",
      "xlocalhost", "[::ffff:10.0.0.1]", "api.stepfun.ai", "1270.0.1",
    } do
      refused({api_key = KEY, base_url = ("http://%s/v1"):format(host)}, "base_url")
      assert(stepimg.new {api_key = KEY, base_url = ("https://%s/v1"):format(host)}):close()
      assert(stepimg.new {api_key = KEY, base_url = ("http://%s/v1"):format(host), allow_http = true}):close()
    end
    for _, host in ipairs {"127.0.0.1", "127.1.2.3:8080", "localhost", "LOCALHOST:1", "[::1]", "[::1]:8080"} do
      assert(stepimg.new {api_key = KEY, base_url = ("http://%s/v1"):format(host)}):close()
    end
  end)

  it("may be a key or a header with a line break or another control character in it", function()
    for _, flaw in ipairs {"\n", "\r", "\r\nX-Evil: 1", "\0", "\27", "\127"} do
      for _, text in ipairs {"secret" .. flaw, flaw .. "secret", "sec" .. flaw .. "ret"} do
        assert.not_matches("sec", tostring(refused({api_key = text}, "api_key")))
        refused({headers = {["X-Team"] = text}}, "headers")
        refused({user_agent = text}, "user_agent")
      end
      refused({headers = {["X-Te" .. flaw .. "am"] = "blue"}}, "headers")
    end
    for _, name in ipairs {"", "X Team", "X:Team", "X-Team:", "Tëam"} do
      refused({headers = {[name] = "blue"}}, "headers")
    end
  end)

  it("may be a key or a proxy that something else was copied along with", function()
    for _, text in ipairs {" secret", "secret ", "sec ret", "secret\u{a0}", "s\u{e9}cret", "\u{feff}secret"} do
      for _, name in ipairs {"api_key", "proxy"} do
        local err = refused({[name] = text}, name)
        assert.not_matches("cret", tostring(err))
        assert.matches("copied along with it", err.message)
      end
    end
  end)

  it("may be a header that is stepimg's own business", function()
    for _, name in ipairs {
      "Authorization", "authorization", "HOST", "Content-Length", "Content-Type", "Transfer-Encoding",
    } do
      refused({headers = {[name] = "x"}}, "headers")
    end
  end)
end)

describe("strict = false", function()
  local server = support.standin()

  it("sends models and parameters that this version does not know", function()
    local client <close> = support.client(server, {strict = false})
    local err = support.failure(client:generate {prompt = "x", shiny = "yes", level = 3, deep = {a = {1, 2}}})
    assert.fields({kind = "request", status = 400}, err)
    local _, sent = support.request(server)
    assert.fields({shiny = "yes", level = 3, deep = {a = {1, 2}}}, sent)
    err = support.failure(client:generate {prompt = "x", model = "step-image-9"})
    assert.fields({kind = "request", status = 400}, err)
    assert.equal("step-image-9", select(2, support.request(server)).model)
    assert(client:generate {prompt = "x"})
  end)

  it("says of a model that is gone which option helps", function()
    local client <close> = support.client(server, {model = "step-image-9"})
    local err = support.failure(client:generate {prompt = "x"})
    assert.fields({kind = "request", status = 400, field = "model"}, err)
    assert.matches("^model: .*; a client's option model names another; the service says: model \"step%-image%-9\" ",
      err.message)
    assert.same({model = "step-image-9", prompt = "x", response_format = "b64_json"},
      select(2, support.request(server)))
    for _, body in ipairs {{status = 404, body = '{"error":{"message":"no","code":"model_not_found"}}'},
      {status = 400, body = '{"msg":"模型已下线"}'}} do
      err = support.failure(client:generate {model = "step-image-edit-2", prompt = support.prompt(body)})
      assert.fields({kind = "request", field = "model"}, err)
    end
    err = support.failure(client:generate {model = "step-image-edit-2", prompt = support.prompt {status = 404}})
    assert.fields({kind = "request", field = support.ABSENT}, err)
  end)

  it("checks by the client's model and strictness", function()
    local own <close> = support.client(server, {model = "step-image-9"})
    local lax <close> = support.client(server, {strict = false})
    assert.is_true(own:validate {prompt = "x", model = "step-image-9", steps = 50, size = "100x200"})
    assert.is_true(own:validate {prompt = "x", width = 200, height = 100})
    assert.equal("range", select(2, own:validate {prompt = "x", steps = 51}).reason)
    assert.equal("choice", select(2, own:validate {prompt = "x", aspect = 1}).reason)
    assert.equal("choice", select(2, own:validate {prompt = "x", model = "step-image-8"}).reason)
    assert.equal("unknown", select(2, own:validate {prompt = "x", shiny = 1}).reason)
    assert.is_true(lax:validate {prompt = "x", shiny = 1, model = "step-image-9"})
    assert.equal("choice", select(2, stepimg.validate {prompt = "x", model = "step-image-9"}).reason)
  end)

  it("still refuses what it knows to be wrong, and what cannot be written as JSON", function()
    local client <close> = support.client(server, {strict = false})
    local loop = {}
    loop.loop = loop
    assert.equal(0, support.posts(server, function()
      for field, value in pairs {
        steps = 51, seed = "1", size = "1x1", shiny = print, level = 0 / 0, deep = {[{}] = 1}, loop = loop,
        [print] = 1, [7] = 1, text = {"\255"}, key = {["\255"] = 1}, both = {[1] = 1, ["1"] = 2, x = 3},
        ["a\0\255"] = 1, ["\255"] = "x", ["a\27\n"] = print, [("x"):rep(5000)] = print,
      } do
        local err = support.failure(client:generate {prompt = "x", [field] = value})
        assert.same(err, support.failure(client:validate {prompt = "x", [field] = value}))
        assert.is_true(type(err.reason) == "string" and #err.all > 0)
        assert.equal("invalid", err.kind)
        assert.is_true(#err.message < 4096 and not err.message:find "%c" and #(err.field or "") < 64, err.message)
      end
    end))
  end)
end)
