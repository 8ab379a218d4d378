/* The host's face of a client: its making, its jobs' way in, and its end. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/path.h"
#include "client/job.h"
#include "client/shared.h"
#include "client/worker.h"
#include "http/start.h"

static const char elsewhere[] = CLIENT_ELSEWHERE;

enum stepimg_kind stepimg_client_new(struct stepimg_options *options, stepimg_client **out, struct stepimg_error *error)
{
  *out = NULL;
  error_clear(error);
  stepimg_client *client = http_start(error) == STEPIMG_OK ? client_new_shared() : NULL;
  if (client == NULL) {
    stepimg_options_clear(options);
    return error->kind != STEPIMG_OK ? error->kind : error_nomem(error);
  }
  const char *trace = getenv("STEPIMG_TRACE");
  client->traced = trace != NULL && trace[0] != '\0' && trace[0] != '0';
  client->call = options->call;
  client->max_concurrent = options->max_concurrent;
  client->budget = options->budget;
  client->max_response_bytes = options->max_response_bytes;
  client->strict = options->strict;
  client->has_key = options->api_key != NULL && options->api_key[0] != '\0';
  client->call.cache = NULL;
  if (!pace_init(&client->pace, (size_t)options->requests_per_minute))
    error_nomem(error);
  else
    settings_init(&client->settings, options, error);
  if (error->kind == STEPIMG_OK && options->cache != NULL && options->cache[0] != '\0' &&
      file_resolve(options->cache, &client->cache, error) == STEPIMG_OK)
    client->call.cache = client->cache;
  if (error->kind == STEPIMG_OK)
    *out = client;
  else
    client_release(client);
  stepimg_options_clear(options);
  return error->kind;
}

/* The job is enlisted, and the thread runs, or neither. The lock is held. */
static enum stepimg_kind enlist(stepimg_client *client, struct stepimg_job *job, struct stepimg_error *error)
{
  if (client->stopping)
    return error_set(error, STEPIMG_CANCELLED, NULL, "the client is closed");
  if (client->pool == NULL && worker_start(client, error) != STEPIMG_OK)
    return error->kind;
  job->number = ++client->serial;
  list_append(&client->unfinished, &job->host);
  if (job->target != NULL) {
    job->place.key = path_key(job->target);
    job->shares_path = places_enter(&client->places, &job->place);
  }
  client->stats.submitted += job->question == STEPIMG_PICTURE;
  if (job->queue != NULL)
    job->queue->pending++;
  job_notify(job);
  return STEPIMG_OK;
}

static enum stepimg_kind refuse(const stepimg_client *client, struct stepimg_error *error)
{
  return error_set(error, STEPIMG_BUDGET, NULL, "this client's budget of %d pictures is used up", client->budget);
}

enum stepimg_kind stepimg_submit(stepimg_client *client, const struct stepimg_request *request, stepimg_job **out,
                                 struct stepimg_error *error)
{
  *out = NULL;
  error_clear(error);
  if (!client_is_here(client))
    return error_set(error, STEPIMG_CANCELLED, NULL, "%s", elsewhere);
  if (!client->has_key)
    return error_set(error, STEPIMG_AUTH, "api_key", "there is none; give the option api_key or set STEP_API_KEY");
  bool spent =
      request->question == STEPIMG_PICTURE && client->budget >= 0 && atomic_load(&client->spent) >= client->budget;
  if (spent && request->call.cache == NULL)
    return refuse(client, error);
  struct stepimg_job *job = job_new(client, request, error);
  if (job == NULL)
    return error->kind;
  if (spent && !cache_may_hit(job->cache))
    refuse(client, error);
  else {
    lock_acquire(&client->lock);
    enlist(client, job, error);
    lock_release(&client->lock);
  }
  if (error->kind == STEPIMG_OK)
    *out = job;
  else {
    atomic_store(&job->holders, 1); /* the thread has never heard of it */
    job_release(job);
  }
  return error->kind;
}

/* The first job that may be given up; NULL: none is left. The lock is held. */
static struct stepimg_job *first_unfinished(const stepimg_client *client)
{
  const struct list_link *link = list_first(&client->unfinished);
  while (link != NULL && LIST_ITEM(link, struct stepimg_job, host)->storing)
    link = list_next(&client->unfinished, link);
  return LIST_ITEM(link, struct stepimg_job, host);
}

void stepimg_client_close(stepimg_client *client)
{
  if (!client_is_here(client))
    return;
  lock_acquire(&client->lock);
  client->stopping = true;
  if (client->pool != NULL)
    pool_wake(client->pool);
  struct stepimg_job *job;
  while ((job = first_unfinished(client)) != NULL) {
    atomic_fetch_add(&job->holders, 1);
    lock_release(&client->lock);
    job_give_up(job, CLIENT_CLOSED);
    job_release(job);
    lock_acquire(&client->lock);
  }
  if (client->pool == NULL) /* else the thread does so when it has ended with them */
    settings_clear(&client->settings);
  lock_release(&client->lock);
}

void stepimg_client_free(stepimg_client *client)
{
  if (client == NULL || !client_is_here(client))
    return;
  stepimg_client_close(client);
  client_release(client);
}

const char *stepimg_version(void)
{
  return STEPIMG_VERSION;
}

void stepimg_client_stats(stepimg_client *client, struct stepimg_stats *stats)
{
  *stats = (struct stepimg_stats){.budget_left = client->budget < 0 ? -1 : 0};
  if (!client_is_here(client))
    return;
  lock_acquire(&client->lock);
  *stats = client->stats;
  lock_release(&client->lock);
  stats->queued = stats->submitted - stats->done - stats->failed - stats->cancelled - stats->in_flight;
  stats->bytes_received = atomic_load(&client->traffic.bytes);
  stats->connections = atomic_load(&client->traffic.connections);
  stats->downloads += atomic_load(&client->traffic.again);
  int left = client->budget - atomic_load(&client->spent); /* which is one too many while a POST is refused */
  stats->budget_left = client->budget < 0 ? -1 : left > 0 ? left : 0;
}

double stepimg_now(void)
{
  return clock_now();
}

const struct stepimg_call *stepimg_client_call_defaults(const stepimg_client *client)
{
  return &client->call;
}

int stepimg_client_max_concurrent(const stepimg_client *client)
{
  return client->max_concurrent;
}

bool stepimg_client_is_strict(const stepimg_client *client)
{
  return client->strict;
}

/* ------------------------------------------------------------------------------------------------------- queues -- */

stepimg_queue *stepimg_queue_new(void)
{
  return queue_new();
}

void stepimg_queue_free(stepimg_queue *queue)
{
  queue_release(queue);
}

stepimg_queue *stepimg_client_queue(stepimg_client *client)
{
  return client->queue;
}

stepimg_job *stepimg_queue_first(stepimg_client *client, stepimg_queue *queue)
{
  if (!client_is_here(client))
    return NULL;
  lock_acquire(&client->lock);
  struct stepimg_job *job = LIST_ITEM(list_first(&queue->finished), struct stepimg_job, host);
  lock_release(&client->lock);
  return job;
}

bool stepimg_queue_wait(stepimg_client *client, stepimg_queue *queue, double seconds)
{
  if (!client_is_here(client))
    return false;
  double until = clock_now() + (seconds < CLOCK_FOREVER ? seconds : CLOCK_FOREVER);
  lock_acquire(&client->lock);
  while (queue->count == 0 && clock_now() < until)
    lock_wait(&client->lock, until);
  bool there = queue->count > 0;
  lock_release(&client->lock);
  return there;
}

size_t stepimg_queue_pending(stepimg_client *client, const stepimg_queue *queue)
{
  return client_is_here(client) ? atomic_load(&queue->pending) : 0;
}

size_t stepimg_queue_finished(stepimg_client *client, const stepimg_queue *queue)
{
  return client_is_here(client) ? atomic_load(&queue->count) : 0;
}

int stepimg_queue_fd(stepimg_client *client, stepimg_queue *queue)
{
  if (!client_is_here(client))
    return -1;
  lock_acquire(&client->lock);
  int descriptor = queue_descriptor(queue);
  lock_release(&client->lock);
  return descriptor;
}
