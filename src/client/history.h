/*
 * What happened to a job so far: its requests, one entry each, and its times. Written by the I/O thread; whoever gives the
 * job its outcome takes it over. It knows no lock: the client's is held for all but history_new and history_free.
 */
#ifndef STEPIMG_HISTORY_H
#define STEPIMG_HISTORY_H

#include <stdbool.h>

#include "stepimg.h"

/* Of a struct stepimg_timing. */
#define TIMING_UNKNOWN .queued = -1, .connect = -1, .tls = -1, .first_byte = -1

struct history {
  struct stepimg_exchange *first, *last; /* owned; NULL: none */
  struct stepimg_exchange *beginning;    /* the last of those at the beginning that always stay; NULL: there are few */
  struct stepimg_exchange *asked;        /* the last one to the service, which stays too; NULL: none, or no memory */
  unsigned count, left_out;
  bool open;     /* the last one is under way */
  double moment; /* of clock_now: the last one began, or ended, or the job was submitted */
  struct stepimg_timing timing;
};

void history_init(struct history *history, double submitted);
/* An entry for a request of that method (static). NULL: no memory, which history_begin takes too. */
struct stepimg_exchange *history_new(const char *method);
/* A request begins, for which entry, which is the history's from now on; asks: it goes to the service. */
void history_begin(struct history *history, struct stepimg_exchange *entry, bool asks, double now);
/* It has ended: what facts says of it is true, except for method, waited and seconds. Takes over the texts that it puts to use,
   which facts has no longer then. Nothing is under way any more, or never was: only the moment is noted. */
void history_end(struct history *history, struct stepimg_exchange *facts, double now);
/* The times of the last request to the service: connect, tls and first_byte. */
void history_time(struct history *history, const struct stepimg_timing *timing);
/* Moves all of it into an outcome, whose request_id is then that of the last request to the service; total is the
   caller's to set. */
void history_give(struct history *history, struct stepimg_outcome *outcome);
/* What history_give put into an outcome, or an entry alone. NULL is fine. */
void history_free(const struct stepimg_exchange *first);

#endif
