/*
 * What the I/O thread does with one job: POST, repeats, downloads, the file, the end. Each function here may end the job,
 * which may be gone from memory then: the caller does not touch it again.
 */
#ifndef STEPIMG_ATTEMPT_H
#define STEPIMG_ATTEMPT_H

#include <curl/curl.h>
#include <stdint.h>

#include "client/job.h"
#include "client/state.h"
#include "http/pool.h"
#include "payload/spares.h"

/* What one I/O thread has; on its stack. */
struct worker {
  stepimg_client *client; /* held */
  struct pool *pool;      /* owned */
  struct jobs jobs;
  struct spares spares;
  uint64_t chance; /* state of a xorshift generator: the jitter needs no better */
};

/* The first of the queue has its turn. */
void attempt_start(struct worker *worker, struct stepimg_job *job);
/* Its exchange has ended, with libcurl's code. */
void attempt_ended(struct worker *worker, struct stepimg_job *job, CURLcode code);
/* Whether its turn costs nothing: it has a picture to fetch. */
bool attempt_is_free(const struct stepimg_job *job);
/* A job comes into the queue. */
void attempt_enqueue(struct worker *worker, struct stepimg_job *job);
/* Its timer has run out by now: its pause is over, or its deadline, or it may have stalled. */
void attempt_due(struct worker *worker, struct stepimg_job *job, double now);
/* The client is at its end. */
void attempt_abort(struct worker *worker, struct stepimg_job *job);
/* The host has ended the job: what the thread has of it goes. */
void attempt_let_go(struct worker *worker, struct stepimg_job *job);

#endif
