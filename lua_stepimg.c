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
#define RECORD "stepimg.record"
#define OPTIONS "stepimg.options"
#define PAYLOAD "stepimg.payload"
#define ERROR "stepimg.error"
#define IMAGE "stepimg.image"
#define EACH "stepimg.each"
#define METHODS "methods" /* in the metatable of IMAGE, whose __index makes bytes */

/* How long a blocking call sleeps before it looks whether somebody wants it to end; Ctrl-C is to work within 0.1 s. */
static const double SLICE = 0.05;
static const double FOREVER = 1e9; /* seconds */

/* Seconds, after which a call that is not to block works no longer for the collector. */
static const double COLLECTING = 50e-6;

/* Every function has one upvalue: the module's own table, with these fields. */
#define MODULE lua_upvalueindex(1)
#define ENCODE "encode"     /* of a cjson.new() of our own: the host may have changed the shared one */
#define PAYLOADS "payloads" /* image -> payload, as long as the image lives */
#define HANDLES "handles"   /* a record's address -> the job made for it, as long as that lives */
#define DEFAULT "default"   /* the client of stepimg.generate */
#define HELD "held"         /* struct held */

/* Pictures outside Lua's heap, in bytes: now, and after the last full collection. */
struct held {
  size_t now, after_full;
};

struct client {
  stepimg_client *client; /* NULL: collected, or it could not be made */
  size_t owed;            /* bytes of pictures that the collector has not been told of */
  unsigned put_off;       /* how many calls have put off to look at old pictures; 0: it is not due */
};

/* The user value of a client: the table of jobs that somebody is to be told of (a callback, a coroutine) or that write a
   file; core's job -> record. They live until they are delivered, also when no handle is held. */
enum { KEPT = 1 };

/* ------------------------------------------------------------------------------------------------------ errors -- */

static void set_string(lua_State *L, const char *name, const char *text)
{
  if (text[0] != '\0') {
    lua_pushstring(L, text);
    lua_setfield(L, -2, name);
  }
}

static void set_integer(lua_State *L, const char *name, lua_Integer integer)
{
  lua_pushinteger(L, integer);
  lua_setfield(L, -2, name);
}

static void set_number(lua_State *L, const char *name, double number)
{
  lua_pushnumber(L, number);
  lua_setfield(L, -2, name);
}

static void set_true(lua_State *L, const char *name)
{
  lua_pushboolean(L, 1);
  lua_setfield(L, -2, name);
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
  set_string(L, "type", error->type);
  set_string(L, "code", error->code);
  size_t own = error->words_at > 0 ? error->words_at : strlen(error->message);
  lua_pushlstring(L, error->message, own);
  lua_pushstring(L, error->maybe_billed ? "; the picture may have been made and billed all the same" : "");
  lua_pushstring(L, error->message + own);
  lua_concat(L, 3);
  lua_setfield(L, -2, "message");
  if (error->status != 0)
    set_integer(L, "status", error->status);
  if (error->attempts > 0)
    set_integer(L, "attempts", error->attempts);
  if (error->retry_after >= 0)
    set_number(L, "retry_after", error->retry_after);
  if (error->maybe_billed)
    set_true(L, "maybe_billed");
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
  default:
    lua_pushnil(L);
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
    lua_pushstring(L, checked->warnings[i].message);
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
  lua_newtable(L);
  set_string(L, "type", stepimg_type_name(rule->type));
  if (rule->required)
    set_true(L, "required");
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
    set_integer(L, "max_length", (lua_Integer)rule->max);
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
      if (models[i].rules[j].own || strcmp(models[i].rules[j].name, "model") == 0 ||
          models[i].rules[j].type == STEPIMG_IMAGE)
        continue; /* the form that models has now has no place for them */
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

/* ------------------------------------------------------------------------------------------------------- images -- */

static struct held *held(lua_State *L)
{
  lua_getfield(L, MODULE, HELD);
  struct held *bytes = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return bytes;
}

/* What an image's payload is in Lua. */
struct payload {
  stepimg_payload *bytes; /* held; NULL: gone, or not there yet */
  size_t length;
};

static void free_payload(lua_State *L, struct payload *payload)
{
  if (payload->bytes != NULL)
    held(L)->now -= payload->length;
  stepimg_payload_release(payload->bytes);
  payload->bytes = NULL;
}

static const char *payload_bytes(const struct payload *payload)
{
  size_t length;
  return (const char *)stepimg_payload_bytes(payload->bytes, &length);
}

static int payload_gc(lua_State *L)
{
  free_payload(L, luaL_checkudata(L, 1, PAYLOAD));
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

/* Gives the image on the top of the stack an empty payload. */
static struct payload *attach_payload(lua_State *L)
{
  lua_getfield(L, MODULE, PAYLOADS);
  lua_pushvalue(L, -2);
  struct payload *payload = lua_newuserdatauv(L, sizeof *payload, 0);
  payload->bytes = NULL;
  luaL_setmetatable(L, PAYLOAD);
  lua_rawset(L, -3);
  lua_pop(L, 1);
  return payload;
}

/* The generational collector looks at what is old only when Lua's own heap has doubled, which pictures outside of it do
   not show; and what the host kept for a while is old. So it is told when they have. It takes as long as the heap is
   large, so a call that is not to block waits the longer for it: for 32 MB of pictures and 256 bytes for each byte of
   Lua's, at most for 512 MB. */
static void collect_old(lua_State *L, struct client *client, bool blocking)
{
  const size_t mb = (size_t)1024 * 1024, heap = (size_t)lua_gc(L, LUA_GCCOUNT) * 1024;
  struct held *bytes = held(L);
  size_t little = 64 * mb;
  if (!blocking)
    little = heap < 480 * mb / 256 ? 32 * mb + 256 * heap : 512 * mb;
  client->put_off = 0;
  if (!lua_gc(L, LUA_GCISRUNNING) || bytes->now < little + 2 * bytes->after_full)
    return;
  bytes->after_full = bytes->now; /* first: a finalizer may come here too */
  lua_gc(L, LUA_GCCOLLECT);
  bytes->after_full = bytes->now;
}

/* Tells the collector of pictures outside its heap, as if Lua had allocated them just now. With all of it at once the
   next step of a large heap takes many milliseconds, so a call that is not to block tells in steps of Lua's own size, up
   to that moment, and leaves old pictures to a later one that has nothing to tell, if that comes soon. Its steps are many
   small collections, in which all that is alive grows old: so it comes before the call's own results. */
static void pay(lua_State *L, struct client *client, double until)
{
  enum { KIB = 1024, STEP = 8, SOON = 4 };
  bool blocking = until >= FOREVER;
  if (client->owed < KIB) {
    if (client->put_off > 0)
      collect_old(L, client, blocking);
    return;
  }
  struct held *bytes = held(L);
  size_t enough = lua_gc(L, LUA_GCISRUNNING) ? (size_t)lua_gc(L, LUA_GCCOUNT) * KIB * 4 : 0;
  if (client->owed > enough) /* it brings the collector round its whole heap, and finalizers take two rounds */
    client->owed = enough;
  while (client->owed >= KIB && (blocking || stepimg_now() < until)) {
    size_t kib = client->owed / KIB, before = bytes->now;
    if (kib > STEP && !blocking)
      kib = STEP;
    client->owed -= kib * KIB; /* first: a finalizer may come here too */
    lua_gc(L, LUA_GCSTEP, (int)kib);
    size_t freed = bytes->now < before ? before - bytes->now : 0;
    client->owed -= freed < client->owed ? freed : client->owed; /* it has come round for them */
  }
  if (blocking || ++client->put_off > SOON)
    collect_old(L, client, blocking);
}

/* Makes image.bytes when it is first read: a frame that receives a picture pays for no copy that nobody asked for. */
static void read_bytes(lua_State *L, int image)
{
  struct payload *payload = push_payload(L, image);
  if (payload != NULL) {
    lua_pushliteral(L, "bytes");
    lua_pushlstring(L, payload_bytes(payload), payload->length);
    lua_rawset(L, image);
    free_payload(L, payload);
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
  enum { PATH = 2, BYTES = 3, FROM = 4 };
  size_t length = 0, path_length;
  struct stepimg_error error = {.kind = STEPIMG_IO, .retry_after = -1, .message = "the image has no bytes to save"};
  enum stepimg_kind kind = STEPIMG_IO;
  luaL_checktype(L, 1, LUA_TTABLE);
  const char *path = luaL_checklstring(L, PATH, &path_length);
  luaL_argcheck(L, strlen(path) == path_length, PATH, "a path with a NUL byte in it");
  lua_settop(L, PATH);
  lua_pushliteral(L, "bytes");
  lua_rawget(L, 1);
  lua_pushliteral(L, "path");
  lua_rawget(L, 1);
  const char *bytes = lua_tolstring(L, BYTES, &length);
  struct payload *payload = push_payload(L, 1);
  if (bytes == NULL && payload != NULL) {
    bytes = payload_bytes(payload);
    length = payload->length;
  }
  lua_pushliteral(L, "finish_reason");
  lua_rawget(L, 1);
  if (bytes == NULL && lua_type(L, -1) == LUA_TSTRING && strcmp(lua_tostring(L, -1), "content_filtered") == 0)
    return push_failure_as(L, &error, STEPIMG_MODERATION, "the filter stopped this picture, so there is none to save");
  if (bytes != NULL)
    kind = stepimg_write_file(path, bytes, length, &error);
  else if (lua_type(L, FROM) == LUA_TSTRING) /* it was saved */
    kind = stepimg_copy_file(lua_tostring(L, FROM), path, &error);
  if (kind != STEPIMG_OK)
    return push_failure(L, &error);
  lua_pushvalue(L, PATH);
  return 1;
}

/* ------------------------------------------------------------------------------------------------------ results -- */

/* Calls one of cjson's functions with the one argument on the top, and says whether it was content. That there is no
   memory says nothing about the argument, and is raised: who asks again may have more luck. */
static bool call_json(lua_State *L)
{
  int status = lua_pcall(L, 1, 1, 0);
  if (status == LUA_ERRMEM)
    lua_error(L);
  return status == LUA_OK;
}

/* nil, err of a job that failed. */
static int push_failed(lua_State *L, const struct stepimg_outcome *outcome)
{
  struct stepimg_error error = outcome->error;
  if (error.kind == STEPIMG_NOMEM) /* on the I/O thread, long ago: nothing to raise for here */
    error.kind = STEPIMG_PROTOCOL;
  push_failure(L, &error);
  set_string(L, "url", outcome->url != NULL ? outcome->url : "");
  set_string(L, "path", outcome->path != NULL ? outcome->path : "");
  return 2;
}

static void set_text(lua_State *L, const char *name, const char *text)
{
  if (text != NULL) {
    lua_pushstring(L, text);
    lua_setfield(L, -2, name);
  }
}

/* Pushes the image of an entry. *payload is where its bytes go; NULL: there are none. */
static void push_image(lua_State *L, const struct stepimg_image *image, struct payload **payload)
{
  lua_createtable(L, 0, 8);
  if (image->has_seed)
    set_integer(L, "seed", image->seed);
  set_text(L, "finish_reason", image->finish_reason);
  set_text(L, "url", image->url);
  set_text(L, "path", image->path);
  set_text(L, "format", stepimg_format_name(image->format));
  if (image->width > 0 && image->height > 0) {
    set_integer(L, "width", image->width);
    set_integer(L, "height", image->height);
  }
  luaL_setmetatable(L, IMAGE);
  *payload = image->payload != NULL ? attach_payload(L) : NULL;
}

/* Whether the table at index has that text in a field. */
static bool is_string(lua_State *L, int index, const char *name, const char *text)
{
  bool is = lua_getfield(L, index, name) == LUA_TSTRING && strcmp(lua_tostring(L, -1), text) == 0;
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
    set_number(L, parts[i].name, parts[i].seconds);
  }
}

/* --------------------------------------------------------------------------------------------------------- jobs -- */

/* A job that is to be told of is in flight for so long that the generational collector takes it for old. Only a full
   collection frees what is old, and what hangs on it: the picture as well. So there are two of it. The record is what the
   core's job, the client and those who wait need; results are kept by the handle alone, which is what the host has. A
   handle that nobody holds goes early, and whoever is called in the end gets a new one. */

/* A record. */
struct job {
  stepimg_job *job;    /* NULL: released */
  lua_Integer place;   /* in the list of each */
  unsigned generation; /* of its handles */
  bool busy;           /* a function further down the stack uses the core's job */
};

/* The user values of a record. */
enum {
  WARNINGS = 1, /* table or nil */
  OWNER,        /* the client: as long as its job is held, it is not collected */
  ON_DONE,      /* function, or nil once it was called */
  WAITERS,      /* list of the coroutines in await, or nil */
  SAVE,         /* path or nil */
  TOLD,         /* the handle while the job is being delivered, else nil: what was raised meanwhile loses no result */
  RECORD_VALUES = TOLD
};

/* Where the generations differ, a finalizer has kept a handle that was collected, and the result went to a newer one. */
struct handle {
  struct job *job; /* the record's, which its user value keeps alive */
  unsigned generation;
};

/* The user values of a handle. */
enum {
  OF = 1,  /* the record */
  RESULT,  /* once the host has looked: the result … */
  FAILURE, /* … or the error */
  HANDLE_VALUES = FAILURE
};

/* Pictures whose images are being made: nobody holds them before all that may raise is over. */
struct moves {
  const struct stepimg_image *images[STEPIMG_MAX_IMAGES];
  struct payload *payloads[STEPIMG_MAX_IMAGES];
  size_t count;
};

static struct job *check_job(lua_State *L)
{
  const struct handle *handle = luaL_checkudata(L, 1, JOB);
  luaL_argcheck(L, handle->job->job != NULL && handle->generation == handle->job->generation, 1,
                "the job was released");
  return handle->job;
}

/* The job of the handle at index. */
static struct job *job_at(lua_State *L, int index)
{
  return ((struct handle *)lua_touserdata(L, index))->job;
}

/* Pushes a user value of the record of the handle at index, and returns its type. */
static int push_of(lua_State *L, int index, int value)
{
  lua_getiuservalue(L, index, OF);
  int type = lua_getiuservalue(L, -1, value);
  lua_remove(L, -2);
  return type;
}

/* Pushes a new handle of the record at index. */
static void push_handle(lua_State *L, int index)
{
  struct job *job = lua_touserdata(L, index);
  struct handle *handle = lua_newuserdatauv(L, sizeof *handle, HANDLE_VALUES);
  handle->job = job;
  handle->generation = job->generation;
  lua_pushvalue(L, index);
  lua_setiuservalue(L, -2, OF);
  luaL_setmetatable(L, JOB); /* now: its functions want a record */
  lua_getfield(L, MODULE, HANDLES);
  lua_pushvalue(L, -2);
  lua_rawsetp(L, -2, job);
  lua_pop(L, 1);
}

/* Pushes the handle of the record at index that the host may have, else a new one, and keeps it until forget. */
static void push_told(lua_State *L, int index)
{
  struct job *job = lua_touserdata(L, index);
  int place = lua_gettop(L) + 1;
  if (lua_getiuservalue(L, index, TOLD) != LUA_TNIL)
    return;
  lua_getfield(L, MODULE, HANDLES);
  if (lua_rawgetp(L, -1, job) == LUA_TNIL) {
    job->generation++;
    push_handle(L, index);
  }
  lua_replace(L, place);
  lua_settop(L, place);
  lua_pushvalue(L, place);
  lua_setiuservalue(L, index, TOLD);
}

/* Pushes result or nil, err of the outcome of the job at index. */
static int judge(lua_State *L, int index, const struct stepimg_outcome *outcome, struct moves *moves)
{
  if (outcome->error.kind != STEPIMG_OK)
    return push_failed(L, outcome);
  lua_createtable(L, 0, 8);
  int result = lua_gettop(L);
  set_text(L, "id", outcome->id);
  if (outcome->has_created)
    set_integer(L, "created", outcome->created);
  lua_createtable(L, (int)outcome->image_count, 0);
  for (size_t i = 0; i < outcome->image_count && i < STEPIMG_MAX_IMAGES; i++) {
    struct payload *payload;
    push_image(L, &outcome->images[i], &payload);
    if (payload != NULL) {
      moves->images[moves->count] = &outcome->images[i];
      moves->payloads[moves->count++] = payload;
    }
    if (i == 0) {
      lua_pushvalue(L, -1);
      lua_setfield(L, result, "image");
    }
    lua_rawseti(L, result + 1, (lua_Integer)i + 1);
  }
  lua_setfield(L, result, "data");
  push_of(L, index, WARNINGS);
  lua_setfield(L, result, "warnings");
  set_integer(L, "attempts", outcome->error.attempts);
  push_timing(L, &outcome->timing);
  lua_setfield(L, result, "timing");
  return 1;
}

/* Pushes what push_result pushed before, and returns its number; 0: it has not yet. */
static int push_judged(lua_State *L, int index)
{
  if (lua_getiuservalue(L, index, RESULT) != LUA_TNIL)
    return 1;
  if (lua_getiuservalue(L, index, FAILURE) != LUA_TNIL)
    return 2;
  lua_pop(L, 2);
  return 0;
}

/* Pushes result | nil, err of the job at index, always the same, and returns their number; 0: it is still going. */
static int push_result(lua_State *L, int index)
{
  int base = lua_gettop(L);
  struct job *job = job_at(L, index);
  struct moves moves = {.count = 0};
  size_t bytes = 0;
  int judged = push_judged(L, index);
  if (judged > 0)
    return judged;
  const struct stepimg_outcome *outcome = stepimg_job_outcome(job->job);
  if (outcome == NULL)
    return 0;
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  bool busy = job->busy;
  job->busy = true;
  int count = judge(L, index, outcome, &moves);
  job->busy = busy;
  judged = push_judged(L, index);
  if (judged > 0) { /* a finalizer asked for it meanwhile, and has the pictures */
    lua_rotate(L, base + 1, judged);
    lua_settop(L, base + judged);
    return judged;
  }
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, index, count == 1 ? RESULT : FAILURE);
  for (size_t i = 0; i < moves.count; i++) {
    struct payload *payload = moves.payloads[i];
    payload->bytes = stepimg_payload_hold(moves.images[i]->payload);
    stepimg_payload_bytes(payload->bytes, &payload->length);
    bytes += payload->length;
  }
  stepimg_job_drop_pictures(job->job);
  held(L)->now += bytes;
  for (int i = 1; i <= count; i++)
    lua_copy(L, i - count - 1, base + i);
  lua_settop(L, base + count);
  push_of(L, index, OWNER);
  ((struct client *)lua_touserdata(L, -1))->owed += bytes;
  lua_pop(L, 1);
  return count;
}

static void pay_for_job(lua_State *L, int index, double until)
{
  push_of(L, index, OWNER);
  pay(L, lua_touserdata(L, -1), until);
  lua_pop(L, 1);
}

/* Takes the record at index from those that its client keeps. Allocates nothing. */
static void forget(lua_State *L, int index)
{
  struct job *job = lua_touserdata(L, index);
  int top = lua_gettop(L);
  lua_pushnil(L);
  lua_setiuservalue(L, index, TOLD);
  if (lua_getiuservalue(L, index, OWNER) == LUA_TUSERDATA && lua_getiuservalue(L, -1, KEPT) == LUA_TTABLE &&
      lua_rawgetp(L, -1, job->job) != LUA_TNIL) {
    lua_pushnil(L);
    lua_rawsetp(L, top + 2, job->job);
  }
  lua_settop(L, top);
}

/* The job of the handle at index is delivered: update has nothing more to do with it. True: it had before. */
static bool settle(lua_State *L, int index)
{
  struct job *job = job_at(L, index);
  if (job->job == NULL) /* whoever was told of it has released it */
    return true;
  lua_getiuservalue(L, index, OF);
  forget(L, lua_gettop(L));
  lua_pop(L, 1);
  return stepimg_job_fetch(job->job);
}

/* The caller has the result: the job is delivered, unless a callback or a coroutine still waits for it. */
static void observed(lua_State *L, int index)
{
  bool awaited = push_of(L, index, ON_DONE) != LUA_TNIL;
  if (push_of(L, index, WAITERS) == LUA_TTABLE)
    awaited = awaited || lua_rawlen(L, -1) > 0;
  lua_pop(L, 2);
  if (!awaited)
    settle(L, index);
}

static int nothing(lua_State *L)
{
  (void)L;
  return 0;
}

/* Blocks until the job is finished, or, with no job, until the queue has one; at most so many seconds. The lua program's
   Ctrl-C handler can only set a hook on the main thread: calling a function runs it, and it raises; in a coroutine, whose
   hook is another, it shows that it was set. */
static bool block(lua_State *L, stepimg_job *job, stepimg_client *client, stepimg_queue *queue, double seconds)
{
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
  lua_State *main_thread = lua_tothread(L, -1);
  lua_pop(L, 1);
  lua_Hook hook = lua_gethook(main_thread);
  for (;;) {
    double slice = seconds < SLICE ? seconds : SLICE;
    if (job != NULL ? stepimg_job_wait(job, slice) : stepimg_queue_wait(client, queue, slice))
      return true;
    lua_pushcfunction(L, nothing);
    lua_call(L, 0, 0);
    if (main_thread != L && lua_gethook(main_thread) != hook)
      luaL_error(L, "interrupted!");
    if (seconds <= SLICE)
      return false;
    seconds -= slice;
  }
}

/* The record at index is not needed any more. */
static void release(lua_State *L, int index)
{
  struct job *job = lua_touserdata(L, index);
  if (job->job != NULL) {
    forget(L, index);
    stepimg_job_free(job->job);
    job->job = NULL;
  }
}

static int record_gc(lua_State *L)
{
  luaL_checkudata(L, 1, RECORD);
  release(L, 1);
  return 0;
}

/* A finalizer or a hook may close a job in the middle of a function that uses it: the memory is then __gc's to release,
   as it is after an error in such a function. */
static int job_close(lua_State *L)
{
  const struct handle *handle = luaL_checkudata(L, 1, JOB);
  struct job *job = handle->job;
  if (handle->generation != job->generation)
    return 0;
  if (job->job != NULL && job->busy) {
    stepimg_job_cancel(job->job);
    settle(L, 1);
  } else {
    lua_getiuservalue(L, 1, OF);
    release(L, lua_gettop(L));
  }
  return 0;
}

/* Pushes result | nil, err | nil of the job at index 1, for the caller to return. */
static int push_observed(lua_State *L)
{
  int count = push_result(L, 1);
  if (count > 0)
    observed(L, 1);
  else
    lua_pushnil(L);
  return count > 0 ? count : 1;
}

static int job_result(lua_State *L)
{
  check_job(L);
  pay_for_job(L, 1, stepimg_now() + COLLECTING);
  check_job(L); /* a finalizer may have released it */
  return push_observed(L);
}

static int job_wait(lua_State *L)
{
  struct job *job = check_job(L);
  double seconds = luaL_optnumber(L, 2, FOREVER);
  bool blocking = seconds > 0, busy = job->busy;
  lua_settop(L, 1);
  job->busy = true;
  if (!blocking)
    pay_for_job(L, 1, stepimg_now() + COLLECTING);
  block(L, job->job, NULL, NULL, blocking ? seconds : 0);
  job->busy = busy;
  int count = push_observed(L);
  if (blocking)
    pay_for_job(L, 1, FOREVER);
  return count;
}

static int job_cancel(lua_State *L)
{
  lua_pushboolean(L, stepimg_job_cancel(check_job(L)->job));
  return 1;
}

static int job_status(lua_State *L)
{
  static const char *const names[] = {"queued", "running", "retrying"};
  struct stepimg_progress progress;
  stepimg_job_progress(check_job(L)->job, &progress);
  lua_settop(L, 1);
  if (progress.state != STEPIMG_STATE_FINISHED)
    lua_pushstring(L, names[progress.state]);
  else if (push_result(L, 1) == 1) /* whether it is done, only the whole answer tells */
    lua_pushliteral(L, "done");
  else
    lua_pushstring(L, is_string(L, -1, "kind", "cancelled") ? "cancelled" : "failed");
  return 1;
}

static int job_progress(lua_State *L)
{
  static const char *const phases[] = {"queued", "connecting", "sending", "waiting", "receiving", "done"};
  struct stepimg_progress progress;
  stepimg_job_progress(check_job(L)->job, &progress);
  lua_createtable(L, 0, 5);
  set_string(L, "phase", phases[progress.phase]);
  set_integer(L, "received", progress.received);
  if (progress.total > 0)
    set_integer(L, "total", progress.total);
  set_number(L, "elapsed", progress.elapsed);
  set_integer(L, "attempt", progress.attempt);
  return 1;
}

/* ------------------------------------------------------------------------------------------------------- await -- */

/* The place of the running coroutine among the waiters, which are pushed; 0: it is not there. */
static lua_Integer find_waiter(lua_State *L, int index)
{
  if (push_of(L, index, WAITERS) != LUA_TTABLE)
    return 0;
  for (lua_Integer i = (lua_Integer)lua_rawlen(L, -1); i > 0; i--) {
    lua_rawgeti(L, -1, i);
    bool same = lua_tothread(L, -1) == L;
    lua_pop(L, 1);
    if (same)
      return i;
  }
  return 0;
}

/* Takes the waiter at a place out of the list on the top. */
static void remove_waiter(lua_State *L, lua_Integer place)
{
  lua_Integer count = (lua_Integer)lua_rawlen(L, -1);
  for (; place <= count; place++) {
    lua_rawgeti(L, -1, place + 1);
    lua_rawseti(L, -2, place);
  }
}

/* Makes the client keep the record of the handle at index until it is delivered. */
static void keep(lua_State *L, int index)
{
  push_of(L, index, OWNER);
  lua_getiuservalue(L, -1, KEPT);
  lua_getiuservalue(L, index, OF);
  lua_rawsetp(L, -2, job_at(L, index)->job);
  lua_pop(L, 2);
}

/* Also the continuation: whoever resumes the coroutine too early finds it waiting again. One that waited leaves the job
   to update, which delivers and counts it. */
static int await(lua_State *L, int status, lua_KContext context)
{
  (void)context;
  lua_settop(L, 1);
  lua_Integer place = find_waiter(L, 1);
  if (stepimg_job_outcome(check_job(L)->job) != NULL) {
    if (place > 0)
      remove_waiter(L, place);
    lua_settop(L, 1);
    return status == LUA_YIELD ? push_result(L, 1) : job_result(L);
  }
  if (place == 0) {
    keep(L, 1); /* first: who waits and is not kept would wait forever */
    if (!lua_istable(L, -1)) {
      lua_newtable(L);
      lua_getiuservalue(L, 1, OF);
      lua_pushvalue(L, -2);
      lua_setiuservalue(L, -2, WAITERS);
      lua_pop(L, 1);
    }
    lua_pushthread(L);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
  }
  lua_settop(L, 1);
  return lua_yieldk(L, 0, 0, await);
}

static int job_await(lua_State *L)
{
  check_job(L);
  if (!lua_isyieldable(L))
    return luaL_error(L, "await is for coroutines that update() resumes; wait() blocks");
  return await(L, LUA_OK, 0);
}

/* Resumes the coroutine on the top, which is in await, and pops it. What it raises leaves here. */
static void resume(lua_State *L)
{
  lua_State *coroutine = lua_tothread(L, -1);
  int count = 0;
  if (coroutine != NULL && lua_status(coroutine) == LUA_YIELD) {
    int status = lua_resume(coroutine, L, 0, &count);
    if (status != LUA_OK && status != LUA_YIELD) {
      lua_xmove(coroutine, L, 1);
      lua_resetthread(coroutine);
      lua_error(L);
    }
    lua_pop(coroutine, count);
  }
  lua_pop(L, 1);
}

/* ------------------------------------------------------------------------------------------------------- submit -- */

/* Turns the copy of the parameters on the top into the body of a request, as JSON. */
static bool encode_body(lua_State *L, const struct stepimg_checked *checked)
{
  if (checked->size[0] != '\0') {
    static const char *const instead[] = {"width", "height", "aspect"};
    for (int i = 0; i < 3; i++) {
      lua_pushnil(L);
      lua_setfield(L, -2, instead[i]);
    }
    set_string(L, "size", checked->size);
  }
  set_string(L, "model", checked->model);
  if (checked->response_format != NULL)
    set_string(L, "response_format", checked->response_format);
  lua_getfield(L, MODULE, ENCODE);
  lua_pushvalue(L, -2);
  return call_json(L);
}

/* Reads the options of a call at index; save and on_done go to the user values of the record at its index. */
static enum stepimg_kind read_call(lua_State *L, int index, int record, bool deferred, struct stepimg_call *call,
                                   struct stepimg_error *error)
{
  if (lua_isnoneornil(L, index))
    return STEPIMG_OK;
  luaL_checktype(L, index, LUA_TTABLE);
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    const char *name = to_name(L, -2);
    struct stepimg_value value = to_value(L, -1);
    if (strcmp(name, "on_done") == 0) {
      if (!deferred || !lua_isfunction(L, -1))
        luaL_error(L, "on_done: %s",
                   deferred ? "a function is wanted" : "it is for submit; here the result is returned");
      lua_pushvalue(L, -1);
      lua_setiuservalue(L, record, ON_DONE);
    } else if (strcmp(name, "save") == 0) {
      if (value.type != STEPIMG_STRING || strlen(value.as.string.data) != value.as.string.length)
        luaL_error(L, "save: a path is wanted");
      lua_pushvalue(L, -1);
      lua_setiuservalue(L, record, SAVE);
    } else if (stepimg_call_set(call, name, &value, error) != STEPIMG_OK)
      return error->kind;
  }
  return STEPIMG_OK;
}

static int enter_kept(lua_State *L)
{
  keep(L, 1);
  return 0;
}

static int enter_each(lua_State *L)
{
  lua_pushvalue(L, 1);
  lua_rawsetp(L, 2, job_at(L, 1)->job);
  return 0;
}

/* Calls enter with the handle at index and the value at another, to note the job where it is found again. It is going
   already: where there is no memory for the entry, it is cancelled at once, and that is raised. */
static void enter_job(lua_State *L, lua_CFunction enter, int index, int where)
{
  lua_pushcfunction(L, enter);
  lua_pushvalue(L, index);
  lua_pushvalue(L, where);
  if (lua_pcall(L, 2, 0, 0) != LUA_OK) {
    struct job *job = job_at(L, index);
    stepimg_job_free(job->job);
    job->job = NULL;
    lua_error(L);
  }
}

/* Checks the parameters and options at their indices and submits. Pushes the job, or nil, err. owner is the index of the
   client; a deferred job goes to its queue, for update. */
static bool push_job(lua_State *L, int owner, int params, int options, stepimg_queue *queue, bool deferred)
{
  stepimg_client *client = ((struct client *)lua_touserdata(L, owner))->client;
  struct stepimg_request request = {.call = *stepimg_client_call_defaults(client), .queue = queue};
  struct stepimg_checked checked;
  struct stepimg_error error;
  luaL_checktype(L, params, LUA_TTABLE);
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  struct job *job = lua_newuserdatauv(L, sizeof *job, RECORD_VALUES);
  memset(job, 0, sizeof *job);
  luaL_setmetatable(L, RECORD);
  int place = lua_gettop(L);
  lua_pushvalue(L, owner);
  lua_setiuservalue(L, place, OWNER);
  if (read_call(L, options, place, deferred, &request.call, &error) != STEPIMG_OK)
    return fail_option(L, &error) == 0;
  lua_pushvalue(L, params);
  copy_table(L);
  int copy = lua_gettop(L);
  if (check_params(L, stepimg_client_is_strict(client), &checked, &error) != STEPIMG_OK)
    return push_failure(L, &error) == 0;
  if (checked.warning_count > 0) {
    push_warnings(L, &checked);
    lua_setiuservalue(L, place, WARNINGS);
  }
  lua_pushvalue(L, copy);
  if (!encode_body(L, &checked)) {
    const char *complaint = luaL_tolstring(L, -1, NULL);
    return push_failure_as(L, &error, STEPIMG_INVALID,
                           lua_pushfstring(L, "the parameters cannot be written as JSON: %s", complaint)) == 0;
  }
  request.body = lua_tolstring(L, -1, &request.length);
  bool saves = lua_getiuservalue(L, place, SAVE) == LUA_TSTRING;
  request.save = lua_tostring(L, -1);
  bool called = lua_getiuservalue(L, place, ON_DONE) != LUA_TNIL;
  push_handle(L, place);
  if (stepimg_submit(client, &request, &job->job, &error) != STEPIMG_OK)
    return push_failure(L, &error) == 0;
  lua_replace(L, place);
  lua_settop(L, place);
  if (deferred && (saves || called))
    enter_job(L, enter_kept, place, owner);
  return true;
}

/* Blocks: result | nil, err */
static int run(lua_State *L, int owner, int params, int options)
{
  if (!push_job(L, owner, params, options, NULL, false))
    return 2;
  int place = lua_gettop(L);
  struct job *job = job_at(L, place);
  lua_toclose(L, place); /* an interrupted call cancels its job at once */
  block(L, job->job, NULL, NULL, FOREVER);
  int count = push_result(L, place);
  pay_for_job(L, place, FOREVER);
  return count;
}

/* ------------------------------------------------------------------------------------------------------ clients -- */

/* Pushes a client with the options at index, or nil, err. */
static bool push_client(lua_State *L, int index)
{
  struct stepimg_options *options;
  struct stepimg_error error;
  struct client *client = lua_newuserdatauv(L, sizeof *client, KEPT);
  client->client = NULL;
  client->owed = 0;
  client->put_off = 0;
  luaL_setmetatable(L, CLIENT);
  int place = lua_gettop(L);
  lua_newtable(L);
  lua_setiuservalue(L, place, KEPT);
  if (read_options(L, index, &options, &error) != STEPIMG_OK)
    return fail_option(L, &error) == 0;
  if (stepimg_client_new(options, &client->client, &error) != STEPIMG_OK)
    return push_failure(L, &error) == 0;
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
  check_client(L);
  lua_settop(L, 3);
  return run(L, 1, 2, 3);
}

static int client_submit(lua_State *L)
{
  stepimg_client *client = check_client(L);
  lua_settop(L, 3);
  return push_job(L, 1, 2, 3, stepimg_client_queue(client), true) ? 1 : 2;
}

/* Allocates what Lua needs to call a function, so that the next call gets as far as the function's first instruction. */
static void make_room_for_call(lua_State *L)
{
  enum { LARGEST_FRAME = 256 }; /* slots of a Lua function; one with varargs moves to a second one */
  luaL_checkstack(L, 2 * LARGEST_FRAME + LUA_MINSTACK, NULL);
  lua_pushcfunction(L, nothing);
  lua_call(L, 0, 0);
}

/* Delivers a job that the core has finished: resumes who awaits it, then runs its callback. Each is off its list before
   it runs, and the job leaves the queue with the last: what one of them raises leaves the others for the next update. */
static bool deliver(lua_State *L, stepimg_job *finished)
{
  lua_getiuservalue(L, 1, KEPT);
  if (lua_rawgetp(L, -1, finished) == LUA_TNIL) /* nobody is to be told; a handle may still ask */
    return stepimg_job_fetch(finished);
  int record = lua_gettop(L), job = record + 1;
  push_told(L, record);
  int count = push_result(L, job);
  while (lua_getiuservalue(L, record, WAITERS) == LUA_TTABLE && lua_rawlen(L, -1) > 0) {
    lua_rawgeti(L, -1, 1);
    lua_insert(L, -2);
    remove_waiter(L, 1);
    lua_pop(L, 1);
    resume(L);
  }
  lua_pop(L, 1);
  make_room_for_call(L);
  lua_getiuservalue(L, record, ON_DONE);
  lua_pushnil(L);
  lua_setiuservalue(L, record, ON_DONE);
  bool delivered = settle(L, job);
  if (lua_isfunction(L, -1)) {
    lua_pushvalue(L, job + 1);
    if (count == 2)
      lua_pushvalue(L, job + 2);
    else
      lua_pushnil(L);
    lua_pushvalue(L, job);
    lua_call(L, 3, 0);
  }
  return delivered;
}

/* Delivers what was finished when it was called: a callback that submits does not keep it going. */
static int client_update(lua_State *L)
{
  stepimg_client *client = check_client(L);
  stepimg_queue *queue = stepimg_client_queue(client);
  stepimg_job *finished;
  lua_Integer delivered = 0;
  lua_settop(L, 1);
  pay(L, lua_touserdata(L, 1), stepimg_now() + COLLECTING);
  for (size_t left = stepimg_queue_finished(client, queue); left > 0; left--) {
    lua_settop(L, 1);
    finished = stepimg_queue_first(client, queue);
    if (finished == NULL)
      break;
    delivered += deliver(L, finished);
  }
  lua_pushinteger(L, delivered);
  return 1;
}

static int client_pending(lua_State *L)
{
  stepimg_client *client = check_client(L);
  lua_pushinteger(L, (lua_Integer)stepimg_queue_pending(client, stepimg_client_queue(client)));
  return 1;
}

static int client_fd(lua_State *L)
{
  stepimg_client *client = check_client(L);
  int descriptor = stepimg_queue_fd(client, stepimg_client_queue(client));
  if (descriptor < 0)
    return luaL_error(L, "the process has no descriptor left");
  lua_pushinteger(L, descriptor);
  return 1;
}

static int client_events(lua_State *L)
{
  check_client(L);
  lua_pushliteral(L, "r");
  return 1;
}

static int client_timeout(lua_State *L)
{
  check_client(L);
  return 0;
}

/* close and __close: what is left is cancelled, and comes with the next update. */
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
    lua_settop(L, 2);
    lua_pushnil(L);
    if (!push_client(L, 3))
      return 2;
    lua_replace(L, 3);
    lua_pushvalue(L, 3);
    lua_setfield(L, MODULE, DEFAULT);
  }
  if (((struct client *)lua_touserdata(L, 3))->client == NULL) /* a finalizer asks, as the state closes */
    return luaL_error(L, "the client was collected");
  return run(L, 3, 1, 2);
}

/* --------------------------------------------------------------------------------------------------------- each -- */

struct each {
  stepimg_queue *queue; /* NULL: over */
  lua_Integer place;    /* of the last parameters taken */
  int in_flight;
  bool exhausted;
  bool busy; /* each_next is further down the stack, or was left by an error */
  bool closed;
};

/* The user values of an each. */
enum { EACH_CLIENT = 1, EACH_SOURCE, EACH_OPTIONS, EACH_JOBS /* core's job -> job */ };

static int each_gc(lua_State *L)
{
  struct each *each = luaL_checkudata(L, 1, EACH);
  stepimg_queue_free(each->queue);
  each->queue = NULL;
  return 0;
}

/* The loop is over, or was left: what is still going is cancelled. Its own source, a finalizer or a hook may close it in
   the middle of each_next: then, and after an error there, the memory is __gc's to release. */
static int each_close(lua_State *L)
{
  struct each *each = luaL_checkudata(L, 1, EACH);
  lua_settop(L, 1);
  each->closed = true;
  if (lua_getiuservalue(L, 1, EACH_JOBS) == LUA_TTABLE)
    for (lua_pushnil(L); lua_next(L, 2); lua_pop(L, 1)) {
      luaL_checkudata(L, -1, JOB);
      struct job *job = job_at(L, -1);
      if (each->busy)
        stepimg_job_cancel(job->job);
      else {
        stepimg_job_free(job->job);
        job->job = NULL;
      }
    }
  return each->busy ? 0 : each_gc(L);
}

static void check_open(lua_State *L, const struct each *each)
{
  luaL_argcheck(L, each->queue != NULL && !each->closed, 1, "the loop is over");
}

/* Pushes the next parameters, or says that there are none. */
static bool next_params(lua_State *L, struct each *each)
{
  int type = lua_getiuservalue(L, 1, EACH_SOURCE);
  if (type == LUA_TTABLE) {
    lua_geti(L, -1, each->place + 1);
    lua_remove(L, -2);
  } else
    lua_call(L, 0, 1);
  if (lua_isnil(L, -1)) {
    each->exhausted = true;
    return false;
  }
  each->place++;
  return true;
}

/* Keeps as many jobs going as the client may. Pushes i, nil, err and says true if one of them cannot be submitted. */
static bool fill(lua_State *L, struct each *each, stepimg_client *client)
{
  while (!each->exhausted && each->in_flight < stepimg_client_max_concurrent(client)) {
    lua_settop(L, 4);
    if (!next_params(L, each))
      return false;
    check_open(L, each);
    if (!push_job(L, 2, 5, 3, each->queue, false)) {
      lua_pushinteger(L, each->place);
      lua_insert(L, -3);
      return true;
    }
    job_at(L, 6)->place = each->place;
    enter_job(L, enter_each, 6, 4);
    each->in_flight++;
  }
  return false;
}

/* Pushes i, result | i, nil, err, and returns their number; 0: that was all. */
static int push_next(lua_State *L, struct each *each)
{
  lua_settop(L, 1);
  for (int value = EACH_CLIENT; value <= EACH_JOBS; value++)
    if (value != EACH_SOURCE)
      lua_getiuservalue(L, 1, value);
  stepimg_client *client = ((struct client *)lua_touserdata(L, 2))->client;
  if (fill(L, each, client))
    return 3;
  check_open(L, each);
  lua_settop(L, 4);
  if (each->in_flight == 0)
    return 0;
  block(L, NULL, client, each->queue, FOREVER);
  check_open(L, each);
  stepimg_job *finished = stepimg_queue_first(client, each->queue);
  lua_rawgetp(L, 4, finished);
  luaL_checkudata(L, 5, JOB);
  lua_pushinteger(L, job_at(L, 5)->place);
  int count = push_result(L, 5);
  lua_pushnil(L);
  lua_setiuservalue(L, 5, RESULT); /* nobody else has the handle, and it is old by now */
  lua_pushnil(L);
  lua_rawsetp(L, 4, finished);
  stepimg_job_fetch(finished);
  each->in_flight--;
  pay(L, lua_touserdata(L, 2), FOREVER);
  return count + 1;
}

static int each_next(lua_State *L)
{
  struct each *each = luaL_checkudata(L, 1, EACH);
  check_open(L, each);
  bool busy = each->busy;
  each->busy = true;
  int count = push_next(L, each);
  each->busy = busy;
  return count;
}

static int client_each(lua_State *L)
{
  check_client(L);
  if (!lua_isfunction(L, 2))
    luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 3);
  if (!lua_isnil(L, 3))
    luaL_checktype(L, 3, LUA_TTABLE);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushcclosure(L, each_next, 1);
  struct each *each = lua_newuserdatauv(L, sizeof *each, EACH_JOBS);
  memset(each, 0, sizeof *each);
  luaL_setmetatable(L, EACH);
  for (int value = EACH_CLIENT; value <= EACH_OPTIONS; value++) {
    lua_pushvalue(L, value);
    lua_setiuservalue(L, 5, value);
  }
  lua_newtable(L);
  lua_setiuservalue(L, 5, EACH_JOBS);
  each->queue = stepimg_queue_new();
  if (each->queue == NULL)
    return luaL_error(L, "not enough memory");
  lua_pushnil(L);
  lua_pushvalue(L, 5);
  return 4;
}

/* ------------------------------------------------------------------------------------------------------- module -- */

static const luaL_Reg error_functions[] = {{"__tostring", error_tostring}, {NULL, NULL}};
static const luaL_Reg options_functions[] = {{"__gc", options_gc}, {NULL, NULL}};
static const luaL_Reg payload_functions[] = {{"__gc", payload_gc}, {NULL, NULL}};
static const luaL_Reg image_functions[] = {{"__index", image_index}, {"__pairs", image_pairs}, {NULL, NULL}};
static const luaL_Reg image_methods[] = {{"save", image_save}, {NULL, NULL}};
static const luaL_Reg record_functions[] = {{"__gc", record_gc}, {NULL, NULL}};
static const luaL_Reg job_functions[] = {{"__close", job_close}, {NULL, NULL}};
static const luaL_Reg job_methods[] = {{"status", job_status},
                                       {"progress", job_progress},
                                       {"result", job_result},
                                       {"wait", job_wait},
                                       {"await", job_await},
                                       {"cancel", job_cancel},
                                       {NULL, NULL}};
static const luaL_Reg each_functions[] = {{"__gc", each_gc}, {"__close", each_close}, {NULL, NULL}};
static const luaL_Reg client_functions[] = {{"__gc", client_gc}, {"__close", client_close}, {NULL, NULL}};
static const luaL_Reg client_methods[] = {
    {"generate", client_generate}, {"submit", client_submit}, {"each", client_each}, {"update", client_update},
    {"pending", client_pending},   {"fd", client_fd},         {"pollfd", client_fd}, {"events", client_events},
    {"timeout", client_timeout},   {"close", client_close},   {NULL, NULL}};
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

static void push_weak(lua_State *L, const char *mode)
{
  lua_newtable(L);
  lua_createtable(L, 0, 1);
  lua_pushstring(L, mode);
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
}

static void push_module_table(lua_State *L)
{
  /* Loaded anew, it keeps what the images and clients of before know. */
  if (luaL_getsubtable(L, LUA_REGISTRYINDEX, "stepimg.module") && lua_getfield(L, -1, ENCODE) != LUA_TNIL) {
    lua_settop(L, 1);
    return;
  }
  lua_settop(L, 1);
  push_weak(L, "k");
  lua_setfield(L, -2, PAYLOADS);
  push_weak(L, "v");
  lua_setfield(L, -2, HANDLES);
  memset(lua_newuserdatauv(L, sizeof(struct held), 0), 0, sizeof(struct held));
  lua_setfield(L, -2, HELD);
  lua_getglobal(L, "require");
  lua_pushliteral(L, "cjson");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "new");
  lua_call(L, 0, 1);
  lua_getfield(L, -1, ENCODE);
  lua_setfield(L, -4, ENCODE);
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
  make_class(L, 1, RECORD, record_functions, NULL, NULL);
  make_class(L, 1, JOB, job_functions, job_methods, "__index");
  make_class(L, 1, EACH, each_functions, NULL, NULL);
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
