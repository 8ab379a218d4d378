/* The host's side of a client and its jobs. */
#include "client.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "text.h"

/* How long a close waits for its thread. It answers in far less, but where an old libcurl waits for a name look-up that
   hangs; then the thread is left to end by itself. */
static const double CLOSE_PATIENCE = 0.1;

/* Stands in for an outcome that could not be allocated. Never written to. */
static const struct stepimg_outcome no_memory = {
    .error = {.kind = STEPIMG_NOMEM, .retry_after = -1, .message = "not enough memory for the answer", .maybe_billed = true},
};

/* ------------------------------------------------------------------------------------------------------ holders -- */

void client_release(stepimg_client *client)
{
  if (atomic_fetch_sub(&client->holders, 1) > 1)
    return;
  exchange_settings_clear(&client->settings);
  port_lock_destroy(&client->lock);
  free(client);
}

static void free_outcome(struct stepimg_outcome *outcome)
{
  if (outcome == NULL || outcome == &no_memory)
    return;
  for (size_t i = 0; i < outcome->picture_count; i++) {
    free(outcome->pictures[i].bytes);
    free((char *)outcome->pictures[i].url);
  }
  free(outcome->pictures);
  free((char *)outcome->body);
  free(outcome);
}

void client_release_job(struct stepimg_job *job)
{
  if (atomic_fetch_sub(&job->holders, 1) > 1)
    return;
  stepimg_client *client = job->client;
  free_outcome(job->outcome);
  free(job->body);
  free(job);
  client_release(client);
}

/* ------------------------------------------------------------------------------------------------------- thread -- */

/* Puts a job into the thread's inbox and wakes it. The lock is held. */
static void notify(struct stepimg_job *job)
{
  stepimg_client *client = job->client;
  if (!job->in_inbox) {
    job->in_inbox = true;
    atomic_fetch_add(&job->holders, 1);
    job->inbox_next = NULL;
    *client->inbox_end = job;
    client->inbox_end = &job->inbox_next;
  }
  if (client->multi != NULL)
    curl_multi_wakeup(client->multi);
}

/* The lock is held. */
static bool start_thread(stepimg_client *client)
{
  if (client->started)
    return true;
  client->multi = curl_multi_init();
  if (client->multi == NULL)
    return false;
  atomic_fetch_add(&client->holders, 1);
  if (!port_thread_start(&client->thread, worker_run, client)) {
    atomic_fetch_sub(&client->holders, 1);
    curl_multi_cleanup(client->multi);
    client->multi = NULL;
    return false;
  }
  runtime_add(&client->at_exit);
  client->started = true;
  return true;
}

bool client_stop(stepimg_client *client, double seconds)
{
  double until = port_now() + seconds;
  port_acquire(&client->lock);
  client->stopping = true;
  if (client->multi != NULL)
    curl_multi_wakeup(client->multi);
  while (client->started && !client->ended && port_now() < until)
    port_wait(&client->lock, until);
  bool over = !client->started || client->ended;
  port_release(&client->lock);
  return over;
}

/* ------------------------------------------------------------------------------------------------------- client -- */

enum stepimg_kind stepimg_client_new(struct stepimg_options *options, stepimg_client **out, struct stepimg_error *error)
{
  *out = NULL;
  error_clear(error);
  stepimg_client *client = runtime_start() ? calloc(1, sizeof *client) : NULL;
  if (client == NULL || !port_lock_init(&client->lock)) {
    free(client);
    stepimg_options_clear(options);
    return error_set(error, STEPIMG_NOMEM, NULL, "not enough memory for a client");
  }
  atomic_init(&client->holders, 1);
  client->inbox_end = &client->inbox;
  client->at_exit.client = client;
  client->call = options->call;
  client->max_concurrent = options->max_concurrent;
  client->max_response_bytes = options->max_response_bytes;
  client->strict = options->strict;
  client->has_key = options->api_key != NULL && options->api_key[0] != '\0';
  if (exchange_settings_init(&client->settings, options, error) == STEPIMG_OK)
    *out = client;
  else
    client_release(client);
  stepimg_options_clear(options);
  return error->kind;
}

void stepimg_client_close(stepimg_client *client)
{
  struct stepimg_error error;
  if (client->joined)
    return;
  bool over = client_stop(client, CLOSE_PATIENCE);
  runtime_remove(&client->at_exit);
  /* A thread that ended has finished them all. One that hangs cannot send any more, so what has left is certain. */
  while (!over) {
    port_acquire(&client->lock);
    struct stepimg_job *job = client->unfinished;
    port_release(&client->lock);
    if (job == NULL)
      break;
    error_clear(&error);
    error_set(&error, STEPIMG_CANCELLED, NULL, "%s", CLIENT_CLOSED);
    error.maybe_billed = atomic_load(&job->progress.sent);
    client_finish(job, &error, NULL, NULL);
  }
  client->joined = true;
  if (over && client->started)
    pthread_join(client->thread, NULL);
  else if (client->started)
    pthread_detach(client->thread);
  if (over)
    exchange_settings_clear(&client->settings);
}

void stepimg_client_free(stepimg_client *client)
{
  if (client == NULL)
    return;
  stepimg_client_close(client);
  client_release(client);
}

bool stepimg_client_is_closed(const stepimg_client *client)
{
  return client->joined;
}

const struct stepimg_call *stepimg_client_call_defaults(const stepimg_client *client)
{
  return &client->call;
}

bool stepimg_client_is_strict(const stepimg_client *client)
{
  return client->strict;
}

/* --------------------------------------------------------------------------------------------------------- jobs -- */

static struct stepimg_job *new_job(stepimg_client *client, const char *body, size_t length,
                                   const struct stepimg_call *call)
{
  struct stepimg_job *job = calloc(1, sizeof *job);
  if (job == NULL)
    return NULL;
  job->body = malloc(length + 1);
  if (job->body == NULL) {
    free(job);
    return NULL;
  }
  memcpy(job->body, body, length);
  job->body_length = length;
  job->call = *call;
  job->submitted = port_now();
  job->client = client;
  atomic_fetch_add(&client->holders, 1);
  atomic_init(&job->holders, 2);
  return job;
}

enum stepimg_kind stepimg_submit(stepimg_client *client, const char *body, size_t length,
                                 const struct stepimg_call *call, stepimg_job **out, struct stepimg_error *error)
{
  *out = NULL;
  error_clear(error);
  if (!client->has_key)
    return error_set(error, STEPIMG_AUTH, "api_key", "there is none; give the option api_key or set STEP_API_KEY");
  struct stepimg_job *job = new_job(client, body, length, call);
  if (job == NULL)
    return error_nomem(error);
  port_acquire(&client->lock);
  bool stopping = client->stopping, started = !stopping && start_thread(client);
  if (started) {
    job->unfinished_next = client->unfinished;
    if (client->unfinished != NULL)
      client->unfinished->unfinished_back = job;
    client->unfinished = job;
    notify(job);
  }
  port_release(&client->lock);
  if (started) {
    *out = job;
    return STEPIMG_OK;
  }
  client_release_job(job);
  client_release_job(job);
  if (stopping)
    return error_set(error, STEPIMG_CANCELLED, NULL, "the client is closed");
  return error_set(error, STEPIMG_NOMEM, NULL, "not enough memory for a thread");
}

/* Moves what there is to say about a job into one block. Never NULL. */
static struct stepimg_outcome *new_outcome(struct stepimg_job *job, const struct stepimg_error *error,
                                           struct answer *answer, const struct stepimg_timing *timing)
{
  struct stepimg_outcome *outcome = calloc(1, sizeof *outcome);
  if (outcome == NULL)
    return (struct stepimg_outcome *)&no_memory;
  outcome->error = *error;
  if (answer != NULL)
    answer_take(answer, outcome);
  if (timing != NULL)
    outcome->timing = *timing;
  outcome->timing.total = port_now() - job->submitted;
  outcome->attempts = outcome->error.attempts = atomic_load(&job->attempts);
  return outcome;
}

void client_finish(struct stepimg_job *job, const struct stepimg_error *error, struct answer *answer,
                   const struct stepimg_timing *timing)
{
  stepimg_client *client = job->client;
  struct stepimg_outcome *outcome = new_outcome(job, error, answer, timing);
  port_acquire(&client->lock);
  bool first = job->outcome == NULL;
  if (first) {
    job->outcome = outcome;
    atomic_store_explicit(&job->progress.phase, STEPIMG_DONE, memory_order_relaxed);
    if (job->unfinished_back != NULL)
      job->unfinished_back->unfinished_next = job->unfinished_next;
    else
      client->unfinished = job->unfinished_next;
    if (job->unfinished_next != NULL)
      job->unfinished_next->unfinished_back = job->unfinished_back;
    port_wake(&client->lock);
  }
  port_release(&client->lock);
  if (!first)
    free_outcome(outcome);
}

bool stepimg_job_wait(stepimg_job *job, double seconds)
{
  stepimg_client *client = job->client;
  double until = port_now() + (seconds < 0 || seconds > 1e9 ? 1e9 : seconds);
  port_acquire(&client->lock);
  while (job->outcome == NULL && port_now() < until)
    port_wait(&client->lock, until);
  bool finished = job->outcome != NULL;
  port_release(&client->lock);
  return finished;
}

bool stepimg_job_cancel(stepimg_job *job)
{
  port_acquire(&job->client->lock);
  bool going = job->outcome == NULL && !job->cancelled;
  if (going) {
    job->cancelled = true;
    notify(job);
  }
  port_release(&job->client->lock);
  return going;
}

void stepimg_job_free(stepimg_job *job)
{
  if (job == NULL)
    return;
  stepimg_job_cancel(job);
  client_release_job(job);
}

struct stepimg_outcome *stepimg_job_outcome(stepimg_job *job)
{
  port_acquire(&job->client->lock);
  struct stepimg_outcome *outcome = job->outcome;
  port_release(&job->client->lock);
  return outcome;
}

unsigned char *stepimg_picture_take(struct stepimg_picture *picture)
{
  unsigned char *bytes = picture->bytes;
  picture->bytes = NULL;
  return bytes;
}

void stepimg_free(void *memory)
{
  free(memory);
}
