#include "client/lookup.h"

#include "base/error.h"

/* What was found becomes the job's answer. Damaged, it counts as missing. */
static void take(struct worker *worker, struct stepimg_job *job, struct kept *kept)
{
  struct stepimg_error error;
  if (!work_prepare(worker, job)) {
    cache_let_go(kept);
    return;
  }
  struct answer *answer = &job->work->answer;
  error_clear(&error);
  switch (cache_read(job->cache, kept, answer)) {
  case CACHE_THERE:
    work_finish(worker, job, &error);
    break;
  case CACHE_FAILED:
    error_set(&error, answer->kind, NULL, "%s", answer->reason);
    work_finish(worker, job, &error);
    break;
  default:
    work_drop(job);
    attempt_queue(worker, job, "what the cache has is damaged");
  }
}

void lookup_run(struct worker *worker, struct stepimg_job *job)
{
  struct stepimg_error error;
  struct kept kept;
  size_t max = worker->client->max_response_bytes;
  error_clear(&error);
  if (job->edit != NULL && edit_read(job->edit, max, &error) != STEPIMG_OK) {
    work_finish(worker, job, &error);
    return;
  }
  switch (cache_find(job->cache, job->edit != NULL ? &job->edit->form : NULL, max, &kept)) {
  case CACHE_THERE:
    take(worker, job, &kept);
    break;
  case CACHE_MISSING:
    attempt_queue(worker, job, "not in the cache");
    break;
  case CACHE_FAILED:
    error_nomem(&error);
    work_finish(worker, job, &error);
    break;
  case CACHE_GONE: /* the host has given it up; the inbox has the news */
    break;
  }
}
