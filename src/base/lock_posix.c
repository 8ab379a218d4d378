#define _POSIX_C_SOURCE 200809L
#if defined(__APPLE__)
#define _DARWIN_C_SOURCE /* pthread_cond_timedwait_relative_np */
#endif

#include "base/lock.h"

#include <math.h>
#include <time.h>

#include "base/clock.h"

/* By the wall clock, a wait would end early or late when somebody sets it. macOS knows no other clock for a condition,
   but waits for a time from now. */
static bool init_condition(pthread_cond_t *condition)
{
#if defined(__APPLE__)
  return pthread_cond_init(condition, NULL) == 0;
#else
  pthread_condattr_t attributes;
  if (pthread_condattr_init(&attributes) != 0)
    return false;
  bool good =
      pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 && pthread_cond_init(condition, &attributes) == 0;
  pthread_condattr_destroy(&attributes);
  return good;
#endif
}

bool lock_init(struct lock *lock)
{
  if (pthread_mutex_init(&lock->mutex, NULL) != 0)
    return false;
  if (init_condition(&lock->changed))
    return true;
  pthread_mutex_destroy(&lock->mutex);
  return false;
}

void lock_destroy(struct lock *lock)
{
  pthread_cond_destroy(&lock->changed);
  pthread_mutex_destroy(&lock->mutex);
}

void lock_acquire(struct lock *lock)
{
  pthread_mutex_lock(&lock->mutex);
}

void lock_release(struct lock *lock)
{
  pthread_mutex_unlock(&lock->mutex);
}

static struct timespec timespec_of(double seconds)
{
  double whole = floor(seconds);
  return (struct timespec){.tv_sec = (time_t)whole, .tv_nsec = (long)((seconds - whole) * 1e9)};
}

void lock_wait(struct lock *lock, double until)
{
#if defined(__APPLE__)
  double left = until - clock_now();
  struct timespec wait = timespec_of(left > 0 ? left : 0);
  pthread_cond_timedwait_relative_np(&lock->changed, &lock->mutex, &wait);
#else
  struct timespec moment = timespec_of(until);
  pthread_cond_timedwait(&lock->changed, &lock->mutex, &moment);
#endif
}

void lock_wake(struct lock *lock)
{
  pthread_cond_broadcast(&lock->changed);
}
