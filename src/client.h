/*
 * What a client's two sides share: the host's (client.c) and the I/O thread's (worker.c).
 *
 * A job's holders: the host's handle, the I/O thread until it has finished it, and the inbox while it lies there. A
 * client's: its host, its thread and each of its jobs. The last holder to let go frees.
 */
#ifndef STEPIMG_CLIENT_H
#define STEPIMG_CLIENT_H

#include <curl/curl.h>
#include <stdatomic.h>

#include "exchange.h"
#include "port.h"
#include "runtime.h"
#include "stepimg.h"

struct work; /* worker.c: what a job needs only while it is in flight */

struct stepimg_job {
  atomic_int holders;
  stepimg_client *client; /* held */

  /* Constant after submit. */
  char *body;
  size_t body_length;
  struct stepimg_call call;
  double submitted; /* of port_now */

  /* Written on the I/O thread, read anywhere. */
  struct progress progress;
  atomic_int attempts;

  /* Under the client's lock. */
  bool cancelled;
  bool in_inbox;
  struct stepimg_job *inbox_next;
  struct stepimg_outcome *outcome;                       /* set: finished */
  struct stepimg_job *unfinished_next, *unfinished_back; /* of the client's list until then */

  /* The I/O thread's. */
  struct stepimg_job *next, *back; /* of the queue or of those in flight */
  bool known;                      /* is in one of the two */
  struct work *work;               /* NULL: not in flight */
};

struct stepimg_client {
  atomic_int holders;

  /* Constant after stepimg_client_new. */
  struct exchange_settings settings;
  struct stepimg_call call;
  int max_concurrent;
  size_t max_response_bytes;
  bool strict, has_key;

  struct port_lock lock; /* guards the rest, and the jobs' part; its condition: a job is finished, the thread has ended */
  bool stopping;         /* no more jobs; the thread is to end */
  bool started, ended;   /* the thread */
  CURLM *multi;          /* the thread's; here for curl_multi_wakeup. NULL: none, or it is being torn down */
  struct stepimg_job *inbox, **inbox_end; /* news for the thread: submitted or cancelled */
  struct stepimg_job *unfinished;

  /* The host's. */
  pthread_t thread;
  bool joined;

  struct runtime_entry at_exit;
};

#define CLIENT_CLOSED "the client was closed"

/* The I/O thread's life; the client is held for it. */
void *worker_run(void *client);

/* Sets a job's outcome from error (kind STEPIMG_OK: none) and what arrived, unless it has one. answer and timing may be
   NULL. Takes the pictures out of answer. Any thread, without the lock. */
void client_finish(struct stepimg_job *job, const struct stepimg_error *error, struct answer *answer,
                   const struct stepimg_timing *timing);

void client_release(stepimg_client *client);
void client_release_job(struct stepimg_job *job);

/* Makes the thread end and waits for that, at most so many seconds. Any thread. */
bool client_stop(stepimg_client *client, double seconds);

#endif
