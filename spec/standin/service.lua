-- The API: refuses what the reference forbids, makes the picture the request asks for, and bends the answer as the
-- request's knobs say.

local answer = require "answer"
local faults = require "faults"
local knobs = require "knobs"
local picture = require "picture"
local reply = require "reply"
local rules = require "rules"

local service = {}
service.__index = service

-- key: the only one that is right; nil: any is, except for those that say themselves that they are not.
function service.new(journal, gallery, key)
    return setmetatable({journal = journal, gallery = gallery, key = key}, service):forget()
end

function service:forget()
    self.seen = {}
    return self
end

-- Those of the knobs that are still to work: `times` requests that carry the same `id` use them up, except those that
-- say which picture it is.
local function current(self, given)
    if not given.id then
        return given
    end
    local seen = (self.seen[given.id] or 0) + 1
    self.seen[given.id] = seen
    if given.times and seen > given.times then
        return {bytes = given.bytes, format = given.format}
    end
    return given
end

-- `size` is height x width. A picture that was edited is as large as it was.
local function recipe_of(params, seed, given)
    local height, width = (params.size or "1024x1024"):match("^(%d+)x(%d+)$")
    if params.image then
        width, height = params.image.width, params.image.height
    end
    return {
        width = tonumber(width), height = tonumber(height), bytes = given.bytes, format = given.format,
        -- A picture of a given size is for load: without a seed of its own it is always the same, and so comes from
        -- the few that are kept.
        text = ("%s|%s"):format(params.prompt, given.bytes and not params.seed and "" or ("%d"):format(seed)),
    }
end

local function success(self, params, given)
    local seed = params.seed or math.random(0, 2147483647)
    local recipe = recipe_of(params, seed, given)
    local id = ("%08x%08x"):format(math.random(0, 0xffffffff), math.random(0, 0xffffffff))
    if params.response_format == "b64_json" then
        local text = picture.of(recipe):text(given.base64, given.escape)
        return answer.new(200, reply.success(id, seed, "b64_json", text, given))
    end
    local url = given.url or self.gallery:hang(recipe, given)
    return answer.new(200, reply.success(id, seed, "url", url, given))
end

local function respond(self, params, given)
    if given.body or given.json then
        return answer.new(given.status or 200, given.body or given.json)
    elseif (given.status or 200) ~= 200 then
        return answer.refuse(given.status)
    end
    return success(self, params, given)
end

-- What costs nothing. A subscription has no account.
local ACCOUNT = '{"object":"account","type":"prepaid","balance":25.5,"total_cash_balance":0.00,'
    .. '"total_voucher_balance":25.50}'
local MODELS = '{"object":"list","data":[{"id":"step-image-edit-2","object":"model","created":1713196800,'
    .. '"owned_by":"stepai"},{"id":"step-2-mini","object":"model","created":1713196800,"owned_by":"stepai"}]}'

local function question_of(path)
    if path:find("/accounts$") and not path:find("/step_plan/", 1, true) then
        return ACCOUNT
    end
    return path:find("/models$") and MODELS or nil
end

local function reply_to(self, request, question)
    local status, message = rules.key(request, self.key)
    if request.method ~= "GET" then
        return answer.refuse(405, "Use GET"), {}
    elseif status and status ~= 402 then
        return answer.refuse(status, message), {}
    elseif request.headers["content-type"] or request.body ~= "" then
        return answer.refuse(400, "a GET has no body"), {}
    end
    local given = knobs.of(request)
    if not given then
        return answer.refuse(400, "broken knobs"), {}
    end
    local now = current(self, given)
    if (now.status or 200) ~= 200 and not now.body then
        return answer.dress(answer.refuse(now.status), now), now
    end
    return answer.dress(answer.new(now.status or 200, now.body or now.json or question), now), now
end

-- The answer to a request, and the knobs to send it with.
local function judge(self, request)
    local path = request.path:match("^[^?]*")
    local question = question_of(path)
    if question then
        return reply_to(self, request, question)
    end
    local edits = path:sub(-#"/images/edits") == "/images/edits"
    if not edits and path:sub(-#"/images/generations") ~= "/images/generations" then
        return answer.refuse(404), {}
    elseif request.method ~= "POST" then
        return answer.refuse(405, "Use POST"), {}
    end
    local status, message = rules.key(request, self.key)
    if status then
        return answer.refuse(status, message), {}
    end
    local params
    params, status, message = (edits and rules.read_form or rules.read)(request)
    if not params then
        return answer.refuse(status, message), {}
    end
    local given, prompt = knobs.of(request, params.prompt)
    if not given then
        return answer.refuse(400, prompt), {}
    end
    params.prompt = prompt
    status, message = (edits and rules.check_form or rules.check)(request, params)
    if status then
        return answer.refuse(status, message), {}
    end
    local now = current(self, given)
    local outgoing = answer.dress(respond(self, params, now), now)
    if given.id then
        self.journal:book(given.id, outgoing.status)
    end
    return outgoing, now
end

function service:answer(request, stream)
    local journal = self.journal
    journal:add(request)
    journal.open = journal.open + 1
    local ok, err = pcall(function()
        faults.send(stream, judge(self, request))
    end)
    journal.open = journal.open - 1
    if not ok then
        error(err, 0)
    end
end

return service
