/*
 * What lua5.4 does with a script, for the specs under a sanitizer: its runtime has to come with the program.
 *
 *   lua SCRIPT [ARG …]
 *
 * Here the collector never rests: it begins anew as soon as it has ended, and goes through thousands of objects for
 * every few that are made.
 */
#define _GNU_SOURCE /* dl_iterate_phdr */
#include <dlfcn.h>
#include <lauxlib.h>
#include <link.h>
#include <lua.h>
#include <lualib.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static lua_State *interrupted;

static void stop(lua_State *L, lua_Debug *activation)
{
  (void)activation;
  lua_sethook(L, NULL, 0, 0);
  luaL_error(L, "interrupted!");
}

static void on_interrupt(int number)
{
  signal(number, SIG_DFL);
  lua_sethook(interrupted, stop, LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT, 1);
}

static int describe(lua_State *L)
{
  luaL_traceback(L, L, luaL_tolstring(L, 1, NULL), 1);
  return 1;
}

/* lua_close would unload it: what it keeps in a static variable would look like a leak, and no report could name its
   functions. */
static int keep_loaded(struct dl_phdr_info *library, size_t size, void *nothing)
{
  (void)size, (void)nothing;
  dlopen(library->dlpi_name, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
  return 0;
}

static int keep_all_loaded(lua_State *L)
{
  (void)L;
  dl_iterate_phdr(keep_loaded, NULL);
  return 0;
}

/* All that may raise; argc and argv are on the stack. */
static int run(lua_State *L)
{
  int count = (int)lua_tointeger(L, 1);
  char **words = lua_touserdata(L, 2);
  luaL_checkstack(L, count, "too many arguments");
  luaL_openlibs(L);
  lua_newtable(L); /* its finalizer runs in lua_close, that of os.exit too, before libraries are unloaded */
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, keep_all_loaded);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  luaL_ref(L, LUA_REGISTRYINDEX);
  lua_createtable(L, count, 1);
  for (int i = 0; i < count; i++) {
    lua_pushstring(L, words[i]);
    lua_rawseti(L, -2, i - 1);
  }
  lua_setglobal(L, "arg");
  if (luaL_loadfile(L, words[1]) != LUA_OK)
    return lua_error(L);
  for (int i = 2; i < count; i++)
    lua_pushstring(L, words[i]);
  lua_call(L, count - 2, 0);
  return 0;
}

int main(int argc, char **argv)
{
  struct sigaction action = {.sa_handler = on_interrupt};
  lua_State *L = argc > 1 ? luaL_newstate() : NULL;
  if (L == NULL) {
    fprintf(stderr, "usage: lua SCRIPT [ARG …]\n");
    return EXIT_FAILURE;
  }
  lua_gc(L, LUA_GCINC, 0, 1000, 1);
  lua_gc(L, LUA_GCSETPAUSE, 0);
  interrupted = L;
  sigaction(SIGINT, &action, NULL);
  lua_pushcfunction(L, describe);
  lua_pushcfunction(L, run);
  lua_pushinteger(L, argc);
  lua_pushlightuserdata(L, argv);
  int status = lua_pcall(L, 2, 0, 1);
  signal(SIGINT, SIG_DFL);
  if (status != LUA_OK)
    fprintf(stderr, "lua: %s\n", lua_tostring(L, -1));
  lua_close(L);
  return status == LUA_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
