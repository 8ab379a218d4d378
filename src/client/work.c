#include "client/work.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/text.h"

bool work_prepare(struct worker *worker, struct stepimg_job *job)
{
  struct stepimg_error error;
  if (job->work != NULL)
    return true;
  job->work = calloc(1, sizeof *job->work);
  if (job->work == NULL) {
    work_no_memory(worker, job);
    return false;
  }
  answer_init(&job->work->answer, worker->client->max_response_bytes, worker->client->settings.key, &worker->spares);
  error_clear(&error);
  if ((job->save == NULL || answer_save(&job->work->answer, job->save, job->target, &error) == STEPIMG_OK) &&
      (job->edit == NULL || edit_read(job->edit, worker->client->max_response_bytes, &error) == STEPIMG_OK))
    return true;
  work_finish(worker, job, &error);
  return false;
}

void work_drop(struct stepimg_job *job)
{
  struct work *work = job->work;
  if (work != NULL) {
    exchange_free(&work->exchange);
    answer_free(&work->answer);
    free(work->url);
    free(work);
    job->work = NULL;
  }
}

/* ------------------------------------------------------------------------------------------------------ the end -- */

/* The host may keep the job for long. The edit after the exchange, which reads it. */
static void free_work(struct stepimg_job *job)
{
  work_drop(job);
  edit_free(job->edit);
  cache_free(job->cache);
  job->edit = NULL;
  job->cache = NULL;
}

static bool is_hit(const struct stepimg_job *job)
{
  return job->cache != NULL && job->cache->hit;
}

/* Puts a saved picture in its place, before anybody hears that the job is done. */
static void store(struct worker *worker, struct stepimg_job *job, struct stepimg_error *error)
{
  struct answer *answer = &job->work->answer;
  if (error->kind != STEPIMG_OK || !answer_is_to_store(answer) || !job_begin_storing(job))
    return;
  job_enter(&worker->jobs, job, JOB_STORING, "the picture is complete");
  if (answer_store(answer, error) != STEPIMG_OK)
    error->maybe_billed = !is_hit(job);
}

/* All of it first: who hears of the end may count on the connection and the file being gone. */
void work_finish(struct worker *worker, struct stepimg_job *job, struct stepimg_error *error)
{
  struct work *work = job->work;
  if (work != NULL) {
    exchange_free(&work->exchange);
    if (job->cache != NULL && error->kind == STEPIMG_OK && !is_hit(job))
      cache_keep(job->cache, job->edit != NULL ? &job->edit->form : NULL, &work->answer);
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

void work_fail(struct worker *worker, struct stepimg_job *job, enum stepimg_kind kind, const char *message)
{
  struct stepimg_error error;
  error_clear(&error);
  error_set(&error, kind, NULL, "%s", message);
  error.maybe_billed = atomic_load(&job->progress.body_left);
  work_finish(worker, job, &error);
}

void work_no_memory(struct worker *worker, struct stepimg_job *job)
{
  work_fail(worker, job, STEPIMG_NOMEM, "not enough memory for the request");
}

void work_expire(struct worker *worker, struct stepimg_job *job)
{
  struct stepimg_error error;
  char seconds[TEXT_NUMBER_MAX];
  error_clear(&error);
  error_set(&error, STEPIMG_TIMEOUT, NULL, "the deadline of %s s passed before the request could begin",
            text_number(seconds, job->call.deadline, 14));
  error.maybe_billed = atomic_load(&job->progress.body_left);
  work_finish(worker, job, &error);
}

void work_let_go(struct worker *worker, struct stepimg_job *job)
{
  if (atomic_load(&job->state) == JOB_ENDED)
    return;
  if (!atomic_load(&job->progress.body_left))
    job_refund(job);
  free_work(job);
  job_enter(&worker->jobs, job, JOB_ENDED, "given up");
  job_release(job);
}

void work_wait_until(struct worker *worker, struct stepimg_job *job, double moment)
{
  double deadline = job_deadline(job);
  if (!job_set_timer(&worker->jobs, job, deadline < moment ? deadline : moment))
    work_no_memory(worker, job);
}
