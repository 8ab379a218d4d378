-- The listener by which a spec looks behind the scenes: GET and DELETE /standin/log, GET /standin/ledger. It is apart
-- from the other two, so that every connection counted there is a client's own.

local json = require "cjson".new()
local answer = require "answer"
local faults = require "faults"

local control = {}

local function log(journal)
    local requests = {}
    for i, request in ipairs(journal.requests) do
        requests[i] = json.encode(request)
    end
    return ([[{"posts":%d,"gets":%d,"connections":%d,"picture_connections":%d,"open":%d,"busy":%d,]]
        .. [["requests":[%s]}]]):format(
        journal.posts, journal.gets, journal.connections, journal.picture_connections, journal.open, journal.busy,
        table.concat(requests, ",\n"))
end

-- `forget` and `stop` are what main does beyond the journal.
function control.handler(journal, forget, stop)
    return function(request, stream)
        local what = request.method .. " " .. request.path
        if what == "GET /standin/log" then
            faults.send(stream, answer.new(200, log(journal)), {})
        elseif what == "GET /standin/ledger" then
            faults.send(stream, answer.new(200, json.encode(journal.ledger)), {})
        elseif what == "DELETE /standin/log" then
            journal:reset()
            forget()
            faults.send(stream, answer.new(200, "{}"), {})
        elseif what == "POST /standin/stop" then
            faults.send(stream, answer.new(200, "{}"), {})
            stop()
        else
            faults.send(stream, answer.refuse(404, "Here are /standin/log and /standin/ledger"), {})
        end
    end
end

return control
