-- The main paths with each allocation failing once: the core's and libcurl's (spec/host/allocations.c does it), and
-- those of Lua (spec/host/lua_allocations.c).

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
      local directory, cache = support.directory(), support.directory()
      local pipe = assert(io.popen(support.words(
        support.host "allocations", whose, directory .. "/x.png", cache, server.base_url, server.ca) .. " 2>&1"))
      local output = pipe:read("*a")
      local _, how, code = pipe:close()
      local names, kept = support.names(directory), support.names(cache)
      support.remove(directory)
      support.remove(cache)
      assert.same({"exit", 0}, {how, code}, output)
      assert.same({"x.png"}, names)
      assert.equal(2, #kept) -- a picture, and what is said of it
      assert.is_true(tonumber(output) > 20, "too few failed: " .. output)
      print(("%d allocations of %s's failed, one at a time"):format(tonumber(output), whose))
    end)
  end

  it("of Lua's gives an error or the right answer, and loses and repeats nothing", function()
    local server <close> = standin.start()
    local directory = support.directory()
    local pipe = assert(io.popen(support.words("env", "LUA_CPATH=" .. support.CPATH,
      support.host "lua_allocations", "spec/host/lua_allocations.lua", server.base_url, directory) .. " 2>&1"))
    local output = pipe:read("*a")
    local _, how, code = pipe:close()
    support.remove(directory)
    assert.same({"exit", 0}, {how, code}, output)
    local failures, finalizers = output:match("^(%d+)\t(%d+)\n$")
    assert.is_true(failures and tonumber(failures) > 500 and tonumber(finalizers) > 1000, output)
    print(("%d allocations of Lua's failed, one at a time; %d finalizers ran in between"):format(failures, finalizers))
  end)
end)
