#include "client/attempt.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "client/request.h"
#include "http/policy.h"
#include "http/url.h"
#include "payload/envelope.h"

enum { MAX_REDIRECTS = 3 };

/* -------------------------------------------------------------------------------------------------------- turns -- */

static void ask(struct worker *worker, struct stepimg_job *job);

void attempt_queue(struct worker *worker, struct stepimg_job *job, const char *why)
{
  job_enter(&worker->jobs, job, JOB_QUEUED, why);
  work_wait_until(worker, job, INFINITY);
}

void attempt_enqueue(struct worker *worker, struct stepimg_job *job)
{
  if (job->question != STEPIMG_PICTURE) {
    ask(worker, job);
  } else if (cache_may_hit(job->cache)) {
    job_enter(&worker->jobs, job, JOB_LOOKING, "submitted");
    work_wait_until(worker, job, INFINITY);
  } else
    attempt_queue(worker, job, "submitted");
}

void attempt_abort(struct worker *worker, struct stepimg_job *job)
{
  work_fail(worker, job, STEPIMG_CANCELLED, CLIENT_CLOSED);
}

/* What is left of the deadline, if that is less than the call's timeout. */
static double attempt_timeout(const struct stepimg_job *job)
{
  double left = job_deadline(job) - clock_now();
  return left < job->call.timeout ? left : job->call.timeout;
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
  work_fail(worker, job, STEPIMG_BUDGET, "this client's budget of pictures is used up; nothing was sent");
  return false;
}

/* When its exchange is looked at again, which may be stalled by that moment. */
static bool look_again(struct worker *worker, struct stepimg_job *job, double moment)
{
  return job_set_timer(&worker->jobs, job, fmin(moment, exchange_late_at(&job->work->exchange)));
}

/* Its exchange was started, or there was no memory for it. Its timer looks for a stall; its deadline is in the exchange's
   timeout. */
static void watch(struct worker *worker, struct stepimg_job *job, bool started)
{
  if (!started || !look_again(worker, job, clock_now() + job->call.stall_timeout))
    work_no_memory(worker, job);
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
    work_wait_until(worker, job, rested);
    return;
  }
  job_enter(&worker->jobs, job, JOB_ASKING, "a question");
  if (!work_prepare(worker, job))
    return;
  struct work *work = job->work;
  work->attempts++;
  request_began(job, false);
  launch(worker, job,
         exchange_ask(&work->exchange, &worker->client->settings, job->question, attempt_timeout(job), &work->answer,
                      &job->progress, worker->pool));
}

/* It was given a connection that could carry it no more. Nothing that counts was sent, so this is no other attempt. */
static void begin_anew(struct worker *worker, struct stepimg_job *job)
{
  job_enter(&worker->jobs, job, atomic_load(&job->state), "its connection was left");
  watch(worker, job, exchange_start_anew(&job->work->exchange));
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
    work_expire(worker, job);
  else if (work_prepare(worker, job)) {
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

/* The filter stopped a picture, and its host does not have it: that is a result without one, as where no link came. */
static bool is_withheld(const struct work *work, const struct stepimg_error *error)
{
  return work->image != NULL && envelope_is_filtered(work->image) && error->kind != STEPIMG_NOMEM &&
         error->kind != STEPIMG_IO;
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
    if (is_withheld(work, error))
      error_clear(error);
    work_finish(worker, job, error);
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
  work_wait_until(worker, job, now + plan.wait);
}

/* Fetches a picture from url, which the answer or a redirect from address from named. */
static void download(struct worker *worker, struct stepimg_job *job, const char *from, const char *url)
{
  struct work *work = job->work;
  const char *why;
  char *leads_to;
  struct stepimg_error error;
  if (!url_follow(from, url, strlen(url), &leads_to, &why)) {
    work_no_memory(worker, job);
    return;
  }
  if (leads_to == NULL) {
    error_clear(&error);
    error_set(&error, STEPIMG_PROTOCOL, NULL, "the picture's link cannot be followed: %s", why);
    error.maybe_billed = true;
    work_finish(worker, job, &error);
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
  if (exchange_is_stale(&work->exchange, code)) {
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
  work_finish(worker, job, &error);
}

/* Ends what has stood still or lasted for too long, or looks again when it may have. */
static void look_for_stall(struct worker *worker, struct stepimg_job *job, double now)
{
  struct exchange *exchange = &job->work->exchange;
  double patience = job->call.stall_timeout, moment = exchange_stalls_at(exchange, patience);
  exchange->stalled = moment <= now;
  if (exchange->stalled || exchange_late_at(exchange) <= now)
    attempt_ended(worker, job, CURLE_OPERATION_TIMEDOUT);
  else if (!look_again(worker, job, moment < INFINITY ? moment : now + patience))
    work_no_memory(worker, job);
}

void attempt_due(struct worker *worker, struct stepimg_job *job, double now)
{
  int state = atomic_load(&job->state);
  if (state == JOB_POSTING || state == JOB_FETCHING || state == JOB_ASKING)
    look_for_stall(worker, job, now);
  else if (job_deadline(job) <= now)
    work_expire(worker, job);
  else if (job->question != STEPIMG_PICTURE)
    ask(worker, job);
  else {
    job_enter_first(&worker->jobs, job, "the pause is over");
    work_wait_until(worker, job, INFINITY);
  }
}
