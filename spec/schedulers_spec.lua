-- docs/schedulers.md: each piece of it is run as it stands. Those for LÖVE and Neovim are run in these (spec/hosts/).

local cqueues = require "cqueues"
local support = require "spec.support"

local PAGE = support.read "docs/schedulers.md"
local WANTS = {luv = "luv", copas = "copas", select = "socket", cqueues = "cqueues"}
-- Debian has some of them for other Luas only.
local PATH = [[
  local folders = ";/usr/share/lua/5.3/?.lua;/usr/share/lua/5.2/?.lua;/usr/share/lua/5.1/?.lua"
  package.path = package.path .. folders
]]

describe("In the loop of", function()
  local server = support.standin()

  local function environment()
    return {STEP_API_KEY = support.KEY, STEP_BASE_URL = server.base_url}
  end

  for name, script in PAGE:gmatch "```lua (%l+)\n(.-)```" do
    if WANTS[name] then
      it(name .. " a picture comes as the page says", function()
        if not pcall(support.run, PATH .. ("require %q"):format(WANTS[name])) then
          pending(WANTS[name] .. " is not installed for this Lua")
          return
        end
        local expected = ""
        for line in script:gmatch "%-%-> ([^\n]*)" do
          expected = expected .. line .. "\n"
        end
        assert.equal("png\n", expected)
        assert.equal(expected, support.run(PATH .. script, environment()))
      end)
    end
  end

  it("cqueues, with the page's wait, a coroutine wakes up though another's update has delivered its job", function()
    local wait = PAGE:match "wait = (function%(client%)\n.-\nend)}"
    wait = assert(load("local cqueues = ...; return " .. wait))(cqueues)
    local client <close> = support.client(server, {wait = wait})
    local loop, found = cqueues.new(), nil
    loop:wrap(function()
      found = assert(client:submit {prompt = support.prompt {bytes = 1000, format = "gif"}}):await()
    end)
    loop:wrap(function()
      cqueues.sleep(0) -- the other one waits by then
      local job = assert(client:submit {prompt = support.prompt {bytes = 1000, format = "gif", delay = 0.2}})
      job:wait() -- which holds the loop; both have ended by then
      client:update()
    end)
    local deadline = cqueues.monotime() + 20
    while not loop:empty() do
      assert(loop:step(1))
      assert(cqueues.monotime() < deadline, "it is still waiting")
    end
    assert.equal(1000, #found.image.bytes)
  end)

  it("cqueues, without wait, await raises where the loop itself runs the coroutine, and nowhere else", function()
    local client <close> = support.client(server)
    local prompt = support.prompt {bytes = 1000, format = "gif", delay = 0.1}
    local loop, found = cqueues.new(), {}
    loop:wrap(function()
      local job = assert(client:submit {prompt = prompt})
      found[1], found[2] = pcall(job.await, job)
      -- A coroutine of the program's own, inside one of the loop's, is update's to resume.
      coroutine.wrap(function()
        found[3] = #assert(client:submit {prompt = prompt}):await().image.bytes
      end)()
      while client:pending() > 0 do
        cqueues.poll(client, 20)
        client:update()
      end
      found[4] = #job:await().image.bytes -- it has ended: nothing waits
    end)
    assert(loop:loop())
    assert.equal(false, found[1])
    assert.matches("cqueues resumes this coroutine itself: give the client the option wait", found[2])
    assert.same({1000, 1000}, {found[3], found[4]})
  end)
end)
