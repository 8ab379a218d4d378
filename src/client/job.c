/* The host's side of a job, and its end. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "client/client.h"

/* Stands in for an outcome that could not be allocated. Never written to. */
static const struct stepimg_outcome no_memory = {
    .error = {.kind = STEPIMG_NOMEM,
              .retry_after = -1,
              .message = "not enough memory for the answer",
              .maybe_billed = true},
};

static void free_outcome(stepimg_client *client, struct stepimg_outcome *outcome)
{
  if (outcome == NULL || outcome == &no_memory)
    return;
  for (size_t i = 0; i < outcome->picture_count; i++) {
    client_drop(client, outcome->pictures[i].bytes, outcome->pictures[i].length);
    free((char *)outcome->pictures[i].url);
  }
  free(outcome->pictures);
  free((char *)outcome->body);
  free(outcome);
}

void job_release(struct stepimg_job *job)
{
  if (atomic_fetch_sub(&job->holders, 1) > 1)
    return;
  stepimg_client *client = job->client;
  free_outcome(client, job->outcome);
  file_abort(&job->file);
  queue_release(job->queue);
  free(job->body);
  free(job->save);
  free(job);
  client_release(client);
}

/* ------------------------------------------------------------------------------------------------------- submit -- */

/* Puts a job into the thread's inbox and wakes it. The lock is held. */
static void notify(struct stepimg_job *job)
{
  stepimg_client *client = job->client;
  if (client->inbox == NULL && client->multi != NULL) /* else it was woken and has not looked yet */
    curl_multi_wakeup(client->multi);
  if (!job->in_inbox) {
    job->in_inbox = true;
    atomic_fetch_add(&job->holders, 1);
    job->inbox_next = NULL;
    *client->inbox_end = job;
    client->inbox_end = &job->inbox_next;
  }
}

static char *copy(const char *bytes, size_t length)
{
  char *text = malloc(length + 1);
  if (text != NULL) {
    memcpy(text, bytes, length);
    text[length] = '\0';
  }
  return text;
}

static struct stepimg_job *new_job(stepimg_client *client, const struct stepimg_request *request)
{
  struct stepimg_job *job = calloc(1, sizeof *job);
  if (job == NULL)
    return NULL;
  job->body = copy(request->body, request->length);
  job->save = request->save != NULL ? copy(request->save, strlen(request->save)) : NULL;
  if (job->body == NULL || (request->save != NULL && job->save == NULL)) {
    free(job->body);
    free(job->save);
    free(job);
    return NULL;
  }
  job->body_length = request->length;
  job->call = request->call;
  job->tag = request->tag;
  job->file = FILE_NONE;
  job->submitted = port_now();
  job->client = client;
  job->queue = request->queue;
  if (job->queue != NULL)
    atomic_fetch_add(&job->queue->holders, 1);
  atomic_fetch_add(&client->holders, 1);
  atomic_init(&job->holders, 2);
  return job;
}

/* The lock is held. */
static void enlist(struct stepimg_job *job)
{
  stepimg_client *client = job->client;
  job->host.next = client->unfinished;
  if (client->unfinished != NULL)
    client->unfinished->host.back = job;
  client->unfinished = job;
  if (job->queue != NULL)
    job->queue->pending++;
  notify(job);
}

enum stepimg_kind stepimg_submit(stepimg_client *client, const struct stepimg_request *request, stepimg_job **out,
                                 struct stepimg_error *error)
{
  *out = NULL;
  error_clear(error);
  if (!client->has_key)
    return error_set(error, STEPIMG_AUTH, "api_key", "there is none; give the option api_key or set STEP_API_KEY");
  if (client->budget >= 0 && atomic_load(&client->spent) >= client->budget)
    return error_set(error, STEPIMG_BUDGET, NULL, "this client's budget of %d pictures is used up", client->budget);
  struct stepimg_job *job = new_job(client, request);
  if (job == NULL)
    return error_nomem(error);
  port_acquire(&client->lock);
  bool stopping = client->stopping, started = !stopping && client_start(client);
  if (started)
    enlist(job);
  port_release(&client->lock);
  if (started) {
    *out = job;
    return STEPIMG_OK;
  }
  atomic_store(&job->holders, 1); /* the thread has never heard of it */
  job_release(job);
  if (stopping)
    return error_set(error, STEPIMG_CANCELLED, NULL, "the client is closed");
  return error_set(error, STEPIMG_NOMEM, NULL, "not enough memory for a thread");
}

/* ------------------------------------------------------------------------------------------------------ the end -- */

/* Moves what there is to say about a job into one block. Never NULL. */
static struct stepimg_outcome *new_outcome(struct stepimg_job *job, const struct stepimg_error *error,
                                           struct answer *answer, const struct stepimg_timing *timing,
                                           struct file *file)
{
  struct stepimg_outcome *outcome = calloc(1, sizeof *outcome);
  if (outcome == NULL)
    return (struct stepimg_outcome *)&no_memory;
  outcome->error = *error;
  if (answer != NULL)
    answer_take(answer, outcome, file);
  if (timing != NULL)
    outcome->timing = *timing;
  outcome->timing.total = port_now() - job->submitted;
  outcome->attempts = outcome->error.attempts = atomic_load(&job->attempts);
  return outcome;
}

void job_finish(struct stepimg_job *job, const struct stepimg_error *error, struct answer *answer,
                const struct stepimg_timing *timing)
{
  stepimg_client *client = job->client;
  struct file file = FILE_NONE;
  struct stepimg_outcome *outcome = new_outcome(job, error, answer, timing, &file);
  port_acquire(&client->lock);
  bool first = job->outcome == NULL;
  if (first) {
    job->outcome = outcome;
    job->file = file;
    atomic_store_explicit(&job->progress.phase, STEPIMG_DONE, memory_order_relaxed);
    if (job->host.back != NULL)
      job->host.back->host.next = job->host.next;
    else
      client->unfinished = job->host.next;
    if (job->host.next != NULL)
      job->host.next->host.back = job->host.back;
    if (job->queue != NULL)
      queue_push(job->queue, job);
  }
  port_release(&client->lock);
  if (first)
    port_wake(&client->lock); /* who is woken wants the lock */
  else {
    free_outcome(client, outcome);
    file_abort(&file);
  }
}

void job_abandon(struct stepimg_job *job)
{
  struct stepimg_error error;
  error_clear(&error);
  error_set(&error, STEPIMG_CANCELLED, NULL, "%s", CLIENT_CLOSED);
  atomic_store(&job->progress.given_up, true); /* first: what was not sent by the next line never will be */
  error.maybe_billed = atomic_load(&job->progress.sent);
  job_finish(job, &error, NULL, NULL);
}

bool stepimg_job_wait(stepimg_job *job, double seconds)
{
  stepimg_client *client = job->client;
  double until = port_now() + (seconds < PORT_FOREVER ? seconds : PORT_FOREVER);
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

bool stepimg_job_fetch(stepimg_job *job)
{
  port_acquire(&job->client->lock);
  bool there = job->outcome != NULL && job->queue != NULL;
  if (there)
    queue_leave(job, true);
  port_release(&job->client->lock);
  return there;
}

void stepimg_job_free(stepimg_job *job)
{
  if (job == NULL)
    return;
  stepimg_job_cancel(job);
  port_acquire(&job->client->lock);
  queue_leave(job, job->outcome != NULL);
  port_release(&job->client->lock);
  job_release(job);
}

/* -------------------------------------------------------------------------------------------------------- looks -- */

void *stepimg_job_tag(const stepimg_job *job)
{
  return job->tag;
}

struct stepimg_outcome *stepimg_job_outcome(stepimg_job *job)
{
  port_acquire(&job->client->lock);
  struct stepimg_outcome *outcome = job->outcome;
  port_release(&job->client->lock);
  return outcome;
}

void stepimg_job_progress(stepimg_job *job, struct stepimg_progress *progress)
{
  const struct stepimg_outcome *outcome = stepimg_job_outcome(job);
  progress->state = outcome != NULL ? STEPIMG_STATE_FINISHED : (enum stepimg_state)atomic_load(&job->state);
  progress->phase = (enum stepimg_phase)atomic_load_explicit(&job->progress.phase, memory_order_relaxed);
  progress->received = atomic_load_explicit(&job->progress.received, memory_order_relaxed);
  progress->total = atomic_load_explicit(&job->progress.total, memory_order_relaxed);
  progress->elapsed = outcome != NULL ? outcome->timing.total : port_now() - job->submitted;
  progress->attempt = atomic_load(&job->attempts);
}

enum stepimg_kind stepimg_job_commit(stepimg_job *job, struct stepimg_error *error)
{
  error_clear(error);
  return job->file.temporary != NULL ? file_commit(&job->file, error) : STEPIMG_OK;
}

void stepimg_job_discard(stepimg_job *job)
{
  file_abort(&job->file);
}

struct stepimg_bytes stepimg_picture_take(stepimg_job *job, struct stepimg_picture *picture)
{
  struct stepimg_bytes bytes = {picture->bytes, picture->length, job->client};
  atomic_fetch_add(&job->client->holders, 1);
  picture->bytes = NULL;
  return bytes;
}

void stepimg_bytes_free(struct stepimg_bytes *bytes)
{
  if (bytes->data == NULL)
    return;
  client_drop(bytes->client, bytes->data, bytes->length);
  client_release(bytes->client);
  bytes->data = NULL;
}
