---@meta stepimg
-- The types of stepimg, for lua-language-server, and the source of docs/reference.md (`make docs` writes it).
-- A field's lines `Allowed:`, `Default:` and `Example:` become columns of a table there. All is there since 0.1.0, where
-- no line `Since:` says otherwise.

---Pictures from StepFun's image generation service, on a thread of the module's own.
---@class stepimg
---The module's name and version.
---@field _VERSION string
---The rules on parameters as data, by the model's name. It is yours: to change it changes no rule.
---@field models table<string, stepimg.Model>
local stepimg = {}

---Makes one picture. It blocks until the picture is there; `client:submit` does not. It uses a client made from the
---environment, which it keeps.
---@param params stepimg.Params|string
---@param options? stepimg.CallOptions
---@return stepimg.Result? result nil: it failed
---@return stepimg.Error? err
function stepimg.generate(params, options) end

---Checks parameters. No network; microseconds, so that a form can check at each key.
---@param params stepimg.Params|string
---@return true? ok nil: they break a rule
---@return stepimg.Warning[]|stepimg.Error found what is valid but not what it seems; or what is wrong
function stepimg.validate(params) end

---Makes a client. It reads the environment and the file of authorities, and starts no thread before the first job.
---@param options? stepimg.ClientOptions
---@return stepimg.Client? client
---@return stepimg.Error? err
function stepimg.new(options) end

---What belongs to one key and one service: its limits, its connections, its jobs. It belongs to the Lua state that made it.
---@class stepimg.Client
local client = {}

---Makes one picture and blocks until it is there.
---@param params stepimg.Params|string
---@param options? stepimg.CallOptions without `on_done`
---@return stepimg.Result? result
---@return stepimg.Error? err
function client:generate(params, options) end

---Checks the parameters, hands the request over, and returns. It never blocks.
---@param params stepimg.Params|string
---@param options? stepimg.CallOptions
---@return stepimg.Job? job
---@return stepimg.Error? err
function client:submit(params, options) end

---Makes many pictures, `max_concurrent` at once: `for i, result, err in client:each(list) do`. They come in the order in
---which they finish. Only what is in flight is held in memory. It blocks while it waits for the next one.
---@param list stepimg.List
---@param options? stepimg.CallOptions without `on_done`
---@return stepimg.Loop loop
function client:each(list, options) end

---As `stepimg.validate`, with this client's model and strictness.
---@param params stepimg.Params|string
---@return true? ok
---@return stepimg.Warning[]|stepimg.Error found
function client:validate(params) end

---Asks what the account holds. It costs nothing, waits for no turn, and counts in no limit. The job's result is a
---`stepimg.Account`.
---@param options? stepimg.CallOptions without `save`
---@return stepimg.Job? job
---@return stepimg.Error? err
function client:account(options) end

---Asks for the names of the models that the key may use. It costs nothing. The job's result is a list of strings.
---@param options? stepimg.CallOptions without `save`
---@return stepimg.Job? job
---@return stepimg.Error? err
function client:models(options) end

---Delivers what has finished: it resumes coroutines that wait and calls callbacks. Call it once a frame. With nothing to
---deliver it takes less than a microsecond. An error that a callback raises comes out of `update`; what was not delivered yet
---comes with the next call.
---@return integer delivered the number of jobs
function client:update() end

---@return integer count the number of jobs that are not delivered yet
function client:pending() end

---What the client did so far, in numbers. It takes no longer with ten thousand jobs.
---@return stepimg.Stats stats
function client:stats() end

---A descriptor that is readable while `update` has something to deliver. Poll it; do not read or close it.
---@return integer? fd nil: the process has no descriptor left
---@return stepimg.Error? err
function client:fd() end

---The same for cqueues, which polls any object that has `pollfd`, `events` and `timeout`.
---@return integer? fd
---@return stepimg.Error? err
function client:pollfd() end

---For cqueues.
---@return string events `"r"`
function client:events() end

---For cqueues.
---@return nil timeout it waits for ever
function client:timeout() end

---Cancels what is left and returns at once. The next `update` delivers those jobs. Also `<close>`, and when it is collected.
function client:close() end

---A request under way. Keep it, or give it a callback: a job that nobody can observe any more (no handle, no
---callback, no `save`, no coroutine in `await`) is cancelled.
---@class stepimg.Job
local job = {}

---@return "queued"|"running"|"retrying"|"done"|"failed"|"cancelled" status
function job:status() end

---@return stepimg.Progress progress
function job:progress() end

---The result, if it is there. It never blocks.
---@return stepimg.Result? result nil without an error: it is going on
---@return stepimg.Error? err
function job:result() end

---The same, but it blocks until the job has ended.
---@param seconds? number at most so long; none: as long as it takes
---@return stepimg.Result? result
---@return stepimg.Error? err
function job:wait(seconds) end

---The same from a coroutine: it yields until `client:update()` resumes it.
---@return stepimg.Result? result
---@return stepimg.Error? err
function job:await() end

---Ends it as an error of the kind `cancelled`, which the next `update` delivers.
---@return boolean cancelled false: it had ended, or its file is just being put in place
function job:cancel() end

---Cancels it and lets the picture go: its result is an error of the kind `cancelled` from now on. Also `<close>`.
function job:close() end

---Parameters, or a function that returns the next ones and, if it likes, their options; nil: that was all.
---@alias stepimg.List (stepimg.Params|string)[]|fun(): (stepimg.Params|string)?, stepimg.CallOptions?

---What `client:each` returns. `loop()` gives the next item: `i, result, err`, or nil at the end. It can be kept, left and
---gone on with: a new `for` over it begins with the item that the last one was left in.
---@class stepimg.Loop
---@overload fun(...: any): integer?, stepimg.Result?, stepimg.Error?
local loop = {}

---Cancels what is under way. From 5.4 on, a `break` out of `for … in client:each(…)` does it too.
function loop:close() end

---What is to be painted. The names are the service's own, except `width`, `height` and `aspect`.
---@class stepimg.Params
---UTF-8; characters are counted, not bytes.
---Allowed: 1 to 512 characters. Default: required.
---@field prompt string
---Allowed: `"step-image-edit-2"`. Default: `"step-image-edit-2"`.
---@field model? string
---**Height x width**, which everyone gets wrong: give `width` and `height`, or `aspect`.
---Allowed: `"1024x1024"`, `"768x1360"`, `"896x1184"`, `"1360x768"`, `"1184x896"`. Default: `"1024x1024"`.
---@field size? string
---Pixels; in place of `size`, together with `height`.
---Allowed: 768, 896, 1024, 1184, 1360. Default: none.
---@field width? integer
---Pixels; in place of `size`, together with `width`.
---Allowed: 768, 896, 1024, 1184, 1360. Default: none.
---@field height? integer
---In place of `size`: width to height, as `"W:H"` or as a number. The nearest size is taken; more than 5 % off is a warning.
---Allowed: `"1:1"`, `"16:9"`, `"4:3"`, `"9:16"`, `"3:4"`, 0.01 to 100.0. Default: none.
---@field aspect? string|number
---The picture to edit: its bytes (PNG, JPEG, WebP, GIF), or an image of a result.
---Allowed: at most 4096 x 4096 pixels. Default: none.
---@field image? string|stepimg.Image
---Pictures in one answer.
---Allowed: 1. Default: 1.
---@field n? integer
---How the picture travels: in the answer, or as a link that stepimg follows.
---Allowed: `"b64_json"`, `"url"`. Default: `"b64_json"`.
---@field response_format? string
---The same seed asks for the same picture. Without one the service picks one, and the result names it.
---Allowed: 0 to 2147483647. Default: none.
---@field seed? integer
---Allowed: 1 to 50. Default: 8.
---@field steps? integer
---How closely the picture follows the prompt.
---Allowed: 1.0 to 10.0. Default: 1.0.
---@field cfg_scale? number
---What not to show. **It has no effect while `cfg_scale` is 1.0.**
---Allowed: at most 512 characters. Default: `""`.
---@field negative_prompt? string
---Help for pictures with text in them.
---Allowed: `true`, `false`. Default: `false`.
---@field text_mode? boolean

---Options of one call. As options of a client they are the defaults for its calls, except `save` and `on_done`.
---@class stepimg.CallOptions
---Seconds for one attempt.
---Allowed: 0.001 to 2000000. Default: 120.
---@field timeout? number
---Seconds without a byte while an answer or a picture arrives.
---Allowed: 0.001 to 2000000. Default: 30.
---@field stall_timeout? number
---Seconds for the whole job, from `submit`, with its queueing and its repeats.
---Allowed: 0.001 to 2000000. Default: none.
---@field deadline? number
---How often a request is repeated that cannot have been billed; 0 for never.
---Allowed: 0 to 100. Default: 2.
---@field retries? integer
---`false`: with `response_format = "url"`, the picture stays where it lies.
---Default: `true`.
---@field download? boolean
---A folder where pictures are kept, and looked for before they are asked for; `""` for none. See [Money](money.md#never-buy-the-same-picture-twice).
---Default: none.
---@field cache? string
---A path that the first picture goes to as it arrives; with `each` a function that returns it, given the entry's place and parameters.
---Default: none.
---@field save? string|fun(i: integer, params: stepimg.Params|string): string
---With `submit`: `update` calls it when the job has ended.
---Default: none.
---@field on_done? fun(result: stepimg.Result?, err: stepimg.Error?, job: stepimg.Job)

---Options of a client.
---@class stepimg.ClientOptions: stepimg.CallOptions
---Default: `STEP_API_KEY`.
---@field api_key? string
---https; http for this machine only.
---Default: `STEP_BASE_URL`, else `https://api.stepfun.ai/v1`.
---@field base_url? string
---`true`: `base_url` may be http beyond this machine, for a gateway in one's own network. Whoever listens there reads the key.
---Default: `false`.
---@field allow_http? boolean
---`await` calls it in a loop, `wait(client)`, instead of yielding: how a scheduler with rules of its own waits. It is to return
---after a while by itself: what another `update` has delivered shows nowhere.
---Default: none.
---@field wait? fun(client: stepimg.Client)
---Seconds.
---Allowed: 0.001 to 2000000. Default: 10.
---@field connect_timeout? number
---`scheme://host:port`, for all hosts; `""` for none.
---Default: the environment's (`https_proxy`, except for hosts of `no_proxy`).
---@field proxy? string
---A PEM file of the authorities to trust, and no others.
---Default: `SSL_CERT_FILE` and `SSL_CERT_DIR`, else the system's.
---@field ca_file? string
---More headers for the service: `{name = value}`.
---Default: none.
---@field headers? table<string, string>
---Default: `stepimg/` and its version.
---@field user_agent? string
---Requests under way at once. The others wait their turn, first come, first served.
---Allowed: 1 to 10000. Default: 5.
---@field max_concurrent? integer
---Requests begun in any minute. The others wait.
---Allowed: 1 to 1000000. Default: none.
---@field requests_per_minute? integer
---Pictures that this client may ask for in its life. Requests that certainly cost nothing do not count.
---Allowed: 0 to 2147483647. Default: none.
---@field budget? integer
---Bytes of an answer, and of a picture.
---Allowed: 1024 to 1073741824. Default: 67108864.
---@field max_response_bytes? integer
---The model of requests that name none. One that this version does not know is checked by the rules of the one it knows, except its sizes.
---Default: `"step-image-edit-2"`.
---@field model? string
---`false`: models and parameters that this version does not know go through.
---Default: `true`.
---@field strict? boolean

---@class stepimg.Result
---The picture; the same as `data[1]`.
---@field image stepimg.Image
---All pictures of the answer.
---@field data stepimg.Image[]
---The service's id of the answer, where it sent one.
---@field id? string
---The service's time, in seconds since 1970.
---@field created? integer
---What was valid, but is not what it seems; nil: nothing.
---@field warnings? stepimg.Warning[]
---The POSTs that were made for it; 0: it came from the cache.
---@field attempts integer
---true: it came from the `cache`, without a request.
---@field cached? true
---The service's own name for its answer (`X-Request-Id`), for whoever asks it about a picture; nil: it sent none.
---@field request_id? string
---Where the time went.
---@field timing stepimg.Timing
---The requests that were made, the first one first: POSTs, downloads and their redirects. At most 64 entries; of more, those
---in the middle are left out, and `history.left_out` says how many.
---@field history stepimg.Entry[]

---A picture. Its bytes are kept outside Lua's heap until they are read; Lua's collector knows of their weight.
---@class stepimg.Image
---The file; made when it is first read. nil with `save`, and where the filter stopped the picture.
---@field bytes? string
---Read from the bytes, as `width` and `height` are; nil: another one.
---@field format? "png"|"jpeg"|"webp"|"gif"|"avif"
---Pixels.
---@field width? integer
---Pixels.
---@field height? integer
---The seed it was made with: the same parameters with this `seed` ask for the same picture.
---@field seed? integer
---`"content_filtered"`: the filter stopped it, and `bytes` may be nil.
---@field finish_reason "success"|"content_filtered"
---Its link, with `response_format = "url"`.
---@field url? string
---The file it went to, with the option `save`.
---@field path? string
local image = {}

---Writes a whole file or none: a temporary file beside it, then a rename. It blocks while it writes.
---@param path string
---@return string? path
---@return stepimg.Error? err
function image:save(path) end

---Gives the bytes back at once. Also `<close>`.
function image:close() end

---A warning prints and concatenates as its message.
---@class stepimg.Warning
---The parameter or option.
---@field field? string
---@field message string

---Seconds. `connect`, `tls` and `first_byte` are of the last request to the service, from its beginning; nil where it did not
---come to that.
---@class stepimg.Timing
---From `submit` until the first request began; nil: none did.
---@field queued? number
---Until TCP stood, to the proxy where there is one; 0 on a kept connection.
---@field connect? number
---Until TLS stood; 0 on a kept connection, and without TLS.
---@field tls? number
---Until the answer began.
---@field first_byte? number
---From `submit` to the end.
---@field total number

---What happened to one request. It holds no key and no link.
---@class stepimg.Entry
---`"GET"`: of a picture's link, or of what costs nothing.
---@field method "POST"|"GET"
---HTTP; nil: no answer came, or the job was cancelled before it ended.
---@field status? integer
---Why it failed; nil: it did not.
---@field kind? stepimg.Kind
---@field message? string
---Seconds before it began, since `submit` or since the request before it: for its turn, a back-off, `Retry-After`, the pace.
---@field waited number
---That it took.
---@field seconds number
---Of the answer's body that came, without its compression.
---@field bytes integer
---nil: no answer came.
---@field protocol? "HTTP/1.0"|"HTTP/1.1"|"HTTP/2"
---Whether its connection was there already; nil: it got none, or the job was cancelled before it ended.
---@field reused? boolean
---The answer's `X-Request-Id`; at most 127 bytes.
---@field request_id? string

---What a client did since it was made. `account` and `models` count in `bytes_received` and `connections` alone.
---@class stepimg.Stats
---Jobs for pictures, of `generate`, `submit` and `each`.
---@field submitted integer
---Of those, with a result.
---@field done integer
---With an error.
---@field failed integer
---@field cancelled integer
---Of `done`: those that took no request.
---@field cached integer
---POSTs that were begun.
---@field requests integer
---Of those, the ones that followed one that failed.
---@field repeats integer
---GETs of pictures, with their redirects and repeats. One that met a kept connection at its end and was asked for at once on
---another counts twice, and is one entry of the `history`.
---@field downloads integer
---Of `failed` and `cancelled`: those that may be on the bill all the same. So `done - cached + maybe_billed` pictures are on the bill at most.
---@field maybe_billed integer
---Of all bodies, as they come.
---@field bytes_received integer
---That were made anew: to the service, to pictures' hosts, or to a proxy.
---@field connections integer
---Now: jobs that wait.
---@field queued integer
---Now: the others that have not ended.
---@field in_flight integer
---Now: what of `budget` is left; nil without one.
---@field budget_left? integer

---@class stepimg.Progress
---@field phase "queued"|"connecting"|"sending"|"waiting"|"receiving"|"done"
---Bytes of the request's body, or of the picture that is edited.
---@field sent integer
---Bytes that it has.
---@field to_send integer
---Bytes of the answer, or of the picture that is downloaded.
---@field received integer
---Bytes that will come; nil while that is unknown.
---@field total? integer
---Seconds since `submit`.
---@field elapsed number
---From 1 on; 0 before the first request.
---@field attempt integer

---An error prints and concatenates as a sentence: `tostring(err)`, `"failed: " .. err`. It has `kind` and `message`, and the rest where it is known.
---@class stepimg.Error
---@field kind stepimg.Kind
---A sentence that says what to do.
---@field message string
---The parameter or option at fault.
---@field field? string
---With the kind `invalid`: which sort of rule was broken.
---@field reason? stepimg.Reason
---With the kind `invalid`: the row of `stepimg.models` that was broken.
---@field rule? stepimg.Rule
---With the kind `invalid`: every flaw, in the order of the form, up to 32 (16 of them unknown names); the first is the error's own.
---@field all? stepimg.Flaw[]
---HTTP.
---@field status? integer
---The service's own word.
---@field type? string
---The service's own word.
---@field code? string
---The service's name of the request.
---@field request_id? string
---Seconds.
---@field retry_after? number
---The POSTs that were made.
---@field attempts? integer
---true: the service may have made and billed the picture, although you do not get it.
---@field maybe_billed? boolean
---Where the picture lies, if only its download failed.
---@field url? string
---The finished file, if only its rename failed.
---@field path? string
---Of what became a job: as a result has it.
---@field timing? stepimg.Timing
---The same.
---@field history? stepimg.Entry[]

---@alias stepimg.Kind
---| "invalid" # a parameter breaks a rule; nothing was sent
---| "auth" # no key, 401, or a 403 of the service
---| "billing" # 402, or a 429 that says that the balance is used up
---| "moderation" # 451: the request or the picture did not pass moderation; or `image:save` of a picture that the filter stopped
---| "rate_limit" # 429: too fast, or too many at once; after the retries
---| "server" # 5xx; after the retries, where it may be repeated
---| "request" # any other 4xx
---| "network" # no connection, TLS refused, connection lost, answer cut short, a proxy that refuses
---| "timeout" # an attempt took longer than `timeout`, the job longer than `deadline`, or nothing came for `stall_timeout`
---| "protocol" # an answer that is not what the service promises: not JSON, no picture, broken base64, too large, a web page
---| "cancelled" # cancelled, or the client was closed
---| "budget" # the client's `budget` of pictures is used up; nothing was sent
---| "io" # the picture could not be written to disk, one to edit could not be read, or the process has no descriptor left

---@alias stepimg.Reason
---| "missing" # it is required
---| "unknown" # there is no parameter of this name
---| "type" # a string for a number, 8.5 for an integer
---| "range" # below `min` or above `max`
---| "choice" # none of the values that are offered
---| "length" # empty, or more than `max_length` characters
---| "text" # not UTF-8, or with a NUL byte in it
---| "pair" # it contradicts another parameter, or lacks the one that goes with it
---| "image" # no picture that can be edited, or too large a one

---@class stepimg.Flaw
---@field field string
---@field reason stepimg.Reason
---@field message string
---@field rule? stepimg.Rule

---@class stepimg.Model
---By the parameter's name.
---@field params table<string, stepimg.Rule>
---The names, as a form shows them.
---@field order string[]
---@field sizes stepimg.Size[]

---@class stepimg.Size
---Height x width.
---@field size string
---@field width integer
---@field height integer

---@class stepimg.Rule
---@field name string
---@field type "string"|"integer"|"number"|"boolean"|"aspect"|"image"
---@field description? string
---@field required? boolean
---@field min? number
---@field max? number
---Characters.
---@field max_length? integer
---Pixels, of an image.
---@field max_side? integer
---@field choices? string[]
---@field examples? string[]
---What is sent, or else what the service takes.
---@field default? any
---The service's own default, where `default` departs from it.
---@field server_default? any

---@class stepimg.Account
---@field type "prepaid"|"postpaid"
---@field balance number
---@field total_cash_balance number
---@field total_voucher_balance number

return stepimg
