#include "client/state.h"

#include <math.h>
#include <stdio.h>

static const char *const names[] = {"new",      "looking", "queued",  "posting", "asking",
                                    "fetching", "paused",  "storing", "ended"};

#define TO(state) (1u << JOB_##state)

/* Where a job may go from each state. A request may follow itself at once: it never left, and goes on another connection. */
static const unsigned legal[] = {
    [JOB_NEW] = TO(LOOKING) | TO(QUEUED) | TO(ASKING) | TO(PAUSED) | TO(ENDED),
    [JOB_LOOKING] = TO(QUEUED) | TO(STORING) | TO(ENDED),
    [JOB_QUEUED] = TO(POSTING) | TO(FETCHING) | TO(ENDED),
    [JOB_POSTING] = TO(POSTING) | TO(FETCHING) | TO(PAUSED) | TO(STORING) | TO(ENDED),
    [JOB_ASKING] = TO(ASKING) | TO(PAUSED) | TO(ENDED),
    [JOB_FETCHING] = TO(FETCHING) | TO(PAUSED) | TO(STORING) | TO(ENDED),
    [JOB_PAUSED] = TO(QUEUED) | TO(ASKING) | TO(PAUSED) | TO(ENDED),
    [JOB_STORING] = TO(ENDED),
    [JOB_ENDED] = 0,
};

void jobs_init(struct jobs *jobs)
{
  *jobs = (struct jobs){.in_flight = 0};
  list_init(&jobs->looking);
  list_init(&jobs->queued);
  list_init(&jobs->flight);
  list_init(&jobs->asking);
  list_init(&jobs->paused);
}

void jobs_free(struct jobs *jobs)
{
  timers_free(&jobs->timers);
}

struct stepimg_job *jobs_first(const struct list *list)
{
  return LIST_ITEM(list_first(list), struct stepimg_job, io);
}

/* NULL: a job in that state is in no list. */
static struct list *list_of(struct jobs *jobs, int state)
{
  switch (state) {
  case JOB_LOOKING:
    return &jobs->looking;
  case JOB_QUEUED:
    return &jobs->queued;
  case JOB_POSTING:
  case JOB_FETCHING:
  case JOB_STORING: /* its place is among those in flight for that moment */
    return &jobs->flight;
  case JOB_ASKING:
    return &jobs->asking;
  case JOB_PAUSED:
    return &jobs->paused;
  default:
    return NULL;
  }
}

static void enter(struct jobs *jobs, struct stepimg_job *job, enum job_state state, bool first, const char *why)
{
  int before = atomic_load(&job->state);
  struct list *from = list_of(jobs, before), *to = list_of(jobs, (int)state);
  CHECK((legal[before] & 1u << state) != 0);
  if (job->client->traced)
    fprintf(stderr, "stepimg: job %u: %s -> %s (%s)\n", job->number, names[before], names[state], why);
  timers_clear(&jobs->timers, &job->timer);
  if (from != to) {
    list_remove(&job->io);
    jobs->in_flight += (to == &jobs->flight) - (from == &jobs->flight);
    if (to != NULL && first)
      list_prepend(to, &job->io);
    else if (to != NULL)
      list_append(to, &job->io);
  }
  CHECK(jobs->in_flight >= 0);
  atomic_store(&job->state, (int)state);
}

void job_enter(struct jobs *jobs, struct stepimg_job *job, enum job_state state, const char *why)
{
  enter(jobs, job, state, false, why);
}

void job_enter_first(struct jobs *jobs, struct stepimg_job *job, const char *why)
{
  enter(jobs, job, JOB_QUEUED, true, why);
}

double job_deadline(const struct stepimg_job *job)
{
  return job->call.deadline > 0 ? job->submitted + job->call.deadline : INFINITY;
}

bool job_set_timer(struct jobs *jobs, struct stepimg_job *job, double moment)
{
  return moment == INFINITY || timers_set(&jobs->timers, &job->timer, moment);
}

struct stepimg_job *jobs_due(const struct jobs *jobs, double now)
{
  struct timer *timer = timers_first(&jobs->timers);
  if (timer == NULL || timer->moment > now)
    return NULL;
  return (struct stepimg_job *)(void *)((char *)timer - offsetof(struct stepimg_job, timer));
}

double jobs_next_moment(const struct jobs *jobs)
{
  const struct timer *timer = timers_first(&jobs->timers);
  return timer != NULL ? timer->moment : INFINITY;
}
