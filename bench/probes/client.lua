-- A client of the bench's server, for the probes.

local stepimg = require "stepimg"

return function(url, options)
  local given = {api_key = "any", base_url = url, ca_file = os.getenv "BENCH_CA", retries = 0}
  for name, value in pairs(options or {}) do
    given[name] = value
  end
  return assert(stepimg.new(given))
end
