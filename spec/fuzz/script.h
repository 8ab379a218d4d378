/* What the targets that go through the binding share: a Lua state with stepimg in it, and a script that is called with
   each input and raises where a promise does not hold. */
#ifndef SCRIPT_H
#define SCRIPT_H

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "fuzz.h"

int luaopen_stepimg(lua_State *L);

/* The script returns the function that takes an input; it stays at index 1. */
static inline lua_State *open_script(const char *path, const luaL_Reg *functions)
{
  lua_State *L = luaL_newstate();
  CHECK(L != NULL);
  unsetenv("STEP_API_KEY");
  unsetenv("STEP_BASE_URL");
  luaL_openlibs(L);
  luaL_requiref(L, "stepimg", luaopen_stepimg, 0);
  lua_settop(L, 0);
  bool good = luaL_loadfile(L, path) == LUA_OK;
  lua_newtable(L);
  luaL_setfuncs(L, functions, 0);
  if (!good || lua_pcall(L, 1, 1, 0) != LUA_OK) {
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
    exit(1);
  }
  return L;
}

static inline int traceback(lua_State *L)
{
  luaL_traceback(L, L, luaL_tolstring(L, 1, NULL), 1);
  return 1;
}

/* The input is in a block of exactly its size, as all strings of Lua. What the script left behind is collected: a leak
   shows, and so does what is used after that. */
static inline void run_script(lua_State *L, const uint8_t *data, size_t size)
{
  lua_pushcfunction(L, traceback);
  lua_pushvalue(L, 1);
  lua_pushlstring(L, (const char *)data, size);
  if (lua_pcall(L, 1, 0, -3) != LUA_OK) {
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
    abort();
  }
  lua_settop(L, 1);
  lua_gc(L, LUA_GCCOLLECT);
}

#endif
