-- Holds README.md and docs/ against what the module does: their tables, every piece of Lua in them, and their links.

local standin = require "spec.standin"
local stepimg = require "stepimg"
local support = require "spec.support"

local PAGES = {"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"}
for _, name in ipairs(support.names "docs") do
  PAGES[#PAGES + 1] = name:find "%.md$" and "docs/" .. name or nil
end
local TEXTS, ALL = {}, ""
for _, page in ipairs(PAGES) do
  TEXTS[page] = support.read(page)
  ALL = ALL .. TEXTS[page]
end
local MODEL = "step-image-edit-2"

-- The rows of the table whose first column has that head, as lists of cells.
local function rows_of(head)
  local rows, inside = {}, false
  for line in ALL:gmatch "[^\n]*" do
    local cells = {}
    for cell in line:gmatch "|%s*([^|]*)" do
      table.insert(cells, (cell:gsub("%s+$", "")))
    end
    if cells[1] == head then
      inside = true
    elseif #cells == 0 then
      inside = false
    elseif inside and not cells[1]:find "^%-%-%-" then
      table.insert(rows, cells)
    end
  end
  assert(#rows > 0, "no page has a table of: " .. head)
  return rows
end

-- The same by the name in their first cell.
local function named(head)
  local found = {}
  for _, row in ipairs(rows_of(head)) do
    found[row[1]:match "^`([%w_]+)`$"] = row
  end
  return found
end

local function keys(map)
  local list = {}
  for key in pairs(map) do
    table.insert(list, key)
  end
  table.sort(list)
  return list
end

local function code(value)
  return "`" .. (type(value) == "string" and '"' .. value .. '"' or tostring(value)) .. "`"
end

local function joined(list, format)
  local texts = {}
  for i, value in ipairs(list) do
    texts[i] = format(value)
  end
  return table.concat(texts, ", ")
end

local function allowed(rule)
  if rule.max_side then
    return ("at most %d x %d pixels"):format(rule.max_side, rule.max_side)
  end
  if rule.examples then
    return joined(rule.examples, code) .. (", %s to %s"):format(rule.min, rule.max)
  elseif rule.choices then
    return joined(rule.choices, code)
  elseif rule.type == "boolean" then
    return "`true`, `false`"
  elseif rule.max_length then
    return (rule.required and "1 to %d characters" or "at most %d characters"):format(rule.max_length)
  end
  return rule.min == rule.max and tostring(rule.min) or ("%s to %s"):format(rule.min, rule.max)
end

local function default(rule)
  if rule.default == nil then
    return rule.required and "required" or "none"
  end
  return type(rule.default) == "number" and tostring(rule.default) or code(rule.default)
end

describe("The table of parameters", function()
  local rules, rows = stepimg.models[MODEL].params, named "parameter"
  local types = {aspect = "string or number", image = "string or [Image](#stepimgimage)"}
  -- What is allowed of them is that the pair is offered.
  local of_a_pair = {width = true, height = true}

  it("has a row for each parameter, and no other", function()
    assert.same(keys(rules), keys(rows))
  end)

  for name, rule in pairs(rules) do
    it("says of " .. name .. " what the catalogue says", function()
      local row = rows[name]
      local of = types[rule.type] or rule.type
      assert.same({of, of_a_pair[name] and row[3] or allowed(rule), default(rule)}, {row[2], row[3], row[4]})
    end)
  end

  it("names the models", function()
    assert.same({MODEL}, keys(stepimg.models))
  end)

  it("names the widths and heights", function()
    local seen = {width = {}, height = {}}
    for _, size in ipairs(stepimg.models[MODEL].sizes) do
      seen.width[size.width], seen.height[size.height] = true, true
    end
    for name, numbers in pairs(seen) do
      assert.same({"integer", joined(keys(numbers), tostring), "none"}, {table.unpack(rows[name], 2, 4)})
    end
  end)

  it("tells where the default is not the service's", function()
    assert.equal("url", rules.response_format.server_default)
    for name, rule in pairs(rules) do
      assert.equal(name == "response_format", rule.server_default ~= nil)
    end
  end)
end)

describe("The table of sizes", function()
  local server = support.standin()

  it("has every size, each with the width and height it gives", function()
    local client, sizes = support.client(server), {}
    for _, row in ipairs(rows_of "picture") do
      local width, height, size = tonumber(row[2]), tonumber(row[3]), row[4]:match '^`"(.*)"`$'
      local by_size = assert(client:generate {prompt = "a lighthouse", size = size}).image
      local by_pair = assert(client:generate {prompt = "a lighthouse", width = width, height = height}).image
      assert.same({width, height, width, height}, {by_size.width, by_size.height, by_pair.width, by_pair.height})
      sizes[size] = true
    end
    local offered = {}
    for _, size in ipairs(stepimg.models[MODEL].sizes) do
      offered[size.size] = true
    end
    assert.same(offered, sizes)
  end)
end)

describe("The tables of options", function()
  local client = named "option of a client"
  local call = named "option of a call"
  for _, options in ipairs {client, call} do
    for _, row in pairs(options) do
      row[2] = row[2]:match "^`(%w+)" or row[2]
      row[2] = row[2] == "fun" and "function" or row[2]
    end
  end
  local sample = {string = "x", number = 1.5, integer = 2000, boolean = true, table = {}, ["function"] = print}
  -- These two are what one call wants, and no default for others.
  local only_of_call = {save = true, on_done = true}
  local numeric = {integer = "number", number = "number"}
  local closed = assert(stepimg.new {api_key = support.KEY})
  closed:close()
  local source = support.read "src/rules/options.c":match "void stepimg_options_init.-\n}"

  -- The module lists all names when none is near.
  local function known(...)
    local _, message = pcall(...)
    local names = {}
    for name in message:match "known are (.*)":gmatch "[%w_]+" do
      names[name] = true
    end
    return keys(names)
  end

  it("have each option, and no other", function()
    local of_client = {}
    for _, options in ipairs {client, call} do
      for name in pairs(options) do
        of_client[name] = not only_of_call[name] or nil
      end
    end
    assert.same(keys(of_client), known(stepimg.new, {qqqqqqqq = 1}))
    assert.same(keys(call), known(stepimg.generate, {prompt = "x"}, {qqqqqqqq = 1}))
  end)

  for _, options in ipairs {client, call} do
    for name, row in pairs(options) do
      it("say of " .. name .. " its type, bounds and default", function()
        for kind, value in pairs(sample) do
          local accepted, _, err
          if only_of_call[name] then
            accepted, _, err = pcall(closed.submit, closed, {prompt = "x"}, {[name] = value})
            err = err and err.kind ~= "cancelled" and err or nil
          else
            accepted, _, err = pcall(stepimg.new, {[name] = value})
          end
          local fits = (numeric[kind] or kind) == (numeric[row[2]] or row[2])
          assert.equal(fits, accepted, kind)
          assert.is_true(not fits or err == nil or err.kind == "invalid")
        end
        if row[3]:find "%d to %d" then
          local _, err = stepimg.new {[name] = -1}
          assert.equal(name .. ": -1 is out of range; " .. row[3] .. " is allowed", err.message)
        else
          assert.not_equal("number", numeric[row[2]], "it has bounds")
        end
        local expression = source:match("options%->" .. name .. " = ([^;]+);")
          or source:match("options%->call%." .. name .. " = ([^;]+);")
        if expression then
          local value = assert(load("return " .. expression:gsub("%(size_t%)", "")))()
          assert.equal(value == -1 and "none" or tostring(value), (row[4]:gsub("`", "")))
        elseif numeric[row[2]] then
          assert.equal("none", row[4])
        end
      end)
    end
  end
end)

describe("The reference", function()
  local REFERENCE = TEXTS["docs/reference.md"]

  it("is what is made from types/stepimg.lua", function()
    local pipe = assert(io.popen "lua5.4 docs/reference.lua")
    local made = pipe:read "a"
    pipe:close()
    assert.equal(made, REFERENCE)
  end)

  local function told(object)
    local names = {}
    for name in REFERENCE:gmatch("\n### `" .. object .. "[.:]([%w_]+)%(") do
      names[name] = true
    end
    return names
  end

  it("has each function of the module, and no other", function()
    local names = told "stepimg"
    names._VERSION, names.models = true, true
    assert.same(keys(stepimg), keys(names))
  end)

  it("has each method, and no other", function()
    local server <close> = standin.start()
    local client = support.client(server)
    local image = assert(client:generate {prompt = "x"}).image
    local job = assert(client:submit {prompt = "x"})
    client:close()
    for object, of in pairs {client = client, job = job} do
      assert.same(keys(getmetatable(of).__index), keys(told(object)))
    end
    for name in pairs(told "image") do
      assert.is_function(image[name], name)
    end
  end)

  it("has each field of a result, an image and an error that is there", function()
    local server <close> = standin.start()
    local client <close> = support.client(server)
    local result = assert(client:generate {prompt = "x", negative_prompt = "y"})
    local _, refused = client:generate {prompt = support.prompt {status = 429, headers = {["Retry-After"] = "0"}}}
    local _, invalid = client:generate {steps = 51}
    local function fields(class)
      local names = {}
      local section = REFERENCE:match("\n## stepimg%." .. class .. "\n(.-)\n## ")
      for name in section:gmatch "\n| `([%w_]+)`" do
        names[name] = true
      end
      return names
    end
    for class, objects in pairs {
      Entry = refused.history, Stats = {client:stats()}, Result = {result}, Image = {result.image},
      Error = {refused, invalid}, Timing = {result.timing},
      Warning = result.warnings, Flaw = invalid.all, Rule = {invalid.rule}, Model = {stepimg.models[MODEL]},
      Size = stepimg.models[MODEL].sizes,
    } do
      local known = fields(class)
      for _, object in ipairs(objects) do
        for name in pairs(object) do
          assert.is_true(known[name], class .. "." .. tostring(name))
        end
      end
    end
  end)
end)

describe("A history", function()
  it("has as many entries as the reference says, at most", function()
    local most = support.read "src/stepimg.h":match "STEPIMG_MAX_HISTORY = (%d+)"
    assert.equal(most, ALL:match "At most (%d+) entries; of more")
  end)
end)

describe("The table of tiers", function()
  it("has options that a client takes", function()
    for _, row in ipairs(rows_of "tier") do
      local options = {max_concurrent = tonumber(row[2]), requests_per_minute = tonumber(row[3])}
      assert(stepimg.new(options))
    end
  end)
end)

describe("The table of errors", function()
  it("has every kind that can be met", function()
    local kinds = {}
    for name in support.read "src/base/error.c":match "names%[%] = {(.-)};":gmatch '"([%w_]+)"' do
      kinds[name] = true
    end
    -- ok is no error, and nomem is raised as Lua raises it.
    kinds.ok, kinds.nomem = nil, nil
    assert.same(keys(kinds), keys(named "kind"))
    assert.same(keys(kinds), keys(named "`err.kind`"))
  end)
end)

describe("The Lua of", function()
  -- Each page is one script, whose lines `--> …` are what it prints.
  for page, files in pairs {
    ["README.md"] = {"lighthouse.png"}, ["docs/guide.md"] = {"pictures-1.png", "pictures-2.png", "tower.png"},
    ["docs/money.md"] = {"kept"},
  } do
    it(page .. " runs, and prints what the page says", function()
      local server <close> = standin.start()
      local directory = support.directory()
      local script = {('stepimg = require "stepimg"; require "lfs".chdir(%q)'):format(directory)}
      local expected = {}
      for block in TEXTS[page]:gmatch "```lua\n(.-)```" do
        assert(load(block))
        table.insert(script, block)
        for line in block:gmatch "%-%-> ([^\n]*)" do
          table.insert(expected, line)
        end
      end
      local environment = {STEP_API_KEY = support.KEY, STEP_BASE_URL = server.base_url}
      local output = support.run(table.concat(script, "\n"), environment)
      local made = support.names(directory)
      support.remove(directory)
      local lines = {}
      for line in output:gmatch "[^\n]+" do
        local wanted = expected[#lines + 1] or ""
        -- The page leaves out where an error was raised.
        table.insert(lines, wanted:find("…", 1, true) and line:gsub("^(false\t).-:%d+: ", "%1…") or line)
      end
      assert.same(expected, lines)
      assert.same(files, made)
    end)
  end
end)

describe("The targets", function()
  it("have each a row in CONTRIBUTING.md, and `make help` tells of it", function()
    local pipe = assert(io.popen "make --no-print-directory help")
    local help = "\n" .. pipe:read "a"
    pipe:close()
    assert.is_nil(help:find("](", 1, true), "a link")
    local list = support.read "Makefile":match "\nTARGETS%s*:=(.-[^\\])\n"
    for name in (list:gsub("\\", "") .. " install docs dist release"):gmatch "[%w-]+" do
      assert.truthy(help:find("\nmake " .. name .. ": ", 1, true), name)
    end
  end)
end)

describe("The links", function()
  -- As GitHub names a heading.
  local function anchors(text)
    local found = {}
    for heading in text:gmatch "\n#+ ([^\n]+)" do
      found[heading:lower():gsub("[^%w%- _\x80-\xff]", ""):gsub(" ", "-")] = true
    end
    return found
  end

  for page, text in pairs(TEXTS) do
    it("of " .. page .. " lead somewhere", function()
      local folder = page:match "^.*/" or ""
      for target in text:gsub("```.-```", ""):gmatch "%]%(([^)%s]+)%)" do
        local path, anchor = target:match "^([^#]*)#?(.*)$"
        if not target:find "^https?://" then
          path = path == "" and page or folder .. path
          while path:find "[^/]+/%.%./" do
            path = path:gsub("[^/]+/%.%./", "", 1)
          end
          assert.truthy(io.open(path), target)
          assert.is_true(anchor == "" or anchors(TEXTS[path] or "")[anchor], target)
        end
      end
    end)
  end

  it("lead to all examples", function()
    for _, name in ipairs(support.names "examples") do -- of a folder, to something in it
      local there = ALL:find(("examples/%s)"):format(name), 1, true) or ALL:find(("examples/%s/"):format(name), 1, true)
      assert.truthy(there, name)
    end
  end)
end)

-- Row by row: the prompt, and what its text says comes of it: a kind, or a result where it says none.
describe("The stand-in's page", function()
  it("tells of prompts that do what it says", function()
    local server <close> = standin.start()
    local rows = 0
    for prompt, text in TEXTS["docs/standin.md"]:gmatch "\n| `({[^`]+} a tower)` | ([^\n]+) |" do
      rows = rows + 1
      local client <close> = support.client(server, {retries = 1})
      local format = prompt:find "picture_" and "url" or nil
      local result, err = client:generate({prompt = prompt, response_format = format}, {
        timeout = 10, stall_timeout = 0.5, deadline = prompt:find "Retry%-After" and 1 or nil,
      })
      local kind = text:match "kind `(%w+)`" or text:match "^moderation" or text:match "^overload" and "server"
      assert.equal(kind, err and err.kind, prompt .. ": " .. tostring(err))
      if text:find "once" then
        local times = 0
        for _, request in ipairs(result.history) do
          times = times + (request.kind and 1 or 0)
        end
        assert.equal(1, times, prompt)
      end
    end
    assert.is_true(rows > 10)
  end)
end)
