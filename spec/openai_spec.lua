-- A client that nobody here wrote keeps the stand-in honest: the `openai` package of npm makes pictures on it.

local json = require "cjson".new()
local digest = require "openssl.digest"
local standin = require "spec.standin"
local support = require "spec.support"

local PLACE = "build/openai"
local INSTALLED = PLACE .. "/node_modules/openai/package.json"

-- Installs the package below build/, where it stays. Returns nil and the reason where that does not work.
local function install()
  if not os.execute "node --version >/dev/null 2>&1" or not os.execute "npm --version >/dev/null 2>&1" then
    return nil, "Node is not installed"
  end
  if not support.read(INSTALLED) then
    assert(os.execute("mkdir -p " .. PLACE))
    local pipe = assert(io.popen(("cd %s && echo '{}' >package.json && "
      .. "npm install --no-audit --no-fund --fetch-timeout=20000 --fetch-retries=1 openai 2>&1"):format(PLACE)))
    local output = pipe:read "*a"
    if not pipe:close() or not support.read(INSTALLED) then
      return nil, "npm install openai failed: " .. output:gsub("%s+", " "):sub(1, 200)
    end
  end
  return true
end

local function md5(bytes)
  return (digest.new "md5":final(bytes):gsub(".", function(char) return ("%02x"):format(char:byte()) end))
end

describe("The openai package", function()
  it("gets the stand-in's picture in both formats, and its refusals", function()
    local ready, why = install()
    if not ready then
      pending(why)
      return
    end
    local server <close> = standin.start()
    support.write(PLACE .. "/generate.mjs", support.read "spec/support/openai.mjs")
    local pipe = assert(io.popen(("cd %s && BASE_URL=%s node generate.mjs 2>&1"):format(PLACE, server.base_url)))
    local output = pipe:read "*a"
    assert.is_true(pipe:close(), output)
    local found = json.decode(output)
    local wanted = support.painted {seed = 7, width = 1360, height = 768}
    for _, format in ipairs {"b64_json", "url"} do
      local one = found[format]
      assert.fields({count = 1, length = #wanted, md5 = md5(wanted)}, one)
      assert.is_true(math.abs(one.created - os.time()) < 60)
    end
    assert.fields({status = 400, type = "invalid_request_error"}, found.error)
    assert.matches("steps must be between 1 and 50", found.error.message)
    assert.fields({posts = 3, gets = 1}, server:log())
  end)
end)
