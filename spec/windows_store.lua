-- On a real Windows: a server on port 8443 of this machine, whose certificate is cert.pem, answers with a page. The
-- system's store of certificates does not know it, and so it is refused; with ca_file it is not.

local stepimg = require "stepimg"

local function ask(ca_file)
  local client = assert(stepimg.new {
    api_key = "none", base_url = "https://localhost:8443/v1", ca_file = ca_file, proxy = "", retries = 0,
  })
  return select(2, client:generate "a lighthouse")
end

local refused, answered = ask(nil), ask "cert.pem"
print(refused)
print(answered)
assert(refused.kind == "network" and refused.message:find "no secure connection")
assert(not answered.message:find "no secure connection")
