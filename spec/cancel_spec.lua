-- Cancelling a job: at once in every phase, told once, and nothing of it stays behind.

local cqueues = require "cqueues"
local jobs = require "spec.support.jobs"
local standin = require "spec.standin"
local support = require "spec.support"

local PROMPTLY = 0.5 -- seconds: a busy machine's share

for _, way in ipairs(support.WAYS) do
  describe("Cancel over " .. way.name, function()
    local server = support.standin(way.setting)
    local silent

    lazy_setup(function()
      silent = jobs.silent()
    end)

    lazy_teardown(function()
      getmetatable(silent).__close()
    end)

    for _, state in ipairs(jobs.STATES) do
      it("ends a job that is " .. state.name .. " at once, and its caller is told once", function()
        local told = {}
        local reached, job, front = jobs.reach(state, server, silent, {
          on_done = function(...) told[#told + 1] = {...} end,
        })
        local client <close> = reached
        local sockets = jobs.sockets()
        local began = cqueues.monotime()
        assert.same({true, false}, {job:cancel(), job:cancel()})
        local err = support.failure(job:wait(20))
        assert.is_true(cqueues.monotime() - began < PROMPTLY)
        assert.same({"cancelled", state.billed, "cancelled"}, {err.kind, err.maybe_billed, job:status()})
        assert.equal(state.format == "url", err.url ~= nil)
        assert.same({0, 1, false}, {#told, client:update(), job:cancel()})
        assert.same({1, nil, job}, {#told, told[1][1], told[1][3]})
        assert.is_true(rawequal(told[1][2], err))
        assert.equal(front and 1 or 0, client:pending())
        if state.connected and way.version < 2 then -- HTTP/2 resets the stream and keeps the connection
          support.wait_until("the end of its connection", function() return jobs.sockets() < sockets end)
        end
        if front then
          assert.same({1, "running"}, {server:log().posts, front:status()})
          front:cancel()
        end
        jobs.quiet(server)
        if not state.silent then
          assert(client:generate({prompt = "a lighthouse", seed = 7}, {timeout = 20}), "the client is of no use now")
        end
      end)
    end

    it("has no say in a job that is over", function()
      local client <close> = support.client(server)
      for _, knobs in ipairs {{}, {status = 400}} do
        local job = assert(client:submit {prompt = support.prompt(knobs), seed = 7})
        local result, err = job:wait()
        assert.is_false(job:cancel())
        assert.is_true(rawequal(result, (job:result())) and rawequal(err, (select(2, job:result()))))
      end
    end)

    it("may come at any moment: the job ends one way or the other, and is told once", function()
      local client <close> = support.client(server, {max_concurrent = 8})
      local ended, cancelled, handles = 0, 0, {}
      for i = 1, 200 do
        handles[i] = assert(client:submit({prompt = support.prompt {bytes = 20000, format = "gif"}, seed = 7}, {
          on_done = function(result, err)
            ended = ended + 1
            cancelled = cancelled + (result and 0 or err.kind == "cancelled" and 1 or math.huge)
          end,
        }))
      end
      for _, job in ipairs(handles) do
        cqueues.sleep(0.002)
        job:cancel()
      end
      assert.equal(200, jobs.drain(client))
      assert.equal(200, ended)
      jobs.report("cancel over %s: %d of 200 jobs were still going", way.name, cancelled)
      jobs.quiet(server)
    end)
  end)
end

describe("Cancel", function()
  it("gives the memory of what had arrived back", function()
    if not support.status "VmRSS" then
      pending "there is no /proc to measure with"
      return
    end
    local server <close> = standin.start()
    for _, format in ipairs {"b64_json", "url"} do
      local output = support.run(support.program "cancelled", {
        FORMAT = format,
        -- By itself glibc comes to keep large blocks for later.
        STEP_API_KEY = "k", STEP_BASE_URL = server.base_url, MALLOC_MMAP_THRESHOLD_ = 128 * 1024,
      })
      local before, during, after = output:match "(%d+)%s+(%d+)%s+(%d+)%s*$"
      local held = (during - before) // 1024
      jobs.report("cancel of 30 jobs, each with 2.6 MB of %s: %d MiB held, %d MiB after", format, held,
        (after - before) // 1024)
      assert.is_true(held > 30, "the measurement is broken")
      assert.truthy(support.NO_FIGURES or after - before < 8 * 1024)
    end
    if support.NO_FIGURES then
      pending(support.NO_FIGURES)
    end
  end)
end)

describe("The end of a client", function()
  it("is told with maybe_billed where a request had left, also where the I/O thread has much to do", function()
    -- The child is stopped until the server's side of many handshakes lies there. Then it goes on with them, each of
    -- which lets a request go, and closes its client at the same time.
    local count, mark = 500, os.tmpname()
    os.remove(mark)
    local server <close> = standin.start {tls = true, http1 = true}
    local child <close> = support.start(support.program "handshakes", {
      BASE = server.base_url, CA = server.ca, COUNT = count, MARK = mark,
    })
    local connections, before = 0, nil
    support.wait_until("the connections", function()
      before, connections = connections, server:log().connections
      cqueues.sleep(0.05)
      return connections > 32 and connections == before
    end)
    child:signal "STOP"
    cqueues.sleep(2)
    support.write(mark, "")
    child:signal "CONT"
    local output = child:finish()
    os.remove(mark)
    jobs.quiet(server)
    local arrived, unsaid, ledger = 0, {}, server:ledger()
    for name, said in output:gmatch "(job %d+)\t(%a+)" do
      count = count - 1
      arrived = arrived + (ledger[name] and 1 or 0)
      unsaid[#unsaid + 1] = ledger[name] and said ~= "true" and name or nil
    end
    assert.same({0, {}}, {count, unsaid}, output)
    jobs.report("close among many handshakes: %d requests had left", arrived)
  end)
end)
