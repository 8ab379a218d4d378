/*
 * What the I/O thread does with one job: POST, repeats, downloads, the file, the end. Each function here may end the job,
 * which may be gone from memory then: the caller does not touch it again.
 */
#ifndef STEPIMG_ATTEMPT_H
#define STEPIMG_ATTEMPT_H

#include <curl/curl.h>

#include "client/work.h"

/* The first of the queue has its turn. */
void attempt_start(struct worker *worker, struct stepimg_job *job);
/* Its exchange has ended, with libcurl's code. */
void attempt_ended(struct worker *worker, struct stepimg_job *job, CURLcode code);
/* Whether its turn costs nothing: it has a picture to fetch. */
bool attempt_is_free(const struct stepimg_job *job);
/* It waits for its turn. why is for the trace. */
void attempt_queue(struct worker *worker, struct stepimg_job *job, const char *why);
/* A job comes in. */
void attempt_enqueue(struct worker *worker, struct stepimg_job *job);
/* Its timer has run out by now: its pause is over, or its deadline, or it may have stalled. */
void attempt_due(struct worker *worker, struct stepimg_job *job, double now);
/* The client is at its end. */
void attempt_abort(struct worker *worker, struct stepimg_job *job);

#endif
