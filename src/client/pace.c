#include "client/pace.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Seconds. The service counts when a request arrives, this side when it leaves; the difference varies by a way's time. */
static const double WINDOW = 60, MARGIN = 0.5;

bool pace_init(struct pace *pace, size_t limit)
{
  memset(pace, 0, sizeof *pace);
  if (limit == 0)
    return true;
  pace->begun = limit <= SIZE_MAX / sizeof *pace->begun ? malloc(limit * sizeof *pace->begun) : NULL;
  pace->limit = limit;
  return pace->begun != NULL;
}

void pace_free(struct pace *pace)
{
  free(pace->begun);
  memset(pace, 0, sizeof *pace);
}

double pace_next(const struct pace *pace)
{
  double next = pace->rest;
  if (pace->begun != NULL && pace->count == pace->limit && pace->begun[pace->oldest] + WINDOW + MARGIN > next)
    next = pace->begun[pace->oldest] + WINDOW + MARGIN;
  return next;
}

void pace_begin(struct pace *pace, double now)
{
  if (pace->begun == NULL)
    return;
  if (pace->count < pace->limit) {
    pace->begun[pace->count++] = now;
    return;
  }
  pace->begun[pace->oldest] = now;
  pace->oldest = (pace->oldest + 1) % pace->limit;
}

double pace_rested(const struct pace *pace)
{
  return pace->rest;
}

void pace_rest(struct pace *pace, double until)
{
  if (until > pace->rest)
    pace->rest = until;
}
