/* The look of a job into its cache, before its turn. The I/O thread's. */
#ifndef STEPIMG_LOOKUP_H
#define STEPIMG_LOOKUP_H

#include "client/attempt.h"

/* The first of those that look: what is found ends it, and what is not found goes into the queue. It may be gone from
   memory then. */
void lookup_run(struct worker *worker, struct stepimg_job *job);

#endif
