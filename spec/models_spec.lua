-- stepimg.models: the rules as data, as the service's reference states them.

local stepimg = require "stepimg"

-- The reference page of POST /images/generations, by hand: two readings that agree are worth more than one.
local REFERENCE = {
  prompt = {type = "string", required = true, max_length = 512},
  size = {
    type = "string", default = "1024x1024", choices = {"1024x1024", "768x1360", "896x1184", "1360x768", "1184x896"},
  },
  n = {type = "integer", min = 1, max = 1, default = 1},
  response_format = {type = "string", choices = {"b64_json", "url"}, default = "b64_json", server_default = "url"},
  seed = {type = "integer", min = 0, max = 2147483647},
  steps = {type = "integer", min = 1, max = 50, default = 8},
  cfg_scale = {type = "number", min = 1.0, max = 10.0, default = 1.0},
  negative_prompt = {type = "string", max_length = 512, default = ""},
  text_mode = {type = "boolean", default = false},
}

describe("stepimg.models", function()
  it("holds the one model there is, with every rule of the reference and nothing else", function()
    assert.same({"step-image-edit-2"}, {next(stepimg.models), next(stepimg.models, "step-image-edit-2")})
    local model = {}
    for name, value in pairs(stepimg.models["step-image-edit-2"]) do
      model[name] = value
    end
    assert.same(REFERENCE.size.choices, model.sizes)
    model.sizes = nil
    assert.same(REFERENCE, model)
  end)

  it("has integers where the rule is about integers", function()
    for name, rule in pairs(stepimg.models["step-image-edit-2"]) do
      for _, bound in ipairs {"min", "max", "default"} do
        if rule.type == "integer" and rule[bound] then
          assert.equal("integer", math.type(rule[bound]), name)
        end
      end
    end
  end)

  it("is what validate goes by: each bound holds, and one step beyond does not", function()
    for name, rule in pairs(stepimg.models["step-image-edit-2"]) do
      for bound, step in pairs {min = -1, max = 1} do
        if rule[bound] then
          assert.is_true(stepimg.validate {prompt = "x", [name] = rule[bound]})
          assert.is_nil((stepimg.validate {prompt = "x", [name] = rule[bound] + step}))
        end
      end
      for _, choice in ipairs(rule.choices or {}) do
        assert.is_true(stepimg.validate {prompt = "x", [name] = choice})
        assert.is_nil((stepimg.validate {prompt = "x", [name] = choice .. "x"}))
      end
      if rule.max_length then
        assert.is_true(stepimg.validate {prompt = "x", [name] = ("é"):rep(rule.max_length)})
        assert.is_nil((stepimg.validate {prompt = "x", [name] = ("é"):rep(rule.max_length + 1)}))
      end
    end
  end)

  it("is a copy: who changes it changes no rule", function()
    local rule = stepimg.models["step-image-edit-2"].steps
    local max = rule.max
    rule.max = 1000
    assert.is_nil((stepimg.validate {prompt = "x", steps = 51}))
    rule.max = max
  end)
end)
