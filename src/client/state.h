/*
 * The I/O thread's view of its jobs: which are queued, in flight or paused, and the one door through which a job goes from
 * one state to the next. The I/O thread's alone.
 */
#ifndef STEPIMG_STATE_H
#define STEPIMG_STATE_H

#include "client/job.h"
#include "client/timers.h"

/* The jobs of one thread, by where they are. */
struct jobs {
  struct list looking, queued, flight, asking, paused;
  int in_flight; /* of flight */
  struct timers timers;
};

void jobs_init(struct jobs *jobs);
void jobs_free(struct jobs *jobs); /* all jobs have ended */
/* NULL: the list is empty. */
struct stepimg_job *jobs_first(const struct list *list);

/* Moves a job into a state, from whichever it was in; stops its timer. why is for the trace: a word or two, never a
   secret. */
void job_enter(struct jobs *jobs, struct stepimg_job *job, enum job_state state, const char *why);
/* JOB_QUEUED at the queue's head: it has waited its turn already. */
void job_enter_first(struct jobs *jobs, struct stepimg_job *job, const char *why);

/* The moment of its deadline; INFINITY: it has none. */
double job_deadline(const struct stepimg_job *job);
/* Sets the timer of a job; INFINITY: none. False: no memory. */
MUST_USE bool job_set_timer(struct jobs *jobs, struct stepimg_job *job, double moment);
/* The job whose timer has run out by now; NULL: none has. */
struct stepimg_job *jobs_due(const struct jobs *jobs, double now);
/* The moment of the first timer; INFINITY: none is set. */
double jobs_next_moment(const struct jobs *jobs);

#endif
