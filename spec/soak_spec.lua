-- A short run of the soak: the whole of it is `make soak`.

local support = require "spec.support"

describe("A soak", function()
  it("of 3000 jobs with faults and cancellations is all accounted for, and leaves nothing behind", function()
    local soak = support.start(support.read "spec/soak.lua", {
      SOAK_JOBS = 3000, MALLOC_ARENA_MAX = 1, MALLOC_MMAP_THRESHOLD_ = 65536,
    })
    local output, how, code = soak:finish()
    print("\n" .. output)
    assert.same({"exit", 0}, {how, code})
  end)
end)
