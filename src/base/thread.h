/*
 * Threads that work for somebody beside the host, and how they end: by themselves, or with the process. exit() runs
 * OpenSSL's clean-up, and a transfer that is still under way then crashes; so all that live are known here, the only
 * state that is global, and ended first. Nobody waits for one but the process's end.
 */
#ifndef STEPIMG_THREAD_H
#define STEPIMG_THREAD_H

#include <stdbool.h>

#include "base/check.h"

struct thread_task {
  void (*run)(void *context); /* the thread's life */
  /* The process ends: makes run return, and does not wait for that. On another thread, at most once, maybe after run
     has returned, never after release. No lock is held. */
  void (*stop)(void *context);
  /* Both are over: lets go of context. Once, on the thread itself or on the one that called stop. No lock is held. */
  void (*release)(void *context);
  void *context;
};

enum thread_start {
  THREAD_STARTED,
  THREAD_NO_MEMORY,
  THREAD_NONE_LEFT /* the system gives no more for now, or the process is ending */
};

/* Starts a thread with all signals blocked: the host's handlers stay on the host's threads. Where it is not started, none
   of the task's functions is called; later it may be. Any thread, under any lock that stop and release may take. */
MUST_USE enum thread_start thread_start(const struct thread_task *task);

/* Makes the process's end stop the threads that live then, and wait for them, at most so many seconds in all. Call it
   once, after what is to be cleaned up only when they have ended (libcurl, OpenSSL) was started. False: no memory. */
MUST_USE bool thread_end_at_exit(double seconds);

/* Grows in a child that fork has made: none of its parent's threads live in it, and what they worked on is as it was at
   that moment, locks that they held included. Its end waits for none of them. */
unsigned thread_generation(void);

#endif
