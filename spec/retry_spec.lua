-- The money rule: for every way an attempt can end, how many requests the service received and what the caller got.

local jobs = require "spec.support.jobs"
local stepimg = require "stepimg"
local support = require "spec.support"

-- Of attempts that are to end by it; far more than it takes to connect, also on a busy machine.
local SHORT = {timeout = 3}

-- How an attempt ends. `again`: it is repeated, as the service cannot have accepted it or has refused it itself.
-- `billed`: the caller is told that it may cost money. `unsent`: no request arrives.
local CASES = {
  -- Silence; first, as these take longest.
  {"silence before the answer", knobs = {stall = "request"}, options = SHORT, kind = "timeout", billed = true},
  {"silence after the headers", knobs = {stall = "headers"}, options = SHORT, kind = "timeout", billed = true},
  {"silence in the picture", knobs = {stall = "body"}, options = SHORT, kind = "timeout", billed = true},
  -- No connection.
  {"nobody listens", to = "nobody", kind = "network", again = true, unsent = true},
  {"the name cannot be looked up", to = "nowhere", kind = "network", again = true, unsent = true},
  {"the server speaks no TLS", to = "plain", kind = "network", again = true, unsent = true},
  {"the TLS handshake stands still", to = "silent", kind = "timeout", again = true, unsent = true,
    options = {connect_timeout = 0.5}},
  {"the TLS authority is unknown", to = "stranger", kind = "network", unsent = true},
  -- A refusal.
  {"400", knobs = {status = 400}, kind = "request"},
  {"401", knobs = {status = 401}, kind = "auth"},
  {"402", knobs = {status = 402}, kind = "billing"},
  {"403", knobs = {status = 403}, kind = "auth"},
  {"404", knobs = {status = 404}, kind = "request"},
  {"408", knobs = {status = 408}, kind = "request"},
  {"418", knobs = {status = 418}, kind = "request"},
  {"429", knobs = {status = 429}, kind = "rate_limit", again = true},
  {"451", knobs = {status = 451}, kind = "moderation"},
  {"500", knobs = {status = 500}, kind = "server", again = true},
  {"501", knobs = {status = 501}, kind = "server", billed = true},
  {"502", knobs = {status = 502}, kind = "server", billed = true},
  {"503", knobs = {status = 503}, kind = "server", again = true},
  {"504", knobs = {status = 504}, kind = "server", billed = true},
  {"505", knobs = {status = 505}, kind = "server", billed = true},
  {"520", knobs = {status = 520}, kind = "server", billed = true},
  {"302", knobs = {status = 302}, kind = "protocol"},
  {"204", knobs = {status = 204}, kind = "protocol", billed = true},
  {"500, cut short", knobs = {status = 500, cut = "body"}, kind = "server", again = true},
  {"503, reset", knobs = {status = 503, cut = "body", rst = true}, kind = "server", again = true},
  {"400, cut short", knobs = {status = 400, cut = "body"}, kind = "request"},
  {"502, cut short", knobs = {status = 502, cut = "body"}, kind = "server", billed = true},
  -- An answer that is lost.
  {"the connection ends before the answer", knobs = {cut = "request"}, kind = "network", billed = true},
  {"the connection ends after the headers", knobs = {cut = "headers"}, kind = "network", billed = true},
  {"the connection ends in the picture", knobs = {cut = "body"}, kind = "network", billed = true},
  {"a reset before the answer", knobs = {cut = "request", rst = true}, kind = "network", billed = true},
  {"a reset after the headers", knobs = {cut = "headers", rst = true}, kind = "network", billed = true},
  {"a reset in the picture", knobs = {cut = "body", rst = true}, kind = "network", billed = true},
  -- An answer that is none.
  {"it is no JSON", knobs = {body = "<html>"}, kind = "protocol", billed = true},
  {"the JSON ends too early", knobs = {json = '{"data":[{"b64_json":"AAAA"'}, kind = "protocol", billed = true},
  {"it is empty", knobs = {body = ""}, kind = "protocol", billed = true},
  {"the base64 is broken", knobs = {base64 = "bad_char"}, kind = "protocol", billed = true},
  {"there is no picture", knobs = {picture = "missing"}, kind = "protocol", billed = true},
  {"it is too large", knobs = {bytes = 300000}, kind = "protocol", billed = true},
}

for _, way in ipairs(jobs.WAYS) do
  describe("An attempt over " .. way.name, function()
    local server = support.standin(way.setting)
    local plain, stranger = support.standin(), support.standin {tls = true}
    local places

    lazy_setup(function()
      places = {
        nobody = {base_url = "http://127.0.0.1:1/v1"}, nowhere = {base_url = "https://nonexistent.invalid/v1"},
        plain = {base_url = plain.base_url:gsub("^http:", "https:")}, silent = jobs.silent(),
        stranger = {base_url = stranger.base_url},
      }
    end)

    lazy_teardown(function()
      getmetatable(places.silent).__close()
    end)

    -- Each with a client of its own, as a 429 holds back all of a client's jobs.
    local function start(case, retries, name)
      local place, knobs = places[case.to] or server, {bytes = 30000}
      for knob, value in pairs(case.knobs or {}) do
        knobs[knob] = value
      end
      local options = {
        api_key = support.KEY, base_url = place.base_url, ca_file = place.ca, retries = retries,
        max_response_bytes = 200000,
      }
      for option, value in pairs(case.options or {}) do
        options[option] = value
      end
      local client = assert(stepimg.new(options))
      return {client = client, job = assert(client:submit {prompt = support.prompt(knobs, name), seed = 7})}
    end

    it("is repeated only where it cannot have cost anything, and then as often as retries says", function()
      local running = {}
      for _, case in ipairs(CASES) do -- all at once: they wait
        for _, retries in ipairs {0, 2} do
          local name = ("%s, retries = %d"):format(case[1], retries)
          running[name] = start(case, retries, name)
        end
      end
      for _, one in pairs(running) do
        one.err = support.failure(one.job:wait(30))
        one.client:close()
      end
      local seen = jobs.seen(server)
      for _, case in ipairs(CASES) do
        for _, retries in ipairs {0, 2} do
          local name = ("%s, retries = %d"):format(case[1], retries)
          local attempts, err = case.again and 1 + retries or 1, running[name].err
          assert.same({case.kind, attempts, case.billed}, {err.kind, err.attempts, err.maybe_billed}, name)
          assert.equal(case.unsent and 0 or attempts, seen[name] or 0, name)
        end
      end
      jobs.quiet(server)
    end)

    it("that succeeds after others failed gives the picture, and tells how many there were", function()
      local running = {}
      for failed = 1, 2 do
        for _, status in ipairs {429, 500, 503} do
          local client = support.client(server, {retries = 2})
          local knobs = {status = status, id = ("%d-%d"):format(status, failed), times = failed}
          running[client] = {1 + failed, assert(client:submit {prompt = support.prompt(knobs), seed = 7})}
        end
      end
      for client, one in pairs(running) do
        local result = assert(one[2]:wait(30))
        assert.equal(one[1], result.attempts)
        assert.is_true(result.image.bytes == support.painted {seed = 7})
        client:close()
      end
      assert.equal(15, server:log().posts)
    end)

    it("is not repeated where the connection was kept and the answer is lost", function()
      local client <close> = support.client(server, {retries = 2})
      for _, knobs in ipairs {{cut = "request"}, {cut = "request", rst = true}, {cut = "headers"}} do
        assert(client:generate {prompt = "a lighthouse", seed = 7})
        local err
        local posts = support.posts(server, function()
          err = support.failure(client:generate {prompt = support.prompt(knobs), seed = 7})
        end)
        assert.same({1, "network", 1, true}, {posts, err.kind, err.attempts, err.maybe_billed})
      end
    end)

    it("is made once a call with retries = 0, and as often as a call says, whatever the client's own", function()
      local client <close> = support.client(server, {retries = 0})
      local other <close> = support.client(server, {retries = 2})
      local params = {prompt = support.prompt {status = 500}, seed = 7}
      assert.equal(2, support.failure(client:generate(params, {retries = 1})).attempts)
      assert.equal(1, support.failure(other:generate(params, {retries = 0})).attempts)
      assert.equal(3, server:log().posts)
    end)
  end)
end
