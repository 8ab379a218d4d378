-- client:each: a list of prompts, as many at once as the client may, handed over in the order they finish.

local jobs = require "spec.support.jobs"
local support = require "spec.support"

local PROMPTS = jobs.LONG and 20000 or 2000
local MIB = 1024 -- in the KiB that the kernel counts in

-- luacheck: ignore 512 (a loop that is left at once is what some are about)

-- A picture that costs the stand-in little, and is told from others by its size.
local function prompt(knobs, bytes)
  knobs.bytes, knobs.format = bytes or 20000, "gif"
  return {prompt = support.prompt(knobs), seed = 7}
end

local function many(count, knobs)
  local list = {}
  for i = 1, count do
    list[i] = prompt(knobs or {}, 20000 + i)
  end
  return list
end

-- The two forms a list can have.
local FORMS = {
  table = function(list) return list end,
  ["iterator function"] = function(list)
    local i = 0
    return function()
      i = i + 1
      return list[i]
    end
  end,
}

for _, way in ipairs(jobs.WAYS) do
  describe("each over " .. way.name, function()
    local server = support.standin(way.setting)

    for form, make in pairs(FORMS) do
      it(("hands over each result of a %s once, with its place in the list"):format(form), function()
        local client <close> = support.client(server)
        local found, count = {}, 0
        for i, result, err in client:each(make(many(12))) do
          assert.is_nil(err)
          found[i] = #result.image.bytes
          count = count + 1
        end
        assert.equal(12, count)
        for i = 1, 12 do
          assert.equal(20000 + i, found[i])
        end
        assert.same({12, 0, 0}, {server:log().posts, client:pending(), client:update()})
      end)

      it(("goes by the order in which the requests of a %s finish"):format(form), function()
        local client <close> = support.client(server)
        local order = {}
        for i in client:each(make {prompt {delay = 0.8}, prompt {delay = 0.4}, prompt {}}) do
          order[#order + 1] = i
        end
        assert.same({3, 2, 1}, order)
      end)
    end

    it("hands over errors in between as i, nil, err, whether something was sent or not", function()
      local client <close> = support.client(server)
      local kinds, list = {}, many(9)
      list[2], list[5], list[8] = prompt {status = 400}, {prompt = ""}, prompt {picture = "missing"}
      for i, result, err in client:each(list) do
        assert.is_true((result == nil) == (err ~= nil))
        kinds[i] = err and err.kind or "picture"
      end
      assert.same({"picture", "request", "picture", "picture", "invalid", "picture", "picture", "protocol", "picture"},
        kinds)
      assert.equal(8, server:log().posts)
    end)

    it("keeps max_concurrent requests going, and never more", function()
      local client <close> = support.client(server, {max_concurrent = 4})
      local most = 0
      for _, result in client:each(many(16, {delay = 0.15})) do
        most = math.max(most, server:log().open)
        assert.is_table(result)
      end
      assert.is_true(most >= 2 and most <= 4, ("there were %d at once"):format(most))
    end)

    it("takes from its list only what it is about to send", function()
      local client <close> = support.client(server, {max_concurrent = 3})
      local taken, handed = 0, 0
      for _ in client:each(function()
        taken = taken + 1
        return taken <= 10 and prompt {} or nil
      end) do
        handed = handed + 1
        assert.is_true(taken <= math.min(handed + 2, 11), ("%d taken, %d handed over"):format(taken, handed))
      end
      assert.same({10, 11}, {handed, taken})
    end)

    for name, leave in pairs {
      ["break"] = function(step) for _ in step() do break end end,
      ["an error in its body"] = function(step)
        assert.is_false(pcall(function() for _ in step() do error "stop" end end))
      end,
      ["goto"] = load "local step = ... for _ in step() do goto out end ::out::" or nil,
      ["return"] = function(step) (function() for i in step() do return i end end)() end,
    } do
      it(("that is left by %s cancels the rest at once"):format(name), function()
        local client <close> = support.client(server, {max_concurrent = 4})
        local list = many(100, {stall = "body"})
        list[1] = prompt {}
        collectgarbage "stop" -- or it would do so a little later
        leave(function() return client:each(list) end)
        local ok, message = pcall(jobs.quiet, server)
        collectgarbage "restart"
        assert.is_true(ok, message)
        assert.is_true(server:log().posts <= 5)
        assert.equal(0, client:pending())
        assert(client:generate(prompt {}))
      end)
    end

    it("applies its options to every request", function()
      local client <close> = support.client(server)
      local path = os.tmpname()
      for _, options in ipairs {{retries = 1}, {save = function(i) return path .. i end}, {download = false}} do
        for i, result, err in client:each({
          {prompt = support.prompt {bytes = 20000, format = "gif"}, seed = 7, response_format = "url"},
          {prompt = support.prompt {bytes = 20000, format = "gif", picture_status = 500, picture_times = 1},
            response_format = "url"},
        }, options) do
          local image = result and result.image or {}
          assert.is_true(options.retries == nil or result ~= nil)
          assert.is_true(err ~= nil or image.path == (options.save and path .. i))
          assert.is_true(err ~= nil or (image.bytes == nil) == (options.retries == nil))
          assert.is_true(not image.path or #support.read(image.path) == 20000)
        end
      end
      for _, name in ipairs {"", 1, 2} do
        os.remove(path .. name)
      end
    end)
  end)
end

describe("each", function()
  local server = support.standin()

  it("of an empty list is over at once", function()
    local client <close> = support.client(server)
    for _, list in ipairs {{}, function() end} do
      for _ in client:each(list) do
        error "there is nothing"
      end
    end
    assert.equal(0, server:log().posts)
  end)

  it("raises where the list or an option is wrong, or the list itself raises; what was going is cancelled", function()
    local client <close> = support.client(server)
    for _, case in ipairs {
      {42}, {nil}, {{}, 42}, {{"a lighthouse", 42}}, {{prompt {}}, {on_done = print}}, {{prompt {}}, {savee = "x"}},
      {prompt {}}, -- parameters, and no list of them
      {function() error "the list's own" end},
      {{prompt {stall = "request"}, 42}},
    } do
      assert.is_false(pcall(function()
        for _ in client:each(table.unpack(case, 1, 2)) do -- luacheck: ignore
        end
      end))
      jobs.quiet(server)
    end
    assert(client:generate(prompt {}))
  end)

  it("needs no full collection for the pictures it has handed over, however long they were on their way", function()
    local client <close> = support.client(server)
    assert.is_true(jobs.left_by_small_collections(function(results, grow_old)
      local count = 0
      local function source()
        count = count + 1
        grow_old()
        return count <= 4 and prompt {} or nil
      end
      for i, result in client:each(source) do
        results[i] = result
      end
    end) <= 1)
  end)

  it("may be closed by its own list or a hook: then it is over", function()
    local client <close> = support.client(server)
    local next, state, first, closing
    next, state, first, closing = client:each(function()
      do
        local _ <close> = closing
      end
      return prompt {}
    end)
    for _ = 1, 2 do
      assert.error_matches(function() next(state, first) end, "the loop is over")
    end
    next, state, first, closing = client:each {prompt {delay = 0.5}, prompt {delay = 0.5}}
    server:reset()
    debug.sethook(function()
      if server:log().posts == 2 then
        debug.sethook()
        local _ <close> = closing
      end
    end, "c")
    local good, complaint = pcall(next, state, first)
    debug.sethook()
    assert.is_false(good)
    assert.matches("the loop is over", complaint)
    assert.equal(0, client:pending())
  end)

  it("buys nothing more and loses nothing where a hook raises at any line while an entry is refused", function()
    if rawget(_G, "jit") then
      rawget(_G, "jit").off() -- compiled code fires no hooks
    end
    local lines, lost, line, was_cut = 0, {}, nil, true
    while was_cut do
      local client <close> = support.client(server, {budget = 1, retries = 0})
      local loop = client:each {prompt {bytes = 1000}, prompt {bytes = 1000}}
      local left, kinds, place = lines, {}, nil
      lines, was_cut = lines + 1, false
      debug.sethook(function()
        if debug.getinfo(2, "S").source == "=stepimg" then
          left = left - 1
          if left < 0 then
            debug.sethook()
            was_cut = true
            line = debug.getinfo(2, "l").currentline
            error("cut", 0)
          end
        end
      end, "l")
      repeat
        local good, first, _, err = pcall(loop)
        if good then
          place = first
          if place then
            kinds[place] = err and err.kind or "done"
          end
        else
          assert.equal("cut", first)
        end
      until good and not place
      debug.sethook()
      if kinds[1] ~= "done" or kinds[2] ~= "budget" then
        lost[line] = true
      end
      assert.fields({requests = 1, done = 1}, client:stats())
    end
    assert.is_true(lines > 100)
    local places = 0 -- the return itself, on three lines: a new `for` has the item
    for _ in pairs(lost) do
      places = places + 1
    end
    assert.is_true(places <= 3, places)
  end)

  it("names the place where a list holds something else, before anything is sent", function()
    local client <close> = support.client(server)
    local posts = support.posts(server, function()
      for _, entry in ipairs {42, true, print} do
        local good, message = pcall(client.each, client, {prompt {}, "a lighthouse", entry})
        assert.is_false(good)
        assert.matches("entry 3 of the list: string or table expected, got " .. type(entry), message, 1, true)
      end
    end)
    assert.equal(0, posts)
    local taken = 0
    local loop = client:each(function()
      taken = taken + 1
      return taken == 1 and prompt {} or 42
    end)
    assert.error_matches(loop, "entry 2 of the list: string or table expected, got number")
  end)

  it("takes strings, __index, and options of its own from a list", function()
    local client <close> = support.client(server)
    local defaults = {seed = 7, prompt = "a lighthouse"}
    local list, found = {"a lighthouse", setmetatable({}, {__index = defaults})}, {}
    for i, result in client:each(list) do
      found[i] = result.image.seed
    end
    assert.equal(7, found[2])
    assert.is_number(found[1])
    local left, kinds = 2, {}
    for i, result, err in client:each(function()
      left = left - 1
      if left >= 0 then
        return prompt {}, left == 0 and {timeout = 0} or nil
      end
    end) do
      kinds[i] = result and "picture" or err.field
    end
    assert.same({"picture", "timeout"}, kinds)
  end)

  it("in a variable is a loop that goes on, with the item it was left in, until it is closed", function()
    local client <close> = support.client(server, {max_concurrent = 2})
    local loop, seen = client:each(many(6)), {}
    local function go(most)
      for i, result in loop do
        seen[#seen + 1] = i
        assert.is_true(#result.image.bytes > 20000)
        if #seen == most then
          break
        end
      end
    end
    go(2)
    assert.is_false(pcall(function()
      for i in loop do
        seen[#seen + 1] = i
        error "stop"
      end
    end))
    go()
    assert.equal(seen[2], seen[3])
    assert.equal(seen[3], seen[4])
    table.remove(seen, 3)
    table.remove(seen, 3)
    table.sort(seen)
    assert.same({1, 2, 3, 4, 5, 6}, seen)
    assert.same({n = 1}, table.pack(loop()))
    loop:close()
    loop:close()
    assert.error_matches(loop, "the loop is over")
  end)

  it("is called without a for, too: each call asks for the next item", function()
    local client <close> = support.client(server)
    local loop, seen = client:each {prompt {}, "", prompt {}}, {}
    for _ = 1, 3 do
      local i, result, err = loop()
      seen[i] = result and "picture" or err.kind
    end
    assert.same({"picture", "invalid", "picture"}, seen)
    assert.is_nil(loop())
  end)

  it("of a loop that is closed, or collected, is no more: its requests end", function()
    local client <close> = support.client(server, {max_concurrent = 4})
    for _, closes in ipairs {true, false} do
      local list = many(20, {stall = "body"})
      list[1] = prompt {}
      local loop = client:each(list)
      assert(select(2, loop()))
      if closes then
        loop:close()
      end
      loop = nil -- luacheck: ignore
      collectgarbage()
      collectgarbage()
      jobs.quiet(server)
    end
  end)

  it("can be gone on with where an error of its list has ended the coroutine that asked", function()
    local client <close> = support.client(server)
    local calls = 0
    local loop = client:each(function()
      calls = calls + 1
      assert(calls ~= 2, "a list that fails once")
      return calls < 4 and prompt {} or nil
    end)
    local asks = coroutine.create(function() loop() end)
    local went_well, message = coroutine.resume(asks)
    assert.is_false(went_well)
    assert.matches("a list that fails once", message, 1, true)
    local pictures = 0
    for _, result in loop do
      pictures = pictures + (#result.image.bytes == 20000 and 1 or 0)
    end
    assert.equal(2, pictures)
  end)

  it("loses nothing to an update that is given the loop in place of its client", function()
    local client <close> = support.client(server)
    local loop = client:each(many(3))
    loop()
    jobs.quiet(server)
    local raised, count = pcall(client.update, loop), 0
    for _ in loop do
      count = count + 1
    end
    assert.same({false, 3}, {raised, count})
  end)

  it("goes on beside jobs of the same client, and leaves those to update", function()
    local client <close> = support.client(server)
    local told = 0
    for _ = 1, 3 do
      assert(client:submit(prompt {}, {on_done = function() told = told + 1 end}))
    end
    local count = 0
    for _, result in client:each(many(6)) do
      assert.is_table(result)
      count = count + 1
    end
    assert.same({6, 0, 3}, {count, told, jobs.drain(client)})
    assert.equal(3, told)
  end)

  it("inside each works, with the same client", function()
    local client <close> = support.client(server, {max_concurrent = 3})
    local count = 0
    for _, outer in client:each(many(4)) do
      for _, inner in client:each(many(4)) do
        count = count + (outer and inner and 1 or 0)
      end
    end
    assert.equal(16, count)
  end)

  it("ends the rest as cancelled when its client is closed in the loop", function()
    local client = support.client(server, {max_concurrent = 3})
    local kinds = {}
    for i, _, err in client:each {prompt {}, prompt {stall = "body"}, prompt {stall = "request"}, prompt {}} do
      kinds[i] = err and err.kind or "picture"
      client:close()
    end
    assert.same({"picture", "cancelled", "cancelled", "cancelled"}, kinds)
  end)

  it(("takes no more memory for %d prompts than for 200"):format(PROMPTS), function()
    if not support.status "VmHWM" then
      pending "there is no /proc to measure with"
      return
    end
    local function peak(count)
      local output = support.run(([[
        local client = assert(require "stepimg".new {})
        local i = 0
        local count = 0
        for _, result in client:each(function()
          i = i + 1
          return i <= %d and {prompt = '{"bytes":100000,"format":"gif"} x', seed = 7} or nil
        end) do
          count = count + (#result.image.bytes == 100000 and 1 or 0)
        end
        print(count, require "spec.support.files".status "VmHWM")
      ]]):format(count), {STEP_API_KEY = "k", STEP_BASE_URL = server.base_url})
      local done, kib = output:match "^(%d+)\t(%d+)\n$"
      assert.equal(count, tonumber(done), output)
      return tonumber(kib)
    end
    local few, all = peak(200), peak(PROMPTS)
    jobs.report("each: a peak of %d KiB for 200 prompts, of %d KiB for %d", few, all, PROMPTS)
    if support.NO_FIGURES then
      pending(support.NO_FIGURES)
    end
    assert.is_true(all - few < 2 * MIB)
  end)
end)
