/*
 * What a client's two sides share: the host's (client.c, job.c, queue.c) and the I/O thread's (worker.c).
 *
 * A job's holders: the host's handle, the I/O thread until it has finished it, and the inbox while it lies there. A
 * client's: its host, its thread, each of its jobs and each picture taken from one. A queue's: who made it, and each of
 * its jobs. The last holder to let go frees.
 */
#ifndef STEPIMG_CLIENT_H
#define STEPIMG_CLIENT_H

#include <curl/curl.h>
#include <stdatomic.h>

#include "base/file.h"
#include "base/port.h"
#include "client/pace.h"
#include "client/runtime.h"
#include "client/timers.h"
#include "http/exchange.h"
#include "stepimg.h"

struct work; /* worker.c: what a job needs once it has been in flight */

/* Jobs in the order they came, linked through their links. */
struct links {
  struct stepimg_job *next, *back;
};

struct stepimg_queue {
  atomic_int holders;
  /* Under the client's lock. */
  struct stepimg_job *first, *last; /* finished */
  size_t pending, finished;         /* jobs that belong to it, and those of them that are in the list */
  struct port_signal signal;        /* set while first is not NULL */
};

/* Where the I/O thread has a job. */
enum place { NOWHERE, IN_QUEUE, IN_FLIGHT, PAUSED, FINISHED };

struct stepimg_job {
  atomic_int holders;
  stepimg_client *client; /* held */

  /* Constant after submit. */
  char *body;
  size_t body_length;
  char *save; /* NULL: none */
  struct stepimg_call call;
  void *tag;
  double submitted; /* of port_now */

  /* Written on the I/O thread, read anywhere. */
  struct progress progress;
  atomic_int state; /* enum stepimg_state, but for finished */
  atomic_int attempts;

  /* Under the client's lock. */
  bool cancelled;
  bool in_inbox;
  struct stepimg_job *inbox_next;
  struct stepimg_queue *queue;     /* held; NULL: none, or it was fetched */
  struct stepimg_outcome *outcome; /* set: finished */
  struct file file;                /* the saved picture, until it is committed */
  struct links host;               /* of the client's unfinished jobs, then of the queue's finished ones */

  /* The I/O thread's. */
  enum place where;
  struct links io; /* of the list that where names */
  struct timer timer;
  double due;        /* PAUSED: when the next attempt may begin */
  struct work *work; /* NULL: nothing was begun */
};

struct stepimg_client {
  atomic_int holders;

  /* Constant after stepimg_client_new. */
  struct settings settings;
  struct stepimg_call call;
  int max_concurrent, budget;
  size_t max_response_bytes;
  bool strict, has_key;
  struct stepimg_queue *queue; /* the client's own */

  struct pace pace; /* the I/O thread's, as is the pool */
  struct pool pool;
  atomic_int spent; /* requests that have or may have cost money */

  struct port_lock
      lock;            /* guards the rest, and the jobs' part; its condition: a job is finished, the thread has ended */
  bool stopping;       /* no more jobs; the thread is to end */
  bool started, ended; /* the thread */
  bool alone;          /* nobody waits for the thread's end any more */
  double told;         /* when stopping was set */
  bool running;        /* the thread may be woken */
  struct stepimg_job *inbox, **inbox_end; /* news for the thread: submitted or cancelled */
  struct stepimg_job *unfinished;
  struct spare *dropped; /* pictures for the thread to use again or to free */
  size_t dropped_bytes;

  /* The host's. */
  pthread_t thread;
  bool joined;

  struct runtime_entry at_exit;
};

#define CLIENT_CLOSED "the client was closed"

/* ------------------------------------------------------------------------------------------------------ client.c -- */

/* Starts the I/O thread if it does not run. The lock is held. STEPIMG_NETWORK: the system has no descriptor or no thread
   left for it, which may pass. STEPIMG_NOMEM. */
enum stepimg_kind client_start(stepimg_client *client);
/* Makes the thread end and waits for that, until so many seconds after it was first told. False: it is left alone, and
   sees to its own end. Any thread. */
bool client_stop(stepimg_client *client, double seconds);
void client_release(stepimg_client *client);
/* Frees memory of so many bytes, NULL or not: what is large, on the I/O thread. Any thread, without the lock. */
void client_drop(stepimg_client *client, void *memory, size_t size);

/* --------------------------------------------------------------------------------------------------------- job.c -- */

/* Sets a job's outcome from error (kind STEPIMG_OK: none) and what arrived, unless it has one, and puts it into its
   queue. answer and timing may be NULL. Takes the pictures out of answer. Any thread, without the lock. */
void job_finish(struct stepimg_job *job, const struct stepimg_error *error, struct answer *answer,
                const struct stepimg_timing *timing);
/* The same for a job that the client's end cuts off. */
void job_abandon(struct stepimg_job *job);
void job_release(struct stepimg_job *job);

/* ------------------------------------------------------------------------------------------------------- queue.c -- */

/* A finished job comes in. The lock is held. */
void queue_push(struct stepimg_queue *queue, struct stepimg_job *job);
/* Lets go of the job's queue, if it has one; finished says that it is in its list. The lock is held. */
void queue_leave(struct stepimg_job *job, bool finished);
void queue_release(struct stepimg_queue *queue);

/* ------------------------------------------------------------------------------------------------------ worker.c -- */

/* The I/O thread's life; the client is held for it. */
void *worker_run(void *client);

#endif
