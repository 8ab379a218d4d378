/* The start of a job: what is sent goes to the core. */
#include <string.h>

#include "lua/record.h"

/* Sets what the job at index 1 keeps for the core, to what is on the top. Allocates nothing. */
static void set_picture(lua_State *L)
{
  lua_getiuservalue(L, 1, OF);
  lua_insert(L, -2);
  lua_setiuservalue(L, -2, PICTURE);
  lua_pop(L, 1);
}

void record_let_picture_go(lua_State *L)
{
  lua_pushnil(L);
  set_picture(L);
}

/* A string is the job's before the core hears of it. False: it is gone, and nil, flaw, slip are pushed. */
static bool get_edit(lua_State *L, struct stepimg_edit *edit)
{
  struct stepimg_error error = {.kind = STEPIMG_INVALID,
                                .reason = STEPIMG_REASON_IMAGE,
                                .field = "image",
                                .retry_after = -1,
                                .message = "image: it was closed meanwhile"};
  if (!edits_get(L, 5, edit)) {
    values_push_flaw(L, &error);
    return false;
  }
  lua_pushvalue(L, 5);
  set_picture(L);
  return true;
}

int record_start(lua_State *L)
{
  struct record *record = record_check(L);
  struct stepimg_request request = {.tag = record};
  struct stepimg_edit edit = {.fields = NULL};
  struct stepimg_error error;
  lua_settop(L, 6);
  request.save = luaL_optstring(L, 4, NULL);
  if (!lua_isnil(L, 5)) { /* before it is looked at: this allocates */
    luaL_checktype(L, 2, LUA_TTABLE);
    edits_fields(L, 2, &edit);
  }
  if (record->started || record->released) { /* whoever asks for its result hears which */
    lua_pushboolean(L, 1);
    return 1;
  }
  record_push(L, QUEUE);
  struct place place = queue_check(L, -1);
  request.call = *stepimg_client_call_defaults(place.client);
  request.queue = record->apart ? NULL : place.queue;
  if (lua_istable(L, 3)) /* plain, and the API's own */
    for (lua_pushnil(L); lua_next(L, 3); lua_pop(L, 1)) {
      struct stepimg_value value = values_get(L, -1);
      if (stepimg_call_set(&request.call, values_name(L, -2), &value, &error) != STEPIMG_OK)
        return values_push_flaw(L, &error);
    }
  if (!lua_isnil(L, 6))
    request.question = strcmp(luaL_checkstring(L, 6), "account") == 0 ? STEPIMG_ACCOUNT : STEPIMG_MODELS;
  else if (lua_isnil(L, 5))
    request.body = luaL_checklstring(L, 2, &request.length);
  else if (get_edit(L, &edit))
    request.edit = &edit;
  else
    return 3;
  if (stepimg_submit(place.client, &request, &record->job, &error) != STEPIMG_OK)
    return values_push_flaw(L, &error);
  record->started = true;
  lua_pushboolean(L, 1);
  return 1;
}
