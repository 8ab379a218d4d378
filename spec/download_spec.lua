-- The download of a picture that has a link: it costs nothing, so it is repeated freely.

local jobs = require "spec.support.jobs"
local support = require "spec.support"

-- How a download can end, and whether it is repeated. Those that take longest are first.
local CASES = {
  {knobs = {stall = "request"}, kind = "timeout", again = true},
  {knobs = {stall = "headers"}, kind = "timeout", again = true},
  {knobs = {stall = "body"}, kind = "timeout", again = true},
  {knobs = {status = 401}, kind = "request"},
  {knobs = {status = 403}, kind = "request", again = true},
  {knobs = {status = 404}, kind = "request", again = true},
  {knobs = {status = 408}, kind = "request", again = true},
  {knobs = {status = 410}, kind = "request"},
  {knobs = {status = 429}, kind = "rate_limit", again = true},
  {knobs = {status = 500}, kind = "server", again = true},
  {knobs = {status = 502}, kind = "server", again = true},
  {knobs = {status = 503}, kind = "server", again = true},
  {knobs = {status = 504}, kind = "server", again = true},
  {knobs = {cut = "request"}, kind = "network", again = true},
  {knobs = {cut = "headers"}, kind = "network", again = true},
  {knobs = {cut = "body"}, kind = "network", again = true},
  {knobs = {cut = "body", rst = true}, kind = "network", again = true},
  {knobs = {body = "<html>", content_type = "text/html"}, kind = "protocol"},
  {knobs = {body = ""}, kind = "protocol"},
  {knobs = {bytes = 300000}, kind = "protocol"},
}

for _, way in ipairs(jobs.WAYS) do
  describe("A download over " .. way.name, function()
    local server = support.standin(way.setting)

    -- Each with a client of its own, so that it shares no connection that another cuts.
    local function submit(case, retries, failures)
      local knobs = {bytes = case.knobs.bytes or 30000, picture_times = failures}
      for name, value in pairs(case.knobs) do
        if name ~= "bytes" then
          knobs["picture_" .. name] = value
        end
      end
      local client = support.client(server, {
        retries = retries, timeout = case.knobs.stall and 1 or nil, max_response_bytes = 200000,
      })
      return assert(client:submit {prompt = support.prompt(knobs), response_format = "url", seed = 7}), client
    end

    local function gets(url)
      local count = 0
      for _, request in ipairs(server:log().requests) do
        count = count + (request.method == "GET" and url:sub(-#request.path) == request.path and 1 or 0)
      end
      return count
    end

    it("is repeated where a repeat may help; the picture's link is in the error, and the POST is sent once", function()
      local running = {}
      for i, case in ipairs(CASES) do
        running[i] = {(submit(case, 1)), (submit(case, 0))}
      end
      for i, case in ipairs(CASES) do
        for place, attempts in ipairs {case.again and 2 or 1, 1} do
          local err = support.failure(running[i][place]:wait(30))
          assert.same({case.kind, true, 1}, {err.kind, err.maybe_billed, err.attempts}, support.prompt(case.knobs))
          assert.matches(server.picture_url, err.url, 1, true)
          assert.equal(attempts, gets(err.url), support.prompt(case.knobs))
        end
      end
      assert.equal(2 * #CASES, server:log().posts)
    end)

    it("that succeeds after others failed gives the whole picture, to memory or to a file", function()
      local path, running = os.tmpname(), {}
      local wanted = jobs.picture(server, 30000)
      for i, case in ipairs(CASES) do
        running[i] = case.again and submit(case, 2, case.knobs.stall and 1 or 2)
      end
      for i, case in ipairs(CASES) do
        local result = case.again and assert(running[i]:wait(30))
        if result then
          assert.equal(1, result.attempts)
          assert.equal(case.knobs.stall and 2 or 3, gets(result.image.url))
          assert.is_true(result.image.bytes == wanted)
        end
      end
      local client <close> = support.client(server, {retries = 1})
      local knobs = {bytes = 30000, picture_cut = "body", picture_times = 1}
      local image = assert(client:generate({
        prompt = support.prompt(knobs), response_format = "url", seed = 7,
      }, {save = path})).image
      assert.fields({path = path, bytes = support.ABSENT}, image)
      assert.is_true(support.read(path) == wanted)
      os.remove(path)
      jobs.quiet(server)
    end)

    it("that is told to wait does not hold back its client's requests", function()
      local job, client = submit({knobs = {status = 429, headers = {["retry-after"] = "30"}}}, 1)
      support.wait_until("the refusal", function() return job:status() == "retrying" end)
      assert(client:generate({prompt = "a lighthouse", seed = 7}, {deadline = 10}))
      client:close()
    end)
  end)
end
