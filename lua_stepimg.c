/* The module: gathers the primitives of src/lua/ and gives them to the API, which is written in Lua and compiled in. */
#include "lua/primitives.h"

#define API "stepimg.api" /* in the registry: the function that makes the module's table, for who loads it anew */

static const char text[] = {
#include "stepimg.lua.h"
};

void primitives_add(lua_State *L, const luaL_Reg *functions)
{
  for (; functions->name != NULL; functions++) {
    lua_pushcfunction(L, functions->func);
    lua_setfield(L, -2, functions->name);
  }
}

void primitives_class(lua_State *L, const char *name, lua_CFunction collect)
{
  lua_rawgetp(L, LUA_REGISTRYINDEX, name);
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, name);
  }
  if (collect != NULL) {
    lua_pushcfunction(L, collect);
    lua_setfield(L, -2, "__gc");
  }
  lua_setfield(L, -2, name);
}

const char CLIENT[] = "stepimg.client", LOOP[] = "stepimg.loop", JOB[] = "stepimg.job", RECORD[] = "stepimg.record";
const char PAYLOAD[] = "stepimg.payload", OPTIONS[] = "stepimg.options", CANARY[] = "stepimg.canary";

void *class_test(lua_State *L, int index, const char *class_name)
{
  void *block = lua_touserdata(L, index);
  if (block == NULL || !lua_getmetatable(L, index))
    return NULL;
  lua_rawgetp(L, LUA_REGISTRYINDEX, class_name);
  bool same = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  return same ? block : NULL;
}

void *class_check(lua_State *L, int index, const char *class_name)
{
  void *block = class_test(L, index, class_name);
  if (block == NULL)
    luaL_error(L, "%s expected, got %s", class_name, luaL_typename(L, index));
  return block;
}

void class_set(lua_State *L, const char *class_name)
{
  lua_rawgetp(L, LUA_REGISTRYINDEX, class_name);
  lua_setmetatable(L, -2);
}

static void push_api(lua_State *L)
{
  lua_getfield(L, LUA_REGISTRYINDEX, API);
  if (lua_isfunction(L, -1))
    return;
  lua_pop(L, 1);
  if (luaL_loadbuffer(L, text, sizeof text, "=stepimg") != LUA_OK)
    lua_error(L);
  compat_interpret(L);
  lua_newtable(L);
  open_values(L);
  open_queues(L);
  open_jobs(L);
  open_payloads(L);
  open_coroutines(L);
  lua_pushliteral(L, STEPIMG_VERSION);
  lua_setfield(L, -2, "version");
  lua_getfield(L, LUA_REGISTRYINDEX, "_LOADED"); /* a sandboxed host has no require, and may have cjson */
  lua_getfield(L, -1, "cjson");
  lua_setfield(L, -3, "cjson");
  lua_pop(L, 1);
  lua_call(L, 1, 1);
  lua_pushvalue(L, -1);
  lua_setfield(L, LUA_REGISTRYINDEX, API);
}

STEPIMG_API int luaopen_stepimg(lua_State *L);

int luaopen_stepimg(lua_State *L)
{
  luaL_checkversion(L);
  lua_settop(L, 0);
  push_api(L);
  lua_call(L, 0, 1);
  return 1;
}
