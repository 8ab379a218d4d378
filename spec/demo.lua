-- `make demo`: runs examples/progress.lua; on the real service with a key, without one on the stand-in.

local LUA = arg[-1]

local function shell_word(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

-- The example runs as its user would run it, but with the module of this tree even where another is installed.
-- Returns what this program is to exit with.
local function run_example(environment)
  local words = {"env", "LUA_CPATH_5_4=" .. shell_word("./?.so;" .. package.cpath)}
  for name, value in pairs(environment) do
    table.insert(words, name .. "=" .. shell_word(value))
  end
  table.insert(words, shell_word(LUA))
  table.insert(words, "examples/progress.lua")
  local prompt = os.getenv "PROMPT"
  words[#words + 1] = prompt and shell_word(prompt)
  local _, how, code = os.execute(table.concat(words, " "))
  return how == "signal" and 128 + code or code
end

local key = os.getenv "STEP_API_KEY"
if key and key ~= "" then
  os.exit(run_example {})
end

package.path = "./?/init.lua;" .. package.path
print "STEP_API_KEY is not set: starting a stand-in for the service on a free port of this machine."
local server = require "spec.standin".start()
local code = run_example {STEP_API_KEY = "none", STEP_BASE_URL = server.base_url}
server:stop()
os.exit(code)
