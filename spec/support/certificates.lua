-- Certificates that every TLS library is to refuse, of an authority that the client trusts or should not.

local raw = require "spec.support.raw"
local support = require "spec.support"

local authority = support.part "authority"

local certificates = {}

local HOUR = 3600

-- Of no name that a store may still have from another run.
local ours = authority.new {name = "an authority of " .. os.date "%F %T"}
local stranger = authority.new()
local between = authority.new({name = "an authority in between"}, ours)
local expired = authority.new({name = "an authority in between", from = -2 * HOUR, to = -HOUR}, ours)
local no_authority = authority.issue(ours, {name = "example.org"})

certificates.ours, certificates.between = ours, between

-- `wanted` is what is wrong with the certificate. Such a refusal is not repeated: it would be the same again. With
-- `again`, libcurls do not agree on whether the certificate is to blame.
certificates.REFUSED = {
  {"has expired", wanted = {from = -2 * HOUR, to = -HOUR}},
  {"is not valid yet", wanted = {from = HOUR}},
  {"is another host's", wanted = {name = "example.org", names = {{"DNS", "example.org"}}}},
  {"names nobody but in its subject", wanted = {names = false}},
  {"has the address as a name of a host", wanted = {names = {{"DNS", "127.0.0.1"}}}},
  {"is for every host there is", wanted = {names = {{"DNS", "*"}}}},
  {"is for a part of the address", wanted = {names = {{"DNS", "*.0.0.1"}}}},
  {"hides another name behind a NUL", wanted = {names = {{"DNS", "localhost\0.example.org"}}}, host = "localhost"},
  {"vouches for itself", wanted = {authority = false, name = "localhost", names = {{"IP", "127.0.0.1"}}}, alone = true},
  {"is of an authority that nobody knows", issuer = authority.new {name = "an unknown authority"}},
  {"is of a server that is no authority", issuer = no_authority, chain = {no_authority}},
  {"comes without the authority in between", issuer = between},
  {"has an authority in between that has expired", issuer = expired, chain = {expired}},
  {"is a client's", wanted = {usage = "clientAuth"}},
  {"has a weak key", wanted = {bits = 1024}},
  {"has a forged signature", wanted = {signer = stranger.key}, again = "perhaps"},
}

-- A server's TLS context with the certificate of such a case; {} is a good one.
function certificates.context(case)
  local one = case.alone and authority.new(case.wanted) or authority.issue(case.issuer or ours, case.wanted)
  return raw.context(one, nil, case.chain)
end

return certificates
