-- The money rule once more: a connection cut after any byte of an exchange, in either direction. Whatever happens, the
-- service gets the request whole once at most, and the caller is told where it may cost money.

local cqueues = require "cqueues"
local jobs = require "spec.support.jobs"
local socket = require "socket"
local stepimg = require "stepimg"
local support = require "spec.support"

-- How many places of each direction are cut at, beside its ends; each of them costs little, or time.
local ALL, SOME = jobs.LONG and math.huge or 3, jobs.LONG and 30 or 3
local AT_ONCE = 180 -- requests; the stand-in remembers 200
local NOT_YET = 500 -- bytes either way that are certainly of the TLS handshake
local ANSWER = '{"data":[{"b64_json":"iVBORw0KGgo="}]}' -- short, so that each of its bytes can be the last
local WORDS = ("灯"):rep(300)
-- To be edited: it leaves in several pieces.
local PICTURE = support.part "samples".gif .. ("x"):rep(90000)
local ENDINGS = {"cancel", "close", "deadline"} -- what the caller may do meanwhile
local RACES = jobs.LONG and 1000 or 20

-- From 0 to `total`, both included.
local function places(total, most)
  local found, step = {0, 1}, math.max(1, (total - 2) / most)
  for at = 1 + step, total - 2, step do
    found[#found + 1] = math.floor(at)
  end
  table.move({total - 1, total}, 1, 2, #found + 1, found)
  return found
end

-- The rule, for one job.
local function assert_paid_once(one)
  local err = one.err
  local told = not err or err.maybe_billed == true
  local name = ("%s; %s; %d requests arrived in %d attempts"):format(
    one.name, err or "a picture", one.posts, (err or one.result).attempts or 0)
  assert.is_true(one.posts <= 1, name)
  assert.is_true(one.posts == 0 or told, name)                            -- who may have to pay is told so,
  assert.is_true(one.billed == nil or one.billed == told, name)           -- and nobody else where that is certain;
  assert.is_true(told or one.ending ~= nil or err.attempts == 3, name)    -- what cost nothing was repeated
  assert.is_true(one.spent == nil or one.spent == told, name)             -- the client's budget knows the same
  if one.link then
    assert.equal(1, one.posts, name)
    assert.is_true(told and (err or one.result).attempts == 1, name)
    assert.equal(err ~= nil, err ~= nil and err.url ~= nil, name)
  elseif not one.ending then
    assert.is_true(not err or err.kind == (one.how == "silence" and "timeout" or "network"), name)
  end
end

for _, way in ipairs(support.WAYS) do
  describe("A connection that is cut over " .. way.name, function()
    local server = support.standin(way.setting)
    local cutter, control
    local doors = {}

    local function order(...)
      assert(control:send(table.concat({...}, " ") .. "\n"))
      return assert(control:receive "*l")
    end

    local function count(door)
      local up, down, left = order("count", door):match "(%d+) (%d+) (%d+)"
      return {up = tonumber(up), down = tonumber(down), open = tonumber(left)}
    end

    -- The address of one of the stand-in's two origins, through a door.
    local function through(door, url)
      return (url:gsub("^(%w+://[^:/]+:)%d+", "%1" .. door))
    end

    lazy_setup(function()
      cutter = support.serve "spec/support/cutter.lua"
      control = assert(socket.connect("127.0.0.1", tonumber(cutter:line())))
      for i = 1, AT_ONCE do
        doors[i] = {
          api = order("door", server.base_url:match ":(%d+)"),
          pictures = order("door", server.picture_url:match ":(%d+)"),
        }
      end
    end)

    lazy_teardown(function()
      control:close()
      cutter:stop()
    end)

    -- All of one length, so that each exchange has the same bytes.
    local function params(name, knobs, edit)
      return {prompt = support.prompt(knobs or {json = ANSWER}, name .. WORDS), seed = 7, image = edit and PICTURE}
    end

    -- A client of the case's own, with or without a kept connection.
    local function open(case)
      local options = {
        api_key = support.KEY, base_url = through(case.door.api, server.base_url), ca_file = server.ca,
        budget = case.kept and 2 or 1, timeout = 10,
      }
      for name, value in pairs(case.options or {}) do
        options[name] = value
      end
      local client = assert(stepimg.new(options))
      if case.kept then
        order("cut", case.door.api, "close", "never", 0)
        assert(client:generate(params "warm"))
      end
      return client
    end

    -- Starts each job, ends those that are to be ended, and notes what came of each.
    local function run(some)
      for i, one in ipairs(some) do
        one.door = doors[i]
        one.client = open(one)
        one.name = ("%s %s after %d bytes%s%s%s%s"):format(one.how, one.way, one.at, one.kept and ", kept" or "",
          one.link and ", of the picture" or "", one.edit and ", of an edit" or "",
          one.ending and ", then " .. one.ending or "")
      end
      server:reset()
      for i, one in ipairs(some) do
        local door = one.link and one.door.pictures or one.door.api
        order("cut", one.door.api, "close", "never", 0)
        order("cut", door, one.how, one.way, one.at, one.once and "once" or nil)
        local asked = params(("%04d"):format(i), one.link and {url = through(one.door.pictures, one.link)},
          one.edit)
        asked.response_format = one.link and "url" or nil
        one.job = assert(one.client:submit(asked))
      end
      cqueues.sleep(0.3) -- each to where it gets to
      for _, one in ipairs(some) do
        if one.ending == "cancel" then
          one.job:cancel()
        elseif one.ending == "close" then
          one.client:close()
        end
        if one.ending then -- what is sent from now on arrives
          order("cut", one.door.api, "close", "never", 0)
        end
      end
      for _, one in ipairs(some) do
        one.result, one.err = one.job:wait(30)
        assert(one.result or one.err, one.name .. ": it has no end")
      end
      cqueues.sleep(0.6) -- longer than the wait before a first repeat
      for _, one in ipairs(some) do
        local more, why = one.client:submit(params "more")
        if more or why.kind == "budget" then
          one.spent = not more
        end
        one.client:close()
        support.wait_until("the end of all connections", function()
          return count(one.door.api).open + count(one.door.pictures).open == 0
        end)
      end
      jobs.quiet(server)
      local seen = jobs.seen(server)
      for i, one in ipairs(some) do
        one.posts = seen[("%04d"):format(i) .. WORDS] or 0
      end
    end

    -- How many bytes an exchange has up and down.
    local function size(kept, edit)
      local client <close> = open {door = doors[1], kept = kept}
      order("cut", doors[1].api, "close", "never", 0)
      assert(client:generate(params("0000", nil, edit)))
      return count(doors[1].api)
    end

    -- One job for each way of ending its connection, and for each of so many places to end it at.
    local function each_cut(cases, most, hows, kept, link, edit)
      local bytes = size(kept, edit)
      for _, how in ipairs(hows) do
        for _, direction in ipairs {"up", "down"} do
          for _, at in ipairs(places(bytes[direction], most)) do
            local case = {how = how, way = direction, at = at, kept = kept, link = link, edit = edit, options = {}}
            case.once = kept and #cases % 2 == 0 -- else the new connection that follows is cut as well
            if way.setting.tls and not kept and not link and at < NOT_YET then
              case.billed = false
            end
            if how == "silence" then
              case.options = case.billed == false and {connect_timeout = 0.4} or {timeout = 1}
            end
            cases[#cases + 1] = case
          end
        end
      end
    end

    it("costs one picture at most, wherever it ends, is reset or falls silent", function()
      local client <close> = support.client(server)
      local params_of_link = {prompt = "a lighthouse", response_format = "url"}
      local link = assert(client:generate(params_of_link, {download = false})).image.url
      local cases, ended, arrived, told = {}, {}, 0, 0
      for _, kept in ipairs {false, true} do
        each_cut(cases, ALL, {"close", "reset"}, kept)
        each_cut(cases, SOME, {"silence"}, kept)
        each_cut(cases, ALL, {"close", "reset"}, kept, nil, true)
        each_cut(cases, SOME, {"silence"}, kept, nil, true)
        each_cut(ended, SOME, {"silence", "reset"}, kept)
        each_cut(ended, SOME, {"silence", "reset"}, kept, nil, true)
      end
      each_cut(cases, SOME, {"reset"}, false, link)
      for i, case in ipairs(ended) do
        case.ending, case.billed = ENDINGS[i // 3 % #ENDINGS + 1], nil
        case.options = {deadline = case.ending == "deadline" and 0.3 or nil}
        cases[#cases + 1] = (jobs.LONG or i % 3 == 0) and case or nil
      end
      local some, requests = {}, 0
      for i, case in ipairs(cases) do
        some[#some + 1], requests = case, requests + (case.link and 4 or 1) -- three may be of the picture
        if requests >= AT_ONCE or i == #cases then
          run(some)
          some, requests = {}, 0
        end
      end
      for _, one in ipairs(cases) do
        assert_paid_once(one)
        arrived, told = arrived + one.posts, told + (one.err and one.err.maybe_billed and 1 or 0)
      end
      jobs.report("%s: %d cuts, %d requests arrived, %d jobs are maybe_billed", way.name, #cases, arrived, told)
      assert.is_true(arrived > 0 and arrived < #cases and told > arrived / 2)
    end)

    it("costs one picture at most, when it was kept and ends just before or while it is used again", function()
      local door = doors[1].api
      local client <close> = open {door = doors[1], options = {budget = 2 * RACES}}
      local lost = 0
      for i = 1, RACES do
        order("cut", door, "close", "never", 0)
        assert(client:generate(params "warm"))
        server:reset()
        local how = i % 4 < 2 and "close" or "reset"
        if i % 2 == 0 then
          order("cut", door, how, "idle", 0)
        end
        local job = assert(client:submit(params "race"))
        if i % 2 == 1 then
          order("cut", door, how, "idle", 0)
        end
        local result, err = job:wait(30)
        lost = lost + (err and 1 or 0)
        assert_paid_once {
          name = how .. " of an idle one", result = result, err = err, posts = jobs.seen(server)["race" .. WORDS] or 0,
        }
      end
      jobs.report("%s: %d kept connections ended under a request, %d lost it", way.name, RACES, lost)
    end)
  end)
end
