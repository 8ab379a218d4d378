/* Pictures outside Lua's heap, and what the collector is told of them. */
#include <stdio.h>
#include <string.h>

#include "lua/primitives.h"

/* Bytes of pictures: now, and after the last full collection. One for each state. */
struct held {
  size_t now, after_full;
  bool seen; /* something was collected since it was last asked */
};

struct payload {
  stepimg_payload *bytes; /* NULL: released */
  size_t length;
  struct held *held; /* the state's, which lives as long as it */
};

static struct held *held(lua_State *L)
{
  lua_getfield(L, LUA_REGISTRYINDEX, "stepimg.held");
  struct held *bytes = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return bytes;
}

void payload_push(lua_State *L, struct client *owner, stepimg_payload *bytes)
{
  struct held *all = held(L);
  struct payload *payload = lua_newuserdatauv(L, sizeof *payload, 0);
  payload->bytes = NULL;
  payload->held = all;
  class_set(L, PAYLOAD);
  payload->bytes = stepimg_payload_hold(bytes);
  stepimg_payload_bytes(bytes, &payload->length);
  all->now += payload->length;
  owner->owed += payload->length;
}

static struct payload *check_payload(lua_State *L)
{
  return class_check(L, 1, PAYLOAD);
}

stepimg_payload *payload_get(lua_State *L, int index)
{
  const struct payload *payload = class_test(L, index, PAYLOAD);
  return payload != NULL ? payload->bytes : NULL;
}

static int release(lua_State *L)
{
  struct payload *payload = check_payload(L);
  stepimg_payload *bytes = payload->bytes;
  payload->bytes = NULL;
  if (bytes != NULL)
    payload->held->now -= payload->length;
  stepimg_payload_release(bytes);
  return 0;
}

static int payload_gc(lua_State *L)
{
  check_payload(L)->held->seen = true;
  return release(L);
}

static int bytes(lua_State *L)
{
  struct payload *payload = check_payload(L);
  size_t length;
  if (payload->bytes == NULL) {
    lua_pushnil(L);
    return 1;
  }
  /* A finalizer may release it while the string is made, which has a holder of its own then. */
  lua_settop(L, 1);
  struct payload *own = lua_newuserdatauv(L, sizeof *own, 0);
  *own = (struct payload){NULL, 0, payload->held};
  class_set(L, PAYLOAD);
  if (payload->bytes != NULL)
    own->bytes = stepimg_payload_hold(payload->bytes);
  if (own->bytes == NULL) {
    lua_pushnil(L);
    return 1;
  }
  const char *data = (const char *)stepimg_payload_bytes(own->bytes, &length);
  lua_pushlstring(L, data, length);
  stepimg_payload_release(own->bytes);
  own->bytes = NULL;
  return 1;
}

static int save(lua_State *L)
{
  size_t length = 0;
  struct stepimg_error error = {.kind = STEPIMG_IO, .retry_after = -1};
  const char *path = luaL_checkstring(L, 2), *from = luaL_optstring(L, 3, NULL);
  struct payload *payload = class_test(L, 1, PAYLOAD);
  const void *data = NULL;
  enum stepimg_kind kind = STEPIMG_IO;
  if (lua_type(L, 1) == LUA_TSTRING)
    data = lua_tolstring(L, 1, &length);
  else if (payload != NULL && payload->bytes != NULL)
    data = stepimg_payload_bytes(payload->bytes, &length);
  if (data != NULL)
    kind = stepimg_write_file(path, data, length, &error);
  else if (from != NULL)
    kind = stepimg_copy_file(from, path, &error);
  else
    snprintf(error.message, sizeof error.message, "the image has no bytes to save: %s",
             payload != NULL ? "it was closed" : "it was not downloaded, as the option download was false");
  if (kind != STEPIMG_OK)
    return values_push_flaw(L, &error);
  lua_pushboolean(L, 1);
  return 1;
}

/* ----------------------------------------------------------------------------------------------------- accounting -- */

/* Plain 5.1 does not say whether its collector was stopped, and a step would start it again: there it runs where
   something was collected lately. */
#ifdef LUA_GCISRUNNING
static bool collector_runs(lua_State *L)
{
  return lua_gc(L, LUA_GCISRUNNING);
}
#else
static int canary_gc(lua_State *L)
{
  held(L)->seen = true;
  return 0;
}

static bool collector_runs(lua_State *L)
{
  struct held *bytes = held(L);
  bool runs = bytes->seen;
  bytes->seen = false;
  if (runs) {
    lua_newuserdata(L, 1);
    class_set(L, CANARY);
    lua_pop(L, 1);
  }
  return runs;
}
#endif

/* The generational collector looks at what is old only when Lua's own heap has doubled, which pictures outside of it do
   not show; and what the host kept for a while is old. So it is made to when they have doubled, and a little more. That
   takes as long as the heap is large: where a frame waits for it, one that takes twice as long comes four times as rarely.
   The incremental one comes round to all of them by the steps that it is told of, and is not asked for this. */
static void collect_old(lua_State *L, struct client *client, bool blocking)
{
  const size_t mb = (size_t)1024 * 1024, most = 512 * mb;
  size_t heap = (size_t)lua_gc(L, LUA_GCCOUNT, 0) * 1024;
  struct held *bytes = held(L);
  size_t little = blocking ? 4 * heap : heap < 8 * mb ? heap / 1024 * (heap / 128) : most;
  client->put_off = 0;
  if (bytes->now < 8 * mb + (little < most ? little : most) + 2 * bytes->after_full || !collector_runs(L))
    return;
  bytes->after_full = bytes->now; /* first: a finalizer may come here too */
  lua_gc(L, LUA_GCCOLLECT, 0);
  bytes->after_full = bytes->now;
}

/* weigh(job | client, seconds). Tells the collector of pictures outside its heap, as if Lua had allocated them just now.
   With all of it at once the next step of a large heap takes many milliseconds, so a call that is not to block tells in
   steps of Lua's own size, for so many seconds, and leaves old pictures to a later one that has nothing to tell, if that
   comes soon. Its steps are many small collections, in which all that is alive grows old: so it comes before the call's
   own results. What a step's finalizer may change is read anew; the client is held by the argument. */
static int weigh(lua_State *L)
{
  enum { KIB = 1024, STEP = 8, SOON = 4 };
  struct client *client = queue_owner(L, 1);
  if (client == NULL)
    client = job_owner(L, 1);
  bool blocking = lua_isnoneornil(L, 2);
  if (client->owed < KIB) {
    if (client->put_off > 0)
      collect_old(L, client, blocking);
    return 0;
  }
  double until = blocking ? 0 : stepimg_now() + luaL_checknumber(L, 2);
  struct held *bytes = held(L);
  size_t enough = collector_runs(L) ? (size_t)lua_gc(L, LUA_GCCOUNT, 0) * KIB * 4 : 0;
  if (client->owed > enough) /* it brings the collector round its whole heap, and finalizers take two rounds */
    client->owed = enough;
  while (client->owed >= KIB && (blocking || stepimg_now() < until)) {
    size_t kib = client->owed / KIB, before = bytes->now;
    if (kib > STEP && !blocking)
      kib = STEP;
    client->owed -= kib * KIB; /* first: a finalizer may come here too */
    if (compat_step(L, kib))
      bytes->after_full = bytes->now; /* an incremental one has come round */
    size_t freed = bytes->now < before ? before - bytes->now : 0;
    client->owed -= freed < client->owed ? freed : client->owed; /* it has come round for them */
  }
  if (blocking || ++client->put_off > SOON)
    collect_old(L, client, blocking);
  return 0;
}

void open_payloads(lua_State *L)
{
  static const luaL_Reg functions[] = {
      {"bytes", bytes}, {"release", release}, {"save", save}, {"weigh", weigh}, {NULL, NULL}};
  if (held(L) == NULL) {
    memset(lua_newuserdatauv(L, sizeof(struct held), 0), 0, sizeof(struct held));
    lua_setfield(L, LUA_REGISTRYINDEX, "stepimg.held");
#ifndef LUA_GCISRUNNING
    primitives_class(L, CANARY, canary_gc);
    held(L)->seen = true;
    collector_runs(L); /* sets the first one out */
#endif
  }
  primitives_class(L, PAYLOAD, payload_gc);
  primitives_add(L, functions);
}
