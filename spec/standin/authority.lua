-- A throw-away certificate authority, the certificates of it, and such as a client is to refuse. Its key lives in this
-- process only and dies with it.

local pkey = require "openssl.pkey"
local x509 = require "openssl.x509"
local x509_name = require "openssl.x509.name"
local altname = require "openssl.x509.altname"
local extension = require "openssl.x509.extension"
local bignum = require "openssl.bignum"
local rand = require "openssl.rand"

local authority = {}

local YEAR = 365 * 24 * 3600

local function named(common_name)
    local name = x509_name.new()
    name:add("CN", common_name)
    return name
end

local function new_key(bits)
    return bits and pkey.new {type = "RSA", bits = bits} or pkey.new {type = "EC", curve = "prime256v1"}
end

local function alternatives(names)
    local alt = altname.new()
    for _, one in ipairs(names) do
        alt:add(one[1], one[2])
    end
    return alt
end

-- A certificate and its key. `wanted`: name; names, a list of {"DNS" or "IP", name}; from and to, in seconds from now;
-- authority, true where it may issue others; usage; bits, of an RSA key; and signer, a key that is not the issuer's.
local function certificate(wanted, issuer)
    local self = {key = new_key(wanted.bits), name = named(wanted.name)}
    local crt = x509.new()
    crt:setVersion(3)
    crt:setSerial(bignum.fromBinary(rand.bytes(16)))
    crt:setSubject(self.name)
    crt:setIssuer((issuer or self).name)
    crt:setLifetime(os.time() + (wanted.from or -3600), os.time() + (wanted.to or YEAR))
    crt:setPublicKey(self.key)
    if wanted.names then
        crt:setSubjectAlt(alternatives(wanted.names))
    end
    crt:setBasicConstraints {CA = wanted.authority or false}
    crt:setBasicConstraintsCritical(true)
    if wanted.authority then
        crt:addExtension(extension.new("keyUsage", "critical,keyCertSign,cRLSign"))
    else
        crt:addExtension(extension.new("extendedKeyUsage", wanted.usage or "serverAuth"))
    end
    crt:sign(wanted.signer or (issuer or self).key)
    self.certificate, self.pem = crt, crt:tostring()
    return self
end

-- All that is `wanted` may be missing; `issuer` as well, in an authority that vouches for itself.
function authority.new(wanted, issuer)
    local given = {name = "stepimg stand-in authority", authority = true}
    for name, value in pairs(wanted or {}) do
        given[name] = value
    end
    return certificate(given, issuer)
end

-- A server's, to localhost and 127.0.0.1 where `wanted` says nothing else; `names = false` leaves them out.
function authority.issue(self, wanted)
    local given = {name = "localhost", names = {{"DNS", "localhost"}, {"IP", "127.0.0.1"}}}
    for name, value in pairs(wanted or {}) do
        given[name] = value
    end
    return certificate(given, self)
end

-- A server's TLS context. `host` replaces localhost and 127.0.0.1, for clients that are to refuse it.
function authority.context(self, host, http1)
    local wanted = host and {name = host, names = {{host:find("^[%d.]+$") and "IP" or "DNS", host}}}
    local issued = authority.issue(self, wanted)
    local context = require "http.tls".new_server_context()
    assert(context:setPrivateKey(issued.key))
    assert(context:setCertificate(issued.certificate))
    -- lua-http selects a protocol only in contexts of its own making.
    context:setAlpnSelect(function(_, offered)
        local best
        for _, protocol in ipairs(offered) do
            if protocol == "h2" and not http1 then
                return "h2"
            elseif protocol == "http/1.1" then
                best = protocol
            end
        end
        return best
    end)
    return context
end

return authority
