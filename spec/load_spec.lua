-- Many jobs, of which every sixth fails in some way: each is delivered once, and none is lost.

local cqueues = require "cqueues"
local jobs = require "spec.support.jobs"
local standin = require "spec.standin"
local support = require "spec.support"

local COUNT = jobs.LONG and 10000 or 1000
local SIZE = 20000

-- How every sixth job fails. `posts`: how many requests it sends.
local FAILURES = {
  {knobs = {status = 400}, kind = "request", posts = 1},
  {knobs = {status = 451}, kind = "moderation", posts = 1},
  {knobs = {status = 502}, kind = "server", posts = 1},
  {knobs = {base64 = "bad_char"}, kind = "protocol", posts = 1},
  {knobs = {picture = "missing"}, kind = "protocol", posts = 1},
  {knobs = {json = "{"}, kind = "protocol", posts = 1},
  {knobs = {picture_status = 404}, format = "url", kind = "request", posts = 1},
  {knobs = {stall = "body"}, options = {timeout = 1}, kind = "timeout", posts = 1},
  {knobs = {status = 500}, options = {retries = 1}, kind = "server", posts = 2},
  {knobs = {cut = "body"}, alone = true, kind = "network", posts = 1}, -- the connection with all that goes over it
  {knobs = {cut = "request", rst = true}, alone = true, kind = "network", posts = 1},
  {save = "/nonexistent/picture.png", kind = "io", posts = 0},
  {prompt = "", kind = "invalid", posts = 0},
}

for _, way in ipairs(jobs.WAYS) do
  describe("Of many jobs over " .. way.name, function()
    it(("each of %d is delivered once, and as it was asked for; the service's count agrees"):format(COUNT), function()
      local server <close> = standin.start(way.setting)
      local client <close> = support.client(server, {max_concurrent = 30})
      local told, wrong, posts, delivered, expected = {}, {}, 0, 0, 0
      local began = cqueues.monotime()

      local function submit(number, case, kind)
        local knobs = {bytes = SIZE, format = "gif"}
        for name, value in pairs(case.knobs or {}) do
          knobs[name] = value
        end
        local options = {save = case.save, on_done = function(result, err)
          told[number] = (told[number] or 0) + 1
          local got = err and err.kind or #result.image.bytes == SIZE and "picture"
          if got ~= kind then
            wrong[#wrong + 1] = ("%d %s: %s"):format(number, support.prompt(case.knobs or {}), err or got)
          end
        end}
        for name, value in pairs(case.options or {}) do
          options[name] = value
        end
        local job, err = client:submit({
          prompt = case.prompt or support.prompt(knobs), seed = 7, response_format = case.format,
        }, options)
        posts = posts + case.posts
        if job then
          expected = expected + 1
        else
          told[number] = err.kind == kind and 1 or 0
        end
      end

      for i = 1, COUNT do
        local case = i % 6 == 0 and FAILURES[i // 6 % #FAILURES + 1]
        if case and case.alone and way.version == 2 then
          case = FAILURES[1]
        end
        submit(i, case or {posts = 1, format = i % 5 == 0 and "url" or nil}, case and case.kind or "picture")
        if i % 100 == 0 then
          delivered = delivered + client:update()
        end
      end
      while client:pending() > 0 do
        delivered = delivered + client:update()
        cqueues.sleep(0.001)
        assert(cqueues.monotime() - began < 600, "they do not end")
      end
      local took = cqueues.monotime() - began
      assert.same({}, wrong)
      assert.equal(expected, delivered)
      for i = 1, COUNT do
        assert.equal(1, told[i], "job " .. i)
      end
      assert.equal(posts, server:log().posts)
      client:close()
      jobs.quiet(server)
      jobs.report("%d jobs over %s took %.1f s", COUNT, way.name, took)
    end)
  end)
end
