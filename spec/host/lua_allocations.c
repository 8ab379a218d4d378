/*
 * Runs a script in a Lua state whose allocator fails when told to:
 *
 *   lua_allocations SCRIPT [ARG …]
 *
 * The script gets a table of functions, then the arguments:
 *   arm(n, twice)   from now on the n-th allocation (a new block or a growing one) fails; Lua then collects all its
 *                   garbage and tries again, which fails too if twice is true. The state's own: libcurl and the core
 *                   use malloc.
 *   disarm()        -> whether it came to that, and whether Lua got the memory in the end. From 5.4.5 Lua does not try
 *                   again where a stack grows.
 *   spare(f, …)     calls f with an allocator that does not fail
 *   collect(n)      stops the collector, until the n-th allocation from now on: at the next moment that Lua allows, it
 *                   goes round once, with finalizers
 *   collected()     -> whether it came to that; the collector stays as it is
 */
#include "lua/compat.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

struct allocator {
  lua_State *L;
  long until_failure; /* 0: none fails */
  long until_round;   /* 0: the collector is not to be started */
  bool twice, failed, cured;
  const void *block; /* what failed, until Lua tries again or asks for something else */
  size_t size;
  int spared;
};

static bool fails(struct allocator *allocator, const void *block, size_t size)
{
  if (allocator->spared > 0)
    return false;
  if (allocator->size > 0) {
    allocator->cured = !allocator->twice && allocator->block == block && allocator->size == size;
    allocator->size = 0;
    return allocator->twice;
  }
  if (allocator->until_failure <= 0 || --allocator->until_failure > 0)
    return false;
  allocator->failed = true;
  allocator->block = block;
  allocator->size = size;
  return true;
}

static void *allocate(void *context, void *block, size_t old_size, size_t size)
{
  if (size == 0) {
    free(block);
    return NULL;
  }
  bool grows = block == NULL || size > old_size;
  struct allocator *allocator = context;
  if (grows && allocator->until_round > 0 && --allocator->until_round == 0)
    lua_gc(allocator->L, LUA_GCRESTART, 0); /* which allocates nothing, and does nothing yet */
  return grows && fails(context, block, size) ? NULL : realloc(block, size);
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
  *allocator = (struct allocator){.L = L, .until_failure = n, .twice = twice};
  return 0;
}

static int disarm(lua_State *L)
{
  struct allocator *allocator = allocator_of(L);
  bool failed = allocator->failed, cured = allocator->cured;
  *allocator = (struct allocator){.L = L};
  lua_pushboolean(L, failed);
  lua_pushboolean(L, cured);
  return 2;
}

static int collect(lua_State *L)
{
  long n = (long)luaL_checkinteger(L, 1);
  lua_gc(L, LUA_GCSTOP, 0);
  allocator_of(L)->until_round = n;
  return 0;
}

static int collected(lua_State *L)
{
  lua_pushboolean(L, allocator_of(L)->until_round == 0);
  allocator_of(L)->until_round = 0;
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
  static const luaL_Reg functions[] = {{"arm", arm},         {"disarm", disarm},       {"spare", spare},
                                       {"collect", collect}, {"collected", collected}, {NULL, NULL}};
  struct allocator allocator = {.L = NULL};
  lua_State *L = argc > 1 ? compat_newstate(allocate, &allocator) : NULL;
  if (L == NULL) {
    fprintf(stderr, "usage: lua_allocations SCRIPT [ARG …]\n");
    return 2;
  }
  allocator.L = L;
  luaL_openlibs(L);
  bool good = luaL_loadfile(L, argv[1]) == LUA_OK;
  if (good) {
    lua_newtable(L);
    for (const luaL_Reg *function = functions; function->name != NULL; function++) {
      lua_pushcfunction(L, function->func);
      lua_setfield(L, -2, function->name);
    }
    for (int i = 2; i < argc; i++)
      lua_pushstring(L, argv[i]);
    good = lua_pcall(L, argc - 1, 0, 0) == LUA_OK;
  }
  if (!good)
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
  lua_close(L);
  return good ? 0 : 1;
}
