/*
 * Runs a script in a Lua state whose allocator fails when told to:
 *
 *   lua_allocations SCRIPT [ARG …]
 *
 * The script gets a table of functions, then the arguments:
 *   arm(n, twice)   from now on the n-th allocation (a new block or a growing one) fails; Lua then collects all its
 *                   garbage and tries again, which fails too if twice is true. The state's own: libcurl and the core
 *                   use malloc.
 *   disarm()        -> whether it came to that
 *   spare(f, …)     calls f with an allocator that does not fail
 */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

struct allocator {
  long until_failure; /* 0: none fails */
  bool twice, retried, failed;
  int spared;
};

static bool fails(struct allocator *allocator)
{
  if (allocator->spared > 0)
    return false;
  if (allocator->retried) {
    allocator->retried = false;
    return true;
  }
  if (allocator->until_failure <= 0 || --allocator->until_failure > 0)
    return false;
  allocator->failed = true;
  allocator->retried = allocator->twice;
  return true;
}

static void *allocate(void *context, void *block, size_t old_size, size_t size)
{
  if (size == 0) {
    free(block);
    return NULL;
  }
  bool grows = block == NULL || size > old_size;
  return grows && fails(context) ? NULL : realloc(block, size);
}

static struct allocator *allocator_of(lua_State *L)
{
  void *context;
  lua_getallocf(L, &context);
  return context;
}

static int arm(lua_State *L)
{
  struct allocator *allocator = allocator_of(L);
  long n = (long)luaL_checkinteger(L, 1);
  bool twice = lua_toboolean(L, 2);
  *allocator = (struct allocator){.until_failure = n, .twice = twice};
  return 0;
}

static int disarm(lua_State *L)
{
  struct allocator *allocator = allocator_of(L);
  bool failed = allocator->failed;
  *allocator = (struct allocator){.until_failure = 0};
  lua_pushboolean(L, failed);
  return 1;
}

static int spare(lua_State *L)
{
  struct allocator *allocator = allocator_of(L);
  allocator->spared++;
  int status = lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0);
  allocator->spared--;
  return status == LUA_OK ? lua_gettop(L) : lua_error(L);
}

int main(int argc, char **argv)
{
  static const luaL_Reg functions[] = {{"arm", arm}, {"disarm", disarm}, {"spare", spare}, {NULL, NULL}};
  struct allocator allocator = {.until_failure = 0};
  lua_State *L = argc > 1 ? lua_newstate(allocate, &allocator) : NULL;
  if (L == NULL) {
    fprintf(stderr, "usage: lua_allocations SCRIPT [ARG …]\n");
    return 2;
  }
  luaL_openlibs(L);
  bool good = luaL_loadfile(L, argv[1]) == LUA_OK;
  if (good) {
    luaL_newlib(L, functions);
    for (int i = 2; i < argc; i++)
      lua_pushstring(L, argv[i]);
    good = lua_pcall(L, argc - 1, 0, 0) == LUA_OK;
  }
  if (!good)
    fprintf(stderr, "%s\n", luaL_tolstring(L, -1, NULL));
  lua_close(L);
  return good ? 0 : 1;
}
