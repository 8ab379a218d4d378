-- What of the I/O thread only a C program can see (spec/host/worker.c): that it ends when it has nothing to do, uses
-- memory again, and keeps deadlines whenever the clock is looked at.

local support = require "spec.support"

describe("The I/O thread", function()
  local server = support.standin()

  local function run(part)
    local pipe = assert(io.popen(support.words(support.host "worker", part, server.base_url) .. " 2>&1"))
    local output = pipe:read "*a"
    local _, how, code = pipe:close()
    assert.same({"exit", 0}, {how, code}, output)
    return output
  end

  it("ends with its connections when it has nothing to do, and another one does the next job", function()
    if not support.threads() then
      pending "there is no /proc to look at"
    end
    assert.equal("3 threads came and went\n", run "idle")
  end)

  it("leaves the client's settings to the one that has followed it", function()
    if not support.threads() then
      pending "there is no /proc to look at"
    end
    assert.equal("they are the last one's to clear\n", run "successor")
  end)

  it("gives a picture the memory of one that was let go of", function()
    if support.NO_FIGURES then
      pending(support.NO_FIGURES)
    end
    assert.equal("the same memory again and again\n", run "spares")
  end)

  it("lets go of every job where its client is closed in the middle of its work", function()
    assert.equal("nothing was left\n", run "ends")
  end)

  it("keeps a deadline that passes between any two of its looks at the clock, and asks for nothing then", function()
    local late, done = run("deadline"):match "(%d+) were late before their start, (%d+) were done"
    assert.is_true(server:log().posts <= 60 - tonumber(late), late .. " were late, " .. done .. " done")
  end)
end)
