/*
 * A host with several Lua states, for the specs:
 *   states threads N SCRIPT …   N threads, each with a state of its own that runs the script, side by side
 *   states reopen N SCRIPT …    N states one after the other in one thread; lua_close unloads the module each time
 * What follows the script is its arg. Prints the seconds that it took. Exits 0 if no script failed.
 */
#define _POSIX_C_SOURCE 200809L

#include "lua/compat.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_THREADS = 64 };

static char **script; /* its path, then its arguments; constant once the threads run */

static void *run(void *failed)
{
  lua_State *L = luaL_newstate();
  if (L == NULL) {
    *(bool *)failed = true;
    return NULL;
  }
  luaL_openlibs(L);
  lua_newtable(L);
  for (int i = 0; script[i] != NULL; i++) {
    lua_pushstring(L, script[i]);
    lua_rawseti(L, -2, i);
  }
  lua_setglobal(L, "arg");
  if (luaL_dofile(L, script[0])) {
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
    *(bool *)failed = true;
  }
  lua_close(L);
  return NULL;
}

static double now(void)
{
  struct timespec moment;
  clock_gettime(CLOCK_MONOTONIC, &moment);
  return (double)moment.tv_sec + (double)moment.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
  if (argc < 4) {
    fprintf(stderr, "usage: states threads|reopen N SCRIPT [ARG …]\n");
    return 2;
  }
  int count = (int)strtol(argv[2], NULL, 10);
  bool failed[MAX_THREADS] = {false}, any = false;
  pthread_t threads[MAX_THREADS];
  script = argv + 3;
  double start = now();
  if (strcmp(argv[1], "reopen") == 0) {
    for (int i = 0; i < count; i++)
      run(&failed[0]);
    any = failed[0];
  } else {
    int started = 0;
    while (started < count && started < MAX_THREADS &&
           pthread_create(&threads[started], NULL, run, &failed[started]) == 0)
      started++;
    any = started < count;
    for (int i = 0; i < started; i++) {
      pthread_join(threads[i], NULL);
      any = any || failed[i];
    }
  }
  printf("%.3f\n", now() - start);
  return any ? 1 : 0;
}
