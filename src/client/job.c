#include "client/job.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "payload/payload.h"

/* Stands in for an outcome that could not be allocated. Never written to. */
static const struct stepimg_outcome no_memory = {
    .timing = {TIMING_UNKNOWN},
    .error = {.kind = STEPIMG_NOMEM,
              .retry_after = -1,
              .message = "not enough memory for the answer",
              .maybe_billed = true},
};

/* What a child of the process that made the client hears of its jobs. */
static const struct stepimg_outcome elsewhere = {
    .timing = {TIMING_UNKNOWN},
    .error = {.kind = STEPIMG_CANCELLED, .retry_after = -1, .message = CLIENT_ELSEWHERE},
};

/* Lets go of the job's queue, if it has one. The lock is held. */
static void leave_queue(struct stepimg_job *job)
{
  struct stepimg_queue *queue = job->queue;
  if (queue == NULL)
    return;
  if (job->outcome != NULL)
    queue_remove(queue, &job->host);
  queue->pending--;
  job->queue = NULL;
  queue_release(queue);
}

static void free_outcome(struct stepimg_outcome *outcome)
{
  if (outcome == NULL || outcome == &no_memory)
    return;
  answer_release(outcome);
  free((struct stepimg_warning *)outcome->warnings);
  history_free(outcome->history);
  free(outcome);
}

void job_release(struct stepimg_job *job)
{
  if (atomic_fetch_sub(&job->holders, 1) > 1)
    return;
  stepimg_client *client = job->client;
  free_outcome(job->outcome);
  history_free(job->history.first);
  queue_release(job->queue);
  edit_free(job->edit);
  cache_free(job->cache);
  free(job->body);
  free(job->save);
  free(job->target);
  free(job->link);
  free(job);
  client_release(client);
}

/* Copies so many bytes of the picture that the job edits: a form's read. Those of the host are the host's again once the
   job has an outcome, which it gets under the lock. */
static bool read_picture(void *context, size_t at, char *out, size_t length)
{
  struct stepimg_job *job = context;
  if (!edit_borrows(job->edit)) {
    memcpy(out, job->edit->bytes + at, length);
    return true;
  }
  lock_acquire(&job->client->lock);
  bool is_there = job->outcome == NULL;
  if (is_there && length > 0)
    memcpy(out, job->edit->bytes + at, length);
  lock_release(&job->client->lock);
  return is_there;
}

/* What is to be sent. False: error says why not. */
static bool copy_body(struct stepimg_job *job, const struct stepimg_request *request, struct stepimg_error *error)
{
  if (request->edit != NULL && request->question == STEPIMG_PICTURE) {
    job->edit = edit_new(request->edit, error);
    if (job->edit == NULL)
      return false;
    job->edit->form.read = read_picture;
    job->edit->form.context = job;
    return true;
  }
  if (request->question != STEPIMG_PICTURE)
    return true;
  job->body = text_join(request->body, request->length, "");
  if (job->body == NULL) {
    error_nomem(error);
    return false;
  }
  job->body_length = request->length;
  return true;
}

/* What the options ask for on the disk. False: error says why it is not to be had. */
static bool copy_paths(struct stepimg_job *job, const struct stepimg_request *request, struct stepimg_error *error)
{
  if (cache_new(&job->cache, request, error) != STEPIMG_OK)
    return false;
  if (request->save == NULL)
    return true;
  job->save = text_join(request->save, strlen(request->save), "");
  if (job->save == NULL)
    error_nomem(error);
  else
    file_resolve(request->save, &job->target, error);
  return error->kind == STEPIMG_OK;
}

struct stepimg_job *job_new(stepimg_client *client, const struct stepimg_request *request, struct stepimg_error *error)
{
  struct stepimg_job *job = calloc(1, sizeof *job);
  if (job == NULL) {
    error_nomem(error);
    return NULL;
  }
  atomic_init(&job->holders, 1);
  job->client = client_hold(client);
  if (!copy_body(job, request, error) || !copy_paths(job, request, error)) {
    job_release(job);
    return NULL;
  }
  job->question = request->question;
  job->call = request->call;
  job->call.cache = NULL; /* the host's own */
  job->tag = request->tag;
  job->submitted = clock_now();
  history_init(&job->history, job->submitted);
  job->queue = queue_hold(request->queue);
  atomic_store(&job->holders, 2);
  return job;
}

void job_notify(struct stepimg_job *job)
{
  stepimg_client *client = job->client;
  if (list_is_linked(&job->inbox))
    return;
  if (list_is_empty(&client->inbox) && client->pool != NULL) /* else it was woken and has not looked yet */
    pool_wake(client->pool);
  atomic_fetch_add(&job->holders, 1);
  list_append(&client->inbox, &job->inbox);
}

void job_refund(struct stepimg_job *job)
{
  if (atomic_exchange(&job->charged, false))
    atomic_fetch_sub(&job->client->spent, 1);
}

/* ------------------------------------------------------------------------------------------------------ the end -- */

/* The last holder of a picture lets go of it. In a child nobody would take it, and the client is left as it is. */
static void drop_payload(void *context, void *memory, size_t size)
{
  stepimg_client *client = context;
  if (!client_is_here(client)) {
    free(memory);
    return;
  }
  client_drop(client, memory, size);
  client_release(client);
}

/* Moves what there is to say about a job into one block. Never NULL. */
static struct stepimg_outcome *new_outcome(struct stepimg_job *job, const struct stepimg_error *error,
                                           struct answer *answer)
{
  struct stepimg_outcome *outcome = calloc(1, sizeof *outcome);
  if (outcome == NULL)
    return (struct stepimg_outcome *)&no_memory;
  outcome->error = *error;
  if (answer != NULL) {
    answer_take(answer, outcome);
    cache_tell(job->cache, outcome);
  }
  for (size_t i = 0; i < outcome->image_count; i++)
    if (outcome->images[i].payload != NULL)
      payload_return_to(outcome->images[i].payload, drop_payload, client_hold(job->client));
  return outcome;
}

void job_land(struct stepimg_job *job)
{
  job->client->stats.in_flight -= job->flying;
  job->flying = false;
}

/* How it ended, in the client's counters. A question is in none. The lock is held. */
static void count_end(struct stepimg_job *job, const struct stepimg_error *error)
{
  struct stepimg_stats *stats = &job->client->stats;
  job_land(job);
  if (job->question != STEPIMG_PICTURE)
    return;
  stats->done += error->kind == STEPIMG_OK;
  stats->cancelled += error->kind == STEPIMG_CANCELLED;
  stats->failed += error->kind != STEPIMG_OK && error->kind != STEPIMG_CANCELLED;
  stats->maybe_billed += error->maybe_billed;
}

/* The outcome is the job's, which has none; with it comes what happened until now. A request that is still under way ended
   with the job; message, NULL or not, says how, and is taken over. The lock is held. */
static void settle(struct stepimg_job *job, struct stepimg_outcome *outcome, char *message)
{
  struct stepimg_exchange facts = {.kind = outcome->error.kind, .message = message};
  double now = clock_now();
  if (job->history.open) {
    facts.bytes = atomic_load_explicit(&job->progress.received, memory_order_relaxed);
    history_end(&job->history, &facts, now);
  }
  free((char *)facts.message);
  if (outcome != &no_memory) {
    outcome->error.attempts = atomic_load(&job->attempts);
    history_give(&job->history, outcome);
    outcome->timing.total = now - job->submitted;
  }
  count_end(job, &outcome->error);
  job->client->stats.cached += outcome->cached;
  job->outcome = outcome;
  list_remove(&job->host);
  place_leave(&job->place);
  if (job->queue != NULL)
    queue_push(job->queue, &job->host);
  lock_wake(&job->client->lock);
}

void job_finish(struct stepimg_job *job, const struct stepimg_error *error, struct answer *answer)
{
  stepimg_client *client = job->client;
  struct stepimg_outcome *outcome = new_outcome(job, error, answer);
  char *message = error->kind != STEPIMG_OK ? text_join(error->message, strlen(error->message), "") : NULL;
  lock_acquire(&client->lock);
  bool first = job->outcome == NULL;
  if (first)
    settle(job, outcome, message);
  lock_release(&client->lock);
  if (!first) {
    free(message);
    free_outcome(outcome);
  }
}

void job_tell_link(struct stepimg_job *job, const char *url)
{
  char *link = text_join(url, strlen(url), ""), *before;
  lock_acquire(&job->client->lock);
  before = job->link;
  job->link = link;
  lock_release(&job->client->lock);
  free(before);
}

bool job_begin_storing(struct stepimg_job *job)
{
  lock_acquire(&job->client->lock);
  bool storing = job->storing = job->outcome == NULL;
  lock_release(&job->client->lock);
  return storing;
}

bool job_give_up(struct stepimg_job *job, const char *message)
{
  stepimg_client *client = job->client;
  struct stepimg_error error;
  error_clear(&error);
  error_set(&error, STEPIMG_CANCELLED, NULL, "%s", message);
  atomic_store(&job->progress.given_up, true); /* first: what was not sent by the next line never will be */
  error.maybe_billed = atomic_load(&job->progress.body_left);
  struct stepimg_outcome *outcome = new_outcome(job, &error, NULL);
  char *said = text_join(message, strlen(message), "");
  lock_acquire(&client->lock);
  bool first = job->outcome == NULL && !job->storing;
  if (first) {
    if (outcome != &no_memory) {
      outcome->url = job->link;
      job->link = NULL;
    }
    settle(job, outcome, said);
    job_notify(job);
  }
  lock_release(&client->lock);
  if (!first) {
    free(said);
    free_outcome(outcome);
  } else if (!outcome->error.maybe_billed)
    job_refund(job);
  return first;
}

/* ------------------------------------------------------------------------------------------------ the host's face -- */

void *stepimg_job_tag(const stepimg_job *job)
{
  return job->tag;
}

const struct stepimg_outcome *stepimg_job_outcome(stepimg_job *job)
{
  /* Without the lock: a host asks often, and is not to wait where the I/O thread has it. */
  const struct stepimg_outcome *outcome = atomic_load(&job->outcome);
  return outcome == NULL && !client_is_here(job->client) ? &elsewhere : outcome;
}

bool stepimg_job_shares_path(const stepimg_job *job)
{
  return job->shares_path;
}

bool stepimg_job_wait(stepimg_job *job, double seconds)
{
  stepimg_client *client = job->client;
  if (!client_is_here(client))
    return true;
  double until = clock_now() + (seconds < CLOCK_FOREVER ? seconds : CLOCK_FOREVER);
  lock_acquire(&client->lock);
  while (job->outcome == NULL && clock_now() < until)
    lock_wait(&client->lock, until);
  bool ended = job->outcome != NULL;
  lock_release(&client->lock);
  return ended;
}

bool stepimg_job_cancel(stepimg_job *job)
{
  return client_is_here(job->client) && job_give_up(job, "the job was cancelled");
}

bool stepimg_job_fetch(stepimg_job *job)
{
  if (!client_is_here(job->client))
    return false;
  lock_acquire(&job->client->lock);
  bool there = job->outcome != NULL && job->queue != NULL;
  if (there)
    leave_queue(job);
  lock_release(&job->client->lock);
  return there;
}

void stepimg_job_free(stepimg_job *job)
{
  if (job == NULL || !client_is_here(job->client)) /* in a child it is not its to free: the lock may be held for ever */
    return;
  if (stepimg_job_outcome(job) == NULL) /* else making another would be work for nothing */
    stepimg_job_cancel(job);
  lock_acquire(&job->client->lock);
  leave_queue(job);
  lock_release(&job->client->lock);
  job_release(job);
}

static enum stepimg_state public_state(const struct stepimg_job *job, bool ended)
{
  if (ended)
    return STEPIMG_STATE_FINISHED;
  switch (atomic_load(&job->state)) {
  case JOB_NEW:
  case JOB_LOOKING:
  case JOB_QUEUED: /* before a repeat it has its turn to wait for as well */
  case JOB_PAUSED:
    return atomic_load(&job->attempts) > 0 ? STEPIMG_STATE_RETRYING : STEPIMG_STATE_QUEUED;
  default:
    return STEPIMG_STATE_RUNNING;
  }
}

void stepimg_job_progress(stepimg_job *job, struct stepimg_progress *progress)
{
  const struct stepimg_outcome *outcome = stepimg_job_outcome(job);
  progress->state = public_state(job, outcome != NULL);
  if (outcome != NULL) /* of a job that was given up the I/O thread may go on to note its own */
    progress->phase = STEPIMG_DONE;
  else
    progress->phase = (enum stepimg_phase)atomic_load_explicit(&job->progress.phase, memory_order_relaxed);
  progress->sent = atomic_load_explicit(&job->progress.sent, memory_order_relaxed);
  progress->to_send = atomic_load_explicit(&job->progress.to_send, memory_order_relaxed);
  progress->received = atomic_load_explicit(&job->progress.received, memory_order_relaxed);
  progress->total = atomic_load_explicit(&job->progress.total, memory_order_relaxed);
  progress->elapsed = outcome != NULL ? outcome->timing.total : clock_now() - job->submitted;
  progress->attempt = atomic_load(&job->attempts);
}
