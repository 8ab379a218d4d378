/* Which job has to be looked at next, and when: a binary heap. The I/O thread's. */
#ifndef STEPIMG_TIMERS_H
#define STEPIMG_TIMERS_H

#include <stdbool.h>
#include <stddef.h>

/* Embedded in a job; zeroed at first. */
struct timer {
  double moment; /* of clock_now */
  size_t place;  /* in the heap, from 1; 0: not set */
};

struct timers {
  struct timer **heap;
  size_t count, capacity;
};

/* Sets or moves a timer. False: out of memory; it is then not set. */
bool timers_set(struct timers *timers, struct timer *timer, double moment);
void timers_clear(struct timers *timers, struct timer *timer); /* idempotent */
/* The earliest, NULL if none is set. */
struct timer *timers_first(const struct timers *timers);
void timers_free(struct timers *timers); /* of the heap alone; all timers are cleared before */

#endif
