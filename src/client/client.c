/* The host's side of a client: its making and its end. */
#include "client/client.h"

#include <stdlib.h>

#include "base/error.h"

/* Seconds that a close waits for its thread. It answers in far less, but where an old libcurl waits for a name look-up
   that hangs; then the thread is left to end by itself. */
static const double CLOSE_PATIENCE = 0.1;

void client_release(stepimg_client *client)
{
  if (atomic_fetch_sub(&client->holders, 1) > 1)
    return;
  settings_clear(&client->settings);
  pace_free(&client->pace);
  queue_release(client->queue);
  port_lock_destroy(&client->lock);
  free(client);
}

void client_drop(stepimg_client *client, void *memory, size_t size)
{
  /* Below LARGE, free is quicker than the thread. It is woken for more than MUCH; for more than LITTLE where it has
     nothing to do and so would not look in before long. */
  enum { LARGE = 64 * 1024, LITTLE = 4 * 1024 * 1024, MUCH = 4 * LITTLE };
  bool taken = false;
  if (memory != NULL && size >= LARGE) {
    port_acquire(&client->lock);
    taken = client->running;
    if (taken) {
      struct spare *block = memory;
      size_t kept = client->unfinished == NULL ? LITTLE : MUCH;
      bool woken = client->dropped_bytes > kept;
      client->dropped_bytes += size;
      if (!woken && client->dropped_bytes > kept)
        pool_wake(&client->pool);
      block->size = size;
      block->next = client->dropped;
      client->dropped = block;
    }
    port_release(&client->lock);
  }
  if (!taken)
    free(memory);
}

enum stepimg_kind client_start(stepimg_client *client)
{
  if (client->started)
    return STEPIMG_OK;
  enum stepimg_kind kind = pool_init(&client->pool);
  if (kind != STEPIMG_OK)
    return kind;
  atomic_fetch_add(&client->holders, 1);
  client->running = true;
  if (!port_thread_start(&client->thread, worker_run, client)) {
    atomic_fetch_sub(&client->holders, 1);
    client->running = false;
    pool_free(&client->pool);
    return STEPIMG_NETWORK;
  }
  runtime_add(&client->at_exit);
  client->started = true;
  return STEPIMG_OK;
}

bool client_stop(stepimg_client *client, double seconds)
{
  port_acquire(&client->lock);
  if (!client->stopping)
    client->told = port_now();
  client->stopping = true;
  double until = client->told + seconds;
  if (client->running)
    pool_wake(&client->pool);
  while (client->started && !client->ended && port_now() < until)
    port_wait(&client->lock, until);
  bool over = !client->started || client->ended;
  client->alone = !over;
  port_release(&client->lock);
  return over;
}

static stepimg_client *half_built(void)
{
  stepimg_client *client = runtime_start() ? calloc(1, sizeof *client) : NULL;
  if (client == NULL)
    return NULL;
  client->queue = stepimg_queue_new(client);
  if (client->queue == NULL || !port_lock_init(&client->lock)) {
    queue_release(client->queue);
    free(client);
    return NULL;
  }
  atomic_init(&client->holders, 1);
  client->inbox_end = &client->inbox;
  client->at_exit.client = client;
  return client;
}

enum stepimg_kind stepimg_client_new(struct stepimg_options *options, stepimg_client **out, struct stepimg_error *error)
{
  *out = NULL;
  error_clear(error);
  stepimg_client *client = half_built();
  if (client == NULL) {
    stepimg_options_clear(options);
    return error_set(error, STEPIMG_NOMEM, NULL, "not enough memory for a client");
  }
  client->call = options->call;
  client->max_concurrent = options->max_concurrent;
  client->budget = options->budget;
  client->max_response_bytes = options->max_response_bytes;
  client->strict = options->strict;
  client->has_key = options->api_key != NULL && options->api_key[0] != '\0';
  if (!pace_init(&client->pace, (size_t)options->requests_per_minute))
    error_nomem(error);
  else
    settings_init(&client->settings, options, error);
  if (error->kind == STEPIMG_OK)
    *out = client;
  else
    client_release(client);
  stepimg_options_clear(options);
  return error->kind;
}

void stepimg_client_close(stepimg_client *client)
{
  if (client->joined)
    return;
  bool over = client_stop(client, CLOSE_PATIENCE);
  /* A thread that has ended has finished them all. One that hangs, or is slow, sends no body of those given up here. */
  while (!over) {
    port_acquire(&client->lock);
    struct stepimg_job *job = client->unfinished;
    port_release(&client->lock);
    if (job == NULL)
      break;
    job_abandon(job);
  }
  client->joined = true;
  if (!over)
    return; /* still listed: the process's end waits for it once more */
  if (runtime_remove(&client->at_exit))
    pthread_join(client->thread, NULL);
  settings_clear(&client->settings);
}

void stepimg_client_free(stepimg_client *client)
{
  if (client == NULL)
    return;
  stepimg_client_close(client);
  client_release(client);
}

double stepimg_now(void)
{
  return port_now();
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
