-- A throw-away certificate authority and one certificate of it. Its key lives in this process only and dies with it.

local pkey = require "openssl.pkey"
local x509 = require "openssl.x509"
local x509_name = require "openssl.x509.name"
local altname = require "openssl.x509.altname"
local extension = require "openssl.x509.extension"
local bignum = require "openssl.bignum"
local rand = require "openssl.rand"
local http_tls = require "http.tls"

local authority = {}

local YEAR = 365 * 24 * 3600

local function named(common_name)
    local name = x509_name.new()
    name:add("CN", common_name)
    return name
end

local function certificate(subject, issuer, key)
    local crt = x509.new()
    crt:setVersion(3)
    crt:setSerial(bignum.fromBinary(rand.bytes(16)))
    crt:setSubject(subject)
    crt:setIssuer(issuer)
    crt:setLifetime(os.time() - 3600, os.time() + YEAR)
    crt:setPublicKey(key)
    return crt
end

local function new_key()
    return pkey.new {type = "EC", curve = "prime256v1"}
end

function authority.new()
    local key, name = new_key(), named "stepimg stand-in authority"
    local crt = certificate(name, name, key)
    crt:setBasicConstraints {CA = true}
    crt:setBasicConstraintsCritical(true)
    crt:addExtension(extension.new("keyUsage", "critical,keyCertSign,cRLSign"))
    crt:sign(key)
    return {key = key, name = name, pem = crt:tostring()}
end

local function alternatives(host)
    local alt = altname.new()
    if not host then
        alt:add("DNS", "localhost")
        alt:add("IP", "127.0.0.1")
    else
        alt:add(host:find("^[%d.]+$") and "IP" or "DNS", host)
    end
    return alt
end

-- A server's TLS context. `host` replaces localhost and 127.0.0.1, for clients that are to refuse it.
function authority.context(self, host, http1)
    local key = new_key()
    local crt = certificate(named(host or "localhost"), self.name, key)
    crt:setSubjectAlt(alternatives(host))
    crt:setBasicConstraints {CA = false}
    crt:setBasicConstraintsCritical(true)
    crt:addExtension(extension.new("extendedKeyUsage", "serverAuth"))
    crt:sign(self.key)
    local context = http_tls.new_server_context()
    assert(context:setPrivateKey(key))
    assert(context:setCertificate(crt))
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
