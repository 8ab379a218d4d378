/*
 * The I/O thread: takes jobs from the client's inbox, keeps max_concurrent of them going on one libcurl multi handle,
 * repeats what may be repeated, and sleeps in curl_multi_poll while there is nothing to do.
 *
 * A job waits in the queue, is in flight, or pauses before a repeat. A paused job goes back to the queue's head when its
 * time comes. Its timer is set to that moment, or to its deadline where that is earlier.
 */
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "client/client.h"
#include "http/policy.h"
#include "http/url.h"

enum {
  MAX_REDIRECTS = 3,
  /* Requests that have no connection yet, at once, and one more for every fourth that has. Of a thousand that start
     together each would open its own; so they find those of HTTP/2 that are open by then, and the server is spared a
     storm of handshakes. */
  MAX_CONNECTING = 64
};

struct work {
  struct exchange exchange;
  struct answer answer;
  struct stepimg_timing timing;
  char *url;                       /* of the GET that is under way or to be repeated; owned */
  struct stepimg_picture *picture; /* that it fetches; NULL: the POST */
  int redirects;
  int tries;    /* of the POST, or of this picture's GET */
  bool charged; /* counted in the client's budget */
};

struct list {
  struct stepimg_job *first, *last;
};

struct worker {
  stepimg_client *client;
  CURLM *multi;
  struct list queue, flight, paused;
  int in_flight;
  struct connections connections;
  struct timers timers;
  struct spares spares;
  double tidy_at;  /* when to look at them again */
  uint64_t chance; /* state of a xorshift generator: the jitter needs no better */
};

/* ------------------------------------------------------------------------------------------------------- lists -- */

static void insert(struct list *list, struct stepimg_job *after, struct stepimg_job *job)
{
  struct stepimg_job *next = after != NULL ? after->io.next : list->first;
  job->io.back = after;
  job->io.next = next;
  *(after != NULL ? &after->io.next : &list->first) = job;
  *(next != NULL ? &next->io.back : &list->last) = job;
}

static struct list *list_of(struct worker *worker, const struct stepimg_job *job)
{
  switch (job->where) {
  case IN_QUEUE:
    return &worker->queue;
  case IN_FLIGHT:
    return &worker->flight;
  case PAUSED:
    return &worker->paused;
  default:
    return NULL;
  }
}

static void leave_list(struct worker *worker, struct stepimg_job *job)
{
  struct list *list = list_of(worker, job);
  if (list == NULL)
    return;
  *(job->io.back != NULL ? &job->io.back->io.next : &list->first) = job->io.next;
  *(job->io.next != NULL ? &job->io.next->io.back : &list->last) = job->io.back;
  if (job->where == IN_FLIGHT)
    worker->in_flight--;
  job->where = NOWHERE;
}

/* To the list's head or end, from whichever list it was in. */
static void move(struct worker *worker, struct stepimg_job *job, enum place where, bool to_head)
{
  leave_list(worker, job);
  job->where = where;
  struct list *list = list_of(worker, job);
  insert(list, to_head ? NULL : list->last, job);
  if (where == IN_FLIGHT)
    worker->in_flight++;
}

static struct stepimg_job *job_of(struct timer *timer)
{
  return (struct stepimg_job *)(void *)((char *)timer - offsetof(struct stepimg_job, timer));
}

static double deadline_of(const struct stepimg_job *job)
{
  return job->call.deadline > 0 ? job->submitted + job->call.deadline : INFINITY;
}

/* ------------------------------------------------------------------------------------------------------ the end -- */

/* Ends the exchange under way, if any, and its connection with it where it was not complete. */
static void stop_exchange(struct worker *worker, struct work *work)
{
  if (work->exchange.easy != NULL) {
    /* Over HTTP/2 libcurl would keep the connection, and the news of the end in a buffer until it is used again. */
    curl_easy_setopt(work->exchange.easy, CURLOPT_FORBID_REUSE, 1L);
    curl_multi_remove_handle(worker->multi, work->exchange.easy);
  }
  exchange_free(&work->exchange);
}

/* A request that certainly cost nothing is none that the budget is for. */
static void refund(struct worker *worker, struct work *work)
{
  if (work->charged)
    atomic_fetch_sub(&worker->client->spent, 1);
  work->charged = false;
}

static void finish(struct worker *worker, struct stepimg_job *job, const struct stepimg_error *error)
{
  struct work *work = job->work;
  leave_list(worker, job);
  timers_clear(&worker->timers, &job->timer);
  if (work != NULL) {
    /* All of it first: who hears of the end may count on the connection and the file being gone. */
    stop_exchange(worker, work);
    if (error->kind != STEPIMG_OK && !error->maybe_billed)
      refund(worker, work);
    if (error->kind != STEPIMG_OK)
      file_abort(&work->answer.file);
    job_finish(job, error, &work->answer, &work->timing);
    answer_free(&work->answer);
    free(work->url);
    free(work);
    job->work = NULL;
  } else
    job_finish(job, error, NULL, NULL);
  job->where = FINISHED;
  job_release(job);
}

static void finish_as(struct worker *worker, struct stepimg_job *job, enum stepimg_kind kind, const char *message)
{
  struct stepimg_error error;
  error_clear(&error);
  error_set(&error, kind, NULL, "%s", message);
  error.maybe_billed = atomic_load(&job->progress.sent);
  finish(worker, job, &error);
}

static void no_memory(struct worker *worker, struct stepimg_job *job)
{
  finish_as(worker, job, STEPIMG_NOMEM, "not enough memory for the request");
}

static void past_deadline(struct worker *worker, struct stepimg_job *job)
{
  struct stepimg_error error;
  char seconds[TEXT_NUMBER_MAX];
  error_clear(&error);
  error_set(&error, STEPIMG_TIMEOUT, NULL, "the deadline of %s s passed while the job was waiting for its turn",
            text_number(seconds, job->call.deadline, 14));
  error.maybe_billed = atomic_load(&job->progress.sent);
  finish(worker, job, &error);
}

/* ----------------------------------------------------------------------------------------------------- attempts -- */

/* A job in the queue or in a pause is to be looked at at that moment, or at its deadline. */
static void set_timer(struct worker *worker, struct stepimg_job *job, double moment)
{
  double deadline = deadline_of(job);
  if (deadline < moment)
    moment = deadline;
  if (moment < INFINITY && !timers_set(&worker->timers, &job->timer, moment))
    no_memory(worker, job);
}

static void enqueue(struct worker *worker, struct stepimg_job *job, bool to_head)
{
  move(worker, job, IN_QUEUE, to_head);
  timers_clear(&worker->timers, &job->timer);
  set_timer(worker, job, INFINITY);
}

/* What is left of the deadline, if that is less than the call's timeout. */
static double attempt_timeout(const struct stepimg_job *job)
{
  double left = deadline_of(job) - port_now();
  return left < job->call.timeout ? left : job->call.timeout;
}

static bool launch(struct worker *worker, struct stepimg_job *job)
{
  CURL *easy = job->work->exchange.easy;
  return curl_easy_setopt(easy, CURLOPT_PRIVATE, job) == CURLE_OK &&
         curl_multi_add_handle(worker->multi, easy) == CURLM_OK;
}

/* The job's first look at memory and disk: what fails here has cost nothing. */
static bool prepare(struct worker *worker, struct stepimg_job *job)
{
  struct stepimg_error error;
  if (job->work != NULL)
    return true;
  job->work = calloc(1, sizeof *job->work);
  if (job->work == NULL) {
    no_memory(worker, job);
    return false;
  }
  answer_init(&job->work->answer, worker->client->max_response_bytes, &worker->spares);
  job->work->timing.queued = port_now() - job->submitted;
  error_clear(&error);
  if (job->save != NULL && answer_save(&job->work->answer, job->save, &error) != STEPIMG_OK) {
    finish(worker, job, &error);
    return false;
  }
  return true;
}

static bool charge(struct worker *worker, struct stepimg_job *job)
{
  stepimg_client *client = worker->client;
  if (client->budget >= 0 && atomic_load(&client->spent) >= client->budget) {
    finish_as(worker, job, STEPIMG_BUDGET, "this client's budget of pictures is used up; nothing was sent");
    return false;
  }
  atomic_fetch_add(&client->spent, 1);
  job->work->charged = true;
  return true;
}

static void begin_post(struct worker *worker, struct stepimg_job *job)
{
  struct work *work = job->work;
  atomic_store(&job->progress.sent, false);
  if (!charge(worker, job))
    return;
  pace_begin(&worker->client->pace, port_now());
  atomic_fetch_add(&job->attempts, 1);
  if (!exchange_post(&work->exchange, &worker->client->settings, job->body, job->body_length, attempt_timeout(job),
                     &work->answer, &job->progress, &worker->connections) ||
      !launch(worker, job))
    no_memory(worker, job);
}

static void begin_get(struct worker *worker, struct stepimg_job *job)
{
  struct work *work = job->work;
  if (!exchange_get(&work->exchange, &worker->client->settings, work->url, work->picture, attempt_timeout(job),
                    &work->answer, &job->progress, &worker->connections) ||
      !launch(worker, job))
    no_memory(worker, job);
}

/* The connection that the POST was given is none any more. Nothing was sent, so this is no other attempt. */
static void begin_anew(struct worker *worker, struct stepimg_job *job)
{
  curl_multi_remove_handle(worker->multi, job->work->exchange.easy);
  exchange_renew(&job->work->exchange, attempt_timeout(job));
  if (!launch(worker, job))
    no_memory(worker, job);
}

/* The first of the queue has its turn. */
static void start(struct worker *worker, struct stepimg_job *job)
{
  timers_clear(&worker->timers, &job->timer);
  move(worker, job, IN_FLIGHT, false);
  atomic_store(&job->state, STEPIMG_STATE_RUNNING);
  if (deadline_of(job) <= port_now()) {
    past_deadline(worker, job);
    return;
  }
  if (!prepare(worker, job))
    return;
  job->work->tries++;
  if (job->work->picture != NULL)
    begin_get(worker, job);
  else
    begin_post(worker, job);
}

/* From 0 to 1. */
static double draw(struct worker *worker)
{
  worker->chance ^= worker->chance << 13;
  worker->chance ^= worker->chance >> 7;
  worker->chance ^= worker->chance << 17;
  return (double)(worker->chance >> 11) / 9007199254740992.0;
}

/* An attempt failed in a way that may be repeated. False: it is not, for its number, its wait or its deadline. */
static bool repeat(struct worker *worker, struct stepimg_job *job, const struct stepimg_error *error)
{
  struct work *work = job->work;
  double now = port_now(), wait = policy_wait(work->tries, error->retry_after, draw(worker));
  if (error->status == 429 && work->picture == NULL) /* it is meant for all of this key's requests */
    pace_rest(&worker->client->pace, now + (wait < POLICY_LONGEST_WAIT ? wait : POLICY_LONGEST_WAIT));
  if (work->tries > job->call.retries || wait > POLICY_LONGEST_WAIT || now + wait >= deadline_of(job))
    return false;
  stop_exchange(worker, work);
  if (work->picture == NULL) { /* it was refused: nothing of it is left to be billed */
    refund(worker, work);
    atomic_store(&job->progress.sent, false);
  }
  atomic_store(&job->state, STEPIMG_STATE_RETRYING);
  atomic_store_explicit(&job->progress.phase, STEPIMG_QUEUED, memory_order_relaxed);
  move(worker, job, PAUSED, false);
  job->due = now + wait;
  set_timer(worker, job, job->due);
  return true;
}

/* Fetches a picture from url, which the answer or a redirect from address from named. */
static void download(struct worker *worker, struct stepimg_job *job, const char *from, const char *url)
{
  struct work *work = job->work;
  const char *why;
  struct stepimg_error error;
  error_clear(&error);
  if (!url_may_follow(from, url, &why)) {
    error_set(&error, STEPIMG_PROTOCOL, NULL, "the picture's link cannot be followed: %s", why);
    error.maybe_billed = true;
    finish(worker, job, &error);
    return;
  }
  size_t size = strlen(url) + 1;
  char *copy = malloc(size);
  if (copy != NULL)
    memcpy(copy, url, size);
  stop_exchange(worker, work); /* url may have been its own */
  free(work->url);
  work->url = copy;
  if (copy != NULL)
    begin_get(worker, job);
  else
    no_memory(worker, job);
}

/* An exchange has ended: follow a redirect, repeat it, fetch the next picture, or be done. */
static void ended(struct worker *worker, struct stepimg_job *job, CURLcode code)
{
  struct work *work = job->work;
  struct stepimg_error error;
  bool may_repeat;
  if (work->exchange.stale) {
    begin_anew(worker, job);
    return;
  }
  enum stepimg_kind kind = exchange_result(&work->exchange, code, &error, &may_repeat);
  if (work->picture == NULL)
    exchange_timing(&work->exchange, &work->timing);
  const char *redirect = exchange_redirect(&work->exchange);
  if (redirect != NULL && work->redirects++ < MAX_REDIRECTS) {
    download(worker, job, work->url, redirect);
    return;
  }
  if (redirect != NULL)
    error_set(&error, STEPIMG_PROTOCOL, NULL, "the picture's link leads through more than %d redirects", MAX_REDIRECTS);
  if (kind != STEPIMG_OK && may_repeat && redirect == NULL && repeat(worker, job, &error))
    return;
  work->picture = kind == STEPIMG_OK && job->call.download ? answer_to_download(&work->answer) : NULL;
  if (work->picture != NULL) {
    work->redirects = 0;
    work->tries = 1;
    download(worker, job, worker->client->settings.endpoint, work->picture->url);
    return;
  }
  finish(worker, job, &error);
}

/* --------------------------------------------------------------------------------------------------------- loop -- */

/* What the host has put into the inbox. False: it is time to end. */
static bool read_inbox(struct worker *worker)
{
  stepimg_client *client = worker->client;
  port_acquire(&client->lock);
  bool stopping = client->stopping;
  struct stepimg_job *job = client->inbox;
  client->inbox = NULL;
  client->inbox_end = &client->inbox;
  while (job != NULL) {
    struct stepimg_job *next = job->inbox_next;
    bool cancelled = job->cancelled;
    job->in_inbox = false;
    port_release(&client->lock);
    if (cancelled && job->where != FINISHED)
      finish_as(worker, job, STEPIMG_CANCELLED, "the job was cancelled");
    else if (job->where == NOWHERE)
      enqueue(worker, job, false);
    job_release(job);
    job = next;
    port_acquire(&client->lock);
  }
  port_release(&client->lock);
  return !stopping;
}

/* Takes over the pictures that were dropped, and frees what of them is not to be used again. */
static void tidy(struct worker *worker)
{
  stepimg_client *client = worker->client;
  port_acquire(&client->lock);
  struct spare *dropped = client->dropped;
  client->dropped = NULL;
  client->dropped_bytes = 0;
  port_release(&client->lock);
  spares_add(&worker->spares, dropped);
  worker->tidy_at = spares_trim(&worker->spares, worker->in_flight, port_now());
}

static void run_timers(struct worker *worker)
{
  double now = port_now();
  struct timer *timer;
  while ((timer = timers_first(&worker->timers)) != NULL && timer->moment <= now) {
    struct stepimg_job *job = job_of(timer);
    if (deadline_of(job) <= now)
      past_deadline(worker, job);
    else
      enqueue(worker, job, true);
  }
}

static void read_results(struct worker *worker)
{
  int left;
  CURLMsg *message;
  while ((message = curl_multi_info_read(worker->multi, &left)) != NULL) {
    char *job = NULL;
    if (message->msg == CURLMSG_DONE && curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &job) == CURLE_OK)
      ended(worker, (struct stepimg_job *)(void *)job, message->data.result);
  }
}

/* When the first of the queue may start, if a place is free; INFINITY: not before something else happens. */
static double next_start(const struct worker *worker)
{
  const struct stepimg_job *job = worker->queue.first;
  if (job == NULL || worker->in_flight >= worker->client->max_concurrent)
    return INFINITY;
  bool is_get = job->work != NULL && job->work->picture != NULL;
  if (is_get)
    return 0;
  int connected = worker->in_flight - worker->connections.awaited;
  return worker->connections.awaited < MAX_CONNECTING + connected / 4 ? pace_next(&worker->client->pace) : INFINITY;
}

/* Milliseconds to sleep, as far as it is known here. */
static int sleep_time(const struct worker *worker)
{
  const struct timer *timer = timers_first(&worker->timers);
  double moment = next_start(worker);
  if (timer != NULL && timer->moment < moment)
    moment = timer->moment;
  if (worker->tidy_at < moment)
    moment = worker->tidy_at;
  double wait = ceil((moment - port_now()) * 1000);
  return wait <= 0 ? 0 : wait < INT_MAX ? (int)wait : INT_MAX;
}

static void leave(struct worker *worker)
{
  stepimg_client *client = worker->client;
  struct list *lists[] = {&worker->flight, &worker->paused, &worker->queue};
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
    while (lists[i]->first != NULL)
      finish_as(worker, lists[i]->first, STEPIMG_CANCELLED, CLIENT_CLOSED);
  timers_free(&worker->timers);
  port_acquire(&client->lock);
  client->multi = NULL; /* nobody wakes it any more */
  port_release(&client->lock);
  tidy(worker);
  spares_free(&worker->spares);
  curl_multi_cleanup(worker->multi);
  port_acquire(&client->lock);
  client->ended = true;
  bool alone = client->alone;
  port_wake(&client->lock);
  port_release(&client->lock);
  if (alone && runtime_remove(&client->at_exit))
    pthread_detach(pthread_self());
  client_release(client);
}

void *worker_run(void *context)
{
  stepimg_client *client = context;
  struct worker worker = {.client = client, .multi = client->multi};
  /* Spread over all bits: clients that start together are not to come back together. */
  worker.chance = ((uint64_t)(port_now() * 1e9) ^ (uint64_t)(uintptr_t)client) * 0x9e3779b97f4a7c15u;
  worker.chance |= worker.chance == 0;
  while (read_inbox(&worker)) {
    int running;
    run_timers(&worker);
    while (worker.queue.first != NULL && next_start(&worker) <= port_now())
      start(&worker, worker.queue.first);
    curl_multi_perform(worker.multi, &running);
    read_results(&worker);
    tidy(&worker); /* last: it is not woken for what is dropped while jobs are unfinished */
    int milliseconds = sleep_time(&worker);
    if (milliseconds > 0)
      curl_multi_poll(worker.multi, NULL, 0, milliseconds, NULL);
  }
  leave(&worker);
  return NULL;
}
