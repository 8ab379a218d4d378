-- docs/reference.lua: prints docs/reference.md, made from types/stepimg.lua, which says how it is to be read.

local HEADS = { -- of a class's table, where its first column has a name of its own
  ["stepimg.Params"] = "parameter", ["stepimg.CallOptions"] = "option of a call",
  ["stepimg.ClientOptions"] = "option of a client", ["stepimg.Kind"] = "kind", ["stepimg.Reason"] = "reason",
}
local LABELS = {"Allowed", "Default", "Example", "Since"}

-- Takes `Allowed: … Default: …` out of the lines of a comment: the text without them, and each by its name.
local function read_labels(lines)
  local kept, found = {}, {}
  for _, line in ipairs(lines) do
    local labelled = false
    for i, label in ipairs(LABELS) do
      local from = line:find(label .. ": ", 1, true)
      if from then
        local rest = line:sub(from + #label + 2)
        for j = 1, #LABELS do
          local next_from = j ~= i and rest:find(" " .. LABELS[j] .. ": ", 1, true)
          rest = next_from and rest:sub(1, next_from - 1) or rest
        end
        found[label] = (rest:gsub("%.$", ""))
        labelled = true
      end
    end
    if not labelled then
      kept[#kept + 1] = line
    end
  end
  return table.concat(kept, " "), found
end

-- A type of the annotations, as a reader says it.
local function spoken(of)
  if of:find "[(<]" then
    return "`" .. of:gsub("|", "\\|") .. "`"
  end
  local words = {}
  for word in of:gsub("%?$", "|nil"):gmatch "[^|]+" do
    local name, list = word:match "^(stepimg%.%u%w+)([%[%]]*)$"
    word = name and ("[%s](#%s)%s"):format(name:match "%u%w+", name:lower():gsub("%.", ""), list) or word
    words[#words + 1] = word:find '^"' and "`" .. word .. "`" or word
  end
  return table.concat(words, " or ")
end

-- Blocks of the page, in the file's order: {class =, text =, fields =} and {call =, params =, returns =, text =}.
local function read(path)
  local blocks, lines, class = {}, {}, nil
  local params, returns = {}, {}
  for line in io.lines(path) do
    local comment = line:match "^%-%-%-%s?(.*)$"
    local tag, rest = (comment or ""):match "^@(%w+)%s*(.*)$"
    if tag == "class" or tag == "alias" then
      class = {
        class = rest:match "^[%w.]+", parent = rest:match ": ([%w.]+)", of = tag == "alias" and rest:match " (.*)",
        text = read_labels(lines), fields = {},
      }
      blocks[#blocks + 1], lines = class, {}
    elseif tag == "field" then
      local name, optional, of = rest:match "^([%w_]+)(%??)%s+(.*)$"
      local text, labels = read_labels(lines)
      table.insert(class.fields, {name = name, of = of, optional = optional == "?", text = text, labels = labels})
      lines = {}
    elseif tag == "param" then
      local name, optional, of, text = rest:match "^([%w_]+)(%??)%s+(%S+)%s*(.*)$"
      table.insert(params, {name = name, optional = optional == "?", of = of, text = text})
    elseif tag == "return" then
      local of, name, text = rest:match "^(%S+)%s*([%w_]*)%s*(.*)$"
      table.insert(returns, {of = of, name = name, text = text})
    elseif comment and comment:find "^| " then
      local value, text = comment:match '^| ("[%w_]+") # (.*)$'
      table.insert(class.fields, {name = value:gsub('"', ""), text = text, labels = {}, value = true})
    elseif comment and not tag then
      lines[#lines + 1] = comment
    elseif line:find "^function " then
      local call = line:match "^function (.-%))"
      local names = {}
      for i, param in ipairs(params) do
        names[i] = param.optional and ("[%s%s]"):format(i > 1 and ", " or "", param.name)
          or (i > 1 and ", " or "") .. param.name
      end
      local text, labels = read_labels(lines)
      blocks[#blocks + 1] = {
        call = ("%s(%s)"):format(call:match "^[%w_.:]+", (table.concat(names):gsub("%[, ", " [, "))),
        params = params, returns = returns, text = text, labels = labels,
      }
      lines, params, returns = {}, {}, {}
    elseif not comment then
      lines = {}
    end
  end
  return blocks
end

local function say(format, ...)
  print(select("#", ...) > 0 and format:format(...) or format)
end

local function say_fields(block)
  local first = HEADS[block.class] or "field"
  local columns = {}
  for _, field in ipairs(block.fields) do
    for _, label in ipairs(LABELS) do
      columns[label] = columns[label] or field.labels[label] ~= nil
    end
  end
  local has_type = block.fields[1] and not block.fields[1].value
  local head, rule = {first}, {"---"}
  local function add_column(name)
    head[#head + 1], rule[#rule + 1] = name, "---"
  end
  if has_type then
    add_column "type"
  end
  for _, label in ipairs(LABELS) do
    if columns[label] then
      add_column(label:lower())
    end
  end
  add_column ""
  say("| %s |", table.concat(head, " | "))
  say("|%s|", table.concat(rule, "|"))
  for _, field in ipairs(block.fields) do
    local row = {"`" .. field.name .. "`"}
    if has_type then
      row[#row + 1] = spoken(field.of)
    end
    for _, label in ipairs(LABELS) do
      if columns[label] then
        row[#row + 1] = field.labels[label] or ""
      end
    end
    row[#row + 1] = field.text
    say("| %s |", table.concat(row, " | "))
  end
  print()
end

local function say_call(block)
  say("### `%s`\n", block.call)
  if block.text ~= "" then
    say("%s\n", block.text)
  end
  for _, param in ipairs(block.params) do
    say("- `%s`: %s%s%s", param.name, spoken(param.of), param.optional and ", may be left out" or "",
      param.text ~= "" and "; " .. param.text or "")
  end
  for i, value in ipairs(block.returns) do
    say("- %s %s%s%s", i == 1 and "returns" or "and", value.name ~= "" and "`" .. value.name .. "`: " or "",
      spoken(value.of), value.text ~= "" and "; " .. value.text or "")
  end
  print()
end

say "# Reference\n"
say "Each function, class, option, field and kind. Everything is there since 0.1.0. `make docs` makes this page from"
say "[types/stepimg.lua](../types/stepimg.lua), which an editor with lua-language-server reads.\n"
local blocks = read((arg[0]:match "^(.*)docs/" or "") .. "types/stepimg.lua")
for _, block in ipairs(blocks) do
  if block.class and block.class ~= "stepimg" then
    say("- [%s](#%s)", block.class, block.class:lower():gsub("%.", ""))
  end
end
print()
for _, block in ipairs(blocks) do
  if block.call then
    say_call(block)
  else
    say("## %s\n", block.class)
    if block.text ~= "" then
      say("%s\n", block.text)
    end
    if block.parent then
      say("It has the fields of [%s](#%s) too.\n", block.parent, block.parent:lower():gsub("%.", ""))
    end
    if block.of then
      say("%s\n", (spoken(block.of):gsub("\\|", "|"))) -- in no table
    end
    if #block.fields > 0 then
      say_fields(block)
    end
  end
end
