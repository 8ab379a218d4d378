/*
 * A library for LD_PRELOAD that makes the machine look as if it had been suspended: while the file that $SUSPENDED names is
 * there, the clock that goes on meanwhile is an hour ahead.
 */
#define _GNU_SOURCE

#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

__attribute__((visibility("default"))) int clock_gettime(clockid_t clock, struct timespec *moment)
{
  static int (*real)(clockid_t, struct timespec *);
  const char *file = getenv("SUSPENDED");
  if (real == NULL)
    *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
  int failed = real(clock, moment);
  if (failed == 0 && clock == CLOCK_BOOTTIME && file != NULL && access(file, F_OK) == 0)
    moment->tv_sec += 3600;
  return failed;
}
