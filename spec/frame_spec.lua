-- What a frame loop pays: for update and submit while pictures arrive, and for a client that has nothing to do.

local cqueues = require "cqueues"
local jobs = require "spec.support.jobs"
local standin = require "spec.standin"
local support = require "spec.support"

local SIZE = 2700 * 1000
local PICTURES = 64
local FRAME = 0.001 -- seconds
local STILL = 5     -- seconds

describe("A frame loop", function()
  it(("of 1 kHz goes on while %d pictures of 2.7 MB arrive over TLS"):format(PICTURES), function()
    local server <close> = standin.start {tls = true, http1 = true}
    local client <close> = support.client(server, {max_concurrent = 8})
    local updates, submits, looks = {}, {}, {}
    local delivered, sizes, handles, longest = 0, 0, {}, 0
    local params = {prompt = support.prompt {bytes = SIZE}}
    assert(client:generate(params)) -- which paints the picture and parses the authorities
    local last = cqueues.monotime()
    while delivered < PICTURES do
      if #submits < PICTURES then
        local job = assert(jobs.timed(submits, client.submit, client, params, {on_done = function(result, err)
          delivered = delivered + 1
          sizes = sizes + (result and result.image.width == 1024 and 1 or error(err))
        end}))
        handles[#handles + 1] = job
      end
      jobs.timed(updates, client.update, client)
      jobs.timed(looks, handles[1].progress, handles[1])
      cqueues.sleep(FRAME)
      local now = cqueues.monotime()
      longest = math.max(longest, now - last)
      last = now
      assert(#updates < 60 / FRAME, "the pictures do not come")
    end
    assert.equal(PICTURES, sizes)
    assert.equal(SIZE, #handles[PICTURES]:result().image.bytes)
    for name, times in pairs {update = updates, submit = submits, progress = looks} do
      jobs.report("%s in a frame loop: %s", name, jobs.summary(times))
    end
    jobs.report("the longest frame of the loop, with its sleep of 1 ms: %.1f ms", longest * 1000)
  end)
end)

describe("A client that is idle", function()
  it(("and keeps its connection makes no wake-up in %d s, however it is connected"):format(STILL), function()
    if not support.status "voluntary_ctxt_switches" then
      pending "there is no /proc to measure with"
      return
    end
    if support.NO_FIGURES then
      pending(support.NO_FIGURES) -- ThreadSanitizer has a thread of its own
    end
    local servers, children = {}, {}
    for i, way in ipairs(support.WAYS) do
      servers[i] = standin.start(way.setting)
      children[i] = support.start(support.program "idle", {
        STEP_API_KEY = "k", STEP_BASE_URL = servers[i].base_url, CA = servers[i].ca, STILL = STILL,
      })
    end
    for i, way in ipairs(support.WAYS) do
      assert.equal("1\t0\n", (children[i]:finish()), way.name)
      servers[i]:stop()
    end
  end)
end)
