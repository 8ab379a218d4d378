/* A lock with a condition to wait for. */
#ifndef STEPIMG_LOCK_H
#define STEPIMG_LOCK_H

#include <stdbool.h>

#if defined(_WIN32)
struct lock {
  void *mutex, *changed; /* an SRWLOCK and a CONDITION_VARIABLE: windows.h names too much to be included here */
};
#else
#include <pthread.h>

struct lock {
  pthread_mutex_t mutex;
  pthread_cond_t changed;
};
#endif

bool lock_init(struct lock *lock);
void lock_destroy(struct lock *lock);
void lock_acquire(struct lock *lock);
void lock_release(struct lock *lock);
/* Sleeps until lock_wake or that moment of clock_now; may wake for nothing. The lock is held. */
void lock_wait(struct lock *lock, double until);
void lock_wake(struct lock *lock);

#endif
