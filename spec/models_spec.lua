-- stepimg.models: the rules as data, as the service's reference states them, and what stepimg adds.

local stepimg = require "stepimg"
local support = require "spec.support"

local MODEL = "step-image-edit-2"

-- The reference page of POST /images/generations, by hand: two readings that agree are worth more than one.
local REFERENCE = {
  model = {type = "string", choices = {MODEL}, default = MODEL},
  prompt = {type = "string", required = true, max_length = 512},
  size = {
    type = "string", default = "1024x1024", choices = {"1024x1024", "768x1360", "896x1184", "1360x768", "1184x896"},
  },
  n = {type = "integer", min = 1, max = 1, default = 1},
  response_format = {type = "string", choices = {"b64_json", "url"}, default = "b64_json", server_default = "url"},
  seed = {type = "integer", min = 0, max = 2147483647},
  steps = {type = "integer", min = 1, max = 50, default = 8},
  cfg_scale = {type = "number", min = 1.0, max = 10.0, default = 1.0},
  image = {type = "image", max_side = 4096}, -- of POST /images/edits
  negative_prompt = {type = "string", max_length = 512, default = ""},
  text_mode = {type = "boolean", default = false},
}
-- Ours.
local OWN = {
  width = {type = "integer", min = 1, max = 65535},
  height = {type = "integer", min = 1, max = 65535},
  aspect = {type = "aspect", min = 0.01, max = 100, examples = {"1:1", "16:9", "4:3", "9:16", "3:4"}},
}

describe("stepimg.models", function()
  local model = stepimg.models[MODEL]

  it("holds the one model there is, with every rule of the reference, our own, and nothing else", function()
    assert.same({MODEL}, {next(stepimg.models), next(stepimg.models, MODEL)})
    local found = {}
    for name, rule in pairs(model.params) do
      assert.equal(name, rule.name)
      assert.matches("^%u.*%.$", rule.description)
      found[name] = {}
      for key, value in pairs(rule) do
        found[name][key] = key ~= "name" and key ~= "description" and value or nil
      end
      found[name].default = rule.default -- false too
    end
    local expected = {}
    for _, rules in ipairs {REFERENCE, OWN} do
      for name, rule in pairs(rules) do
        expected[name] = rule
      end
    end
    assert.same(expected, found)
  end)

  it("has each parameter once in the order of a form, the prompt first", function()
    local seen = {}
    for _, name in ipairs(model.order) do
      assert.is_nil(seen[name], name)
      seen[name] = model.params[name]
    end
    assert.same(model.params, seen)
    assert.equal("prompt", model.order[1])
  end)

  it("says of each size how wide and how high it is", function()
    local names = {}
    for i, size in ipairs(model.sizes) do
      names[i] = size.size
      assert.equal(size.size, ("%dx%d"):format(size.height, size.width))
    end
    assert.same(REFERENCE.size.choices, names)
  end)

  it("has integers where the rule is about integers", function()
    for name, rule in pairs(model.params) do
      for _, bound in ipairs {"min", "max", "default"} do
        if rule.type == "integer" and rule[bound] then
          assert.equal("integer", math.type(rule[bound]), name)
        end
      end
    end
    for _, size in ipairs(model.sizes) do
      assert.same({"integer", "integer"}, {math.type(size.width), math.type(size.height)})
    end
  end)

  it("is what validate goes by: each bound holds, and one step beyond does not", function()
    for name, rule in pairs(model.params) do
      local function judge(value)
        return (stepimg.validate {prompt = "x", [name] = value})
      end
      for bound, step in pairs {min = -1, max = 1} do
        if rule[bound] and name ~= "width" and name ~= "height" then -- these have to be offered, too
          assert.is_true(judge(rule[bound]))
          assert.is_nil(judge(rule[bound] + step))
        end
      end
      for _, choice in ipairs(rule.choices or {}) do
        assert.is_true(judge(choice))
        assert.is_nil(judge(choice .. "x"))
      end
      for _, example in ipairs(rule.examples or {}) do
        local good, warnings = stepimg.validate {prompt = "x", [name] = example}
        assert.same({true, {}}, {good, warnings})
      end
      if rule.max_length then
        assert.is_true(judge(("é"):rep(rule.max_length)))
        assert.is_nil(judge(("é"):rep(rule.max_length + 1)))
      end
    end
    for _, size in ipairs(model.sizes) do
      assert.is_true(stepimg.validate {prompt = "x", width = size.width, height = size.height})
      assert.is_true(stepimg.validate {prompt = "x", size = size.size})
    end
  end)

  it("is a copy: who changes it changes no rule, and no row that an error has", function()
    local rule = model.params.steps
    local max = rule.max
    rule.max = 1000
    local _, err = stepimg.validate {prompt = "x", steps = 51}
    rule.max = max
    assert.same(rule, err.rule)
    err.rule.max = 1000
    assert.same(rule, select(2, stepimg.validate {prompt = "x", steps = 51}).rule)
  end)
end)

-- The stand-in has its own reading of the reference; a parameter that it does not know is a 400.
describe("Each parameter", function()
  local server = support.standin()

  local function values_of(rule)
    local list = {rule.min, rule.max, rule.default}
    local values = {rule.type == "boolean" or rule.type == "string" and not rule.choices and "x" or nil}
    for i = 1, 3 do
      values[#values + 1] = list[i]
    end
    for _, choice in ipairs(rule.choices or rule.examples or {}) do
      values[#values + 1] = choice
    end
    return values
  end

  local function check(name, rule, image)
    local client = support.client(server)
    for _, value in ipairs(values_of(rule)) do
      local params = {prompt = "x", image = image}
      params[name] = value
      local _, err = client:generate(params)
      assert.is_nil(err, ("%s = %s: %s"):format(name, tostring(value), tostring(err)))
    end
  end

  for name, rule in pairs(stepimg.models[MODEL].params) do
    if rule.type ~= "image" and name ~= "width" and name ~= "height" then -- these two go together
      it(("is taken by the service at its bounds: %s"):format(name), function()
        check(name, rule)
        check(name, rule, support.painted {width = 16, height = 16, seed = 1})
      end)
    end
  end
end)
