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
/* The job's first look at memory and disk: what fails here has cost nothing. False: the job has ended. */
MUST_USE bool attempt_prepare(struct worker *worker, struct stepimg_job *job);
/* What it then gathers. */
struct answer *attempt_answer(struct stepimg_job *job);
/* Undoes attempt_prepare. Idempotent. */
void attempt_unprepare(struct stepimg_job *job);
/* The job ends, as error says: its kind STEPIMG_OK, with what was gathered. */
void attempt_finish(struct worker *worker, struct stepimg_job *job, struct stepimg_error *error);
/* It waits for its turn. why is for the trace. */
void attempt_queue(struct worker *worker, struct stepimg_job *job, const char *why);
/* A job comes in. */
void attempt_enqueue(struct worker *worker, struct stepimg_job *job);
/* Its timer has run out by now: its pause is over, or its deadline, or it may have stalled. */
void attempt_due(struct worker *worker, struct stepimg_job *job, double now);
/* The client is at its end. */
void attempt_abort(struct worker *worker, struct stepimg_job *job);
/* The host has ended the job: what the thread has of it goes. */
void attempt_let_go(struct worker *worker, struct stepimg_job *job);

#endif
