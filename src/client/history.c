#include "client/history.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

void history_init(struct history *history, double submitted)
{
  *history = (struct history){.moment = submitted, .timing = {TIMING_UNKNOWN}};
}

struct stepimg_exchange *history_new(const char *method)
{
  struct stepimg_exchange *entry = calloc(1, sizeof *entry);
  if (entry != NULL)
    entry->method = method;
  return entry;
}

static void free_entry(const struct stepimg_exchange *entry)
{
  free((char *)entry->request_id);
  free((char *)entry->message);
  free((struct stepimg_exchange *)entry);
}

void history_free(const struct stepimg_exchange *first)
{
  const struct stepimg_exchange *next;
  for (; first != NULL; first = next) {
    next = first->next;
    free_entry(first);
  }
}

/* How it began and how it ends is worth more than what was between. */
static void leave_one_out(struct history *history)
{
  struct stepimg_exchange *before = history->beginning;
  if (before->next == history->asked)
    before = history->asked;
  struct stepimg_exchange *entry = (struct stepimg_exchange *)before->next;
  before->next = entry->next;
  free_entry(entry);
  history->count--;
  history->left_out++;
}

static void append(struct history *history, struct stepimg_exchange *entry)
{
  if (history->count == STEPIMG_MAX_HISTORY)
    leave_one_out(history);
  if (history->last != NULL)
    history->last->next = entry;
  else
    history->first = entry;
  history->last = entry;
  if (++history->count == STEPIMG_MAX_HISTORY / 2)
    history->beginning = entry;
}

void history_begin(struct history *history, struct stepimg_exchange *entry, bool asks, double now)
{
  double waited = now - history->moment;
  if (history->timing.queued < 0)
    history->timing.queued = waited;
  if (asks) {
    history->asked = entry;
    history_time(history, &(struct stepimg_timing){TIMING_UNKNOWN});
  }
  history->moment = now;
  history->open = entry != NULL;
  if (entry != NULL) {
    entry->waited = waited;
    append(history, entry);
  } else
    history->left_out++;
}

void history_end(struct history *history, struct stepimg_exchange *facts, double now)
{
  if (history->open) {
    struct stepimg_exchange *entry = history->last;
    const char *method = entry->method;
    double waited = entry->waited;
    *entry = *facts;
    entry->next = NULL;
    entry->method = method;
    entry->waited = waited;
    entry->seconds = now - history->moment;
    facts->request_id = facts->message = NULL;
  }
  history->open = false;
  history->moment = now;
}

void history_time(struct history *history, const struct stepimg_timing *timing)
{
  double queued = history->timing.queued;
  history->timing = *timing;
  history->timing.queued = queued;
}

void history_give(struct history *history, struct stepimg_outcome *outcome)
{
  outcome->timing = history->timing;
  outcome->history = history->first;
  outcome->left_out = history->left_out;
  if (history->asked != NULL) { /* a picture's host has ids of its own */
    const char *id = history->asked->request_id != NULL ? history->asked->request_id : "";
    text_copy(outcome->error.request_id, sizeof outcome->error.request_id, id, strlen(id));
  }
  history_init(history, history->moment);
}
