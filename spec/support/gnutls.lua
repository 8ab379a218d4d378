-- What goes another way where the module's libcurl has GnuTLS, by the names of tests, and why: these are skipped. A
-- helper of busted (--helper). SECURITY.md says of the first two what they mean.

local REASONS = {
  ["is refused where its certificate is a client's"] = "nobody asks GnuTLS what a certificate is for",
  ["is refused where its certificate has a weak key"] = "GnuTLS takes RSA 1024 for good enough",
  ["gets no request where it closes in the middle of a message"] = "GnuTLS says that it could not decode it",
  ["is refused where ca_file holds no authorities"] = "GnuTLS says that nobody vouches for the certificate",
  ["is refused where the system has no authorities, with a word on what to do"] = "the same",
  ["reads its authorities once for all connections of a client, with libcurl 7.87 or newer"] =
    "libcurl keeps them for OpenSSL alone",
  ["is read by nobody once it is given up"] = "it asks a program that has the other libcurl",
}

local load_file = loadfile

function loadfile(name, ...)
  if not (name and name:find "_spec%.lua$") then
    return load_file(name, ...)
  end
  local file = assert(io.open(name))
  local text = file:read "*a"
  file:close()
  return load("local it = OTHERWISE(it, function(reason) pending(reason) end) " .. text, "@" .. name, ...)
end

function OTHERWISE(it, pending)
  return function(name, test)
    local reason = REASONS[name]
    return it(name, reason and function() pending(reason) end or test)
  end
end
