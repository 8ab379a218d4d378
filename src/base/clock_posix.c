#define _POSIX_C_SOURCE 200809L
#if defined(__APPLE__)
#define _DARWIN_C_SOURCE /* CLOCK_UPTIME_RAW */
#endif

#include "base/clock.h"

#include <time.h>

/* Two clocks that differ by the time in which the machine was suspended. */
#if defined(__APPLE__)
#define RUNNING CLOCK_UPTIME_RAW
#define ALWAYS CLOCK_MONOTONIC_RAW
#elif defined(CLOCK_BOOTTIME)
#define RUNNING CLOCK_MONOTONIC
#define ALWAYS CLOCK_BOOTTIME
#endif

static double seconds(const struct timespec *moment)
{
  return (double)moment->tv_sec + (double)moment->tv_nsec / 1e9;
}

double clock_now(void)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return seconds(&now);
}

double clock_suspended(void)
{
#if defined(ALWAYS)
  enum { TRIES = 3 };
  double least = 0;
  /* This thread may lose the processor between the two clocks: the smallest difference is the truest. */
  for (int i = 0; i < TRIES; i++) {
    struct timespec running, always;
    if (clock_gettime(RUNNING, &running) != 0 || clock_gettime(ALWAYS, &always) != 0)
      return 0;
    double difference = seconds(&always) - seconds(&running);
    if (i == 0 || difference < least)
      least = difference;
  }
  return least;
#else
  return 0;
#endif
}
