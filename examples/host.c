/*
 * A small host: it embeds Lua 5.4 and runs a script at 60 frames a second, as a game would.
 *
 *   build/host examples/frame.lua "a lighthouse"          stepimg.so is found through package.cpath
 *   build/host-static examples/frame.lua "a lighthouse"   stepimg is linked in (-DSTEPIMG_STATIC), and so are Lua and
 *                                                         lua-cjson, if it is to be had as an archive (-DCJSON_STATIC)
 *
 * The script returns a table: load() is called once, update(dt) in each frame until it returns false, and key(name) for
 * each key. Ctrl-C comes as the key "q"; a second one ends a script that does not listen.
 */
#define _POSIX_C_SOURCE 200809L
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

/* The modules that are linked in. */
#ifdef STEPIMG_STATIC
int luaopen_stepimg(lua_State *L);
#endif
#ifdef CJSON_STATIC
int luaopen_cjson(lua_State *L);
#endif

static const double FRAME = 1.0 / 60; /* seconds */

static volatile sig_atomic_t interrupts;
static struct termios line_mode;

static void on_interrupt(int number)
{
  (void)number;
  interrupts++;
}

static void leave_key_mode(void)
{
  tcsetattr(STDIN_FILENO, TCSANOW, &line_mode);
}

/* Lets a terminal hand over each key as it is pressed. */
static void enter_key_mode(void)
{
  if (tcgetattr(STDIN_FILENO, &line_mode) != 0)
    return; /* no terminal */
  struct termios key_mode = line_mode;
  key_mode.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
  tcsetattr(STDIN_FILENO, TCSANOW, &key_mode);
  atexit(leave_key_mode); /* also when the script calls os.exit */
}

static double now(void)
{
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Sleeps until then, and returns 0, or returns the key that is pressed before. Sets *input to -1 at its end. */
static char next_key(int *input, double then)
{
  char key = 0;
  double left = then - now();
  struct pollfd ready = {.fd = *input, .events = POLLIN};
  if (poll(&ready, 1, left > 0 ? (int)ceil(left * 1000) : 0) > 0 && read(*input, &key, 1) <= 0)
    *input = -1; /* poll skips it */
  return key;
}

/* The game's table is at 1, and nothing above it, between calls. */
static void send_key(lua_State *L, char key)
{
  lua_getfield(L, 1, "key");
  lua_pushlstring(L, &key, 1);
  lua_call(L, 1, 0);
}

static bool update(lua_State *L, double seconds)
{
  lua_getfield(L, 1, "update");
  lua_pushnumber(L, seconds);
  lua_call(L, 1, 1);
  bool goes_on = lua_isnil(L, -1) || lua_toboolean(L, -1);
  lua_pop(L, 1);
  return goes_on;
}

static void play(lua_State *L)
{
  int input = STDIN_FILENO, heard = 0;
  double last = now(), frame = last;
  lua_getfield(L, 1, "load");
  lua_call(L, 0, 0);
  while (update(L, frame - last) && interrupts < 2) {
    char key;
    while ((key = next_key(&input, frame + FRAME)) != 0)
      send_key(L, key);
    if (heard < interrupts) {
      heard++;
      send_key(L, 'q');
    }
    last = frame;
    frame = now();
  }
}

/* All that may raise; argc and argv are on the stack. */
static int run(lua_State *L)
{
  int count = (int)lua_tointeger(L, 1);
  char **words = lua_touserdata(L, 2);
  luaL_checkstack(L, count, "too many arguments");
  luaL_openlibs(L);
  lua_getglobal(L, "package"); /* where require finds them */
  lua_getfield(L, -1, "preload");
#ifdef STEPIMG_STATIC
  lua_pushcfunction(L, luaopen_stepimg);
  lua_setfield(L, -2, "stepimg");
#endif
#ifdef CJSON_STATIC
  lua_pushcfunction(L, luaopen_cjson);
  lua_setfield(L, -2, "cjson");
#endif
  lua_pop(L, 2);
  if (luaL_loadfile(L, words[1]) != 0)
    return lua_error(L);
  for (int i = 2; i < count; i++)
    lua_pushstring(L, words[i]);
  lua_call(L, count - 2, 1);
  lua_replace(L, 1);
  lua_settop(L, 1);
  if (!lua_istable(L, 1))
    return luaL_error(L, "%s: it is to return a table with load, update and key", words[1]);
  enter_key_mode();
  play(L);
  return 0;
}

/* Of an error that is no string, such as those of stepimg, makes one. */
static int describe(lua_State *L)
{
  if (!lua_isstring(L, 1) && !luaL_callmeta(L, 1, "__tostring"))
    lua_pushstring(L, luaL_typename(L, 1));
  return 1;
}

int main(int argc, char **argv)
{
  struct sigaction action = {.sa_handler = on_interrupt};
  lua_State *L = argc < 2 ? NULL : luaL_newstate();
  if (L == NULL) {
    fprintf(stderr, argc < 2 ? "usage: host SCRIPT [ARGUMENT…]\n" : "not enough memory\n");
    return EXIT_FAILURE;
  }
  sigaction(SIGINT, &action, NULL);
  lua_pushcfunction(L, describe);
  lua_pushcfunction(L, run);
  lua_pushinteger(L, argc);
  lua_pushlightuserdata(L, argv);
  int status = lua_pcall(L, 2, 0, 1);
  if (status != 0)
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
  lua_close(L);
  return status == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
