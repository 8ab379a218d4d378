-- What the specs rely on: tests that share a stand-in do not meet, and a failure names the field.

local support = require "spec.support"

describe("A stand-in that tests share", function()
  local server = support.standin()
  local clients = {}

  lazy_teardown(function()
    for _, client in ipairs(clients) do
      client:close()
    end
  end)

  for i = 1, 3 do
    it("shows a test no request of another: " .. i, function()
      assert.fields({open = 0, busy = 0, posts = 0, connections = 0, requests = {}}, server:log())
      clients[i] = support.client(server, {timeout = 0.3})
      assert(clients[i]:submit({prompt = support.prompt {stall = "request"}}, {on_done = function() end}))
      support.wait_until("the request", function() return server:log().posts == 1 end)
    end)
  end
end)

describe("assert.fields", function()
  local FOUND = {kind = "io", attempts = 2, url = "x", history = {1, 2}, message = "a reason", more = true}

  local function failure(expected)
    local good, why = pcall(assert.fields, expected, FOUND)
    return not good and tostring(type(why) == "table" and why.message or why) or nil
  end

  it("takes no notice of what is not asked for", function()
    assert.is_nil(failure {kind = "io", history = {1, 2}, field = support.ABSENT})
  end)

  it("names each field that differs, and gives the error's message", function()
    assert.equal("Fields differ:\nattempts: expected (number) 1, got (number) 2\n"
      .. "maybe_billed: expected (boolean) true, got nothing\nurl: expected nothing, got (string) 'x'\n"
      .. "the error's message: a reason", failure {
      kind = "io", attempts = 1, maybe_billed = true, url = support.ABSENT,
    })
    assert.matches("history: expected", failure {history = {1, 3}})
    assert.matches("no field is expected", failure {})
  end)
end)
