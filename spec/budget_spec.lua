-- The option budget: how many requests that may cost money a client may send in its life.

local jobs = require "spec.support.jobs"
local support = require "spec.support"

-- How a request can end, and whether its share of the budget is gone with it.
local CASES = {
  {knobs = {}, cost = 1},
  {knobs = {picture = "filtered"}, cost = 1},
  {knobs = {status = 400}, cost = 0},
  {knobs = {status = 401}, cost = 0},
  {knobs = {status = 402}, cost = 0},
  {knobs = {status = 404}, cost = 0},
  {knobs = {status = 429}, cost = 0},
  {knobs = {status = 451}, cost = 0},
  {knobs = {status = 500}, cost = 0},
  {knobs = {status = 503}, cost = 0},
  {knobs = {status = 302}, cost = 0},
  {knobs = {status = 502}, cost = 1},
  {knobs = {status = 504}, cost = 1},
  {knobs = {status = 204}, cost = 1},
  {knobs = {cut = "request"}, cost = 1},
  {knobs = {cut = "body"}, cost = 1},
  {knobs = {base64 = "bad_char"}, cost = 1},
  {knobs = {body = "<html>"}, cost = 1},
  {knobs = {picture_status = 404}, format = "url", cost = 1},
  {knobs = {id = "link", picture_status = 500, picture_times = 1}, format = "url", retries = 1, cost = 1},
  {knobs = {picture_status = 500}, format = "url", retries = 1, cost = 1},
  {knobs = {status = 500, id = "once", times = 1}, retries = 1, cost = 1},
  {knobs = {status = 500}, retries = 1, cost = 0},
  {to = "http://127.0.0.1:1/v1", cost = 0},
  {to = "http://127.0.0.1:1/v1", retries = 1, cost = 0},
}

for _, way in ipairs(jobs.WAYS) do
  describe("A budget over " .. way.name, function()
    local server = support.standin(way.setting)

    local function params(knobs, format)
      knobs.bytes = 20000
      return {prompt = support.prompt(knobs), seed = 7, response_format = format}
    end

    it("is charged for what may have cost money, and for nothing else", function()
      local running = {}
      for i, case in ipairs(CASES) do
        local client = support.client(server, {budget = 1, base_url = case.to})
        local job = assert(client:submit(params(case.knobs or {}, case.format), {retries = case.retries}))
        running[i] = {client, job}
      end
      for i, case in ipairs(CASES) do
        local client, job = table.unpack(running[i])
        job:wait(20)
        local again, err = client:submit(params {})
        local name = support.prompt(case.knobs or {to = case.to})
        assert.equal(case.cost == 1 and "budget" or nil, err and err.kind, name)
        assert.is_true(case.cost == 1 or again ~= nil, name)
        client:close()
      end
    end)

    it("that is used up makes submit, generate and each fail at once, and nothing is sent", function()
      local client <close> = support.client(server, {budget = 2})
      for _ = 1, 2 do
        assert(client:generate(params {}))
      end
      local posts = support.posts(server, function()
        for _, ask in ipairs {
          function() return client:submit(params {}) end,
          function() return client:generate(params {}) end,
          function()
            local step, list = client:each {params {}}
            return select(2, step(list))
          end,
        } do
          local err = support.failure(ask())
          assert.fields({kind = "budget", maybe_billed = support.ABSENT, attempts = support.ABSENT}, err)
          assert.matches("2", err.message)
        end
      end)
      assert.same({0, 0}, {posts, client:pending()})
    end)

    it("lets no more requests leave than it holds, however many jobs were submitted", function()
      for _, limit in ipairs {0, 1, 5} do
        server:reset()
        local client <close> = support.client(server, {budget = limit, max_concurrent = 3})
        local handles, kinds = {}, {picture = 0, budget = 0}
        for i = 1, 12 do
          handles[i] = client:submit(params {})
        end
        for i = 1, 12 do
          local result, err = nil, {kind = "budget"}
          if handles[i] then
            result, err = handles[i]:wait(20)
          end
          kinds[result and "picture" or err.kind] = kinds[result and "picture" or err.kind] + 1
        end
        assert.same({picture = limit, budget = 12 - limit}, kinds)
        assert.equal(limit, server:log().posts)
        jobs.drain(client)
      end
    end)

    it("is charged for a request that is cancelled, and not for one that was still queued", function()
      local client <close> = support.client(server, {budget = 2, max_concurrent = 1})
      local sent, queued = assert(client:submit(params {stall = "request"})), assert(client:submit(params {}))
      support.wait_until("the request", function() return server:log().open == 1 end)
      queued:cancel()
      sent:cancel()
      assert.same({true, nil}, {support.failure(sent:wait()).maybe_billed, support.failure(queued:wait()).maybe_billed})
      assert(client:generate(params {}))
      assert.equal("budget", support.failure(client:submit(params {})).kind)
    end)
  end)
end
