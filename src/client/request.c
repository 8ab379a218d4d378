#include "client/request.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

/* The lock is held. */
static void count(struct stepimg_job *job, bool download)
{
  struct stepimg_stats *stats = &job->client->stats;
  if (download)
    stats->downloads++;
  else {
    stats->requests++;
    stats->repeats += atomic_load(&job->attempts) > 1;
  }
  if (!job->flying && job->outcome == NULL) {
    job->flying = true;
    stats->in_flight++;
  }
}

void request_began(struct stepimg_job *job, bool download)
{
  bool question = job->question != STEPIMG_PICTURE;
  struct stepimg_exchange *entry = history_new(download || question ? "GET" : "POST");
  lock_acquire(&job->client->lock); /* an outcome's attempts are those of its history */
  if (!download)
    atomic_fetch_add(&job->attempts, 1);
  if (!question)
    count(job, download);
  bool going = job->outcome == NULL;
  if (going)
    history_begin(&job->history, entry, !download, clock_now());
  lock_release(&job->client->lock);
  if (!going)
    history_free(entry);
}

/* NULL for none or an empty one, or without memory. */
static char *copy(const char *text)
{
  return text != NULL && text[0] != '\0' ? text_join(text, strlen(text), "") : NULL;
}

void request_ended(struct stepimg_job *job, const struct exchange *exchange, const struct stepimg_error *error)
{
  struct stepimg_exchange facts = {.kind = error != NULL ? error->kind : STEPIMG_OK};
  struct stepimg_timing timing;
  bool download = exchange->image != NULL;
  exchange_timing(exchange, &timing);
  exchange_describe(exchange, &facts);
  facts.request_id = copy(facts.request_id);
  if (facts.kind != STEPIMG_OK)
    facts.message = copy(error->message);
  lock_acquire(&job->client->lock);
  if (job->outcome == NULL) {
    history_end(&job->history, &facts, clock_now());
    if (!download)
      history_time(&job->history, &timing);
  }
  lock_release(&job->client->lock);
  free((char *)facts.request_id);
  free((char *)facts.message);
}

void request_waits(struct stepimg_job *job)
{
  lock_acquire(&job->client->lock);
  job_land(job);
  lock_release(&job->client->lock);
}
