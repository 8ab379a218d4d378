/* Clients and loops: queues of jobs. */
#include <string.h>

#include "lua/primitives.h"

/* The longest that a blocking primitive sleeps; Ctrl-C is to work within 0.1 s. */
static const double SLICE = 0.05;

struct loop {
  stepimg_queue *queue; /* NULL: over */
  struct client *owner; /* a user value keeps it */
};

static struct client *live(lua_State *L, struct client *client)
{
  if (client->client == NULL)
    luaL_error(L, "the client was collected");
  return client;
}

/* The argument is not what the API's function takes as its self: raises at the line that called that function. */
static void bad_self(lua_State *L, int index, const char *wanted)
{
  lua_Debug activation;
  const char *name = "?", *given = luaL_typename(L, index);
  if (lua_getstack(L, 1, &activation) && lua_getinfo(L, "n", &activation) && activation.name != NULL)
    name = activation.name;
  luaL_where(L, 2);
  lua_pushfstring(L, "%scalling '%s' on bad self (%s expected, got %s)", lua_tostring(L, -1), name, wanted, given);
  lua_error(L);
}

struct place queue_check(lua_State *L, int index)
{
  struct client *client = class_test(L, index, CLIENT);
  if (client != NULL) {
    live(L, client);
    return (struct place){client, client->client, stepimg_client_queue(client->client)};
  }
  struct loop *loop = class_test(L, index, LOOP);
  if (loop == NULL) {
    bad_self(L, index, CLIENT);
    abort(); /* it has raised */
  }
  if (loop->queue == NULL)
    luaL_error(L, "the loop is over");
  return (struct place){live(L, loop->owner), loop->owner->client, loop->queue};
}

struct client *queue_owner(lua_State *L, int index)
{
  struct client *client = class_test(L, index, CLIENT);
  struct loop *loop = client == NULL ? class_test(L, index, LOOP) : NULL;
  return loop != NULL ? loop->owner : client;
}

static struct client *check_client(lua_State *L)
{
  return live(L, class_check(L, 1, CLIENT));
}

/* ------------------------------------------------------------------------------------------------- the state's end -- */

/* A finalizer at the state's end may still come here, and Lua would run none for what it makes. This one is as old as the
   module: those that are older come after it. */
static const char ENDING[] = "stepimg.ending";

static bool *ending(lua_State *L)
{
  lua_getfield(L, LUA_REGISTRYINDEX, ENDING);
  bool *flag = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return flag;
}

static int ending_gc(lua_State *L)
{
  *(bool *)lua_touserdata(L, 1) = true;
  return 0;
}

static void set_ending(lua_State *L)
{
  bool *flag = lua_newuserdatauv(L, sizeof *flag, 0);
  *flag = false;
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, ending_gc);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  lua_setfield(L, LUA_REGISTRYINDEX, ENDING);
}

/* ---------------------------------------------------------------------------------------------------------- making -- */

static void set_table(lua_State *L, int value, const char *mode)
{
  lua_newtable(L);
  if (mode != NULL) {
    lua_createtable(L, 0, 1);
    lua_pushstring(L, mode);
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
  }
  lua_setiuservalue(L, -2, value);
}

static int options_gc(lua_State *L)
{
  stepimg_options_clear(class_check(L, 1, OPTIONS));
  return 0;
}

static enum stepimg_kind read_headers(lua_State *L, int index, struct stepimg_options *options,
                                      struct stepimg_error *error)
{
  index = lua_absindex(L, index);
  if (!lua_istable(L, index))
    luaL_error(L, "headers: table expected, got %s", luaL_typename(L, index));
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    struct stepimg_value value = values_get(L, -1);
    if (stepimg_options_add_header(options, values_name(L, -2), &value, error) != STEPIMG_OK)
      return error->kind;
  }
  return STEPIMG_OK;
}

/* Reads the plain table at index 1. */
static enum stepimg_kind read_options(lua_State *L, struct stepimg_options *options, struct stepimg_error *error)
{
  for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) {
    const char *name = values_name(L, -2);
    struct stepimg_value value = values_get(L, -1);
    enum stepimg_kind kind = strcmp(name, "headers") == 0 ? read_headers(L, -1, options, error)
                                                          : stepimg_options_set(options, name, &value, error);
    if (kind != STEPIMG_OK)
      return kind;
  }
  return stepimg_options_from_environment(options, error);
}

static int client_new(lua_State *L)
{
  struct stepimg_error error = {.kind = STEPIMG_CANCELLED, .retry_after = -1, .message = "the Lua state is at its end"};
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 2);
  if (*ending(L))
    return values_push_flaw(L, &error);
  struct client *client = lua_newuserdatauv(L, sizeof *client, CLIENT_VALUES);
  memset(client, 0, sizeof *client);
  class_set(L, CLIENT);
  set_table(L, KEPT, NULL);
  set_table(L, KNOWN, "v");
  lua_getfield(L, 1, "model");
  lua_setiuservalue(L, 3, STATE);
  lua_pushvalue(L, 2);
  lua_setiuservalue(L, 3, WAIT);
  struct stepimg_options *options = lua_newuserdatauv(L, sizeof *options, 0);
  stepimg_options_init(options);
  class_set(L, OPTIONS);
  if (read_options(L, options, &error) != STEPIMG_OK ||
      stepimg_client_new(options, &client->client, &error) != STEPIMG_OK)
    return values_push_flaw(L, &error);
  lua_settop(L, 3);
  return 1;
}

static int client_gc(lua_State *L)
{
  struct client *client = class_check(L, 1, CLIENT);
  stepimg_client_free(client->client);
  client->client = NULL;
  return 0;
}

static int loop_new(lua_State *L)
{
  struct client *owner = check_client(L);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  struct loop *loop = lua_newuserdatauv(L, sizeof *loop, LOOP_VALUES);
  loop->queue = NULL;
  loop->owner = owner;
  class_set(L, LOOP);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, OWNER);
  lua_pushvalue(L, 2);
  lua_setiuservalue(L, -2, STATE);
  set_table(L, KEPT, NULL);
  set_table(L, KNOWN, "v");
  loop->queue = stepimg_queue_new();
  return loop->queue != NULL ? 1 : luaL_error(L, "not enough memory");
}

static int loop_gc(lua_State *L)
{
  struct loop *loop = class_check(L, 1, LOOP);
  stepimg_queue_free(loop->queue);
  loop->queue = NULL;
  return 0;
}

static int state(lua_State *L)
{
  class_check(L, 1, LOOP);
  lua_getiuservalue(L, 1, STATE);
  return 1;
}

/* A client's jobs are left to update; a loop's are gone. */
static int close_queue(lua_State *L)
{
  struct client *client = class_test(L, 1, CLIENT);
  if (client != NULL) {
    if (client->client != NULL)
      stepimg_client_close(client->client);
    return 0;
  }
  class_check(L, 1, LOOP);
  lua_settop(L, 1);
  lua_getiuservalue(L, 1, KEPT);
  for (lua_pushnil(L); lua_next(L, 2); lua_pop(L, 1))
    record_release(L, -1);
  return loop_gc(L);
}

/* --------------------------------------------------------------------------------------------------------- looking -- */

static int head(lua_State *L)
{
  for (;;) {
    lua_settop(L, 1);
    struct place place = queue_check(L, 1);
    stepimg_job *job = stepimg_queue_first(place.client, place.queue);
    if (job == NULL) {
      lua_pushnil(L);
      lua_pushnil(L);
      lua_pushinteger(L, 0);
      lua_pushboolean(L, place.owner->owed > 0 || place.owner->put_off > 0);
      return 4;
    }
    if (job_push(L, 1, job)) {
      lua_pushinteger(L, (lua_Integer)stepimg_queue_finished(place.client, place.queue));
      return 3;
    }
    stepimg_job_fetch(job); /* its record is about to be collected */
  }
}

static int pending(lua_State *L)
{
  struct place place = queue_check(L, 1);
  lua_pushinteger(L, (lua_Integer)stepimg_queue_pending(place.client, place.queue));
  return 1;
}

static int most(lua_State *L)
{
  lua_pushinteger(L, stepimg_client_max_concurrent(check_client(L)->client));
  return 1;
}

/* For check. */
static int rules(lua_State *L)
{
  lua_pushboolean(L, stepimg_client_is_strict(check_client(L)->client));
  lua_getiuservalue(L, 1, STATE);
  return 2;
}

static int descriptor(lua_State *L)
{
  struct place place = queue_check(L, 1);
  int number = stepimg_queue_fd(place.client, place.queue);
  if (number < 0)
    lua_pushnil(L);
  else
    lua_pushinteger(L, number);
  return 1;
}

static int stats(lua_State *L)
{
  struct stepimg_stats stats;
  stepimg_client_stats(queue_check(L, 1).client, &stats);
  lua_createtable(L, 0, 14);
  values_set_integer(L, "submitted", stats.submitted);
  values_set_integer(L, "done", stats.done);
  values_set_integer(L, "failed", stats.failed);
  values_set_integer(L, "cancelled", stats.cancelled);
  values_set_integer(L, "cached", stats.cached);
  values_set_integer(L, "requests", stats.requests);
  values_set_integer(L, "repeats", stats.repeats);
  values_set_integer(L, "downloads", stats.downloads);
  values_set_integer(L, "maybe_billed", stats.maybe_billed);
  values_set_integer(L, "bytes_received", stats.bytes_received);
  values_set_integer(L, "connections", stats.connections);
  values_set_integer(L, "queued", stats.queued);
  values_set_integer(L, "in_flight", stats.in_flight);
  if (stats.budget_left >= 0)
    values_set_integer(L, "budget_left", stats.budget_left);
  return 1;
}

static int kind(lua_State *L)
{
  if (class_test(L, 1, JOB) != NULL)
    lua_pushliteral(L, "job");
  else if (class_test(L, 1, CLIENT) != NULL)
    lua_pushliteral(L, "client");
  else if (class_test(L, 1, LOOP) != NULL)
    lua_pushliteral(L, "loop");
  else
    lua_pushnil(L);
  return 1;
}

/* --------------------------------------------------------------------------------------------------------- waiting -- */

/* The lua program's Ctrl-C can only set a hook, on the main thread: there it fires by itself. In a coroutine, whose hook
   is another, it shows that it was set; LuaJIT has one hook for all. */
#ifndef LUA_JITLIBNAME
static lua_State *main_thread(lua_State *L)
{
#ifdef LUA_RIDX_MAINTHREAD
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
#else
  lua_getfield(L, LUA_REGISTRYINDEX, "stepimg.main");
#endif
  lua_State *main_thread = lua_tothread(L, -1);
  lua_pop(L, 1);
  return main_thread;
}
#endif

static lua_Hook main_hook(lua_State *L)
{
#ifdef LUA_JITLIBNAME
  (void)L;
  return NULL;
#else
  lua_State *state_of_main = main_thread(L);
  return state_of_main != NULL && state_of_main != L ? lua_gethook(state_of_main) : NULL;
#endif
}

static int watch(lua_State *L)
{
  lua_Hook *hook = lua_newuserdatauv(L, sizeof *hook, 0);
  *hook = main_hook(L);
  return 1;
}

static int wait_a_while(lua_State *L)
{
  double seconds = luaL_checknumber(L, 2);
  lua_Hook *hook = lua_touserdata(L, 3);
  bool there;
  if (!(seconds > 0))
    seconds = 0;
  else if (seconds > SLICE)
    seconds = SLICE;
  if (class_test(L, 1, JOB) != NULL) {
    stepimg_job *job = job_of(L, 1);
    there = job == NULL || stepimg_job_wait(job, seconds);
  } else {
    struct place place = queue_check(L, 1);
    there = stepimg_queue_wait(place.client, place.queue, seconds);
  }
  if (hook != NULL && main_hook(L) != *hook)
    return luaL_error(L, "interrupted!");
  lua_pushboolean(L, there);
  return 1;
}

void open_queues(lua_State *L)
{
  static const luaL_Reg functions[] = {{"client", client_new}, {"loop", loop_new}, {"state", state},
                                       {"close", close_queue}, {"head", head},     {"pending", pending},
                                       {"most", most},         {"rules", rules},   {"fd", descriptor},
                                       {"kind", kind},         {"stats", stats},   {"watch", watch},
                                       {"wait", wait_a_while}, {NULL, NULL}};
#ifndef LUA_RIDX_MAINTHREAD
  if (lua_pushthread(L))
    lua_setfield(L, LUA_REGISTRYINDEX, "stepimg.main");
  else
    lua_pop(L, 1);
#endif
  if (ending(L) == NULL)
    set_ending(L);
  primitives_class(L, CLIENT, client_gc);
  primitives_class(L, LOOP, loop_gc);
  primitives_class(L, OPTIONS, options_gc);
  primitives_add(L, functions);
}
