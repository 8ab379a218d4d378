/*
 * The Lua binding: reads tables into plain values, calls the core, pushes what comes back. JSON is lua-cjson's work.
 * Every function stays correct when any Lua call in it raises: what owns something is in a userdata with __gc first.
 */
#include <lauxlib.h>
#include <lua.h>
#include <string.h>

#include "src/stepimg.h"

#define CLIENT "stepimg.client"
#define JOB "stepimg.job"
#define OPTIONS "stepimg.options"
#define PAYLOAD "stepimg.payload"
#define ERROR "stepimg.error"
#define IMAGE "stepimg.image"
#define METHODS "methods" /* in the metatable of IMAGE, whose __index makes bytes */

/* How long a blocking call sleeps before it looks whether somebody wants it to end; Ctrl-C is to work within 0.1 s. */
static const double SLICE = 0.05;

/* Every function has one upvalue: the module's own table, with these fields. */
#define MODULE lua_upvalueindex(1)
#define ENCODE "encode"     /* of a cjson.new() of our own: the host may have changed the shared one */
#define DECODE "decode"
#define PAYLOADS "payloads" /* image -> payload, as long as the image lives */
#define DEFAULT "default"   /* the client of stepimg.generate */

/* ------------------------------------------------------------------------------------------------------ errors -- */

static void set_string(lua_State *L, const char *name, const char *text)
{
  if (text[0] != '\0') {
    lua_pushstring(L, text);
    lua_setfield(L, -2, name);
  }
}

/* nil, err. With STEPIMG_NOMEM it raises, as Lua itself would. */
static int push_failure(lua_State *L, const struct stepimg_error *error)
{
  if (error->kind == STEPIMG_NOMEM)
    return luaL_error(L, "%s", error->message);
  lua_pushnil(L);
  lua_createtable(L, 0, 8);
  set_string(L, "kind", stepimg_kind_name(error->kind));
  set_string(L, "field", error->field);
  set_string(L, "request_id", error->request_id);
  if (error->maybe_billed)
    lua_pushfstring(L, "%s; the picture may have been made and billed all the same", error->message);
  else
    lua_pushstring(L, error->message);
  lua_setfield(L, -2, "message");
  if (error->status != 0) {
    lua_pushinteger(L, error->status);
    lua_setfield(L, -2, "status");
  }
  if (error->attempts > 0) {
    lua_pushinteger(L, error->attempts);
    lua_setfield(L, -2, "attempts");
  }
  if (error->retry_after >= 0) {
    lua_pushnumber(L, error->retry_after);
    lua_setfield(L, -2, "retry_after");
  }
  if (error->maybe_billed) {
    lua_pushboolean(L, 1);
    lua_setfield(L, -2, "maybe_billed");
  }
  luaL_setmetatable(L, ERROR);
  return 2;
}

static int push_failure_as(lua_State *L, struct stepimg_error *error, enum stepimg_kind kind, const char *message)
{
  size_t length = strlen(message), max = sizeof error->message - 1;
  error->kind = kind;
  memcpy(error->message, message, length < max ? length : max);
  error->message[length < max ? length : max] = '\0';
  return push_failure(L, error);
}

/* A programmer's mistake raises; a bad value is returned. */
static int fail_option(lua_State *L, const struct stepimg_error *error)
{
  return error->wrong_type ? luaL_error(L, "%s", error->message) : push_failure(L, error);
}

static int error_tostring(lua_State *L)
{
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  lua_getfield(L, 1, "kind");
  lua_getfield(L, 1, "message");
  lua_pushfstring(L, "%s: %s", luaL_tolstring(L, 2, NULL), luaL_tolstring(L, 3, NULL));
  return 1;
}

/* ------------------------------------------------------------------------------------------------- values and rules -- */

/* Borrows the text of a string: it is to stay on the stack or in a table that nobody else knows. */
static struct stepimg_value to_value(lua_State *L, int index)
{
  struct stepimg_value value = {.type = STEPIMG_OTHER};
  switch (lua_type(L, index)) {
  case LUA_TSTRING:
    value.type = STEPIMG_STRING;
    value.as.string.data = lua_tolstring(L, index, &value.as.string.length);
    break;
  case LUA_TNUMBER:
    value.type = lua_isinteger(L, index) ? STEPIMG_INTEGER : STEPIMG_NUMBER;
    if (value.type == STEPIMG_INTEGER)
      value.as.integer = lua_tointeger(L, index);
    else
      value.as.number = lua_tonumber(L, index);
    break;
  case LUA_TBOOLEAN:
    value.type = STEPIMG_BOOLEAN;
    value.as.boolean = lua_toboolean(L, index);
    break;
  default:
    value.as.type_name = luaL_typename(L, index);
  }
  return value;
}

static void push_value(lua_State *L, const struct stepimg_value *value)
{
  switch (value->type) {
  case STEPIMG_STRING:
    lua_pushlstring(L, value->as.string.data, value->as.string.length);
    break;
  case STEPIMG_INTEGER:
    lua_pushinteger(L, value->as.integer);
    break;
  case STEPIMG_NUMBER:
    lua_pushnumber(L, value->as.number);
    break;
  case STEPIMG_BOOLEAN:
    lua_pushboolean(L, value->as.boolean);
    break;
  case STEPIMG_OTHER:
    lua_pushnil(L);
    break;
  }
}

/* The name at index, or a text that is no name of anything if it is not a string that C can hold. */
static const char *to_name(lua_State *L, int index)
{
  size_t length;
  if (lua_type(L, index) != LUA_TSTRING)
    return lua_isinteger(L, index) ? "[1]" : "[?]";
  const char *name = lua_tolstring(L, index, &length);
  return strlen(name) == length ? name : "[?]";
}

/* Replaces the table on the top by a copy that nobody else can change meanwhile: a finalizer may run in any call. */
static void copy_table(lua_State *L)
{
  lua_newtable(L);
  lua_pushnil(L);
  while (lua_next(L, -3)) {
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_rawset(L, -4);
  }
  lua_remove(L, -2);
}

/* Checks the copy of the parameters on the top. Pushes the array that the values were read into. */
static enum stepimg_kind check_params(lua_State *L, bool strict, struct stepimg_checked *checked,
                                      struct stepimg_error *error)
{
  size_t count = 0, capacity = 0;
  int params = lua_gettop(L);
  for (lua_pushnil(L); lua_next(L, params); lua_pop(L, 1))
    capacity++;
  struct stepimg_param *array = lua_newuserdatauv(L, (capacity + 1) * sizeof *array, 0);
  for (lua_pushnil(L); lua_next(L, params) && count < capacity; lua_pop(L, 1)) {
    array[count].name = to_name(L, -2);
    array[count++].value = to_value(L, -1);
  }
  return stepimg_validate(array, count, strict, checked, error);
}

static void push_warnings(lua_State *L, const struct stepimg_checked *checked)
{
  lua_createtable(L, (int)checked->warning_count, 0);
  for (size_t i = 0; i < checked->warning_count; i++) {
    lua_pushstring(L, checked->warnings[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

static int validate(lua_State *L)
{
  struct stepimg_checked checked;
  struct stepimg_error error;
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  copy_table(L);
  if (check_params(L, true, &checked, &error) != STEPIMG_OK)
    return push_failure(L, &error);
  lua_pushboolean(L, 1);
  push_warnings(L, &checked);
  return 2;
}

static void push_rule(lua_State *L, const struct stepimg_rule *rule)
{
  static const char *const types[] = {"any", "string", "integer", "number", "boolean"};
  lua_newtable(L);
  set_string(L, "type", types[rule->type]);
  if (rule->required) {
    lua_pushboolean(L, 1);
    lua_setfield(L, -2, "required");
  }
  if (rule->type == STEPIMG_INTEGER || rule->type == STEPIMG_NUMBER) {
    struct stepimg_value bound = {.type = rule->type};
    for (int i = 0; i < 2; i++) {
      double number = i == 0 ? rule->min : rule->max;
      if (rule->type == STEPIMG_INTEGER)
        bound.as.integer = (int64_t)number;
      else
        bound.as.number = number;
      push_value(L, &bound);
      lua_setfield(L, -2, i == 0 ? "min" : "max");
    }
  } else if (rule->type == STEPIMG_STRING && rule->max > 0) {
    lua_pushinteger(L, (lua_Integer)rule->max);
    lua_setfield(L, -2, "max_length");
  }
  if (rule->choices != NULL) {
    lua_newtable(L);
    for (int i = 0; rule->choices[i] != NULL; i++) {
      lua_pushstring(L, rule->choices[i]);
      lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -2, "choices");
  }
  if (rule->has_default) {
    push_value(L, &rule->server_default);
    lua_setfield(L, -2, rule->sent_default != NULL ? "server_default" : "default");
  }
  if (rule->sent_default != NULL)
    set_string(L, "default", rule->sent_default);
}

/* {[model] = {[parameter] = rule, sizes = {"1024x1024", …}}} */
static void push_models(lua_State *L)
{
  size_t count;
  const struct stepimg_model *models = stepimg_models(&count);
  lua_newtable(L);
  for (size_t i = 0; i < count; i++) {
    lua_newtable(L);
    for (size_t j = 0; j < models[i].rule_count; j++) {
      push_rule(L, &models[i].rules[j]);
      lua_setfield(L, -2, models[i].rules[j].name);
    }
    if (lua_getfield(L, -1, "size") == LUA_TTABLE) {
      lua_getfield(L, -1, "choices");
      lua_setfield(L, -3, "sizes");
    }
    lua_pop(L, 1);
    lua_setfield(L, -2, models[i].name);
  }
}

/* ------------------------------------------------------------------------------------------------------ options -- */

static int options_gc(lua_State *L)
{
  stepimg_options_clear(luaL_checkudata(L, 1, OPTIONS));
  return 0;
}

static enum stepimg_kind read_headers(lua_State *L, int index, struct stepimg_options *options,
                                      struct stepimg_error *error)
{
  if (!lua_istable(L, index))
    luaL_error(L, "headers: a table of names and values is wanted");
  index = lua_absindex(L, index);
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    struct stepimg_value value = to_value(L, -1);
    if (stepimg_options_add_header(options, to_name(L, -2), &value, error) != STEPIMG_OK)
      return error->kind;
  }
  return STEPIMG_OK;
}

/* Reads the table of a client's options at index into the userdata it pushes. */
static enum stepimg_kind read_options(lua_State *L, int index, struct stepimg_options **out,
                                      struct stepimg_error *error)
{
  struct stepimg_options *options = lua_newuserdatauv(L, sizeof *options, 0);
  stepimg_options_init(options);
  luaL_setmetatable(L, OPTIONS);
  *out = options;
  if (!lua_isnoneornil(L, index)) {
    luaL_checktype(L, index, LUA_TTABLE);
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
      const char *name = to_name(L, -2);
      struct stepimg_value value = to_value(L, -1);
      enum stepimg_kind kind = strcmp(name, "headers") == 0 ? read_headers(L, -1, options, error)
                                                            : stepimg_options_set(options, name, &value, error);
      if (kind != STEPIMG_OK)
        return kind;
    }
  }
  return stepimg_options_from_environment(options, error);
}

static enum stepimg_kind read_call(lua_State *L, int index, struct stepimg_call *call, struct stepimg_error *error)
{
  if (lua_isnoneornil(L, index))
    return STEPIMG_OK;
  luaL_checktype(L, index, LUA_TTABLE);
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    struct stepimg_value value = to_value(L, -1);
    if (stepimg_call_set(call, to_name(L, -2), &value, error) != STEPIMG_OK)
      return error->kind;
  }
  return STEPIMG_OK;
}

/* ------------------------------------------------------------------------------------------------------- images -- */

struct payload {
  unsigned char *bytes; /* NULL: gone */
  size_t length;
};

static int payload_gc(lua_State *L)
{
  struct payload *payload = luaL_checkudata(L, 1, PAYLOAD);
  stepimg_free(payload->bytes);
  payload->bytes = NULL;
  return 0;
}

/* The payload of the image at index, NULL if it has none; pushes it or nil. */
static struct payload *push_payload(lua_State *L, int index)
{
  index = lua_absindex(L, index);
  lua_getfield(L, MODULE, PAYLOADS);
  lua_pushvalue(L, index);
  lua_rawget(L, -2);
  lua_remove(L, -2);
  struct payload *payload = luaL_testudata(L, -1, PAYLOAD);
  return payload != NULL && payload->bytes != NULL ? payload : NULL;
}

/* Moves a picture's bytes to the image on the top of the stack. */
static void attach_payload(lua_State *L, struct stepimg_picture *picture)
{
  lua_getfield(L, MODULE, PAYLOADS);
  lua_pushvalue(L, -2);
  struct payload *payload = lua_newuserdatauv(L, sizeof *payload, 0);
  payload->bytes = NULL;
  luaL_setmetatable(L, PAYLOAD);
  payload->length = picture->length;
  payload->bytes = stepimg_picture_take(picture);
  lua_rawset(L, -3);
  lua_pop(L, 1);
}

/* Tells the collector of memory outside its heap, as if Lua had allocated it just now. */
static void charge(lua_State *L, size_t bytes)
{
  if (lua_gc(L, LUA_GCISRUNNING))
    lua_gc(L, LUA_GCSTEP, (int)(bytes / 1024));
}

/* Makes image.bytes when it is first read: a frame that receives a picture pays for no copy that nobody asked for. */
static void read_bytes(lua_State *L, int image)
{
  struct payload *payload = push_payload(L, image);
  if (payload != NULL) {
    lua_pushliteral(L, "bytes");
    lua_pushlstring(L, (const char *)payload->bytes, payload->length);
    lua_rawset(L, image);
    stepimg_free(payload->bytes);
    payload->bytes = NULL;
  }
  lua_pop(L, 1);
}

static int image_index(lua_State *L)
{
  luaL_checktype(L, 1, LUA_TTABLE);
  if (lua_type(L, 2) == LUA_TSTRING && strcmp(lua_tostring(L, 2), "bytes") == 0) {
    read_bytes(L, 1);
    lua_pushvalue(L, 2);
    lua_rawget(L, 1);
    return 1;
  }
  luaL_getmetatable(L, IMAGE);
  lua_getfield(L, -1, METHODS);
  lua_pushvalue(L, 2);
  lua_rawget(L, -2);
  return 1;
}

/* Who walks over an image means its bytes too. */
static int image_pairs(lua_State *L)
{
  luaL_checktype(L, 1, LUA_TTABLE);
  read_bytes(L, 1);
  lua_getglobal(L, "next");
  lua_pushvalue(L, 1);
  lua_pushnil(L);
  return 3;
}

static int image_save(lua_State *L)
{
  size_t length = 0, path_length;
  struct stepimg_error error = {.kind = STEPIMG_IO, .retry_after = -1, .message = "the image has no bytes to save"};
  luaL_checktype(L, 1, LUA_TTABLE);
  const char *path = luaL_checklstring(L, 2, &path_length);
  luaL_argcheck(L, strlen(path) == path_length, 2, "a path with a NUL byte in it");
  lua_settop(L, 2);
  lua_pushliteral(L, "bytes");
  lua_rawget(L, 1);
  const char *bytes = lua_tolstring(L, 3, &length);
  struct payload *payload = push_payload(L, 1);
  if (bytes == NULL && payload != NULL) {
    bytes = (const char *)payload->bytes;
    length = payload->length;
  }
  if (bytes == NULL || stepimg_write_file(path, bytes, length, &error) != STEPIMG_OK)
    return push_failure(L, &error);
  lua_pushvalue(L, 2);
  return 1;
}

/* ------------------------------------------------------------------------------------------------------ results -- */

/* Decodes the answer's body. Pushes a table and says true, or pushes cjson's complaint. */
static bool decode(lua_State *L, const struct stepimg_outcome *outcome)
{
  lua_getfield(L, MODULE, DECODE);
  lua_pushlstring(L, outcome->body != NULL ? outcome->body : "", outcome->body_length);
  return lua_pcall(L, 1, 1, 0) == LUA_OK && lua_istable(L, -1);
}

/* Copies a field of that type from the table at index to the one on the top. Whole floats become integers: lua-cjson 2.1
   knows no others, and a seed is one. */
static void copy_field(lua_State *L, int index, const char *name, int type)
{
  int is_integer;
  if (lua_getfield(L, index, name) != type) {
    lua_pop(L, 1);
    return;
  }
  lua_Integer integer = lua_tointegerx(L, -1, &is_integer);
  if (type == LUA_TNUMBER && is_integer) {
    lua_pop(L, 1);
    lua_pushinteger(L, integer);
  }
  lua_setfield(L, -2, name);
}

/* Adds the service's own words from the decoded body at index to the error table on the top: {"error": {message, type}},
   or what gateways make of it. */
static void add_server_words(lua_State *L, int index)
{
  int error = lua_gettop(L), words = index;
  if (lua_getfield(L, index, "error") == LUA_TTABLE)
    words = lua_gettop(L);
  else if (!lua_isstring(L, -1))
    lua_getfield(L, index, "message");
  if (words != index) {
    if (lua_getfield(L, words, "type") == LUA_TSTRING) {
      lua_pushvalue(L, -1);
      lua_setfield(L, error, "type");
    }
    lua_pop(L, 1);
    lua_getfield(L, words, "message");
  }
  if (lua_type(L, -1) == LUA_TSTRING && lua_rawlen(L, -1) > 0) {
    lua_getfield(L, error, "message");
    lua_pushfstring(L, "%s; the service says: %s", lua_tostring(L, -1), lua_tostring(L, -2));
    lua_setfield(L, error, "message");
  }
  lua_settop(L, error);
}

/* nil, err of a job that failed. */
static int push_failed(lua_State *L, const struct stepimg_outcome *outcome)
{
  struct stepimg_error error = outcome->error;
  if (error.kind == STEPIMG_NOMEM) /* on the I/O thread, long ago: nothing to raise for here */
    error.kind = STEPIMG_PROTOCOL;
  bool decoded = decode(L, outcome);
  int body = lua_gettop(L);
  push_failure(L, &error);
  if (decoded && error.status != 200)
    add_server_words(L, body);
  for (size_t i = 0; i < outcome->picture_count; i++)
    if (outcome->pictures[i].bytes == NULL && outcome->pictures[i].url != NULL) {
      set_string(L, "url", outcome->pictures[i].url);
      break;
    }
  return 2;
}

/* nil, err of an answer that is not what the service promises; the decoded body, if any, is at index. */
static int push_broken(lua_State *L, const struct stepimg_outcome *outcome, int body, const char *message)
{
  struct stepimg_error error = outcome->error;
  error.maybe_billed = true;
  push_failure_as(L, &error, STEPIMG_PROTOCOL, message);
  if (body != 0)
    add_server_words(L, body);
  return 2;
}

/* Pushes the image made of the entry at index. Returns the bytes of its picture. */
static size_t push_image(lua_State *L, int entry, struct stepimg_outcome *outcome, size_t place)
{
  size_t bytes = 0;
  lua_createtable(L, 0, 8);
  copy_field(L, entry, "seed", LUA_TNUMBER);
  copy_field(L, entry, "finish_reason", LUA_TSTRING);
  copy_field(L, entry, "url", LUA_TSTRING);
  luaL_setmetatable(L, IMAGE);
  for (size_t i = 0; i < outcome->picture_count; i++) {
    struct stepimg_picture *picture = &outcome->pictures[i];
    if (picture->index != place || picture->bytes == NULL)
      continue;
    const char *format = stepimg_format_name(picture->format);
    set_string(L, "format", format != NULL ? format : "");
    if (picture->width > 0 && picture->height > 0) {
      lua_pushinteger(L, picture->width);
      lua_setfield(L, -2, "width");
      lua_pushinteger(L, picture->height);
      lua_setfield(L, -2, "height");
    }
    bytes = picture->length;
    attach_payload(L, picture);
  }
  return bytes;
}

static bool is_string(lua_State *L, int index, const char *name, const char *text)
{
  bool is = lua_getfield(L, index, name) == LUA_TSTRING && (text == NULL || strcmp(lua_tostring(L, -1), text) == 0);
  lua_pop(L, 1);
  return is;
}

static void push_timing(lua_State *L, const struct stepimg_timing *timing)
{
  const struct {
    const char *name;
    double seconds;
  } parts[] = {{"queued", timing->queued},
               {"connect", timing->connect},
               {"tls", timing->tls},
               {"first_byte", timing->first_byte},
               {"total", timing->total}};
  lua_createtable(L, 0, 5);
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    lua_pushnumber(L, parts[i].seconds);
    lua_setfield(L, -2, parts[i].name);
  }
}

/* result | nil, err of a finished job; its warnings, a table or nil, are at index. */
static int push_outcome(lua_State *L, struct stepimg_outcome *outcome, int warnings)
{
  if (outcome->error.kind != STEPIMG_OK)
    return push_failed(L, outcome);
  if (!decode(L, outcome)) {
    const char *complaint = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "it is no object";
    return push_broken(L, outcome, 0, lua_pushfstring(L, "the answer is not the JSON it should be (%s)", complaint));
  }
  int body = lua_gettop(L);
  if (lua_getfield(L, body, "data") != LUA_TTABLE || lua_rawlen(L, -1) == 0)
    return push_broken(L, outcome, body, "the answer holds no picture");
  int data = lua_gettop(L);
  size_t bytes = 0;
  lua_createtable(L, 0, 8);
  int result = lua_gettop(L);
  copy_field(L, body, "id", LUA_TSTRING);
  copy_field(L, body, "created", LUA_TNUMBER);
  lua_newtable(L);
  for (lua_Integer i = 1; i <= (lua_Integer)lua_rawlen(L, data); i++) {
    if (lua_rawgeti(L, data, i) != LUA_TTABLE)
      return push_broken(L, outcome, body, "the answer's data holds something that is no picture");
    int entry = lua_gettop(L);
    size_t length = push_image(L, entry, outcome, (size_t)i - 1);
    bool excused = is_string(L, entry, "finish_reason", "content_filtered") || is_string(L, -1, "url", NULL);
    if (length == 0 && !excused)
      return push_broken(L, outcome, body, "the answer holds no picture");
    bytes += length;
    if (i == 1) {
      lua_pushvalue(L, -1);
      lua_setfield(L, result, "image");
    }
    lua_rawseti(L, result + 1, i);
    lua_settop(L, result + 1);
  }
  lua_setfield(L, result, "data");
  lua_pushvalue(L, warnings);
  lua_setfield(L, result, "warnings");
  lua_pushinteger(L, outcome->attempts);
  lua_setfield(L, result, "attempts");
  push_timing(L, &outcome->timing);
  lua_setfield(L, result, "timing");
  charge(L, bytes);
  return 1;
}

/* -------------------------------------------------------------------------------------------------------- jobs -- */

/* The userdata of a job; its user value is the table of its warnings, or nil. */
struct job {
  stepimg_job *job; /* NULL: released */
};

/* __gc and __close. */
static int job_gc(lua_State *L)
{
  struct job *job = luaL_checkudata(L, 1, JOB);
  stepimg_job_free(job->job);
  job->job = NULL;
  return 0;
}

/* Turns the copy of the parameters on the top into the body of a request, as JSON. */
static bool encode_body(lua_State *L, const struct stepimg_checked *checked)
{
  if (checked->size[0] != '\0') {
    static const char *const pair[] = {"width", "height"};
    for (int i = 0; i < 2; i++) {
      lua_pushnil(L);
      lua_setfield(L, -2, pair[i]);
    }
    set_string(L, "size", checked->size);
  }
  set_string(L, "model", checked->model);
  set_string(L, "response_format", checked->response_format);
  lua_getfield(L, MODULE, ENCODE);
  lua_pushvalue(L, -2);
  return lua_pcall(L, 1, 1, 0) == LUA_OK;
}

/* Checks the parameters at index and the options behind them, and submits. Pushes the job, or nil, err. */
static bool push_job(lua_State *L, stepimg_client *client, int params)
{
  struct stepimg_call call = *stepimg_client_call_defaults(client);
  struct stepimg_checked checked;
  struct stepimg_error error;
  size_t length;
  luaL_checktype(L, params, LUA_TTABLE);
  if (read_call(L, params + 1, &call, &error) != STEPIMG_OK) {
    fail_option(L, &error);
    return false;
  }
  struct job *job = lua_newuserdatauv(L, sizeof *job, 1);
  job->job = NULL;
  luaL_setmetatable(L, JOB);
  int place = lua_gettop(L);
  lua_pushvalue(L, params);
  copy_table(L);
  int copy = lua_gettop(L);
  if (check_params(L, stepimg_client_is_strict(client), &checked, &error) != STEPIMG_OK) {
    push_failure(L, &error);
    return false;
  }
  if (checked.warning_count > 0) {
    push_warnings(L, &checked);
    lua_setiuservalue(L, place, 1);
  }
  lua_pushvalue(L, copy);
  if (!encode_body(L, &checked)) {
    const char *complaint = luaL_tolstring(L, -1, NULL);
    push_failure_as(L, &error, STEPIMG_INVALID,
                    lua_pushfstring(L, "the parameters cannot be written as JSON: %s", complaint));
    return false;
  }
  const char *body = lua_tolstring(L, -1, &length);
  if (stepimg_submit(client, body, length, &call, &job->job, &error) != STEPIMG_OK) {
    push_failure(L, &error);
    return false;
  }
  lua_settop(L, place);
  return true;
}

static int nothing(lua_State *L)
{
  (void)L;
  return 0;
}

/* Blocks until the job is finished. The lua program's Ctrl-C handler can only set a hook: calling a function runs the
   hook of this thread, which raises; of the main thread, when this is a coroutine, it shows that it was set. */
static void wait_for(lua_State *L, stepimg_job *job)
{
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
  lua_State *main_thread = lua_tothread(L, -1);
  lua_pop(L, 1);
  lua_Hook hook = lua_gethook(main_thread);
  while (!stepimg_job_wait(job, SLICE)) {
    lua_pushcfunction(L, nothing);
    lua_call(L, 0, 0);
    if (lua_gethook(main_thread) != hook)
      luaL_error(L, "interrupted!");
  }
}

/* result | nil, err */
static int run(lua_State *L, stepimg_client *client, int params)
{
  if (!push_job(L, client, params))
    return 2;
  int place = lua_gettop(L);
  struct job *job = lua_touserdata(L, place);
  lua_toclose(L, place); /* an interrupted call cancels its job at once */
  wait_for(L, job->job);
  lua_getiuservalue(L, place, 1);
  return push_outcome(L, stepimg_job_outcome(job->job), place + 1);
}

/* ------------------------------------------------------------------------------------------------------ clients -- */

struct client {
  stepimg_client *client; /* NULL: collected */
};

/* Pushes a client with the options at index, or nil, err. */
static bool push_client(lua_State *L, int index)
{
  struct stepimg_options *options;
  struct stepimg_error error;
  struct client *client = lua_newuserdatauv(L, sizeof *client, 0);
  client->client = NULL;
  luaL_setmetatable(L, CLIENT);
  int place = lua_gettop(L);
  if (read_options(L, index, &options, &error) != STEPIMG_OK) {
    fail_option(L, &error);
    return false;
  }
  if (stepimg_client_new(options, &client->client, &error) != STEPIMG_OK) {
    push_failure(L, &error);
    return false;
  }
  lua_settop(L, place);
  return true;
}

static stepimg_client *check_client(lua_State *L)
{
  struct client *client = luaL_checkudata(L, 1, CLIENT);
  luaL_argcheck(L, client->client != NULL, 1, "the client was collected");
  return client->client;
}

static int client_new(lua_State *L)
{
  lua_settop(L, 1);
  return push_client(L, 1) ? 1 : 2;
}

static int client_generate(lua_State *L)
{
  stepimg_client *client = check_client(L);
  lua_settop(L, 3);
  return run(L, client, 2);
}

/* close and __close: what is left is cancelled, and the client only says so from then on. */
static int client_close(lua_State *L)
{
  struct client *client = luaL_checkudata(L, 1, CLIENT);
  if (client->client != NULL)
    stepimg_client_close(client->client);
  return 0;
}

static int client_gc(lua_State *L)
{
  struct client *client = luaL_checkudata(L, 1, CLIENT);
  stepimg_client_free(client->client);
  client->client = NULL;
  return 0;
}

/* generate with a client made from the environment when it is first needed. */
static int generate(lua_State *L)
{
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 2);
  if (lua_getfield(L, MODULE, DEFAULT) != LUA_TUSERDATA) {
    lua_pop(L, 1);
    lua_pushnil(L);
    if (!push_client(L, 3))
      return 2;
    lua_pushvalue(L, -1);
    lua_setfield(L, MODULE, DEFAULT);
  }
  struct client *client = lua_touserdata(L, -1);
  return run(L, client->client, 1);
}

/* ------------------------------------------------------------------------------------------------------- module -- */

static const luaL_Reg error_functions[] = {{"__tostring", error_tostring}, {NULL, NULL}};
static const luaL_Reg options_functions[] = {{"__gc", options_gc}, {NULL, NULL}};
static const luaL_Reg payload_functions[] = {{"__gc", payload_gc}, {NULL, NULL}};
static const luaL_Reg job_functions[] = {{"__gc", job_gc}, {"__close", job_gc}, {NULL, NULL}};
static const luaL_Reg image_functions[] = {{"__index", image_index}, {"__pairs", image_pairs}, {NULL, NULL}};
static const luaL_Reg image_methods[] = {{"save", image_save}, {NULL, NULL}};
static const luaL_Reg client_functions[] = {{"__gc", client_gc}, {"__close", client_close}, {NULL, NULL}};
static const luaL_Reg client_methods[] = {{"generate", client_generate}, {"close", client_close}, {NULL, NULL}};
static const luaL_Reg module_functions[] = {
    {"generate", generate}, {"new", client_new}, {"validate", validate}, {NULL, NULL}};

/* Makes a metatable whose functions have the module's table, at index module, as their upvalue. methods, if any, go to
   the field of that name. */
static void make_class(lua_State *L, int module, const char *name, const luaL_Reg *functions, const luaL_Reg *methods,
                       const char *field)
{
  luaL_newmetatable(L, name);
  lua_pushvalue(L, module);
  luaL_setfuncs(L, functions, 1);
  if (methods != NULL) {
    lua_newtable(L);
    lua_pushvalue(L, module);
    luaL_setfuncs(L, methods, 1);
    lua_setfield(L, -2, field);
  }
  lua_pop(L, 1);
}

static void push_module_table(lua_State *L)
{
  static const char *const functions[] = {ENCODE, DECODE};
  lua_newtable(L);
  lua_newtable(L);
  lua_createtable(L, 0, 1);
  lua_pushliteral(L, "k");
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
  lua_setfield(L, -2, PAYLOADS);
  lua_getglobal(L, "require");
  lua_pushliteral(L, "cjson");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "new");
  lua_call(L, 0, 1);
  for (int i = 0; i < 2; i++) {
    lua_getfield(L, -1, functions[i]);
    lua_setfield(L, -4, functions[i]);
  }
  lua_pop(L, 2);
}

STEPIMG_API int luaopen_stepimg(lua_State *L);

int luaopen_stepimg(lua_State *L)
{
  luaL_checkversion(L);
  lua_settop(L, 0);
  push_module_table(L);
  make_class(L, 1, ERROR, error_functions, NULL, NULL);
  make_class(L, 1, OPTIONS, options_functions, NULL, NULL);
  make_class(L, 1, PAYLOAD, payload_functions, NULL, NULL);
  make_class(L, 1, JOB, job_functions, NULL, NULL);
  make_class(L, 1, IMAGE, image_functions, image_methods, METHODS);
  make_class(L, 1, CLIENT, client_functions, client_methods, "__index");
  lua_newtable(L);
  lua_pushvalue(L, 1);
  luaL_setfuncs(L, module_functions, 1);
  push_models(L);
  lua_setfield(L, -2, "models");
  lua_pushliteral(L, "stepimg " STEPIMG_VERSION);
  lua_setfield(L, -2, "_VERSION");
  return 1;
}
