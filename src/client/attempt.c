#include "client/attempt.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "http/policy.h"
#include "http/url.h"

enum { MAX_REDIRECTS = 3 };

struct work {
  struct exchange exchange;
  struct answer answer;
  struct stepimg_timing timing;
  char *url;                       /* of the GET that is under way or to be repeated; owned */
  struct stepimg_picture *picture; /* that it fetches; NULL: the POST */
  int redirects;
  int attempts; /* of the POST, or of this picture's GET */
};

/* ------------------------------------------------------------------------------------------------------ the end -- */

/* Ends the exchange under way, if any, and its connection with it where it was not complete. */
static void stop_exchange(struct worker *worker, struct work *work)
{
  if (work->exchange.easy != NULL) {
    /* Over HTTP/2 libcurl would keep the connection, and the news of the end in a buffer until it is used again. */
    curl_easy_setopt(work->exchange.easy, CURLOPT_FORBID_REUSE, 1L);
    pool_remove(worker->pool, work->exchange.easy);
  }
  exchange_free(&work->exchange);
}

static void free_work(struct worker *worker, struct stepimg_job *job)
{
  struct work *work = job->work;
  if (work == NULL)
    return;
  stop_exchange(worker, work);
  answer_free(&work->answer);
  free(work->url);
  free(work);
  job->work = NULL;
}

/* Puts a saved picture in its place, before anybody hears that the job is done. */
static void store(struct worker *worker, struct stepimg_job *job, struct stepimg_error *error)
{
  if (error->kind != STEPIMG_OK || !answer_is_saved(&job->work->answer) || !job_begin_storing(job))
    return;
  job_enter(&worker->jobs, job, JOB_STORING, "the picture is complete");
  if (answer_commit(&job->work->answer, error) != STEPIMG_OK)
    error->maybe_billed = true;
}

/* All of it first: who hears of the end may count on the connection and the file being gone. */
static void finish(struct worker *worker, struct stepimg_job *job, struct stepimg_error *error)
{
  struct work *work = job->work;
  if (work != NULL) {
    stop_exchange(worker, work);
    store(worker, job, error);
    if (error->kind != STEPIMG_OK)
      answer_abort(&work->answer);
  }
  if (error->kind != STEPIMG_OK && !error->maybe_billed)
    job_refund(job);
  job_enter(&worker->jobs, job, JOB_ENDED, error->kind == STEPIMG_OK ? "done" : stepimg_kind_name(error->kind));
  job_finish(job, error, work != NULL ? &work->answer : NULL, work != NULL ? &work->timing : NULL);
  free_work(worker, job);
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

void attempt_expire(struct worker *worker, struct stepimg_job *job)
{
  struct stepimg_error error;
  char seconds[TEXT_NUMBER_MAX];
  error_clear(&error);
  error_set(&error, STEPIMG_TIMEOUT, NULL, "the deadline of %s s passed while the job was waiting for its turn",
            text_number(seconds, job->call.deadline, 14));
  error.maybe_billed = atomic_load(&job->progress.sent);
  finish(worker, job, &error);
}

void attempt_abort(struct worker *worker, struct stepimg_job *job)
{
  finish_as(worker, job, STEPIMG_CANCELLED, CLIENT_CLOSED);
}

void attempt_let_go(struct worker *worker, struct stepimg_job *job)
{
  if (atomic_load(&job->state) == JOB_ENDED)
    return;
  if (!atomic_load(&job->progress.sent))
    job_refund(job);
  free_work(worker, job);
  job_enter(&worker->jobs, job, JOB_ENDED, "given up");
  job_release(job);
}

/* -------------------------------------------------------------------------------------------------------- turns -- */

void attempt_enqueue(struct worker *worker, struct stepimg_job *job)
{
  job_enter(&worker->jobs, job, JOB_QUEUED, "submitted");
  if (!job_set_timer(&worker->jobs, job, INFINITY))
    no_memory(worker, job);
}

void attempt_resume(struct worker *worker, struct stepimg_job *job)
{
  job_enter_first(&worker->jobs, job, "the pause is over");
  if (!job_set_timer(&worker->jobs, job, INFINITY))
    no_memory(worker, job);
}

/* What is left of the deadline, if that is less than the call's timeout. */
static double attempt_timeout(const struct stepimg_job *job)
{
  double left = job_deadline(job) - clock_now();
  return left < job->call.timeout ? left : job->call.timeout;
}

/* The job's first look at memory and disk: what fails here has cost nothing. False: the job has ended. */
static MUST_USE bool prepare(struct worker *worker, struct stepimg_job *job)
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
  job->work->timing.queued = clock_now() - job->submitted;
  error_clear(&error);
  if (job->save == NULL || answer_save(&job->work->answer, job->save, &error) == STEPIMG_OK)
    return true;
  finish(worker, job, &error);
  return false;
}

/* Counts the POST in the budget. False: it is used up, and the job has ended. */
static MUST_USE bool charge(struct worker *worker, struct stepimg_job *job)
{
  stepimg_client *client = worker->client;
  int spent = atomic_fetch_add(&client->spent, 1);
  if (client->budget < 0 || spent < client->budget) {
    atomic_store(&job->charged, true);
    return true;
  }
  atomic_fetch_sub(&client->spent, 1);
  finish_as(worker, job, STEPIMG_BUDGET, "this client's budget of pictures is used up; nothing was sent");
  return false;
}

static bool launch(struct worker *worker, struct stepimg_job *job)
{
  CURL *easy = job->work->exchange.easy;
  return curl_easy_setopt(easy, CURLOPT_PRIVATE, job) == CURLE_OK && pool_add(worker->pool, easy);
}

static void begin_post(struct worker *worker, struct stepimg_job *job)
{
  struct work *work = job->work;
  atomic_store(&job->progress.sent, false);
  if (!charge(worker, job))
    return;
  pace_begin(&worker->client->pace, clock_now());
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
  job_enter(&worker->jobs, job, JOB_POSTING, "its connection had ended");
  pool_remove(worker->pool, job->work->exchange.easy);
  exchange_renew(&job->work->exchange, attempt_timeout(job));
  if (!launch(worker, job))
    no_memory(worker, job);
}

bool attempt_is_free(const struct stepimg_job *job)
{
  return job->work != NULL && job->work->picture != NULL;
}

void attempt_start(struct worker *worker, struct stepimg_job *job)
{
  bool get = attempt_is_free(job);
  job_enter(&worker->jobs, job, get ? JOB_FETCHING : JOB_POSTING, "its turn");
  if (job_deadline(job) <= clock_now())
    attempt_expire(worker, job);
  else if (prepare(worker, job)) {
    job->work->attempts++;
    if (get)
      begin_get(worker, job);
    else
      begin_post(worker, job);
  }
}

/* From 0 to 1. */
static double draw(struct worker *worker)
{
  worker->chance ^= worker->chance << 13;
  worker->chance ^= worker->chance >> 7;
  worker->chance ^= worker->chance << 17;
  return (double)(worker->chance >> 11) / 9007199254740992.0;
}

/* An attempt failed in a way that may be repeated; it is, unless its number, its wait or its deadline is against it. */
static void repeat(struct worker *worker, struct stepimg_job *job, struct stepimg_error *error)
{
  struct work *work = job->work;
  double now = clock_now(), wait = policy_wait(work->attempts, error->retry_after, draw(worker));
  if (error->status == 429 && work->picture == NULL) /* it is meant for all of this key's requests */
    pace_rest(&worker->client->pace, now + (wait < POLICY_LONGEST_WAIT ? wait : POLICY_LONGEST_WAIT));
  if (work->attempts > job->call.retries || wait > POLICY_LONGEST_WAIT || now + wait >= job_deadline(job)) {
    finish(worker, job, error);
    return;
  }
  stop_exchange(worker, work);
  if (work->picture == NULL) { /* it was refused: nothing of it is left to be billed */
    job_refund(job);
    atomic_store(&job->progress.sent, false);
  }
  atomic_store_explicit(&job->progress.phase, STEPIMG_QUEUED, memory_order_relaxed);
  job_enter(&worker->jobs, job, JOB_PAUSED, stepimg_kind_name(error->kind));
  if (!job_set_timer(&worker->jobs, job, now + wait))
    no_memory(worker, job);
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
  job_enter(&worker->jobs, job, JOB_FETCHING, "a link");
  if (copy != NULL)
    begin_get(worker, job);
  else
    no_memory(worker, job);
}

void attempt_ended(struct worker *worker, struct stepimg_job *job, CURLcode code)
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
  if (kind != STEPIMG_OK && may_repeat && redirect == NULL) {
    repeat(worker, job, &error);
    return;
  }
  work->picture = kind == STEPIMG_OK && job->call.download ? answer_to_download(&work->answer) : NULL;
  if (work->picture != NULL) {
    work->redirects = 0;
    work->attempts = 1;
    download(worker, job, worker->client->settings.endpoint, work->picture->url);
    return;
  }
  finish(worker, job, &error);
}
