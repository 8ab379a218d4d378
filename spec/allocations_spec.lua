-- The main path with each allocation failing once, the core's and libcurl's; spec/host/allocations.c does it.

local standin = require "spec.standin"
local support = require "spec.support"

-- Of libcurl's, only over plain HTTP: where its strdup fails while it stores a TLS session, libcurl 7.88 frees twice.
local CASES = {
  {"core", {}},
  {"core", {tls = true}},
  {"libcurl", {}},
}

describe("Each allocation failing once", function()
  for _, case in ipairs(CASES) do
    local whose, setting = table.unpack(case)
    it(("of %s's, over %s, gives an error or a picture, and leaks nothing"):format(
      whose, setting.tls and "TLS" or "plain HTTP"), function()
      local server <close> = standin.start(setting)
      local directory = support.directory()
      local pipe = assert(io.popen(("build/allocations %s %s/x.png %s %s 2>&1"):format(
        whose, directory, server.base_url, server.ca or "")))
      local output = pipe:read("a")
      local _, how, code = pipe:close()
      local names = support.names(directory)
      support.remove(directory)
      assert.same({"exit", 0}, {how, code}, output)
      assert.same({"x.png"}, names)
      assert.is_true(tonumber(output) > 20, "too few failed: " .. output)
      print(("%d allocations of %s's failed, one at a time"):format(tonumber(output), whose))
    end)
  end
end)
