/* Who waits in await is resumed. */
#include "lua/primitives.h"

/* Whether the function at index of L runs at that level of co. */
static bool runs_at(lua_State *L, int index, lua_State *co, int level)
{
  lua_Debug activation;
  if (!lua_getstack(co, level, &activation) || !lua_checkstack(co, 1))
    return false;
  lua_getinfo(co, "f", &activation);
  const void *function = lua_topointer(co, -1);
  lua_pop(co, 1);
  return function == lua_topointer(L, index);
}

static bool runs(lua_State *L, int index, lua_State *co)
{
  lua_Debug activation;
  for (int level = 0; lua_getstack(co, level, &activation); level++)
    if (runs_at(L, index, co, level))
      return true;
  return false;
}

/* resume(co, await). To look and to resume is one step: a hook in between could resume it too. What it raises leaves
   here, and it is dead then, as coroutine.wrap leaves one. Where the C stack is too deep for it, it still waits. */
static int resume(lua_State *L)
{
  lua_State *co = lua_tothread(L, 1);
  int count = 0;
  luaL_checktype(L, 1, LUA_TTHREAD);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  if (lua_status(co) != LUA_YIELD) {
    if (lua_status(co) == LUA_OK && runs(L, 2, co))
      lua_pushnil(L);
    else
      lua_pushboolean(L, 0);
    return 1;
  }
  if (!runs_at(L, 2, co, 1)) { /* at 0 is yield */
    lua_pushboolean(L, 0);
    return 1;
  }
  lua_settop(L, 2);
  compat_leave(L);
  int status = compat_resume(co, L, &count);
  if (status == LUA_OK || status == LUA_YIELD) {
    lua_pop(co, compat_left(co, count));
    lua_pushboolean(L, 1);
    return 1;
  }
  if (lua_status(co) != LUA_YIELD)
    compat_close_coroutine(co, L);
  compat_come_back(L);
  lua_xmove(co, L, 1);
  return lua_error(L);
}

/* waiter(attr). Of the coroutines among its keys the one with the least value: no Lua runs here, so nobody adds to the
   table meanwhile. */
static int waiter(lua_State *L)
{
  enum { TABLE = 1, FIRST };
  lua_Number least = 0;
  luaL_checktype(L, TABLE, LUA_TTABLE);
  lua_settop(L, TABLE);
  lua_pushnil(L);
  for (lua_pushnil(L); lua_next(L, TABLE); lua_pop(L, 1))
    if (lua_type(L, -2) == LUA_TTHREAD && (lua_isnil(L, FIRST) || lua_tonumber(L, -1) < least)) {
      least = lua_tonumber(L, -1);
      lua_pushvalue(L, -2);
      lua_replace(L, FIRST);
    }
  return 1;
}

static int thread(lua_State *L)
{
  lua_pushthread(L);
  return 1;
}

/* is_within(thread, loop): whether the function that calls this runs once more for that loop, in that coroutine: it has
   the loop as its first argument. One that an error ended still has its frames, but runs no more. */
static int is_within(lua_State *L)
{
  lua_State *co = lua_tothread(L, 1);
  lua_Debug activation;
  bool is = false;
  luaL_checktype(L, 1, LUA_TTHREAD);
  lua_settop(L, 2);
  if (!lua_getstack(L, 1, &activation) || !lua_checkstack(co, 2))
    return luaL_error(L, "stack overflow");
  lua_getinfo(L, "f", &activation);
  bool is_alive = lua_status(co) == LUA_OK || lua_status(co) == LUA_YIELD;
  for (int level = co == L ? 2 : 0; is_alive && !is && lua_getstack(co, level, &activation); level++)
    if (runs_at(L, 3, co, level) && lua_getlocal(co, &activation, 1) != NULL) {
      is = lua_touserdata(co, -1) == lua_touserdata(L, 2);
      lua_pop(co, 1);
    }
  lua_pushboolean(L, is);
  return 1;
}

void open_coroutines(lua_State *L)
{
  static const luaL_Reg functions[] = {
      {"resume", resume}, {"waiter", waiter}, {"thread", thread}, {"is_within", is_within}, {NULL, NULL}};
  compat_count_depth(L);
  primitives_add(L, functions);
}
