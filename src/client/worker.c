#include "client/worker.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/thread.h"
#include "client/attempt.h"
#include "client/lookup.h"

enum {
  /* Requests that have no connection yet, at once, and one more for every fourth that has. Of a thousand that start
     together each would open its own; so they find those of HTTP/2 that are open by then, and the server is spared a
     storm of handshakes. Once it is known that many requests share one, fewer are wanted. */
  MAX_CONNECTING = 64,
  MAX_CONNECTING_SHARED = 16
};

/* Seconds without anything to do, after which the thread and its connections end. A test's build has its own. */
#ifndef WORKER_IDLE
#define WORKER_IDLE 60.0
#endif

/* What the host has put into the inbox. False: it is time to end. */
static bool read_inbox(struct worker *worker)
{
  stepimg_client *client = worker->client;
  struct stepimg_job *job;
  lock_acquire(&client->lock);
  while ((job = LIST_ITEM(list_first(&client->inbox), struct stepimg_job, inbox)) != NULL) {
    bool ended = job->outcome != NULL;
    list_remove(&job->inbox);
    lock_release(&client->lock);
    if (ended)
      work_let_go(worker, job);
    else
      attempt_enqueue(worker, job);
    job_release(job);
    lock_acquire(&client->lock);
  }
  bool stopping = client->stopping;
  lock_release(&client->lock);
  return !stopping;
}

static bool is_idle(const struct jobs *jobs)
{
  return list_is_empty(&jobs->looking) && list_is_empty(&jobs->queued) && list_is_empty(&jobs->flight) &&
         list_is_empty(&jobs->asking) && list_is_empty(&jobs->paused);
}

/* Takes over the pictures that were dropped, and frees what of them is not to be used again. */
static void tidy(struct worker *worker)
{
  stepimg_client *client = worker->client;
  lock_acquire(&client->lock);
  struct spare *dropped = client->dropped;
  client->dropped = NULL;
  client->dropped_bytes = 0;
  lock_release(&client->lock);
  spares_add(&worker->spares, dropped);
  spares_trim(&worker->spares, worker->jobs.in_flight);
}

static void run_timers(struct worker *worker)
{
  double now = clock_now();
  struct stepimg_job *job;
  while ((job = jobs_due(&worker->jobs, now)) != NULL)
    attempt_due(worker, job, now);
}

static void read_results(struct worker *worker)
{
  CURL *easy;
  CURLcode code;
  while (pool_next_result(worker->pool, &easy, &code)) {
    char *job = NULL;
    if (curl_easy_getinfo(easy, CURLINFO_PRIVATE, &job) == CURLE_OK)
      attempt_ended(worker, (struct stepimg_job *)(void *)job, code);
  }
}

/* When the first of the queue may start, if a place is free; INFINITY: not before something else happens. */
static double next_start(const struct worker *worker)
{
  const struct stepimg_job *job = jobs_first(&worker->jobs.queued);
  int in_flight = worker->jobs.in_flight;
  if (job == NULL || in_flight >= worker->client->max_concurrent)
    return INFINITY;
  if (attempt_is_free(job))
    return 0;
  const struct connections *connections = &worker->pool->connections;
  int most = connections->shared ? MAX_CONNECTING_SHARED : MAX_CONNECTING;
  most += (in_flight - connections->awaited) / 4;
  return connections->awaited < most ? pace_next(&worker->client->pace) : INFINITY;
}

/* Milliseconds to sleep, as far as it is known here. */
static int sleep_time(const struct worker *worker, double idle_until)
{
  if (!list_is_empty(&worker->jobs.looking))
    return 0;
  double moment = next_start(worker), timer = jobs_next_moment(&worker->jobs);
  if (timer < moment)
    moment = timer;
  if (idle_until < moment)
    moment = idle_until;
  double wait = ceil((moment - clock_now()) * 1000);
  return wait <= 0 ? 0 : wait < INT_MAX ? (int)wait : INT_MAX;
}

/* The thread has no pool any more, so nobody wakes it, and the next job starts another. False: there is news, which holds
   jobs that nobody else would let go of. */
static bool resign(struct worker *worker, bool stopping)
{
  stepimg_client *client = worker->client;
  lock_acquire(&client->lock);
  bool leaving = list_is_empty(&client->inbox) && client->stopping == stopping;
  if (leaving) {
    client->pool = NULL;
    client->taken = worker->pool->connections.limit;
  }
  lock_release(&client->lock);
  return leaving;
}

static void abort_all(struct worker *worker)
{
  struct list *lists[] = {&worker->jobs.flight, &worker->jobs.asking, &worker->jobs.paused, &worker->jobs.queued,
                          &worker->jobs.looking};
  struct stepimg_job *job;
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
    while ((job = jobs_first(lists[i])) != NULL)
      attempt_abort(worker, job);
}

static void work(struct worker *worker)
{
  double idle_until = INFINITY;
  for (;;) {
    if (!read_inbox(worker)) {
      abort_all(worker);
      if (resign(worker, true))
        return;
      continue;
    }
    run_timers(worker);
    struct stepimg_job *looking = jobs_first(&worker->jobs.looking);
    if (looking != NULL) /* one at a time: those in flight wait for the disk meanwhile */
      lookup_run(worker, looking);
    while (next_start(worker) <= clock_now())
      attempt_start(worker, jobs_first(&worker->jobs.queued));
    pool_perform(worker->pool);
    read_results(worker);
    tidy(worker); /* last: while jobs are unfinished it is woken only where much is dropped */
    double now = clock_now();
    if (!is_idle(&worker->jobs))
      idle_until = INFINITY;
    else if (idle_until == INFINITY)
      idle_until = now + WORKER_IDLE;
    else if (now >= idle_until && resign(worker, false))
      return;
    int milliseconds = sleep_time(worker, idle_until);
    if (milliseconds > 0)
      pool_sleep(worker->pool, milliseconds);
  }
}

static void run(void *context)
{
  stepimg_client *client = context;
  struct worker worker = {.client = client, .pool = client->pool};
  /* Spread over all bits: clients that start together are not to come back together. */
  worker.chance = ((uint64_t)(clock_now() * 1e9) ^ (uint64_t)(uintptr_t)client) * 0x9e3779b97f4a7c15u;
  worker.chance |= worker.chance == 0;
  jobs_init(&worker.jobs);
  work(&worker);
  tidy(&worker);
  spares_free(&worker.spares);
  jobs_free(&worker.jobs);
  pool_free(worker.pool);
  lock_acquire(&client->lock);
  /* Nobody needs them any more, unless another thread has followed: the key goes at once, not when the last picture does. */
  if (client->stopping && client->pool == NULL)
    settings_clear(&client->settings);
  lock_release(&client->lock);
}

/* The process ends. */
static void stop(void *context)
{
  stepimg_client *client = context;
  lock_acquire(&client->lock);
  client->stopping = true;
  if (client->pool != NULL)
    pool_wake(client->pool);
  lock_release(&client->lock);
}

static void let_go(void *context)
{
  client_release(context);
}

enum stepimg_kind worker_start(stepimg_client *client, struct stepimg_error *error)
{
  struct thread_task task = {.run = run, .stop = stop, .release = let_go, .context = client};
  client->pool = pool_new(client->taken, &client->traffic);
  if (client->pool == NULL)
    return error_set(error, STEPIMG_NETWORK, NULL,
                     "this process has no descriptor or no memory left for connections; try again when it has");
  client_hold(client);
  enum thread_start started = thread_start(&task);
  if (started == THREAD_STARTED)
    return STEPIMG_OK;
  client_release(client);
  pool_free(client->pool);
  client->pool = NULL;
  if (started == THREAD_NO_MEMORY)
    return error_nomem(error);
  return error_set(error, STEPIMG_NETWORK, NULL, "this process may start no more threads; try again when it may");
}
