-- A process that forks while a client works: its children are none of the client's, and end as if it was not there. The
-- host is spec/host/fork.c.

local support = require "spec.support"

local CHILDREN, BYTES = 12, 400000

for _, way in ipairs(support.WAYS) do
  describe("A process that forks while a picture arrives over " .. way.name, function()
    local server = support.standin(way.setting)

    it("gets it whole, and its children end at once, whatever they do with the client or one of their own", function()
      local prompt = support.prompt {bytes = BYTES, piece = 40000, pace = 0.1}
      local body = ('{"model":"step-image-edit-2","prompt":%s,"response_format":"b64_json"}'):format(
        require "cjson".encode(prompt))
      local pipe = assert(io.popen(support.words(support.host "fork", CHILDREN, body, server.base_url, server.ca)
        .. " 2>&1"))
      local output = pipe:read("*a")
      local _, ended, code = pipe:close()
      assert.same({("%d %d\n"):format(CHILDREN, BYTES), "exit", 0}, {output, ended, code})
    end)
  end)
end
