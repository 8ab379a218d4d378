/*
 * Runs a script in a Lua state that holds the module, whose core's and primitives' allocations fail when told to. Linked
 * with --wrap; Lua's, lua-cjson's and libcurl's own are others.
 *
 *   core_failures SCRIPT [ARG …]
 *
 * The script gets a table of functions, then the arguments:
 *   arm(n)     from now on the n-th allocation, of any thread, fails
 *   disarm()   -> whether it came to that
 */
#include <stdatomic.h>
#include <stdio.h>

#include "lua/compat.h"

/* The linker's --wrap gives these names. NOLINTBEGIN(bugprone-reserved-identifier) */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
/* NOLINTEND(bugprone-reserved-identifier) */

int luaopen_stepimg(lua_State *L);

static atomic_long until_failure; /* 0: none fails */
static atomic_bool failed;

static bool fails(void)
{
  if (atomic_load(&until_failure) <= 0 || atomic_fetch_sub(&until_failure, 1) != 1)
    return false;
  atomic_store(&failed, true);
  return true;
}

void *__wrap_malloc(size_t size)
{
  return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
  return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
  return fails() ? NULL : __real_realloc(memory, size);
}

static int arm(lua_State *L)
{
  atomic_store(&failed, false);
  atomic_store(&until_failure, (long)luaL_checkinteger(L, 1));
  return 0;
}

static int disarm(lua_State *L)
{
  atomic_store(&until_failure, 0);
  lua_pushboolean(L, atomic_load(&failed));
  return 1;
}

int main(int argc, char **argv)
{
  lua_State *L = argc > 1 ? luaL_newstate() : NULL;
  if (L == NULL) {
    fprintf(stderr, "usage: core_failures SCRIPT [ARG …]\n");
    return 2;
  }
  luaL_openlibs(L);
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "preload");
  lua_pushcfunction(L, luaopen_stepimg);
  lua_setfield(L, -2, "stepimg");
  lua_settop(L, 0);
  bool good = luaL_loadfile(L, argv[1]) == LUA_OK;
  if (good) {
    lua_newtable(L);
    lua_pushcfunction(L, arm);
    lua_setfield(L, -2, "arm");
    lua_pushcfunction(L, disarm);
    lua_setfield(L, -2, "disarm");
    for (int i = 2; i < argc; i++)
      lua_pushstring(L, argv[i]);
    good = lua_pcall(L, argc - 1, 0, 0) == LUA_OK;
  }
  if (!good)
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
  lua_close(L);
  return good ? 0 : 1;
}
