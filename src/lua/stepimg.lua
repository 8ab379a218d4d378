-- The API, over the primitives that primitives.h tells of. It is Lua 5.1 that also runs on 5.5 and on LuaJIT, compiled
-- into the module as text.
--
-- A finalizer or a hook may run at any instruction here, and do anything: call any of this, or raise. So what must not
-- be lost is reached by one table store or one primitive, and what was cut short is begun anew by the next call. An
-- error that is not ours passes through: nothing here is called in a pcall but to hand on what it raised.

local primitives = ...

local error, getmetatable, next, pcall, rawget, rawset = error, getmetatable, next, pcall, rawget, rawset
local select, setmetatable, tostring, type = select, setmetatable, tostring, type
local concat, sort = table.concat, table.sort
local find, format, lower, match = string.find, string.format, string.lower, string.match
local running, yield, isyieldable = coroutine.running, coroutine.yield, coroutine.isyieldable

local cjson = primitives.cjson or require "cjson"
local json = cjson.new() -- the host may have changed the shared one's settings
json.encode_keep_buffer(false) -- a finalizer may encode while it does

-- 5.1 and LuaJIT unload C modules at the state's end before all finalizers have run. This one runs before that.
local newproxy = rawget(_G, "newproxy") -- hosts warn, or raise, where a global that is not there is read
if newproxy then
  primitives.sentinel = newproxy(true)
  getmetatable(primitives.sentinel).__gc = function()
    json = {encode = function()
      error("the state is at its end", 0)
    end}
  end
end

local attr_of, done, head, keep = primitives.attr, primitives.done, primitives.head, primitives.keep
local kind, now, number, over = primitives.kind, primitives.now, primitives.number, primitives.over
local settled, start = primitives.settled, primitives.start

local COLLECTING = 50e-6 -- seconds, after which a call that is not to block works no longer for the collector
local MAX_DEPTH = 100 -- of tables in a parameter that the catalogue does not know
local LONGEST_NAME = 63 -- bytes of a parameter's name that an error shows as its field

-- ---------------------------------------------------------------------------------------------------------- errors --

local Error = {__name = "stepimg.error"}

function Error.__tostring(err)
  return tostring(err.kind) .. ": " .. tostring(err.message)
end

-- "failed: " .. err is what is written first where something has failed.
function Error.__concat(one, other)
  return tostring(one) .. tostring(other)
end

-- Who shows every flaw of what is invalid finds one in each such error, also in those of options.
local function failure(flaw)
  if flaw.kind == "invalid" and not flaw.all then
    flaw.all = {{field = flaw.field, reason = flaw.reason, message = flaw.message, rule = flaw.rule}}
  end
  return setmetatable(flaw, Error)
end

local Warning = {__name = "stepimg.warning"}

function Warning.__tostring(warning)
  return tostring(warning.message)
end

Warning.__concat = Error.__concat

local function warning(field, message)
  return setmetatable({field = field, message = message}, Warning)
end

-- The rest of a programmer's mistakes are texts too, which the API's function raises at its caller's line.
local function bad_argument(place, name, wanted, given)
  return format("bad argument #%d to '%s' (%s expected, got %s)", place, name, wanted, type(given))
end

local function check_self(object, wanted, name)
  if kind(object) ~= wanted then
    error(format("calling '%s' on bad self (stepimg.%s expected, got %s)", name, wanted, type(object)), 3)
  end
end

-- ------------------------------------------------------------------------------------------------------ parameters --

local PARAMETERS = {} -- of all models; a name may stand there twice
local CLIENT_OPTIONS, CALL_OPTIONS = primitives.option_names(false), primitives.option_names(true)
CLIENT_OPTIONS[#CLIENT_OPTIONS + 1] = "headers"
CLIENT_OPTIONS[#CLIENT_OPTIONS + 1] = "wait"
CALL_OPTIONS[#CALL_OPTIONS + 1] = "save"
CALL_OPTIONS[#CALL_OPTIONS + 1] = "on_done"

-- A copy without a metatable, which nobody else can change meanwhile; of known names also what __index has.
local function plain(given, names)
  local copy = {prompt = nil, model = nil, response_format = nil, size = nil} -- room for what most requests end with
  for name, value in next, given do
    copy[name] = value
  end
  if names and getmetatable(given) ~= nil then
    for i = 1, #names do
      local name = names[i]
      if copy[name] == nil then
        copy[name] = given[name]
      end
    end
  end
  return copy
end

local encode

-- As lua-cjson has it: a list where all keys are positions, and an object where there are none.
local function encode_table(value, depth)
  local parts, count, last = {}, 0, 0
  for key in next, value do
    count = count + 1
    if type(key) == "number" and key > last then
      last = key
    end
  end
  local is_list = count > 0 and last == count
  for i = 1, is_list and count or 0 do
    is_list = is_list and value[i] ~= nil
  end
  for key, inner in next, value do
    local text, complaint = encode(inner, depth + 1)
    if not text then
      return nil, complaint
    elseif is_list then
      parts[key] = text
    else
      local name = type(key) == "number" and number(key) or key
      if type(name) ~= "string" then
        return nil, "a key is a " .. type(key)
      elseif name ~= key and value[name] ~= nil then
        return nil, "two keys are " .. name
      end
      name, complaint = encode(name, depth)
      if not name then
        return nil, complaint
      end
      parts[#parts + 1] = name .. ":" .. text
    end
  end
  return (is_list and "[" or "{") .. concat(parts, ",") .. (is_list and "]" or "}")
end

-- The value as JSON, or nil and what is wrong with it.
function encode(value, depth)
  local of = type(value)
  if of == "string" then
    return primitives.is_utf8(value) and json.encode(value) or nil, "a text is not valid UTF-8"
  elseif of == "number" then
    return number(value) or nil, "a number is infinite or none"
  elseif of == "boolean" then
    return value and "true" or "false"
  elseif value == json.null then
    return "null"
  elseif of ~= "table" then
    return nil, "a value is a " .. of
  elseif depth > MAX_DEPTH then
    return nil, "tables are nested too deeply"
  end
  return encode_table(value, depth)
end

for _, rules in next, primitives.models() do
  for name in next, rules.params do
    PARAMETERS[#PARAMETERS + 1] = name
  end
end

-- The body of a request that lua-cjson cannot write | nil, complaint.
local function encode_wire(wire)
  for name in next, wire do
    if type(name) ~= "string" then
      return nil, "a name is a " .. type(name)
    end
  end
  return encode_table(wire, 0)
end

local picture_of, nothing_in -- of an image, with the images below

-- The texts of a form, {name, text, name, text, and so on}, by the alphabet | nil and what is wrong.
local function form_of(wire)
  local names, list = {}, {}
  for name in next, wire do
    if type(name) ~= "string" then
      return nil, "a name is a " .. type(name)
    end
    names[#names + 1] = name
  end
  sort(names)
  for i = 1, #names do
    local value = wire[names[i]]
    local text, complaint = value, nil
    if type(value) ~= "string" then
      text, complaint = encode(value, 1)
    end
    if not text then
      return nil, complaint
    end
    list[2 * i - 1], list[2 * i] = names[i], text
  end
  return list
end

-- The first name whose value cannot be written, and why; nil: it is the names themselves, or one that may not be shown.
local function unwritten(wire)
  local first, why
  for name, value in next, wire do
    local is_plain = type(name) == "string" and #name <= LONGEST_NAME and find(name, "^[A-Za-z0-9_]+$")
    if is_plain and (not first or name < first) then
      local text, complaint = encode(value, 1)
      if not text then
        first, why = name, complaint
      end
    end
  end
  return first, why
end

-- The body of a request | nil, err: what is lax lets anything through that can be written.
local function write(wire, picture)
  local body, complaint = (picture and form_of or encode_wire)(wire)
  if body then
    return body
  end
  local field, why = unwritten(wire)
  return nil, failure {
    kind = "invalid", field = field, reason = "type",
    message = (field and field .. ": it" or "the parameters") .. " cannot be written as JSON: " .. (why or complaint),
  }
end

-- What a set of parameters means: wire, warnings or nil, picture or nil, whether wire is plain | nil, err.
local function check(params, strict, model)
  local copy = type(params) == "string" and {prompt = params} or plain(params, PARAMETERS)
  local image = copy.image
  local picture = image ~= nil and picture_of(image) or nil
  if picture then
    copy.image = nil
  end
  local wire, found, is_plain = primitives.check(copy, strict, model, picture)
  if not wire then
    local first = found[1]
    for i = 1, #found do -- the rules do not know what else is an image here
      if found[i].field == "image" and found[i].reason == "type" then
        found[i].message = found[i].message .. "; give a picture's bytes, or a result's image"
      elseif found[i].field == "image" and found[i].reason == "image" then
        local why = nothing_in(image)
        found[i].message = why and "image: " .. why or found[i].message
      end
    end
    return nil, failure {
      kind = "invalid", field = first.field, reason = first.reason, message = first.message, rule = first.rule,
      all = found,
    }
  end
  for i = 1, found and #found or 0 do
    setmetatable(found[i], Warning)
  end
  return wire, found, picture, is_plain
end

local function is_params(params)
  local of = type(params)
  return of == "string" or of == "table"
end

-- true, warnings | nil, err | nil, nil, what to raise.
local function validate(params, strict, model)
  if not is_params(params) then
    return nil, nil, bad_argument(1, "validate", "string or table", params)
  end
  local wire, found, picture, is_plain = check(params, strict, model)
  if not wire then
    return nil, found
  elseif not is_plain then
    local body, err = write(wire, picture)
    if not body then
      return nil, err
    end
  end
  return true, found or {}
end

local function is_path(path)
  return type(path) == "string" and not find(path, "\0", 1, true)
end

local function wrong_path(path)
  return type(path) == "string" and "one with a NUL byte" or type(path)
end

-- The options of a call that the core takes, or nil where there are none; on_done; save | false, err | false, nil, what
-- to raise.
local function check_options(options, deferred)
  if getmetatable(options) ~= nil then
    options = plain(options, CALL_OPTIONS)
  end
  local call, on_done, save
  for name, value in next, options do
    if name == "on_done" then
      on_done = value
    elseif name == "save" then
      save = value
    else
      call = call or {}
      call[name] = value
    end
  end
  if on_done ~= nil and not deferred then
    return false, nil, "on_done: it is for submit; here the result is returned"
  elseif on_done ~= nil and type(on_done) ~= "function" then
    return false, nil, "on_done: function expected, got " .. type(on_done)
  elseif save ~= nil and not is_path(save) then
    return false, nil, "save: path expected, got " .. wrong_path(save)
  elseif call then
    local good, flaw, slip = primitives.check_call(call)
    if not good then
      return false, not slip and failure(flaw) or nil, slip and flaw.message or nil
    end
  end
  return call, on_done, save
end

-- The body of a request, what its job keeps, the options that the core takes, the path to save to, the picture to
-- edit | nil, err | nil, nil, what to raise.
local function prepare(client, params, options, deferred)
  local call, on_done, save
  if options ~= nil then
    call, on_done, save = check_options(options, deferred)
    if call == false then
      return nil, on_done, save
    end
  end
  local wire, found, picture, is_plain = check(params, primitives.rules(client))
  if not wire then
    return nil, found
  end
  local body, err
  if is_plain and not picture then -- as most are: one call less
    body = json.encode(wire)
  else
    body, err = write(wire, picture)
  end
  if not body then
    return nil, err
  end
  local attr = on_done and {on_done = on_done} or {} -- the rest is nil for most, and a constructor makes room for all
  -- Of a model without rules it may be anything.
  local seed = wire.seed ~= nil and type(wire.seed) == "number" and wire.seed or nil
  if seed or found then
    attr.seed, attr.warnings = seed, found
  end
  return body, attr, call, save, picture
end

-- Starts the job: true | nil, err; then it is the caller's to drop. What its path means is kept: the working directory
-- may change.
local function launch(job, body, call, save, picture, question, file)
  if save then
    local attr = attr_of(job)
    attr.path, attr.file = save, attr.file or file or primitives.whole_path(save)
    save = attr.file
  end
  local good, flaw = start(job, body, call, save, picture, question)
  if good then
    return true
  end
  return nil, failure(flaw)
end

-- ---------------------------------------------------------------------------------------------------------- images --

local Image = {}

-- Makes image.bytes when it is first read: a frame that receives a picture pays for no copy that nobody asked for.
local function image_index(image, key)
  if key ~= "bytes" then
    return Image[key]
  end
  local payload = rawget(getmetatable(image), "payload")
  local text = payload and primitives.bytes(payload)
  if text then
    rawset(image, "bytes", text)
    primitives.release(payload)
  end
  return rawget(image, "bytes") -- also where it was read and released meanwhile
end

-- Who walks over an image means its bytes too.
local function image_pairs(image)
  image_index(image, "bytes")
  return next, image, nil
end

-- What an image hides, its payload among it; nil: it is no image.
local function hidden_of(image)
  local hidden = type(image) == "table" and getmetatable(image)
  return type(hidden) == "table" and rawget(hidden, "__index") == image_index and hidden or nil
end

-- Where an image's picture lies that was saved, as its path meant it, or as the host has changed it since.
local function file_of(image, hidden)
  local path = rawget(image, "path")
  return path ~= nil and path == rawget(hidden, "path") and rawget(hidden, "file") or path
end

local function payload_of(image, name)
  local hidden = hidden_of(image)
  if not hidden then
    error(format("calling '%s' on bad self (stepimg.image expected, got %s)", name, type(image)), 3)
  end
  return rawget(hidden, "payload")
end

-- What can be edited as the primitives take it: a string, an image's payload, or where its file lies; of an image
-- without a picture an empty string. Nil: it is neither a string nor an image.
function picture_of(image)
  if type(image) == "string" then
    return image
  end
  local hidden = hidden_of(image)
  if not hidden then
    return nil
  end
  local picture = rawget(image, "bytes") or rawget(hidden, "payload")
  local path = file_of(image, hidden)
  if not picture and path then
    picture = {path = path, format = rawget(image, "format"), width = rawget(image, "width")}
    picture.height = rawget(image, "height")
  end
  return picture or ""
end

-- Why an image has no picture; nil: it has one, or is no image.
function nothing_in(image)
  local hidden = hidden_of(image)
  if not hidden or rawget(image, "bytes") or file_of(image, hidden) then
    return nil
  end
  local payload = rawget(hidden, "payload")
  if payload then
    return not primitives.bytes(payload) and "it was closed, which gave its bytes back" or nil
  elseif rawget(image, "finish_reason") == "content_filtered" then
    return "the filter stopped this picture, so there is none to edit"
  end
  return "it was not downloaded, as the option download was false"
end

function Image.close(image)
  local payload = payload_of(image, "close")
  if payload then
    primitives.release(payload)
  end
  rawset(image, "bytes", nil)
end

function Image.save(image, path)
  local payload = payload_of(image, "save")
  if not is_path(path) then
    error("bad argument #1 to 'save' (path expected, got " .. wrong_path(path) .. ")", 2)
  end
  local bytes = rawget(image, "bytes")
  local good, flaw = primitives.save(bytes or payload, path, file_of(image, hidden_of(image)))
  if not good and not bytes and rawget(image, "bytes") then -- they were read and released meanwhile
    good, flaw = primitives.save(rawget(image, "bytes"), path)
  end
  if good then
    return path
  elseif rawget(image, "finish_reason") == "content_filtered" and not payload then
    return nil, failure {kind = "moderation", message = "the filter stopped this picture, so there is none to save"}
  end
  return nil, failure(flaw)
end

local function make_image(fields, attr)
  local hidden = {
    __name = "stepimg.image", __index = image_index, __pairs = image_pairs, __close = Image.close,
    payload = fields.payload,
  }
  fields.payload = nil
  if fields.path then
    fields.path, hidden.path, hidden.file = attr.path, attr.path, attr.file
  end
  return setmetatable(fields, hidden)
end

-- --------------------------------------------------------------------------------------------------------- results --

local FORMATS = { -- by the end of a name; of some no picture is known to be
  png = "png", jpg = "jpeg", jpeg = "jpeg", jpe = "jpeg", jfif = "jpeg", webp = "webp", gif = "gif", avif = "avif",
  bmp = "bmp", tif = "tiff", tiff = "tiff", heic = "heic", heif = "heic", jxl = "jxl", svg = "svg", ico = "ico",
}
local KNOWN = {png = true, jpeg = true, webp = true, gif = true, avif = true}

local function add_warnings(result, attr)
  local found, image = {}, result.image or {}
  for i = 1, attr.warnings and #attr.warnings or 0 do
    found[i] = attr.warnings[i]
  end
  if attr.seed and image.seed and image.seed ~= attr.seed then
    found[#found + 1] = warning("seed", format("seed: %s was asked for, but the picture was made with %s",
      number(attr.seed), number(image.seed)))
  end
  local named = image.path and FORMATS[lower(match(image.path, "%.(%w+)$") or "")]
  if named and named ~= image.format and (image.format or KNOWN[named]) then
    found[#found + 1] = warning("save", format("save: the name of %s is that of a %s, but the picture is %s",
      image.path, named, image.format and "a " .. image.format or "none"))
  end
  if result.shares_path and image.path then
    found[#found + 1] = warning("save", format("save: another picture was on its way to %s too, and one of the two "
      .. "has replaced the other", image.path))
  end
  result.shares_path = nil
  for i = 1, result.warnings and #result.warnings or 0 do -- the core's own
    found[#found + 1] = setmetatable(result.warnings[i], Warning)
  end
  result.warnings = found[1] and found
end

-- A copy of the row that a parameter has; nil: it is none.
local function rule_of(name)
  for _, rules in next, primitives.models() do
    if rules.params[name] then
      return rules.params[name]
    end
  end
end

-- result | nil, err | nil while it is going: always the same. Between two lines a finalizer may settle and release the
-- job: then its result is the one settled. There is none where its loop was closed, or another handle had it.
local function result_of(job)
  local result, err = settled(job)
  if result or err then
    return result, err
  end
  local outcome = primitives.outcome(job)
  if outcome == nil then
    return nil
  elseif not outcome then
    return primitives.settle(job, nil, failure {kind = "cancelled", message = "the job was released"})
  elseif outcome.kind then
    if outcome.kind == "invalid" then -- a saved picture, which was read only now
      outcome.rule = rule_of(outcome.field)
    end
    return primitives.settle(job, nil, failure(outcome))
  end
  if not outcome.data then -- a question's
    return primitives.settle(job, outcome, nil)
  end
  local attr = attr_of(job)
  for i = 1, #outcome.data do
    make_image(outcome.data[i], attr)
  end
  outcome.image = outcome.data[1]
  add_warnings(outcome, attr)
  return primitives.settle(job, outcome, nil)
end

-- --------------------------------------------------------------------------------------------------------- waiting --

-- Blocks until the job is finished, or one of the queue; at most so many seconds. A hook runs here, as Ctrl-C sets one.
local function block(what, seconds)
  local watch = primitives.watch()
  local deadline = seconds and now() + seconds
  local slice = 1
  repeat
    if deadline then
      slice = deadline - now()
    end
    if primitives.wait(what, slice, watch) then
      return true
    end
  until slice <= 0 or slice ~= slice
  return false
end

-- The coroutines that wait for a job are keys of its attr; the values say in what order they came. The first of them is
-- told by a primitive: whoever walks over the table here may be cut by one who adds to it.
local waiter = primitives.waiter

local tickets = 0

-- ----------------------------------------------------------------------------------------------------------- jobs --

-- The caller has the result: the job is delivered, unless a callback or a coroutine still waits for it.
local function observed(job)
  local attr = attr_of(job)
  if not attr.on_done and not waiter(attr) then
    done(job)
  end
end

local Job = {}

function Job.result(job)
  check_self(job, "job", "result")
  primitives.weigh(job, COLLECTING)
  local result, err = result_of(job)
  if result then
    observed(job)
    return result
  elseif err then
    observed(job)
    return nil, err
  end
  return nil
end

function Job.wait(job, seconds)
  check_self(job, "job", "wait")
  if seconds ~= nil and type(seconds) ~= "number" then
    error(bad_argument(1, "wait", "number", seconds), 2)
  end
  local blocking = seconds == nil or seconds > 0
  if not blocking then
    primitives.weigh(job, COLLECTING)
  end
  block(job, seconds)
  local result, err = result_of(job)
  if result or err then
    observed(job)
  end
  if blocking then
    primitives.weigh(job)
  end
  if err then
    return nil, err
  end
  return result
end

-- Whether cqueues itself runs this coroutine. One that yields nothing it never resumes, and one that others resume
-- loses its place in the loop.
local function scheduled()
  local package = rawget(_G, "package")
  local cqueues = type(package) == "table" and type(package.loaded) == "table" and package.loaded.cqueues
  if not cqueues then
    return false
  end
  local _, is_its = cqueues.running()
  return is_its == true
end

-- Who waits is in attr before it is looked whether there is something to wait for, and stays until it was seen: whoever
-- delivers meanwhile leaves the job to a later update. One that yielded leaves it to update, which counts it. With a
-- `wait` of the client's, update resumes nobody, and the result is taken as by any other who asks for it.
function Job.await(job)
  check_self(job, "job", "await")
  local client, wait = primitives.scheduler(job)
  if wait then
    while not over(job) do
      wait(client)
    end
    return Job.result(job)
  end
  local co, is_main = running()
  if not co or is_main or (isyieldable and not isyieldable()) then
    error("await is for coroutines that update() resumes; wait() blocks", 2)
  end
  local result, err
  if over(job) then
    result, err = result_of(job)
    observed(job)
  elseif scheduled() then
    error("cqueues resumes this coroutine itself: give the client the option wait", 2)
  else
    local attr = attr_of(job)
    tickets = tickets + 1
    attr[co] = tickets
    keep(job)
    local yielded = false
    while not over(job) do
      yielded = true
      yield()
    end
    attr[co] = nil
    result, err = result_of(job)
    if not yielded then
      observed(job)
    end
  end
  if err then
    return nil, err
  end
  return result
end

local await = Job.await

function Job.cancel(job)
  check_self(job, "job", "cancel")
  return (primitives.cancel(job))
end

-- Coroutines that wait are still to be told; the callback is not.
function Job.close(job)
  check_self(job, "job", "close")
  local attr = attr_of(job)
  if attr.on_done then
    attr.on_done = nil
  end
  primitives.void(job, failure {kind = "cancelled", message = "the job was closed"})
  if not waiter(attr) then
    primitives.drop(job)
  end
end

function Job.status(job)
  check_self(job, "job", "status")
  local phase = primitives.phase(job)
  if phase ~= "over" then
    return phase
  end
  local result, err = result_of(job)
  if result then
    return "done"
  end
  return err.kind == "cancelled" and "cancelled" or "failed"
end

function Job.progress(job)
  check_self(job, "job", "progress")
  return (primitives.progress(job))
end

-- -------------------------------------------------------------------------------------------------------- delivery --

-- Delivers a finished job, and says whether it did: false where another call has meanwhile, nil where it has to be left
-- for now. What one of those who wait raises leaves here; the rest, and the callback, come with the next update.
local function deliver(job, attr)
  local on_done, co = attr.on_done, waiter(attr)
  if not on_done and not co then
    return done(job)
  end
  local result, err = result_of(job)
  while co do
    if primitives.resume(co, await) == nil then
      return nil
    elseif attr[co] then
      attr[co] = nil
    end
    co = waiter(attr)
  end
  return done(job, on_done, result, err, job)
end

-- ------------------------------------------------------------------------------------------------------------ each --

local Loop = {}

-- Two entries that go to one path are one picture: nil | err. The same entry may ask again, where it was cut short.
local function occupy(state, place, path)
  local key = primitives.path_key(path)
  local other = state.chosen[key]
  if other and other ~= place then
    return failure {
      kind = "invalid", field = "save",
      message = format("save: entry %d of the list goes to the same path as entry %d, %s", place, other, path),
    }
  end
  state.keys[place] = key
  state.chosen[key] = place
  return nil
end

-- What failed has put nothing there: another entry may go there, as who tries again does.
local function vacate(state, place)
  local key = state.keys[place]
  if key and state.chosen[key] == place then
    state.chosen[key] = nil
  end
end

-- Where the loop's `save` puts an entry: the path | nil, what to raise | nil, nil, err.
local function choose(state, place, params)
  local path = state.save
  if type(path) == "function" then
    path = path(place, params)
  end
  if not is_path(path) then
    return nil, format("save: path expected for entry %d of the list, got %s", place, wrong_path(path))
  end
  local err = occupy(state, place, path)
  if err then
    return nil, nil, err
  end
  return path
end

-- The options of an entry: its own, and those of the loop that it does not have.
local function merge(options, own)
  if not own or not options then
    return own or options
  end
  local all = plain(own, CALL_OPTIONS)
  for name, value in next, options do
    if all[name] == nil then
      all[name] = value
    end
  end
  return all
end

-- What the list has next: its place, the parameters and options of its own; nil: nothing.
local function take(state)
  local list, place = state.list, state.place + 1
  local params, own
  if type(list) == "function" then
    params, own = list()
  else
    params = list[place]
  end
  return params ~= nil and {place = place, params = params, own = own} or nil
end

-- Keeps as many jobs going as the client may. Returns what could not be submitted, or nil; nil and what to raise. What
-- was taken stays in its state until it is started, or was handed over as refused.
local function fill(loop, state)
  while not state.exhausted and primitives.pending(loop) < primitives.most(state.client) do
    local taken = state.taken or take(state)
    if state.closed then
      return nil, "the loop is over"
    elseif not taken then
      state.exhausted = true
      return nil
    end
    state.taken = taken
    if not taken.job then
      local body, attr, call, save, picture
      local slip
      if not is_params(taken.params) then
        slip = format("entry %d of the list: string or table expected, got %s", taken.place, type(taken.params))
      elseif taken.own ~= nil and type(taken.own) ~= "table" then
        slip = format("options of entry %d: table expected, got %s", taken.place, type(taken.own))
      else
        local options = merge(state.options, taken.own)
        local err
        if state.save and (not taken.own or options.save == nil) then
          taken.path, taken.file = taken.path or state.paths[taken.place], state.files[taken.place]
          if not taken.path then
            taken.path, slip, err = choose(state, taken.place, taken.params)
          end
        elseif options and is_path(options.save) then -- its own
          err = occupy(state, taken.place, options.save)
        end
        if state.closed then
          return nil, "the loop is over"
        elseif err then
          taken.err = err
          return taken
        elseif not slip then
          body, attr, call, save, picture = prepare(state.client, taken.params, options)
          slip = not body and call or nil
        end
      end
      if slip then
        state.place = taken.place
        state.taken = nil
        return nil, slip
      elseif not body then
        taken.err = attr
        return taken
      end
      attr.place = taken.place
      taken.body, taken.call, taken.save, taken.picture = body, call, save or taken.path, picture
      local job = primitives.job(loop, attr)
      keep(job)
      taken.job = job
    end
    if not taken.err then
      local _, err = launch(taken.job, taken.body, taken.call, taken.save, taken.picture, nil, taken.file)
      taken.err = err -- before the drop: the next call is not to start it again
    end
    if taken.err then
      primitives.drop(taken.job)
      return taken
    end
    state.place = taken.place
    state.taken = nil
  end
end

-- The item that was handed over is done with: it is delivered.
local function finish(state)
  local handed = state.handed
  if type(handed) ~= "table" then
    done(handed)
  elseif handed == state.taken then -- else this was cut short just here
    state.place = handed.place
    state.taken = nil
  end
  state.handed, state.given = nil, nil
end

-- place, result | place, nil, err of the item that is handed over.
local function hand(state)
  local handed = state.handed
  if type(handed) == "table" then
    return handed.place, nil, handed.err
  end
  local result, err = result_of(handed)
  return attr_of(handed).place, result, err
end

-- A new `for` (which begins with nil as its control variable) begins with the item that the one before was left in. An
-- item is handed over again where a call was cut short before it had given it.
local function step(loop, ...)
  check_self(loop, "loop", "loop")
  local state = primitives.state(loop)
  local anew = select("#", ...) > 1 and select(2, ...) == nil
  if state.closed then
    error("the loop is over", 2)
  elseif state.busy and primitives.is_within(state.busy, loop) then
    error("the loop is asked for an item while it makes one", 2)
  end
  state.busy = primitives.thread() -- it stays where an error leaves this; then nothing is within
  if state.given and not anew then
    finish(state)
  end
  if state.handed == nil then
    local refused, slip = fill(loop, state)
    if slip then
      error(slip, 2)
    elseif refused then
      state.handed = refused
    else
      local job = head(loop)
      while not job do
        if primitives.pending(loop) == 0 then
          state.busy = nil
          return nil
        end
        block(loop)
        job = head(loop)
      end
      state.handed = job
    end
  end
  local place, result, err = hand(state)
  primitives.weigh(state.client)
  if err then
    vacate(state, place)
  end
  state.busy, state.given = nil, true
  if err then
    return place, nil, err
  end
  return place, result
end

function Loop.close(loop)
  check_self(loop, "loop", "close")
  local state = primitives.state(loop)
  state.closed = true
  state.handed, state.taken = nil, nil
  primitives.close(loop)
end

-- --------------------------------------------------------------------------------------------------------- clients --

local Client = {}

-- What is wrong with the arguments' types, or nil.
local function wrong_arguments(params, options, surplus, name)
  if type(params) ~= "table" and not is_params(params) then
    return bad_argument(1, name, "string or table", params)
  elseif options ~= nil and type(options) ~= "table" then
    return bad_argument(2, name, "table", options)
  elseif surplus ~= nil then
    return bad_argument(3, name, "no value", surplus) .. "; a callback is the option on_done of submit"
  end
  return nil
end

local function run(job, body, call, save, picture)
  local good, err = launch(job, body, call, save, picture)
  if not good then
    return nil, err
  end
  block(job)
  return result_of(job)
end

-- An interrupted call cancels what it began at once, not when it is collected. result | nil, err | nil, nil, what to
-- raise.
local function generate(client, params, options, surplus)
  local wrong = wrong_arguments(params, options, surplus, "generate")
  if wrong then
    return nil, nil, wrong
  end
  local body, attr, call, save, picture = prepare(client, params, options, false)
  if not body then
    return nil, attr, call
  end
  local job = primitives.job(client, attr, true)
  local good, result, err = pcall(run, job, body, call, save, picture)
  primitives.drop(job)
  if not good then
    error(result, 0)
  end
  primitives.weigh(client)
  return result, err
end

function Client.generate(client, params, options, surplus)
  check_self(client, "client", "generate")
  local result, err, slip = generate(client, params, options, surplus)
  if slip then
    error(slip, 2)
  elseif err then
    return nil, err
  end
  return result
end

function Client.submit(client, params, options, surplus)
  check_self(client, "client", "submit")
  local wrong = wrong_arguments(params, options, surplus, "submit")
  if wrong then
    error(wrong, 2)
  end
  local body, attr, call, save, picture = prepare(client, params, options, true)
  if not body then
    if call then
      error(call, 2)
    end
    return nil, attr
  end
  local job = primitives.job(client, attr)
  if attr.on_done or save then
    keep(job)
  end
  local good, err = launch(job, body, call, save, picture)
  if not good then
    primitives.drop(job)
    return nil, err
  end
  return job
end

-- What costs nothing: the job | nil, err | nil, nil, what to raise.
local function ask(client, options, question)
  local call, on_done, save
  if options ~= nil and type(options) ~= "table" then
    return nil, nil, bad_argument(1, question, "table", options)
  elseif options ~= nil then
    call, on_done, save = check_options(options, true)
    if call == false then
      return nil, on_done, save
    elseif save ~= nil then
      return nil, nil, "save: there is no picture in the answer"
    end
  end
  local job = primitives.job(client, {on_done = on_done})
  if on_done then
    keep(job)
  end
  local good, err = launch(job, nil, call, nil, nil, question)
  if not good then
    primitives.drop(job)
    return nil, err
  end
  return job
end

local function asker(question)
  return function(client, options)
    check_self(client, "client", question)
    local job, err, slip = ask(client, options, question)
    if slip then
      error(slip, 2)
    elseif not job then
      return nil, err
    end
    return job
  end
end

Client.account, Client.models = asker "account", asker "models"

function Client.validate(client, params)
  check_self(client, "client", "validate")
  local good, found, slip = validate(params, primitives.rules(client))
  if slip then
    error(slip, 2)
  end
  return good, found
end

-- The paths of a table's entries are chosen before anything is sent: what is wrong with them has cost nothing. Returns
-- what to raise, or nil.
local function place_all(state)
  local save, list = state.save, state.list
  if save == nil or type(save) == "function" and type(list) == "function" then
    return nil
  elseif type(list) == "function" then
    return not is_path(save) and "save: function or path expected, got " .. wrong_path(save) or nil
  elseif type(save) ~= "function" then
    return "save: function expected, got " .. type(save)
      .. "; with each it is given an entry's place and parameters, and returns its path"
  end
  local place, entry = 1, list[1]
  while entry ~= nil do
    local path, slip, err = choose(state, place, entry)
    if not path then
      return slip or err.message
    end
    state.paths[place], state.files[place] = path, primitives.whole_path(path)
    place = place + 1
    entry = list[place]
  end
  return nil
end

function Client.each(client, list, options)
  check_self(client, "client", "each")
  if type(list) == "table" then
    local place, entry = 1, list[1]
    while entry ~= nil do
      if not is_params(entry) then
        error(format("bad argument #1 to 'each' (entry %d of the list: string or table expected, got %s)",
          place, type(entry)), 2)
      end
      place = place + 1
      entry = list[place]
    end
    if place == 1 and rawget(list, "prompt") ~= nil then
      error("bad argument #1 to 'each' (list expected, got parameters)", 2)
    end
  elseif type(list) ~= "function" then
    error(bad_argument(1, "each", "table or function", list), 2)
  end
  local state = {client = client, list = list, place = 0, paths = {}, files = {}, chosen = {}, keys = {}}
  if options ~= nil then
    if type(options) ~= "table" then
      error(bad_argument(2, "each", "table", options), 2)
    end
    options = plain(options, CALL_OPTIONS)
    state.save, options.save = options.save, nil
    local call, _, slip = check_options(options, false)
    if call == false and slip then
      error(slip, 2)
    elseif is_path(options.cache) then
      options.cache = primitives.whole_path(options.cache)
    end
    state.options = options
  end
  local slip = place_all(state)
  if slip then
    error(slip, 2)
  end
  local loop = primitives.loop(client, state)
  return loop, nil, nil, loop
end

-- Delivers what was finished when it was called: a callback that submits does not keep it going.
function Client.update(client)
  do -- the job is not held here when the collector runs: it would grow old, and its picture with it
    local first, _, _, owing = head(client)
    if not first and not owing then
      return 0
    end
  end
  check_self(client, "client", "update") -- here, as head knows loops too, and most calls have nothing to deliver
  local delivered = 0
  primitives.weigh(client, COLLECTING)
  local job, attr, left = head(client)
  while job do
    local is_delivered = deliver(job, attr)
    if is_delivered then
      delivered = delivered + 1
    elseif is_delivered == nil then
      break
    end
    left = left - 1
    if left <= 0 then
      break
    end
    job, attr = head(client)
  end
  return delivered
end

function Client.pending(client)
  check_self(client, "client", "pending")
  return (primitives.pending(client))
end

function Client.stats(client)
  check_self(client, "client", "stats")
  return (primitives.stats(client))
end

function Client.fd(client)
  check_self(client, "client", "fd")
  local descriptor = primitives.fd(client)
  if not descriptor then
    return nil, failure {kind = "io", message = "the process has no descriptor left"}
  end
  return descriptor
end

Client.pollfd = Client.fd

function Client.events(client)
  check_self(client, "client", "events")
  return "r"
end

function Client.timeout(client)
  check_self(client, "client", "timeout")
end

function Client.close(client)
  check_self(client, "client", "close")
  primitives.close(client)
end

-- ---------------------------------------------------------------------------------------------------------- module --

local classes = {["stepimg.client"] = Client, ["stepimg.job"] = Job, ["stepimg.loop"] = Loop}
for name, class in next, classes do
  local metatable = primitives[name]
  metatable.__index = class
  metatable.__close = class.close
  metatable.__name = name
end
primitives["stepimg.loop"].__call = step

-- The client | nil, err | nil, nil, what to raise.
local function new_client(options)
  options = plain(options or {}, CLIENT_OPTIONS)
  local headers = options.headers
  if type(headers) == "table" then
    options.headers = plain(headers)
  elseif headers ~= nil then
    return nil, nil, "headers: table expected, got " .. type(headers)
  end
  local wait = options.wait
  if wait ~= nil and type(wait) ~= "function" then
    return nil, nil, "wait: function expected, got " .. type(wait)
  end
  options.wait = nil
  local client, flaw, slip = primitives.client(options, wait)
  if not client then
    return nil, not slip and failure(flaw) or nil, slip and flaw.message or nil
  end
  return client
end

local default -- the client of stepimg.generate; none that has no key

local module = {}

-- They have no self: stepimg:generate is given the module.
local function check_no_self(given, name)
  if type(given) == "table" and rawget(given, name) == module[name] then
    error(format("calling '%s' with a colon; stepimg.%s is no method", name, name), 3)
  end
end

function module.new(options)
  check_no_self(options, "new")
  if options ~= nil and type(options) ~= "table" then
    error(bad_argument(1, "new", "table", options), 2)
  end
  local client, err, slip = new_client(options)
  if slip then
    error(slip, 2)
  elseif not client then
    return nil, err
  end
  return client
end

function module.generate(params, options, surplus)
  check_no_self(params, "generate")
  local client = default
  if not client then
    local made, err = new_client()
    if not made then
      return nil, err
    end
    client, default = made, made
  end
  local result, err, slip = generate(client, params, options, surplus)
  if slip then
    error(slip, 2)
  elseif err then
    if err.kind == "auth" and not err.attempts and default == client then
      default = nil
    end
    return nil, err
  end
  return result
end

function module.validate(params)
  check_no_self(params, "validate")
  local good, found, slip = validate(params, true)
  if slip then
    error(slip, 2)
  end
  return good, found
end

return function()
  return {
    _VERSION = "stepimg " .. primitives.version, new = module.new, generate = module.generate,
    validate = module.validate, models = primitives.models(),
  }
end
