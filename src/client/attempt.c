#include "client/attempt.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "client/request.h"
#include "http/policy.h"
#include "http/url.h"

enum { MAX_REDIRECTS = 3 };

struct work {
  struct exchange exchange;
  struct answer answer;
  char *url;                   /* of the GET that is under way or to be repeated; owned */
  struct stepimg_image *image; /* that it fetches; NULL: the POST */
  enum policy_again again;     /* how the next attempt differs */
  int redirects;
  int attempts; /* of the POST, or of this picture's GET */
};

/* ------------------------------------------------------------------------------------------------------ the end -- */

static void free_work(struct stepimg_job *job)
{
  struct work *work = job->work;
  if (work != NULL) {
    exchange_free(&work->exchange);
    answer_free(&work->answer);
    free(work->url);
    free(work);
    job->work = NULL;
  }
  edit_free(job->edit); /* after the exchange, which reads it; the host may keep the job for long */
  job->edit = NULL;
}

/* Puts a saved picture in its place, before anybody hears that the job is done. */
static void store(struct worker *worker, struct stepimg_job *job, struct stepimg_error *error)
{
  struct answer *answer = &job->work->answer;
  if (error->kind != STEPIMG_OK || !answer_is_to_store(answer) || !job_begin_storing(job))
    return;
  job_enter(&worker->jobs, job, JOB_STORING, "the picture is complete");
  if (answer_store(answer, error) != STEPIMG_OK)
    error->maybe_billed = true;
}

/* All of it first: who hears of the end may count on the connection and the file being gone. */
static void finish(struct worker *worker, struct stepimg_job *job, struct stepimg_error *error)
{
  struct work *work = job->work;
  if (work != NULL) {
    exchange_free(&work->exchange);
    store(worker, job, error);
    file_abort(&work->answer.file); /* of a job that failed, or that the filter stopped */
  }
  if (error->kind != STEPIMG_OK && !error->maybe_billed)
    job_refund(job);
  job_enter(&worker->jobs, job, JOB_ENDED, error->kind == STEPIMG_OK ? "done" : stepimg_kind_name(error->kind));
  job_finish(job, error, work != NULL ? &work->answer : NULL);
  free_work(job);
  job_release(job);
}

static void finish_as(struct worker *worker, struct stepimg_job *job, enum stepimg_kind kind, const char *message)
{
  struct stepimg_error error;
  error_clear(&error);
  error_set(&error, kind, NULL, "%s", message);
  error.maybe_billed = atomic_load(&job->progress.body_left);
  finish(worker, job, &error);
}

static void no_memory(struct worker *worker, struct stepimg_job *job)
{
  finish_as(worker, job, STEPIMG_NOMEM, "not enough memory for the request");
}

static void expire(struct worker *worker, struct stepimg_job *job)
{
  struct stepimg_error error;
  char seconds[TEXT_NUMBER_MAX];
  error_clear(&error);
  error_set(&error, STEPIMG_TIMEOUT, NULL, "the deadline of %s s passed while the job was waiting for its turn",
            text_number(seconds, job->call.deadline, 14));
  error.maybe_billed = atomic_load(&job->progress.body_left);
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
  if (!atomic_load(&job->progress.body_left))
    job_refund(job);
  free_work(job);
  job_enter(&worker->jobs, job, JOB_ENDED, "given up");
  job_release(job);
}

/* -------------------------------------------------------------------------------------------------------- turns -- */

/* A job that is queued or paused is to be looked at at that moment, or at its deadline. */
static void wait_until(struct worker *worker, struct stepimg_job *job, double moment)
{
  double deadline = job_deadline(job);
  if (!job_set_timer(&worker->jobs, job, deadline < moment ? deadline : moment))
    no_memory(worker, job);
}

static void ask(struct worker *worker, struct stepimg_job *job);

void attempt_enqueue(struct worker *worker, struct stepimg_job *job)
{
  if (job->question != STEPIMG_PICTURE) {
    ask(worker, job);
    return;
  }
  job_enter(&worker->jobs, job, JOB_QUEUED, "submitted");
  wait_until(worker, job, INFINITY);
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
  answer_init(&job->work->answer, worker->client->max_response_bytes, worker->client->settings.key, &worker->spares);
  error_clear(&error);
  if ((job->save == NULL || answer_save(&job->work->answer, job->save, job->target, &error) == STEPIMG_OK) &&
      (job->edit == NULL || edit_read(job->edit, worker->client->max_response_bytes, &error) == STEPIMG_OK))
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

/* Its exchange was started, or there was no memory for it. Its timer looks for a stall; its deadline is in the exchange's
   timeout. */
static void watch(struct worker *worker, struct stepimg_job *job, bool started)
{
  if (!started || !job_set_timer(&worker->jobs, job, clock_now() + job->call.stall_timeout))
    no_memory(worker, job);
}

/* Its exchange was prepared, or there was no memory for it. */
static void launch(struct worker *worker, struct stepimg_job *job, bool prepared)
{
  struct work *work = job->work;
  if (prepared && work->again == POLICY_ELSEWHERE)
    exchange_avoid_kept(&work->exchange);
  if (prepared && work->again == POLICY_UNDECODED)
    exchange_take_undecoded(&work->exchange);
  watch(worker, job, prepared && exchange_start(&work->exchange, job));
}

static void begin_post(struct worker *worker, struct stepimg_job *job)
{
  struct work *work = job->work;
  atomic_store(&job->progress.body_left, false);
  if (!charge(worker, job))
    return;
  pace_begin(&worker->client->pace, clock_now());
  request_began(job, false);
  const struct settings *settings = &worker->client->settings;
  double timeout = attempt_timeout(job);
  bool prepared = job->edit != NULL ? exchange_post_form(&work->exchange, settings, &job->edit->form, timeout,
                                                         &work->answer, &job->progress, worker->pool)
                                    : exchange_post(&work->exchange, settings, job->body, job->body_length, timeout,
                                                    &work->answer, &job->progress, worker->pool);
  launch(worker, job, prepared);
}

static void begin_get(struct worker *worker, struct stepimg_job *job)
{
  struct work *work = job->work;
  request_began(job, true);
  launch(worker, job,
         exchange_get(&work->exchange, &worker->client->settings, work->url, work->image, attempt_timeout(job),
                      &work->answer, &job->progress, worker->pool));
}

/* A question waits for nothing but the rest that the service may want. */
static void ask(struct worker *worker, struct stepimg_job *job)
{
  double now = clock_now(), rested = pace_rested(&worker->client->pace);
  if (rested > now) {
    job_enter(&worker->jobs, job, JOB_PAUSED, "the service wants a rest");
    wait_until(worker, job, rested);
    return;
  }
  job_enter(&worker->jobs, job, JOB_ASKING, "a question");
  if (!prepare(worker, job))
    return;
  struct work *work = job->work;
  work->attempts++;
  request_began(job, false);
  launch(worker, job,
         exchange_ask(&work->exchange, &worker->client->settings, job->question, attempt_timeout(job), &work->answer,
                      &job->progress, worker->pool));
}

/* The POST was given a connection that may carry it no more. Nothing was sent, so this is no other attempt. */
static void begin_anew(struct worker *worker, struct stepimg_job *job)
{
  job_enter(&worker->jobs, job, JOB_POSTING, "its connection was left");
  watch(worker, job, exchange_start_anew(&job->work->exchange, attempt_timeout(job)));
}

bool attempt_is_free(const struct stepimg_job *job)
{
  return job->work != NULL && job->work->image != NULL;
}

void attempt_start(struct worker *worker, struct stepimg_job *job)
{
  bool get = attempt_is_free(job);
  job_enter(&worker->jobs, job, get ? JOB_FETCHING : JOB_POSTING, "its turn");
  if (job_deadline(job) <= clock_now())
    expire(worker, job);
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

/* What ended so is repeated, or it is the job's end. */
static void repeat(struct worker *worker, struct stepimg_job *job, const struct policy_verdict *verdict,
                   struct stepimg_error *error)
{
  struct work *work = job->work;
  double now = clock_now();
  struct policy_plan plan = policy_plan(verdict, work->attempts, job->call.retries, error->retry_after,
                                        job_deadline(job) - now, draw(worker));
  if (plan.rest > 0)
    pace_rest(&worker->client->pace, now + plan.rest);
  if (!plan.again) {
    finish(worker, job, error);
    return;
  }
  exchange_free(&work->exchange);
  if (work->image == NULL) { /* it was refused: nothing of it is left to be billed */
    job_refund(job);
    atomic_store(&job->progress.body_left, false);
  }
  work->again = verdict->again;
  work->attempts -= verdict->again == POLICY_UNDECODED;
  atomic_store_explicit(&job->progress.phase, STEPIMG_QUEUED, memory_order_relaxed);
  atomic_store_explicit(&job->progress.sent, 0, memory_order_relaxed); /* all of an attempt that is over */
  atomic_store_explicit(&job->progress.to_send, 0, memory_order_relaxed);
  atomic_store_explicit(&job->progress.received, 0, memory_order_relaxed);
  atomic_store_explicit(&job->progress.total, 0, memory_order_relaxed);
  request_waits(job);
  job_enter(&worker->jobs, job, JOB_PAUSED, stepimg_kind_name(error->kind));
  wait_until(worker, job, now + plan.wait);
}

/* Fetches a picture from url, which the answer or a redirect from address from named. */
static void download(struct worker *worker, struct stepimg_job *job, const char *from, const char *url)
{
  struct work *work = job->work;
  const char *why;
  char *leads_to;
  struct stepimg_error error;
  if (!url_follow(from, url, strlen(url), &leads_to, &why)) {
    no_memory(worker, job);
    return;
  }
  if (leads_to == NULL) {
    error_clear(&error);
    error_set(&error, STEPIMG_PROTOCOL, NULL, "the picture's link cannot be followed: %s", why);
    error.maybe_billed = true;
    finish(worker, job, &error);
    return;
  }
  exchange_free(&work->exchange); /* url may have been its own */
  free(work->url);
  work->url = leads_to;
  job_enter(&worker->jobs, job, JOB_FETCHING, "a link");
  begin_get(worker, job);
}

void attempt_ended(struct worker *worker, struct stepimg_job *job, CURLcode code)
{
  struct work *work = job->work;
  struct stepimg_error error;
  if (work->exchange.stale) {
    begin_anew(worker, job);
    return;
  }
  struct policy_verdict verdict = exchange_judge(&work->exchange, code, &error);
  const char *redirect = exchange_redirect(&work->exchange);
  bool follows = redirect != NULL && work->redirects++ < MAX_REDIRECTS;
  if (redirect != NULL && !follows)
    error_set(&error, STEPIMG_PROTOCOL, NULL, "the picture's link leads through more than %d redirects", MAX_REDIRECTS);
  request_ended(job, &work->exchange, follows ? NULL : &error);
  if (follows) {
    download(worker, job, work->url, redirect);
    return;
  }
  if (redirect == NULL && error.kind != STEPIMG_OK) {
    repeat(worker, job, &verdict, &error);
    return;
  }
  work->again = POLICY_LATER;
  work->image = error.kind == STEPIMG_OK && job->call.download ? answer_to_download(&work->answer) : NULL;
  if (work->image != NULL) {
    work->redirects = 0;
    work->attempts = 1;
    job_tell_link(job, work->image->url);
    download(worker, job, worker->client->settings.endpoint, work->image->url);
    return;
  }
  finish(worker, job, &error);
}

/* Ends what has stood still for too long, or looks again when it may have. */
static void look_for_stall(struct worker *worker, struct stepimg_job *job, double now)
{
  double patience = job->call.stall_timeout, moment = exchange_stalls_at(&job->work->exchange, patience);
  if (moment <= now) {
    job->work->exchange.stalled = true;
    attempt_ended(worker, job, CURLE_OPERATION_TIMEDOUT);
  } else if (!job_set_timer(&worker->jobs, job, moment < INFINITY ? moment : now + patience))
    no_memory(worker, job);
}

void attempt_due(struct worker *worker, struct stepimg_job *job, double now)
{
  int state = atomic_load(&job->state);
  if (state == JOB_POSTING || state == JOB_FETCHING || state == JOB_ASKING)
    look_for_stall(worker, job, now);
  else if (job_deadline(job) <= now)
    expire(worker, job);
  else if (job->question != STEPIMG_PICTURE)
    ask(worker, job);
  else {
    job_enter_first(&worker->jobs, job, "the pause is over");
    wait_until(worker, job, INFINITY);
  }
}
