-- make install and make uninstall: where everything goes, and that a program in C is built from it as its author would.

local lfs = require "lfs"
local support = require "spec.support"

local quote = support.quote
local CC = os.getenv "CC" or "cc"

-- What a shell command writes; it is to end well.
local function sh(command, ...)
  local pipe = assert(io.popen("(" .. command:format(...) .. ") 2>&1"))
  local output = pipe:read "*a"
  local _, how, code = pipe:close()
  assert(how == "exit" and code == 0, ("%s ended with %s %d: %s"):format(command, how, code, output))
  return output
end

local function make(words)
  return sh("%s --no-print-directory %s", os.getenv "MAKE" or "make", words)
end

-- All that is no directory, below one.
local function files(directory)
  local list = {}
  for name in sh("cd %s && find . ! -type d | LC_ALL=C sort", quote(directory)):gmatch "%./([^\n]+)" do
    list[#list + 1] = name
  end
  return list
end

-- The names that a library or an object gives to others, as a set; except for the compiler's, which begin with __.
local function exported(path, flag)
  local names = {}
  for name in sh("nm %s --defined-only --format=posix %s", flag, quote(path)):gmatch "([%w_.]+) [A-Z] " do
    names[name] = not name:find "^__" or nil
  end
  return names
end

describe("The page for C hosts", function()
  it("says how a host is linked that holds the module, lua-cjson and Lua", function()
    if support.NO_FIGURES then
      pending(support.NO_FIGURES)
    elseif not os.execute "pkg-config --exists lua5.4-cjson" then
      pending "lua-cjson is not to be had as an archive"
    end
    local commands = support.read "docs/c-hosts.md":match "```sh\n(make build/stepimg%.a\n.-)```"
    local program = os.tmpname()
    sh("%s", (commands:gsub("%-o game", "$CFLAGS -o " .. quote(program))))
    local needed = sh("readelf --dynamic --wide %s", quote(program))
    os.remove(program)
    assert.matches("NEEDED[^\n]*%[libcurl%.", needed)
    assert.is_nil(needed:find("lua", 1, true))
  end)
end)

describe("make install", function()
  if support.NO_FIGURES then
    it("is tried without a sanitizer, whose library a program would want", function()
      pending(support.NO_FIGURES)
    end)
    return
  end

  local FILES = {
    "include/stepimg.h", "lib/libstepimg.a", "lib/libstepimg.so", "lib/libstepimg.so.0", "lib/lua/5.4/stepimg.so",
    "lib/pkgconfig/stepimg.pc", "share/stepimg/stepimg.lua",
  }
  local server = support.standin()
  local directory, prefix, environment

  lazy_setup(function()
    directory = support.directory()
    prefix = directory .. "/a prefix"
    make("install PREFIX=" .. quote(prefix))
    environment = "PKG_CONFIG_PATH=" .. quote(prefix .. "/lib/pkgconfig")
  end)

  lazy_teardown(function()
    support.remove(directory)
  end)

  -- How a program ends that is run in the directory, and what it writes.
  local function run(command)
    local pipe = assert(io.popen(("cd %s && env %s %s 2>&1"):format(quote(directory), support.words(
      "STEP_API_KEY=" .. support.KEY, "STEP_BASE_URL=" .. server.base_url), command)))
    local output = pipe:read "*a"
    return select(3, pipe:close()), output
  end

  local function makes_a_picture(command)
    local code, output = run(command .. " 'a lighthouse'")
    assert.equal(0, code, output)
    assert.matches("^picture%.png: png, 1360 x 768, seed %d+, %d+%.%d%d s\n$", output)
    assert.equal("\x89PNG", support.read(directory .. "/picture.png"):sub(1, 4))
    assert(os.remove(directory .. "/picture.png"))
    assert.equal(1, server:log().posts)
  end

  it("puts each file where it is looked for", function()
    assert.same(FILES, files(prefix))
    assert.equal("libstepimg.so.0\n", sh("readlink %s", quote(prefix .. "/lib/libstepimg.so")))
    assert.equal(support.read "src/stepimg.h", support.read(prefix .. "/include/stepimg.h"))
  end)

  it("goes below DESTDIR, and make uninstall leaves nothing", function()
    local root = directory .. "/a root"
    local words = ("DESTDIR=%s PREFIX=/opt/x LIBDIR=/opt/x/lib64 LUA_CMOD=/opt/lua"):format(quote(root))
    make("install " .. words)
    assert.same({
      "opt/lua/stepimg.so", "opt/x/include/stepimg.h", "opt/x/lib64/libstepimg.a", "opt/x/lib64/libstepimg.so",
      "opt/x/lib64/libstepimg.so.0", "opt/x/lib64/pkgconfig/stepimg.pc", "opt/x/share/stepimg/stepimg.lua",
    }, files(root))
    local description = support.read(root .. "/opt/x/lib64/pkgconfig/stepimg.pc")
    assert.matches("\nlibdir=/opt/x/lib64\n", description)
    assert.is_nil(description:find(root, 1, true))
    make("uninstall " .. words)
    assert.same({}, files(root))
    make("install-module " .. words) -- as LuaRocks does
    assert.same({"opt/lua/stepimg.so"}, files(root))
  end)

  it("gives Lua its module", function()
    local _, output = run(support.words("env", "LUA_CPATH=" .. prefix .. "/lib/lua/5.4/?.so;;", support.interpreter(),
      "-e", "print(require 'stepimg'._VERSION)"))
    assert.equal("stepimg " .. sh("%s pkg-config --modversion stepimg", environment), output)
  end)

  -- What pkg-config says is words for a shell.
  local function build(name, flags)
    local source = quote(quote(lfs.currentdir() .. "/examples/c/picture.c"))
    sh("cd %s && eval %s $CFLAGS -Wall -Wextra -Werror -o %s %s \"$(%s pkg-config --cflags stepimg)\" %s",
      quote(directory), CC, name, source, environment, flags)
    return directory .. "/" .. name
  end

  it("gives a program in C its library: the example makes a picture without Lua", function()
    local program = build("picture", ('"$(%s pkg-config --libs stepimg)"'):format(environment))
    local needed = sh("readelf --dynamic --wide %s", quote(program))
    assert.matches("NEEDED[^\n]*%[libstepimg%.so%.0%]", needed)
    assert.is_nil(needed:find("liblua", 1, true))
    local command = support.words("LD_LIBRARY_PATH=" .. prefix .. "/lib", program)
    makes_a_picture(command)
    for prompt, says in pairs {
      [support.prompt({status = 451}, "a bomb")] = "^No picture%. moderation: ",
      [support.prompt {picture = "filtered"}] = "^No picture%. The service's filter ",
      [""] = "^No picture%. invalid: prompt: ", [("x"):rep(513)] = "^No picture%. invalid: prompt: ",
    } do
      local code, output = run(command .. " " .. quote(prompt))
      assert.equal(1, code)
      assert.matches(says, output)
    end
    local code, output = run("STEP_API_KEY= " .. command)
    assert.equal(1, code)
    assert.matches("^No picture%. auth: api_key", output)
  end)

  it("gives it an archive as well", function()
    local place = quote(quote(prefix .. "/lib"))
    local program = build("static", ("-L%s -l:libstepimg.a -lcurl -lm -pthread"):format(place))
    assert.is_nil(sh("readelf --dynamic --wide %s", quote(program)):find("libstepimg", 1, true))
    makes_a_picture(support.words(program))
  end)

  it("gives others the names in stepimg.h, and none beside", function()
    local declared = {}
    for text in support.read "src/stepimg.h":gsub("/%*.-%*/", ""):gmatch "STEPIMG_API ([^;]+);" do
      declared[text:match "(stepimg_[%w_]+)%("] = true
    end
    assert.is_true(declared.stepimg_submit and declared.stepimg_path_key)
    assert.same(declared, exported(prefix .. "/lib/libstepimg.so.0", "--dynamic"))
    assert.same(declared, exported(prefix .. "/lib/libstepimg.a", "--extern-only"))
    local dynamic = sh("readelf --dynamic --wide %s", quote(prefix .. "/lib/libstepimg.so.0"))
    for _, wanted in ipairs {"SONAME[^\n]*%[libstepimg%.so%.0%]", "NODELETE", "BIND_NOW"} do
      assert.matches(wanted, dynamic)
    end
  end)
end)
