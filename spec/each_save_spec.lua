-- each with save: where every picture of a list goes, and that no two of them go to one place.

local jobs = require "spec.support.jobs"
local lfs = require "lfs"
local support = require "spec.support"

local BYTES = 20000

local function prompt(knobs)
  knobs = knobs or {}
  knobs.bytes, knobs.format = BYTES, "gif"
  return {prompt = support.prompt(knobs), seed = 7}
end

for _, way in ipairs(jobs.WAYS) do
  describe("each with save over " .. way.name, function()
    local server = support.standin(way.setting)
    local directory, client

    before_each(function()
      directory = support.directory()
      client = support.client(server)
    end)

    after_each(function()
      client:close()
      support.remove(directory)
    end)

    -- As an iterator over the list.
    local function iterator(list, own)
      local i = 0
      return function()
        i = i + 1
        return list[i], own and own[i]
      end
    end

    for form, make in pairs {table = function(list) return list end, ["function"] = iterator} do
      it(("puts each picture of a %s where the function says, given place and parameters"):format(form), function()
        local list, given = {prompt(), "", prompt(), '{"format":"gif","bytes":20000} x'}, {}
        for i, result, err in client:each(make(list), {
          save = function(i, params, ...)
            assert.equal(0, select("#", ...))
            given[i] = params
            return ("%s/%d.gif"):format(directory, i)
          end,
        }) do
          assert.equal(i == 2 and "invalid" or nil, err and err.kind)
          if result then
            local image = result.image
            assert.same({("%s/%d.gif"):format(directory, i), BYTES}, {image.path, #support.read(image.path)})
            assert.is_nil(result.image.bytes)
            assert.is_nil(result.warnings)
          end
        end
        for i = 1, #list do
          assert.is_true(rawequal(given[i], list[i]))
        end
        assert.same({"1.gif", "3.gif", "4.gif"}, support.names(directory))
      end)
    end

    it("raises at its caller's line before anything is sent, where a table's pictures would go to one path", function()
      local here = lfs.currentdir()
      local same = {
        {"a.gif", "a.gif"}, {"a.gif", "./a.gif"}, {"a.gif", here .. "/a.gif"}, {"x/../a.gif", here .. "//./a.gif"},
      }
      for _, paths in ipairs(same) do
        local good, message = pcall(function()
          client:each({prompt(), prompt(), prompt()}, {save = function(i) return paths[i] or "b.gif" end})
        end)
        assert.is_false(good)
        assert.matches("each_save_spec%.lua:%d+: save: entry 2 of the list goes to the same path as entry 1, ", message)
      end
      assert.equal(0, server:log().posts)
    end)

    it("raises at its caller's line before anything is sent, where a table has no such function", function()
      local list = {prompt(), prompt()}
      for _, case in ipairs {
        {directory .. "/a.gif", "save: function expected, got string; with each it is given "},
        {true, "save: function expected, got boolean"},
        {function() end, "save: path expected for entry 1 of the list, got nil"},
        {function(i) return i == 1 and "a" or 7 end, "save: path expected for entry 2 of the list, got number"},
        {function() return "a\0b" end, "save: path expected for entry 1 of the list, got one with a NUL byte"},
        {function() return true end, "got boolean"},
      } do
        local good, message = pcall(function() client:each(list, {save = case[1]}) end)
        assert.is_false(good)
        assert.matches("each_save_spec%.lua:%d+: ", message)
        assert.matches(case[2], message, 1, true)
      end
      assert.is_false(pcall(client.each, client, {prompt()}, {save = directory .. "/a.gif"}))
      assert.equal(0, server:log().posts)
    end)

    it("lets what the function raises pass as it is, and asks it again where an iterator's loop goes on", function()
      local mine, calls = {}, 0
      local function save(i)
        calls = calls + 1
        if calls == 1 then
          error(mine)
        end
        return ("%s/%d.gif"):format(directory, i)
      end
      local good, raised = pcall(client.each, client, {prompt()}, {save = save})
      assert.is_false(good)
      assert.is_true(rawequal(mine, raised))
      calls = 0
      local loop = client:each(iterator {prompt(), prompt()}, {save = save})
      good, raised = pcall(loop)
      assert.is_false(good)
      assert.is_true(rawequal(mine, raised))
      for _, result in loop do
        assert.is_table(result)
      end
      assert.same({"1.gif", "2.gif"}, support.names(directory))
      assert.equal(2, server:log().posts)
    end)

    -- An iterator's pictures are on their way when the next path is known: to raise would cancel what is paid for.
    it("hands an iterator's entry over as invalid, where its path was another's, and nothing is sent for it", function()
      for _, save in ipairs {directory .. "/a.gif", function() return directory .. "/./a.gif" end} do
        server:reset()
        local found = {}
        for i, result, err in client:each(iterator {prompt(), prompt(), prompt()}, {save = save}) do
          found[i] = result and result.image.path or err.kind .. " " .. err.field
        end
        assert.same({type(save) == "function" and save() or save, "invalid save", "invalid save"}, found)
        assert.equal(1, server:log().posts)
      end
      assert.same({"a.gif"}, support.names(directory))
    end)

    it("raises where an iterator's save gives no path, and the loop goes on behind that entry", function()
      assert.is_false(pcall(client.each, client, iterator {}, {save = 42}))
      local loop, found = client:each(iterator {prompt(), prompt(), prompt()}, {save = function(i)
        return i ~= 2 and ("%s/%d.gif"):format(directory, i) or nil
      end}), {}
      for _ = 1, 4 do
        local good, i = pcall(loop)
        found[#found + 1] = good and tostring(i) or i:match "^[^:]*[^%d]%d+: (.*)$" or i
      end
      table.sort(found)
      assert.same({"1", "3", "nil", "save: path expected for entry 2 of the list, got nil"}, found)
      assert.equal(2, server:log().posts)
    end)

    it("prefers the options that an iterator returns, one by one", function()
      local given, list, asked = {}, {prompt(), prompt(), prompt(), prompt()}, {}
      local own = {nil, {save = directory .. "/own.gif"}, {timeout = 30}}
      own[4] = {timeout = 30, save = directory .. "/too.gif"}
      for i, result, err in client:each(iterator(list, own), {
        timeout = 0, -- which is out of range
        save = function(i)
          asked[#asked + 1] = i
          return ("%s/%d.gif"):format(directory, i)
        end,
      }) do
        given[i] = result and result.image.path:match "[^/]*$" or err.field
      end
      assert.same({"timeout", "timeout", "3.gif", "too.gif"}, given)
      assert.same({1, 3}, asked)
    end)

    it("hands an entry over as invalid, where a path among its own options was another's", function()
      local a, b = directory .. "/a.gif", directory .. "/b.gif"
      for _, case in ipairs {
        {{{save = a}, {save = b}, {save = directory .. "/./a.gif"}}}, -- no save of the loop
        {{nil, {save = b}, {save = a}}, function(i) return i == 1 and a or b end}, -- the loop's, then its own
        {{{save = a}, {save = b}}, function() return a end}, -- its own, then the loop's
      } do
        server:reset()
        local found = {}
        for i, result, err in client:each(iterator({prompt(), prompt(), prompt()}, case[1]), {save = case[2]}) do
          found[i] = result and result.image.path or err.kind .. " " .. err.field
        end
        assert.same({a, b, "invalid save"}, found)
        assert.equal(2, server:log().posts)
      end
      assert.same({"a.gif", "b.gif"}, support.names(directory))
    end)

    it("lets an entry go where one went that failed: who tries again is not refused", function()
      local one <close> = support.client(server, {max_concurrent = 1})
      local path = directory .. "/a.gif"
      local list, own = {prompt {status = 400}, "", prompt(), prompt()}, {save = path}
      for _, case in ipairs {{{own, own, own, own}}, {nil, path}} do
        local found = {}
        for i, result, err in one:each(iterator(list, case[1]), {save = case[2]}) do
          found[i] = result and result.image.path or err.kind .. " " .. tostring(err.field)
        end
        assert.same({"request nil", "invalid prompt", path, "invalid save"}, found)
      end
    end)

    it("is over where the function closes the loop", function()
      local loop
      loop = client:each(iterator {prompt(), prompt()}, {save = function(i)
        loop:close()
        return ("%s/%d.gif"):format(directory, i)
      end})
      local _, message = pcall(function()
        local _ = loop()
      end)
      assert.matches("each_save_spec%.lua:%d+: the loop is over", message)
      assert.equal(0, server:log().posts)
    end)

    it("goes where the paths of a table led when they were given, and so does its cache", function()
      local here, one, list = lfs.currentdir(), support.client(server, {max_concurrent = 1}), {}
      for i = 1, 3 do
        list[i] = prompt()
        list[i].seed = i
      end
      assert(lfs.chdir(directory) and lfs.mkdir "kept" and lfs.mkdir "below")
      local good, why = pcall(function()
        for i, result, err in one:each(list, {save = function(i) return i .. ".gif" end, cache = "kept"}) do
          assert(result, err)
          assert(result.image.path == i .. ".gif" and not result.warnings, result.image.path)
          lfs.chdir(directory .. "/below")
        end
      end)
      assert(lfs.chdir(here))
      one:close()
      assert(good, why)
      assert.same({"1.gif", "2.gif", "3.gif", "below", "kept"}, support.names(directory))
      assert.same({6, 0}, {#support.names(directory .. "/kept"), #support.names(directory .. "/below")})
    end)

    it("asks the function for what a table got meanwhile", function()
      local list = {prompt()}
      local paths = {}
      for i, result in client:each(list, {save = function(i) return ("%s/%d.gif"):format(directory, i) end}) do
        list[i + 1] = i < 3 and prompt() or nil
        paths[i] = result.image.path:match "[^/]*$"
      end
      assert.same({"1.gif"}, paths) -- the list was at its end when its only entry was under way
      list = {prompt(), prompt(), prompt(), prompt(), prompt(), prompt()}
      for i, result in client:each(list, {save = function(i) return ("%s/%d.gif"):format(directory, i) end}) do
        list[7] = list[7] or prompt()
        paths[i] = result.image.path:match "[^/]*$"
      end
      assert.equal("7.gif", paths[7])
    end)
  end)
end

describe("Two pictures on their way to one path", function()
  local server = support.standin()
  local directory, client

  lazy_setup(function()
    client = support.client(server)
    directory = support.directory()
  end)

  lazy_teardown(function()
    client:close()
    support.remove(directory)
  end)

  local SLOW = {delay = 0.2}

  local function submit(name, knobs, by)
    return assert((by or client):submit(prompt(knobs), {save = directory .. "/" .. name}))
  end

  local function warned(job)
    local result = assert(job:wait())
    local first = result.warnings and result.warnings[1]
    assert.is_true(first == nil or #result.warnings == 1)
    assert.is_true(first == nil or first.field == "save" and first.message:find(result.image.path, 1, true) ~= nil)
    return first ~= nil
  end

  it("are a warning of the second one", function()
    local first, second, third = submit("a.gif", SLOW), submit("./a.gif", SLOW), submit("b.gif", SLOW)
    assert.same({false, true, false}, {warned(first), warned(second), warned(third)})
    assert.is_false(warned(submit "a.gif"))
    local image = assert(first:result()).image
    assert.is_nil(second:result().shares_path)
    assert.equal(BYTES, #support.read(image.path))
  end)

  it("are told by what the paths meant when they were given", function()
    local here = lfs.currentdir()
    assert(lfs.chdir(directory) and lfs.mkdir "below")
    local first = assert(client:submit(prompt(SLOW), {save = "a.gif"}))
    assert(lfs.chdir "below")
    local other, second = client:submit(prompt(), {save = "a.gif"}), client:submit(prompt(), {save = "../a.gif"})
    assert(lfs.chdir(here))
    assert.same({false, false, true}, {warned(first), warned(other), warned(second)})
  end)

  it("are one also where one is generated, or an each's", function()
    local first = submit("a.gif", SLOW)
    local result = assert(client:generate(prompt(), {save = directory .. "/a.gif"}))
    assert.equal("save", result.warnings[1].field)
    assert.is_false(warned(first))
    first = submit("a.gif", SLOW)
    for _, saved in client:each({prompt()}, {save = function() return directory .. "//a.gif" end}) do
      assert.equal("save", saved.warnings[1].field)
    end
    assert.is_false(warned(first))
  end)

  it("are none where the first was given up before, has failed, or is another client's", function()
    local first = submit("a.gif", {stall = "request"})
    first:cancel()
    assert.is_false(warned(submit "a.gif"))
    first = submit("a.gif", {status = 400})
    assert.equal("request", support.failure(first:wait()).kind)
    assert.is_false(warned(submit "a.gif"))
    local other <close> = support.client(server)
    first = submit("a.gif", SLOW, other)
    assert.is_false(warned(submit "a.gif"))
    assert.is_false(warned(first))
  end)

  it("are told of beside what else there is to warn of, and not where nothing was written", function()
    local first = submit("a.png", SLOW)
    local result = assert(client:generate(prompt(), {save = directory .. "/a.png"}))
    assert.same({"save", "save"}, {result.warnings[1].field, result.warnings[2].field})
    assert(first:wait())
    first = submit("a.gif", SLOW)
    result = assert(client:generate({prompt = support.prompt {picture = "filtered"}}, {save = directory .. "/a.gif"}))
    assert.is_nil(result.warnings)
    assert(first:wait())
  end)
end)
