/*
 * What a client's two threads share: the host's (client.c, job.c) and the I/O thread's (worker.c and those below it).
 * They meet here, and only here is a lock.
 *
 * A client's holders: its host, its I/O thread, each of its jobs and each picture. The last one to let go frees.
 */
#ifndef STEPIMG_SHARED_H
#define STEPIMG_SHARED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/lock.h"
#include "client/pace.h"
#include "client/places.h"
#include "client/queue.h"
#include "http/pool.h"
#include "http/settings.h"
#include "payload/spares.h"
#include "stepimg.h"

struct stepimg_client {
  atomic_int holders;

  /* Constant after stepimg_client_new. */
  struct settings settings;
  struct stepimg_call call;
  char *cache; /* call's, owned; NULL: none */
  int max_concurrent, budget;
  size_t max_response_bytes;
  bool strict, has_key, traced;
  unsigned generation;         /* of the process: a child after fork has another */
  struct stepimg_queue *queue; /* the client's own */

  struct pace pace; /* the I/O thread's, one after the other */
  atomic_int spent; /* requests that have or may have cost money */
  struct traffic traffic;

  struct lock lock;       /* guards the rest, and the jobs' part; its condition: a job has ended */
  bool stopping;          /* no more jobs; the thread is to end */
  struct pool *pool;      /* the thread's; here to be woken. NULL: no thread runs, or it is about to end */
  unsigned taken;         /* requests that the service was seen to take a connection, by the last thread; 0: not yet */
  struct list inbox;      /* jobs with news for the thread: submitted, or ended by the host */
  struct list unfinished; /* jobs without an outcome */
  struct stepimg_stats stats; /* those that are counted here: all up to maybe_billed, and in_flight */
  struct places places;       /* where they save to */
  struct spare *dropped;      /* pictures for the thread to use again or to free */
  size_t dropped_bytes;
  unsigned serial; /* of the last job, for the trace */
};

/* NULL: no memory, or the system has no lock. One holder. */
stepimg_client *client_new_shared(void);
stepimg_client *client_hold(stepimg_client *client);
void client_release(stepimg_client *client);
/* Whether this process made the client. In a child after fork its lock may be held by a thread that is not there: nothing
   but this is to be asked of it. */
bool client_is_here(const stepimg_client *client);
/* Frees memory of so many bytes, NULL or not: what is large, on the I/O thread. Any thread, without the lock. */
void client_drop(stepimg_client *client, void *memory, size_t size);

#endif
