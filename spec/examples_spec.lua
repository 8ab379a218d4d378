-- The examples and the demo, each run as its user runs it, in a directory of its own.

local jobs = require "spec.support.jobs"
local lfs = require "lfs"
local standin = require "spec.standin"
local support = require "spec.support"

local ROOT = lfs.currentdir()
local words = support.words
local LUA = support.interpreter()
local HOSTS = {support.host "host", support.host "host-static"}
local FAILS = support.prompt({status = 451}, "a bomb")
local STALLS = support.prompt {stall = "body", bytes = 200000}
local SLOW = support.prompt {delay = 1}

local function example(name)
  return ("%s/examples/%s.lua"):format(ROOT, name)
end

-- The same command with all three streams on a terminal.
-- The shell becomes the command: one that waited for it would have an end of its own after Ctrl-C.
local function on_terminal(command)
  return "script -qec " .. support.quote("exec " .. command) .. " /dev/null"
end

describe("The example", function()
  local server = support.standin()
  local directory

  before_each(function()
    directory = support.directory()
  end)

  after_each(function()
    support.remove(directory)
  end)

  -- Starts a shell command in the directory; what one writes to the pipe is its input.
  local function start(command)
    local environment = words("env", "TERM=xterm", "STEP_API_KEY=" .. support.KEY,
      "STEP_BASE_URL=" .. server.base_url, "LUA_CPATH=" .. support.CPATH)
    local pipe = assert(io.popen(("cd %s && echo $$ >pid && exec %s %s >out 2>err"):format(
      support.quote(directory), environment, command), "w"))
    pipe:setvbuf "no"
    return pipe
  end

  -- How it ended, and what it wrote to its output and its error output.
  local function finish(pipe)
    local _, how, code = pipe:close()
    return {how, code}, support.read(directory .. "/out"), support.read(directory .. "/err")
  end

  local function run(command)
    return finish(start(command))
  end

  local function succeeds(command)
    local ended, out, err = run(command)
    assert.same({"exit", 0}, ended, out .. err)
    assert.equal("", err)
    return out
  end

  local function plain(text)
    assert.is_nil(text:find "[%c\127]" and text:gsub("\n", ""):match "[%c\127]", "it has a control character")
  end

  local function pictures()
    local found = {}
    for _, name in ipairs(support.names(directory)) do
      local bytes = support.read(directory .. "/" .. name)
      -- Who is killed leaves parts; who is not renames them meanwhile.
      if bytes and name ~= "out" and name ~= "err" and name ~= "pid" and not name:find "%.part$" then
        found[name] = bytes:sub(1, 8) == "\x89PNG\r\n\x1a\n" and ("%dx%d"):format((">I4I4"):unpack(bytes, 17)) or "?"
      end
    end
    return found
  end

  local function wait_for_request()
    support.wait_until("the request", function() return server:log().open > 0 end)
  end

  for _, name in ipairs {"generate", "progress"} do
    describe(name .. ".lua", function()
      it("makes a picture", function()
        local out = succeeds(words(LUA, example(name), "a lighthouse"))
        assert.matches("^demo%.png: png, 1360 x 768, seed %d+, %d+%.%d%d s\n$", out)
        assert.same({["demo.png"] = "1360x768"}, pictures())
      end)

      it("says in a sentence why there is none", function()
        local ended, out, err = run(words(LUA, example(name), FAILS))
        assert.same({"exit", 1}, ended)
        assert.matches("^No picture%. moderation: [^\n]+\n$", out .. err)
        plain(out .. err)
        assert.same({}, pictures())
      end)

      it("says so where the filter stopped it", function()
        local ended, _, err = run(words(LUA, example(name), support.prompt {picture = "filtered"}))
        assert.same({"exit", 1}, ended)
        assert.equal("No picture. The service's filter stopped it; try another prompt.\n", err)
      end)
    end)
  end

  describe("log.lua", function()
    it("tells of each request, and what all may have cost, without the key", function()
      local again = support.prompt({status = 503, id = "log", times = 1, headers = {["retry-after-ms"] = "100"}}, "x")
      local lost = support.prompt {cut = "request"}
      local out = "\n" .. succeeds(words(LUA, example "log", "a lighthouse", again, FAILS, lost, ""))
      plain(out)
      assert.is_nil(out:find(support.KEY, 1, true))
      for _, lines in ipairs {
        "  1  POST  200    %d+%.%d%d s  +%d+ bytes  new   HTTP/1%.1  standin%-%x+\n  1  done",
        "  2  POST  503 .-\n     server: the service is overloaded [^\n]*\n  2  POST  200 .-  after 0%.%d s\n  2  done",
        "  3  POST  451 .-\n     moderation: [^\n]*\n  3  moderation",
        "  4  POST  %-  .-\n     network: [^\n]*\n  4  network", "  5  invalid",
        "2 pictures, 2 failed, 5 requests %(1 repeats%), %d%.%d MB on %d connections; at most 0%.009 dollars",
      } do
        assert.matches("\n" .. lines .. "\n", out)
      end
    end)

    it("makes two pictures where no prompt is given, and says what is wrong with a client", function()
      assert.matches("\n2 pictures, 0 failed, 2 requests", succeeds(words(LUA, example "log")))
      local ended, _, err = run(words("env", "STEP_BASE_URL=ftp://x", LUA, example "log"))
      assert.same({"exit", 1}, ended)
      assert.matches("^invalid: ", err)
    end)
  end)

  describe("progress.lua", function()
    it("draws its line on a terminal, over itself, and wipes it", function()
      local prompt = support.prompt {delay = 0.3, pace = 0.1, piece = 40000, bytes = 400000}
      local out = succeeds(on_terminal(words(LUA, example "progress", prompt)))
      local line, rest = out:match "^(.*)\r\27%[K([^\r]*)\r\n$"
      assert.matches("^demo%.png: png, ", rest)
      assert.matches("\rwaiting     0%.0 MB  0%.%d s\27%[K", line)
      assert.matches("\rreceiving   0%.%d of 0%.5 MB  %d%.%d s\27%[K", line)
      assert.is_nil(line:find "\n")
    end)

    it("draws nothing elsewhere", function()
      plain(succeeds(words(LUA, example "progress", SLOW)))
    end)

    it("leaves no line behind after Ctrl-C", function()
      local pipe = start(on_terminal(words(LUA, example "progress", STALLS)))
      wait_for_request()
      pipe:write "\3"
      local ended, out = finish(pipe)
      assert.same({"exit", 1}, ended)
      assert.matches("\r\27%[K[^\r]*interrupted!", out)
    end)
  end)

  describe("batch.lua", function()
    it("makes a picture for each of its arguments", function()
      local out = succeeds(words(LUA, example "batch", "one", "two", "three"))
      plain(out)
      for i, prompt in ipairs {"one", "two", "three"} do
        assert.truthy(("\n" .. out):find(("\n%03d.png: %s\n"):format(i, prompt), 1, true))
      end
      assert.matches("\n3 of 3 pictures saved, 0 failed, 0 not asked for\n$", out)
      assert.same({["001.png"] = "1024x1024", ["002.png"] = "1024x1024", ["003.png"] = "1024x1024"}, pictures())
    end)

    it("makes one for each line of a file", function()
      local file = support.write(os.tmpname(), "one\n\n  \ntwo\n")
      local out = succeeds(words(LUA, example "batch", "-f", file))
      os.remove(file)
      assert.matches("\n2 of 2 pictures saved, ", out)
      assert.same({["001.png"] = "1024x1024", ["002.png"] = "1024x1024"}, pictures())
    end)

    it("reads what an editor on Windows has written, and names in it", function()
      support.write(directory .. "/list", "\239\187\191one\r\n\r\ntwo.png: a tower: at dawn\r\nthree")
      succeeds "mkdir art"
      local out = succeeds(words(LUA, example "batch", "-f", "list", "-o", "art"))
      plain(out)
      assert.same({"001.png", "003.png", "two.png"}, support.names(directory .. "/art"))
      for _, prompt in ipairs {"one", "a tower: at dawn", "three"} do
        assert.equal(1, jobs.seen(server)[prompt])
      end
      support.write(directory .. "/list", "\255\254o\0n\0e\0")
      local ended, _, err = run(words(LUA, example "batch", "-f", "list"))
      assert.same({"exit", 2}, ended)
      assert.equal("list: this is UTF-16; save it as UTF-8\n", err)
      support.write(directory .. "/list", "one\na.png: x\n\na.png: y\n")
      ended, _, err = run(words(LUA, example "batch", "-f", "list"))
      assert.same({"exit", 2}, ended)
      assert.equal("list, line 4: a.png is the name of another picture too\n", err)
      assert.equal(3, server:log().posts)
    end)

    it("says before it starts what it will ask for, and what that costs at most", function()
      support.write(directory .. "/002.png", "there")
      support.write(directory .. "/003.png", "") -- of a loss of power
      local command = words(LUA, example "batch", "-n", "one", "two", "three")
      local says = "1 of 3 pictures are there; of the others %d will be asked for, which costs at most %s US dollars\n"
      assert.equal(says:format(2, "0.006") .. "001.png: one\n003.png: three\n", succeeds(command))
      assert.equal(0, server:log().posts)
      local pipe = start(words(LUA, example "batch", "-b", "1", SLOW, "two", "three"))
      wait_for_request()
      assert.equal(says:format(1, "0.003"), support.read(directory .. "/out"))
      finish(pipe)
    end)

    it("keeps its budget", function()
      local ended, out, err = run(words(LUA, example "batch", "-b", "2", "one", "two", "three", "four", "five"))
      assert.same({"exit", 1}, ended)
      assert.equal("", err)
      assert.matches("\n2 of 5 pictures saved, 0 failed, 3 not asked for\n$", out)
      assert.equal(2, server:log().posts)
      succeeds(words(LUA, example "batch", "-b", "3", "one", "two", "three", "four", "five"))
      assert.equal(5, server:log().posts)
      ended = run(words(LUA, example "batch", "-b", "0", "one", "two", "three", "four", "five", "six"))
      assert.same({"exit", 1}, ended)
      assert.equal(5, server:log().posts)
    end)

    it("goes on where it was killed, and buys nothing twice", function()
      local prompts = {}
      for i = 1, 6 do -- some are made at once, some not before the batch is run again
        prompts[i] = i % 2 == 0 and "number " .. i
          or support.prompt({stall = "request", times = 1, id = "killed " .. i}, "number " .. i)
      end
      local command = words(LUA, example "batch", table.unpack(prompts))
      local pipe = start(command)
      support.wait_until("the pictures and the requests that stand", function()
        local there = pictures()
        return there["002.png"] and there["004.png"] and there["006.png"] and server:log().posts == 6
      end)
      assert(os.execute("kill -KILL " .. support.read(directory .. "/pid")))
      local ended = finish(pipe)
      assert.same({"signal", 9}, ended)
      local out = succeeds(command)
      assert.matches("^3 of 6 pictures are there; of the others 3 will be asked for, ", out)
      assert.matches("\n3 of 3 pictures saved, 0 failed, 0 not asked for\n$", out)
      local all, seen = {}, {}
      for i = 1, 6 do
        all[("%03d.png"):format(i)] = "1024x1024"
        seen["number " .. i] = i % 2 == 0 and 1 or 2 -- the first time nothing was made
      end
      assert.same(all, pictures())
      assert.same(seen, jobs.seen(server))
      local posts = server:log().posts
      out = succeeds(words("env", "STEP_API_KEY=") .. " " .. command) -- no key is needed for nothing
      assert.matches("^6 of 6 pictures are there; of the others 0 will be asked for, [^\n]* 0%.000 US dollars\n$", out)
      assert.equal(posts, server:log().posts)
    end)

    it("tells after Ctrl-C how far it came", function()
      local pipe = start(words(LUA, example "batch", "one", STALLS))
      support.wait_until("the picture", function() return pictures()["001.png"] and server:log().posts == 2 end)
      assert(os.execute("kill -INT " .. support.read(directory .. "/pid")))
      local ended, out, err = finish(pipe)
      assert.same({"exit", 1}, ended)
      assert.matches("interrupted!", err)
      assert.matches("\n1 of 2 pictures saved, 0 failed, 1 not asked for\n$", out)
    end)

    it("says how many that failed may have been billed", function()
      local ended, out = run(words(LUA, example "batch", support.prompt {cut = "body"}, FAILS, "three"))
      assert.same({"exit", 1}, ended)
      assert.matches("\n1 of 3 pictures saved, 2 failed, 0 not asked for; 1 that failed may have been billed ", out)
    end)

    it("pays for no more pictures where the first finds no place", function()
      local prompts = {}
      for i = 1, 20 do
        prompts[i] = "number " .. i
      end
      local ended, out, err = run(words(LUA, example "batch", "-o", "none/there", table.unpack(prompts)))
      assert.same({"exit", 1}, ended)
      assert.matches("^none/there/001%.png: no picture of number 1%. io: ", err)
      assert.is_true(tonumber(out:match "\n0 of 20 pictures saved, (%d+) failed, %d+ not asked for\n$") < 10)
      assert.equal(0, server:log().posts)
    end)

    it("goes on where one fails, and says which", function()
      local filtered = support.prompt {picture = "filtered"}
      local ended, out, err = run(words(LUA, example "batch", "one", FAILS, filtered, "four"))
      assert.same({"exit", 1}, ended)
      assert.matches("\n2 of 4 pictures saved, 2 failed, 0 not asked for; 1 that failed may have been billed ", out)
      assert.truthy(err:find(("002.png: no picture of %s. moderation: "):format(FAILS), 1, true))
      assert.matches("003%.png: no picture of [^\n]+%. the service's filter stopped it\n", err)
      assert.same({["001.png"] = "1024x1024", ["004.png"] = "1024x1024"}, pictures())
      plain(out .. err)
    end)

    it("asks for no more where the money is at its end", function()
      local prompts = {}
      for i = 1, 20 do
        prompts[i] = support.prompt {status = 402}
      end
      local ended, out = run(words(LUA, example "batch", table.unpack(prompts)))
      assert.same({"exit", 1}, ended)
      local failed, left = out:match "\n0 of 20 pictures saved, (%d+) failed, (%d+) not asked for\n$"
      assert.equal(20, failed + left)
      assert.equal(tonumber(failed), server:log().posts)
      assert.is_true(tonumber(failed) < 10)
    end)

    it("draws one bar over all pictures on a terminal", function()
      local out = succeeds(on_terminal(words(LUA, example "batch", "one", "two")))
      local full, half = ("#"):rep(40), ("#"):rep(20) .. ("."):rep(20)
      assert.truthy(out:find(("[%s] 1 of 2 saved, 0 failed\r\27[K"):format(half), 1, true))
      assert.truthy(out:find(("[%s] 2 of 2 saved, 0 failed\r\27[K2 of 2 pictures"):format(full), 1, true))
    end)

    it("says how it is used", function()
      for _, given in ipairs {{}, {"-f"}, {"-o"}, {"-o", "here"}, {"-b", "x", "one"}, {"-b"}, {"-x", "one"}, {"-n"}} do
        local command = words(LUA, example "batch", table.unpack(given))
        local ended, out, err = run(command)
        assert.same({"exit", 2}, ended)
        assert.equal("", out)
        assert.matches("^usage: ", err)
      end
      local ended, _, err = run(words(LUA, example "batch", "-f", "missing.txt"))
      assert.same({"exit", 2}, ended)
      assert.equal("missing.txt: No such file or directory\n", err)
    end)
  end)

  describe("moods.lua", function()
    local FIVE = {"happy", "sad", "angry", "afraid", "surprised"}

    it("makes a face, and edits it into five moods", function()
      local out = succeeds(words(LUA, example "moods", "a face"))
      plain(out)
      local expected = {["face.png"] = "1024x1024"}
      for _, mood in ipairs(FIVE) do
        assert.truthy(out:find("\n" .. mood .. ".png\n", 1, true))
        expected[mood .. ".png"] = "1024x1024"
      end
      assert.same(expected, pictures())
      local edits = 0
      for _, request in ipairs(server:log().requests) do
        edits = edits + (request.path == "/v1/images/edits" and 1 or 0)
      end
      assert.equal(5, edits)
    end)

    it("edits a face that is there, as large as it is", function()
      support.write(directory .. "/own.png", support.painted {width = 20, height = 30, seed = 7})
      succeeds(words(LUA, example "moods", "-f", "own.png"))
      assert.same("20x30", pictures()["afraid.png"])
    end)

    it("says in a sentence why there is none", function()
      for _, given in ipairs {words(FAILS), words("-f", "missing.png"), support.prompt {picture = "filtered"}} do
        local ended, out, err = run(words(LUA, example "moods") .. " " .. (given:find "^'" and given or words(given)))
        assert.same({"exit", 1}, ended)
        assert.matches("^No picture%. [^\n]+\n$", out .. err)
      end
      support.write(directory .. "/own.png", "no picture")
      local ended, _, err = run(words(LUA, example "moods", "-f", "own.png"))
      assert.same({"exit", 1}, ended)
      assert.matches("^happy: no picture%. invalid: image: this is no PNG", err)
    end)
  end)

  describe("form.lua", function()
    it("checks at each key, and says it in another language", function()
      local out = succeeds(words(LUA, example "form", "一座灯塔", "51", "1:0"))
      assert.equal([[
Beschreibung: 一 [1/512] gut
Beschreibung: 一座 [2/512] gut
Beschreibung: 一座灯 [3/512] gut
Beschreibung: 一座灯塔 [4/512] gut
Beschreibung:  [0/512] 1 bis 512 Zeichen
Beschreibung: gut
Seitenverhältnis: möglich ist 1:1, 16:9, 4:3, 9:16, 3:4
Schritte: erlaubt ist 1 bis 50
]], out)
    end)

    it("has words for each reason", function()
      local script = support.read(ROOT .. "/examples/form.lua")
      for reason in support.read(ROOT .. "/src/rules/flaw.c"):match "names%[%] = {\"\",(.-)};":gmatch '"(%l+)"' do
        assert.matches("\n  " .. reason .. " = function%(", script)
      end
    end)

    it("finds nothing wrong with its own form", function()
      local out = succeeds(words(LUA, example "form"))
      assert.matches("\nBeschreibung: gut\nSeitenverhältnis: gut\nSchritte: gut\n$", out)
      out = succeeds(words(LUA, example "form", ("字"):rep(513), "8.5"))
      assert.matches("字 %[513/512%] 1 bis 512 Zeichen\n", out)
      assert.matches("\nSchritte: eine ganze Zahl, bitte\n$", out)
    end)
  end)

  for name, activity in pairs {luv = "timer", cqueues = "ticker"} do
    describe(name .. ".lua", function()
      it("makes its pictures while the loop goes on", function()
        local out = succeeds(words(LUA, example(name), "one", SLOW))
        plain(out)
        assert.matches(("%s%%-1.png: one\n"):format(name), out)
        assert.truthy(out:find(("%s-2.png: %s\n"):format(name, SLOW), 1, true))
        local ticks = tonumber(out:match(("\nMeanwhile the %s ran (%%d+) times%%.\n$"):format(activity)))
        assert.is_true(ticks > 10, ("%d times"):format(ticks))
        assert.same({[name .. "-1.png"] = "1024x1024", [name .. "-2.png"] = "1024x1024"}, pictures())
      end)

      it("says which it could not make", function()
        for _, prompt in ipairs {FAILS, "", support.prompt {picture = "filtered"}} do
          local ended, _, err = run(words(LUA, example(name), prompt))
          assert.same({"exit", 1}, ended)
          assert.equal("No picture of " .. prompt .. ". ", err:sub(1, #prompt + 16))
        end
        assert.same({}, pictures())
      end)

      it("has pictures of its own to make", function()
        succeeds(words(LUA, example(name)))
        assert.same({[name .. "-1.png"] = "1024x1024", [name .. "-2.png"] = "1024x1024"}, pictures())
      end)
    end)
  end

  for _, host in ipairs(HOSTS) do
    describe("frame.lua in " .. host:match "[^/]+$", function()
      local function frame(prompt)
        return words(host, example "frame", prompt)
      end

      it("makes a picture in 60 frames a second", function()
        local out = succeeds(frame(SLOW))
        plain(out)
        local frames = tonumber(out:match "^frame%.png: 1024 x 1024, (%d+) frames went by\n$")
        assert.is_true(frames > 10, ("%d frames"):format(frames))
        assert.same({["frame.png"] = "1024x1024"}, pictures())
      end)

      it("spins on a terminal", function()
        local out = succeeds(on_terminal(frame(SLOW)))
        for _, spoke in ipairs {"|", "/", "-", "\\"} do
          assert.truthy(out:find("\r" .. spoke .. " waiting, 0 KB, ", 1, true), spoke)
        end
        assert.matches("\r\27%[Kframe%.png: 1024 x 1024, %d+ frames went by\r\n$", out)
      end)

      for _, key in ipairs {"c", "q"} do
        it("is cancelled by the key " .. key, function()
          for _, command in ipairs {frame(STALLS), on_terminal(frame(STALLS))} do
            local pipe = start(command)
            wait_for_request()
            pipe:write(key)
            local ended, out, err = finish(pipe)
            assert.same({"exit", 0}, ended)
            assert.matches("Cancelled after %d+%.%d s; frame%.png is as it was%.\r?\n$", out .. err)
            assert.same({}, pictures())
            support.wait_until("the end of the request", function() return server:log().open == 0 end)
          end
        end)
      end

      it("is cancelled by Ctrl-C", function()
        local pipe = start(frame(STALLS))
        wait_for_request()
        assert(os.execute("kill -INT " .. support.read(directory .. "/pid")))
        local ended, out = finish(pipe)
        assert.same({"exit", 0}, ended)
        assert.matches("^Cancelled after ", out)
      end)

      it("says in a sentence why there is no picture", function()
        local reasons = {[FAILS] = "No picture. moderation: ", [""] = "invalid: prompt: "}
        for prompt, reason in pairs(reasons) do
          local ended, out, err = run(frame(prompt))
          assert.same({"exit", 1}, ended)
          assert.equal(reason, (out .. err):sub(1, #reason))
        end
        assert.same({}, pictures())
      end)

      it("tells what a script lacks", function()
        local script = support.write(os.tmpname(), "return 1")
        local ended, _, err = run(words(host, script))
        os.remove(script)
        assert.same({"exit", 1}, ended)
        assert.matches("it is to return a table", err)
        ended, _, err = run(words(host))
        assert.same({"exit", 1}, ended)
        assert.matches("^usage: ", err)
      end)
    end)
  end

  it("host-static holds all that it needs: the module, lua-cjson and Lua", function()
    local pipe = assert(io.popen("nm -D --undefined-only " .. support.quote(HOSTS[2])))
    local wanted = pipe:read "*a"
    pipe:close()
    assert.is_nil(wanted:find " lua_", "it wants a Lua")
    if not os.execute "pkg-config --exists lua5.4-cjson" then
      pending "lua-cjson is not to be had as an archive"
      return
    end
    succeeds(words("env", "LUA_PATH=/nowhere/?.lua", "LUA_CPATH=/nowhere/?.so", HOSTS[2], example "frame"))
    assert.same({["frame.png"] = "1024x1024"}, pictures())
  end)
end)

describe("The example of an asset folder", function()
  local NAMES = {"potion.png", "sword.png", "tower.png"}
  local server = support.standin()
  local directory

  before_each(function()
    directory = support.directory()
    assert(os.execute(("cp %s/examples/assets/* %s"):format(support.quote(ROOT), support.quote(directory))))
  end)

  after_each(function()
    support.remove(directory)
  end)

  -- What a shell command writes in the folder, and how it ended.
  local function run(command)
    local environment = words("env", "-u", "MAKEFLAGS", "-u", "MFLAGS", "-u", "MAKELEVEL",
      "STEP_API_KEY=" .. support.KEY, "STEP_BASE_URL=" .. server.base_url, "LUA_CPATH=" .. support.CPATH)
    local pipe = assert(io.popen(("cd %s && exec %s %s 2>&1"):format(support.quote(directory), environment, command)))
    local out = pipe:read "*a"
    return out, select(3, pipe:close())
  end

  local function ends_with(wanted, command)
    local out, code = run(command)
    assert.equal(wanted, code, out)
    return out
  end

  local function is_there(name)
    return support.read(directory .. "/pictures/" .. name) ~= nil
  end

  local function fills(command, clean)
    local out = ends_with(0, command)
    assert.matches("0 of 3 pictures are there; of the others 3 will be asked for, which costs at most 0.009 US", out)
    assert.same(NAMES, support.names(directory .. "/pictures"))
    assert.equal(3, server:log().posts)
    ends_with(0, command)
    if clean then
      ends_with(0, clean)
      ends_with(0, command)
    end
    assert.equal(3, server:log().posts)
    assert(os.remove(directory .. "/pictures/sword.png"))
    assert.matches("2 of 3 pictures are there", ends_with(0, command))
    assert.equal(4, server:log().posts)
    assert.is_true(is_there "sword.png")
  end

  it("is filled by make, with what is not there", function()
    local make = words("make", "LUA=" .. LUA, "BATCH=" .. example "batch")
    assert.matches("\npictures/tower%.png: a ruined tower on a hill at dawn, pixel", ends_with(0, make .. " tell"))
    assert.equal(0, server:log().posts)
    fills(make)
    local list = directory .. "/assets.list"
    local lines = {}
    for name in support.read(list):gmatch "pictures/(%S+)" do
      lines[#lines + 1] = name
    end
    assert.same(NAMES, lines)
    support.write(list, "packed before")
    ends_with(0, make)
    assert.equal("packed before", support.read(list)) -- no picture is newer
    assert(os.remove(directory .. "/pictures/sword.png"))
    assert.matches("0 of 1 pictures saved, 0 failed, 1 not asked for", ends_with(2, make .. " BUDGET=0"))
    assert.equal(4, server:log().posts)
  end)

  it("is filled by CMake, with what is not there, and no clean deletes it", function()
    if not os.execute "command -v cmake >/dev/null" then
      pending "CMake is not installed"
      return
    end
    local lua = assert(io.popen("command -v " .. support.quote(LUA))):read "*l" -- CMake takes it for a file beside it
    ends_with(0, words("cmake", "-B", "build", "-DLUA=" .. lua, "-DBATCH=" .. example "batch", "-DBUDGET=3"))
    fills("cmake --build build", "cmake --build build --target clean")
    assert(os.remove(directory .. "/pictures/sword.png"))
    ends_with(0, words("cmake", "-B", "build", "-DBUDGET=0"))
    local out, code = run "cmake --build build"
    assert.matches("0 of 1 pictures saved, 0 failed, 1 not asked for", out)
    assert.not_equal(0, code)
  end)
end)

describe("make demo", function()
  local directory

  before_each(function()
    directory = support.directory()
    assert(os.execute(("ln -s %s %s"):format(words(ROOT .. "/examples", ROOT .. "/spec", support.MODULE),
      support.quote(directory))))
  end)

  after_each(function()
    support.remove(directory)
  end)

  local function demo(environment)
    local pipe = assert(io.popen(("cd %s && env -u STEP_API_KEY -u STEP_BASE_URL %s %s 2>&1"):format(
      support.quote(directory), environment, words(LUA, "spec/demo.lua"))))
    local out = pipe:read "*a"
    return out, select(3, pipe:close())
  end

  it("asks a stand-in where there is no key, and says so", function()
    local out, code = demo "PROMPT=\"it's a lighthouse\""
    assert.equal(0, code)
    assert.matches("^STEP_API_KEY is not set: [^\n]+\ndemo%.png: png, 1360 x 768, seed %d+, %d+%.%d+ s\n$", out)
    assert.equal("\x89PNG", support.read(directory .. "/demo.png"):sub(1, 4))
  end)

  it("asks the service where there is one", function()
    local server <close> = standin.start()
    local environment = words("STEP_API_KEY=" .. support.KEY, "STEP_BASE_URL=" .. server.base_url)
    local out, code = demo(environment)
    assert.same({0, "demo.png: "}, {code, out:sub(1, 10)})
    assert.equal(1, server:log().posts)
    out, code = demo(environment .. " " .. words("PROMPT=" .. FAILS))
    assert.same({1, "No picture. moderation: "}, {code, out:sub(1, 24)})
  end)
end)
