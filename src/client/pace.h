/* When the next request may begin: so many in any minute, and none while the service wants a rest. The I/O thread's. */
#ifndef STEPIMG_PACE_H
#define STEPIMG_PACE_H

#include <stdbool.h>
#include <stddef.h>

struct pace {
  double *begun; /* ring of the last requests' moments; NULL: no limit */
  size_t limit, count, oldest;
  double rest; /* no request before this moment */
};

/* limit 0: none. False: out of memory. */
bool pace_init(struct pace *pace, size_t limit);
void pace_free(struct pace *pace); /* idempotent */
/* The moment from which a request may begin; not after now: at once. */
double pace_next(const struct pace *pace);
void pace_begin(struct pace *pace, double now);
void pace_rest(struct pace *pace, double until);
/* The moment from which the service wants no rest any more; what is in no limit waits for that alone. */
double pace_rested(const struct pace *pace);

#endif
