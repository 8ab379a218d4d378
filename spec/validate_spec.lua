-- The rules on parameters: validate and generate judge alike, and what is refused is never sent.

local stepimg = require "stepimg"
local support = require "spec.support"

local INFINITY, NAN = math.huge, 0 / 0
local LONG = ("字"):rep(512)

-- Parameter, values on the good side of each rule, values on the bad side.
local BOUNDS = {
  {"prompt", {"x", LONG, "a\nb", "\u{10ffff}"}, {"", LONG .. "x", ("x"):rep(513), 5, true, {}}},
  {"negative_prompt", {"", "x", LONG}, {LONG .. "x", 5, false, {}}},
  {"model", {"step-image-edit-2"}, {"", "step-image-edit-1", "STEP-IMAGE-EDIT-2", 2, true, {}}},
  {
    "size", {"1024x1024", "768x1360", "896x1184", "1360x768", "1184x896"},
    {"", "1024", "1024X1024", "1024x1024 ", "1360x1024", "512x512", "1024 x 1024", "x", 1024, {1024, 1024}},
  },
  {"n", {1, 1.0}, {0, 2, -1, 1.5, "1", true, INFINITY, NAN}},
  {"response_format", {"b64_json", "url"}, {"", "B64_JSON", "png", 1, false}},
  {
    "seed", {0, 2147483647, 0.0, -0.0, 2147483647.0},
    {
      -1, 2147483648, 2147483648.0, 0.5, 2147483646.5, "0", true, math.mininteger, math.maxinteger, 1e300, -INFINITY,
      NAN,
    },
  },
  {"steps", {1, 50, 8.0}, {0, 51, 0.999, 50.001, 8.5, -8, "8", {}, INFINITY, NAN}},
  {
    "cfg_scale", {1, 1.0, 10, 10.0, 1.0000001, 5.5},
    {0, 0.9999999, 10.0000001, 11, "5", true, -INFINITY, INFINITY, NAN},
  },
  {"text_mode", {true, false}, {"true", 0, 1, {}}},
}

local function refused(params)
  return support.failure(stepimg.validate(params))
end

describe("validate", function()
  it("accepts what each rule allows, up to its bounds", function()
    for _, case in ipairs(BOUNDS) do
      for _, value in ipairs(case[2]) do
        local params = {prompt = "x"}
        params[case[1]] = value
        local ok, warnings = stepimg.validate(params)
        assert.is_true(ok, tostring(warnings))
        assert.is_table(warnings)
      end
    end
  end)

  it("refuses what lies beyond, and says which field, what was given and what is allowed", function()
    for _, case in ipairs(BOUNDS) do
      local field = case[1]
      for _, value in ipairs(case[3]) do
        local params = {prompt = "x"}
        params[field] = value
        local err = refused(params)
        assert.fields({kind = "invalid", field = field}, err)
        assert.equal(field .. ": ", err.message:sub(1, #field + 2))
        assert.equal("invalid: " .. err.message, tostring(err))
      end
    end
    for field, message in pairs {
      steps = "51 is out of range; 1 to 50 is allowed", n = "only 1 is allowed", seed = "0 to 2147483647",
      cfg_scale = "1 to 10", size = "768x1360, 896x1184", prompt = "513 characters; at most 512",
    } do
      local bad = {steps = 51, n = 2, seed = -1, cfg_scale = 11, size = "1x1", prompt = LONG .. "x"}
      local err = refused {prompt = field == "prompt" and bad.prompt or "x", [field] = bad[field]}
      assert.matches(message, err.message, 1, true)
    end
  end)

  it("knows that size is height x width", function()
    local message = refused({prompt = "x", size = "1360x1024"}).message
    assert.matches('"1360x1024" is not offered; height x width is one of', message, 1, true)
    for _, pair in ipairs {{1024, 1024}, {1360, 768}, {1184, 896}, {768, 1360}, {896, 1184}} do
      assert.is_true(stepimg.validate {prompt = "x", width = pair[1], height = pair[2]})
      assert.is_true(stepimg.validate {prompt = "x", width = pair[1] + 0.0, height = pair[2] + 0.0})
    end
    for _, case in ipairs {
      {width = 1360, field = "height"}, {height = 768, field = "width"}, {width = 1360, height = 1024, field = "width"},
      {width = 1360, height = 768, size = "768x1360", field = "width"}, {width = 0, height = 0, field = "width"},
      {width = "1360", height = 768, field = "width"}, {width = 1360, height = 768.5, field = "height"},
      {width = NAN, height = 768, field = "width"}, {width = 1360, height = INFINITY, field = "height"},
      {size = "1024x1024", height = 1024, field = "height"}, {width = 65536, height = 1, field = "width"},
    } do
      local field = case.field
      case.field, case.prompt = nil, "x"
      assert.equal(field, refused(case).field)
    end
  end)

  it("counts characters and not bytes, and refuses text that is not valid UTF-8", function()
    for _, text in ipairs {
      "\255", "a\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "ok \x80", "\xe5\xad", "a\0b",
    } do
      for _, field in ipairs {"prompt", "negative_prompt", "model", "size", "response_format"} do
        local params = {prompt = "x"}
        params[field] = text
        assert.equal(field, refused(params).field)
      end
    end
    assert.matches("NUL", refused({prompt = "a\0b"}).message)
    assert.matches("UTF%-8", refused({prompt = "a\xff"}).message)
  end)

  it("says that the prompt is missing, and nothing else wants to be given", function()
    assert.equal("prompt", refused({}).field)
    assert.is_true(stepimg.validate {prompt = "x"})
  end)

  it("names the nearest right name of an unknown one", function()
    for wrong, right in pairs {
      promt = "prompt", step = "steps", cfgscale = "cfg_scale", Seed = "seed", negativ_promt = "negative_prompt",
      response_fromat = "response_format", widht = "width", textmode = "text_mode",
    } do
      local err = refused {prompt = "x", [wrong] = 1}
      assert.fields({kind = "invalid", field = wrong}, err)
      assert.matches(('did you mean "%s"'):format(right), err.message, 1, true)
    end
    for _, key in ipairs {1, 1.5, true, {}, print, "prompt\0"} do
      assert.equal("invalid", refused({prompt = "x", [key] = "y"}).kind)
    end
    assert.not_matches("did you mean", refused({prompt = "x", zzzzzzzzzz = 1}).message)
  end)

  it("warns of a negative prompt that has no effect", function()
    local function warnings(params)
      params.prompt = "x"
      return #select(2, stepimg.validate(params))
    end
    assert.equal(1, warnings {negative_prompt = "fog"})
    assert.equal(1, warnings {negative_prompt = "fog", cfg_scale = 1})
    assert.equal(1, warnings {negative_prompt = "fog", cfg_scale = 1.0})
    assert.equal(0, warnings {negative_prompt = "fog", cfg_scale = 1.01})
    assert.equal(0, warnings {negative_prompt = ""})
    assert.equal(0, warnings {})
    assert.matches("cfg_scale", select(2, stepimg.validate {prompt = "x", negative_prompt = "fog"})[1].message)
  end)

  it("does not change or keep the table, and reads of its metamethods __index alone", function()
    local params = setmetatable({prompt = "x"}, {
      __index = {steps = 51}, __newindex = function() error "written" end, __pairs = function() error "walked" end,
    })
    assert.equal("steps", refused(params).field)
    getmetatable(params).__index = function(_, name) return name == "seed" and "seven" or nil end
    assert.equal("seed", refused(params).field)
    getmetatable(params).__index = nil
    assert.is_true(stepimg.validate(params))
    assert.same({prompt = "x"}, params)
  end)

  it("lets an error of __index through, as it is", function()
    local own = {}
    local good, raised = pcall(stepimg.validate, setmetatable({}, {__index = function() error(own) end}))
    assert.is_true(not good and rawequal(raised, own))
  end)

  local function flaws_of(params)
    local list = {}
    for i, flaw in ipairs(refused(params).all) do
      list[i] = flaw.field .. ": " .. flaw.reason
    end
    return list
  end

  it("tells every flaw, with its reason, in the order of the form; the first is the error's own", function()
    local err = refused {
      model = "x", prompt = "", size = "1x1", steps = 51, cfg_scale = "5", promt = "y", negative_prompt = "a\0b",
    }
    assert.same({
      "model: choice", "promt: unknown", "prompt: length", "size: choice", "steps: range", "cfg_scale: type",
      "negative_prompt: text",
    }, flaws_of {
      model = "x", prompt = "", size = "1x1", steps = 51, cfg_scale = "5", promt = "y", negative_prompt = "a\0b",
    })
    local first = err.all[1]
    for _, name in ipairs {"field", "reason", "message", "rule"} do
      assert.equal(first[name], err[name], name)
    end
    for _, flaw in ipairs(err.all) do
      assert.is_nil(getmetatable(flaw))
      assert.equal(flaw.field .. ": ", flaw.message:sub(1, #flaw.field + 2))
      assert.same(stepimg.models["step-image-edit-2"].params[flaw.field], flaw.rule)
    end
    assert.same({"prompt: missing"}, flaws_of {})
    assert.same({"prompt: missing", "height: pair"}, flaws_of {width = 1024})
  end)

  it("names the row that is broken: for a pair that is not offered, that of size", function()
    local err = refused {prompt = "x", width = 1000, height = 1000}
    assert.same({"width", "choice", "size"}, {err.field, err.reason, err.rule.name})
    assert.same(stepimg.models["step-image-edit-2"].params.size, err.rule)
  end)

  it("takes an aspect for the nearest size, and warns where that is far off", function()
    for _, case in ipairs {
      {"16:9"}, {16 / 9}, {"1:1"}, {1}, {1.0}, {"9:16"}, {"4:3"}, {1.3}, {"21:9", 1}, {0.01, 1},
      {1.05}, {"21:20"}, {1 / 1.05}, {1.0501, 1},
    } do
      local good, warnings = stepimg.validate {prompt = "x", aspect = case[1]}
      assert.same({true, case[2] or 0}, {good, #warnings})
      assert.equal(case[2] and "aspect", warnings[1] and warnings[1].field)
    end
    assert.matches("1024 x 1024, is 10 %% off$", tostring(select(2, stepimg.validate {prompt = "x", aspect = 1.1})[1]))
    for _, case in ipairs {
      {"aspect: choice", aspect = "wide"}, {"aspect: range", aspect = 0}, {"aspect: range", aspect = NAN},
      {"aspect: type", aspect = true}, {"aspect: pair", aspect = 1, size = "1024x1024"},
      {"aspect: pair", aspect = 1, width = 1024, height = 1024}, {"aspect: text", aspect = "16:9\0"},
    } do
      local expected = table.remove(case)
      case.prompt = "x"
      assert.same({expected}, flaws_of(case))
    end
  end)

  it("warns with a field and a message that prints and concatenates as itself", function()
    local warning = select(2, stepimg.validate {prompt = "x", negative_prompt = "fog"})[1]
    assert.equal("negative_prompt", warning.field)
    assert.equal(warning.message, tostring(warning))
    assert.equal("- " .. warning.message .. ".", "- " .. warning .. ".")
  end)

  it("fails with an error that prints and concatenates as its kind and message", function()
    local err = refused {}
    assert.equal("invalid: " .. err.message, tostring(err))
    assert.equal("It failed: invalid: " .. err.message .. ".", "It failed: " .. err .. ".")
  end)

  it("takes a string for the prompt", function()
    assert.is_true(stepimg.validate "a lighthouse")
    assert.equal("prompt", refused("").field)
  end)
end)

describe("generate", function()
  local server = support.standin()
  local client

  lazy_setup(function()
    client = support.client(server)
  end)

  lazy_teardown(function()
    client:close()
  end)

  it("says exactly what validate says, and sends nothing that is refused", function()
    local posts = support.posts(server, function()
      for _, case in ipairs(BOUNDS) do
        for _, value in ipairs(case[3]) do
          local params = {prompt = "x"}
          params[case[1]] = value
          assert.same(refused(params), support.failure(client:generate(params)))
        end
      end
      for _, params in ipairs {{}, {prompt = "x", width = 5}, {prompt = "x", promt = "y"}, {prompt = "a\0b"}} do
        assert.same(refused(params), support.failure(client:generate(params)))
      end
    end)
    assert.equal(0, posts)
  end)

  it("sends what is on the good side of every rule, and the service agrees", function()
    for _, case in ipairs(BOUNDS) do
      for _, value in ipairs(case[2]) do
        local params = {prompt = "x", seed = 7}
        params[case[1]] = value
        local result = assert(client:generate(params, {download = false}))
        assert.same(select(2, stepimg.validate(params)), result.warnings or {})
      end
    end
  end)

  it("sends the nearest size for an aspect", function()
    local sizes = {["16:9"] = {1360, 768}, ["9:16"] = {768, 1360}, [1] = {1024, 1024}, ["3:2"] = {1184, 896}}
    for aspect, size in pairs(sizes) do
      local image = assert(client:generate {prompt = "x", seed = 7, aspect = aspect}).image
      assert.same(size, {image.width, image.height})
    end
  end)

  it("has the warnings in its result", function()
    local result = assert(client:generate {prompt = "x", seed = 7, negative_prompt = "fog"})
    assert.same(select(2, stepimg.validate {prompt = "x", negative_prompt = "fog"}), result.warnings)
    assert.is_nil(assert(client:generate {prompt = "x", seed = 7}).warnings)
  end)
end)
