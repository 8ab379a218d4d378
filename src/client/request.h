/*
 * What is noted of a job's requests, in its history and in its client's counters. The I/O thread's; without the lock.
 */
#ifndef STEPIMG_REQUEST_H
#define STEPIMG_REQUEST_H

#include <stdbool.h>

#include "client/job.h"
#include "http/exchange.h"

/* One begins: the download of the job's picture, or one to the service, which is another of its attempts. */
void request_began(struct stepimg_job *job, bool download);
/* It has ended, and was judged: with error, or NULL where it led elsewhere as it should. */
void request_ended(struct stepimg_job *job, const struct exchange *exchange, const struct stepimg_error *error);
/* The job waits before a repeat. */
void request_waits(struct stepimg_job *job);

#endif
