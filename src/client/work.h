/*
 * What the I/O thread has of a job that was begun, from its first look at memory and disk to its end. Each function here
 * that takes a worker may end the job, which may be gone from memory then: the caller does not touch it again.
 */
#ifndef STEPIMG_WORK_H
#define STEPIMG_WORK_H

#include <stdint.h>

#include "base/check.h"
#include "client/job.h"
#include "client/state.h"
#include "http/exchange.h"
#include "http/policy.h"
#include "http/pool.h"
#include "payload/answer.h"
#include "payload/spares.h"

/* What one I/O thread has; on its stack. */
struct worker {
  stepimg_client *client; /* held */
  struct pool *pool;      /* owned */
  struct jobs jobs;
  struct spares spares;
  uint64_t chance; /* state of a xorshift generator: the jitter needs no better */
};

struct work {
  struct exchange exchange;
  struct answer answer;
  char *url;                   /* of the GET that is under way or to be repeated; owned */
  struct stepimg_image *image; /* that it fetches; NULL: the POST */
  enum policy_again again;     /* how the next attempt differs */
  int redirects;
  int attempts; /* of the POST, or of this picture's GET */
};

/* The job has what it needs to gather an answer: its work, its file, the picture that it edits. What fails here has cost
   nothing. False: the job has ended. */
MUST_USE bool work_prepare(struct worker *worker, struct stepimg_job *job);
/* Undoes that. Idempotent. */
void work_drop(struct stepimg_job *job);

/* A job that waits for something is to be looked at at that moment, or at its deadline. INFINITY: then alone. */
void work_wait_until(struct worker *worker, struct stepimg_job *job, double moment);

/* The job ends, as error says: its kind STEPIMG_OK, with what was gathered. That is kept and stored first. */
void work_finish(struct worker *worker, struct stepimg_job *job, struct stepimg_error *error);
/* It fails. */
void work_fail(struct worker *worker, struct stepimg_job *job, enum stepimg_kind kind, const char *message);
void work_no_memory(struct worker *worker, struct stepimg_job *job);
/* Its deadline has passed while it waited. */
void work_expire(struct worker *worker, struct stepimg_job *job);
/* The host has ended the job: what the thread has of it goes. */
void work_let_go(struct worker *worker, struct stepimg_job *job);

#endif
