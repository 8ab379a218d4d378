/* The I/O thread: takes jobs from the client's inbox, keeps max_concurrent of them going on one libcurl multi handle, and
   sleeps in curl_multi_poll while there is nothing to do. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "error.h"
#include "url.h"

enum { MAX_REDIRECTS = 3 };

struct work {
  struct exchange exchange;
  struct answer answer;
  struct stepimg_timing timing;
  char *url; /* of the GET under way; owned */
  struct stepimg_picture *picture;
  int redirects;
};

struct list {
  struct stepimg_job *first, *last;
};

struct worker {
  stepimg_client *client;
  CURLM *multi;
  struct list queue, flight;
  int in_flight;
};

static void append(struct list *list, struct stepimg_job *job)
{
  job->next = NULL;
  job->back = list->last;
  if (list->last != NULL)
    list->last->next = job;
  else
    list->first = job;
  list->last = job;
}

static void drop(struct list *list, struct stepimg_job *job)
{
  if (job->back != NULL)
    job->back->next = job->next;
  else
    list->first = job->next;
  if (job->next != NULL)
    job->next->back = job->back;
  else
    list->last = job->back;
  job->next = job->back = NULL;
}

/* Ends the exchange under way, if any, and its connection with it where it was not complete. */
static void stop_exchange(struct worker *worker, struct work *work)
{
  if (work->exchange.easy != NULL)
    curl_multi_remove_handle(worker->multi, work->exchange.easy);
  exchange_free(&work->exchange);
}

static void finish(struct worker *worker, struct stepimg_job *job, const struct stepimg_error *error)
{
  struct work *work = job->work;
  if (work != NULL) {
    drop(&worker->flight, job);
    worker->in_flight--;
    stop_exchange(worker, work); /* first: who hears of the end may count on it */
    client_finish(job, error, &work->answer, &work->timing);
    answer_free(&work->answer);
    free(work->url);
    free(work);
    job->work = NULL;
  } else {
    drop(&worker->queue, job);
    client_finish(job, error, NULL, NULL);
  }
  client_release_job(job);
}

static void finish_as(struct worker *worker, struct stepimg_job *job, enum stepimg_kind kind, const char *message)
{
  struct stepimg_error error;
  error_clear(&error);
  error_set(&error, kind, NULL, "%s", message);
  error.maybe_billed = atomic_load(&job->progress.sent);
  finish(worker, job, &error);
}

static bool launch(struct worker *worker, struct stepimg_job *job)
{
  CURL *easy = job->work->exchange.easy;
  return curl_easy_setopt(easy, CURLOPT_PRIVATE, job) == CURLE_OK && curl_multi_add_handle(worker->multi, easy) == CURLM_OK;
}

static void start(struct worker *worker, struct stepimg_job *job)
{
  stepimg_client *client = worker->client;
  struct work *work = calloc(1, sizeof *work);
  if (work == NULL) {
    finish_as(worker, job, STEPIMG_NOMEM, "not enough memory for the request");
    return;
  }
  drop(&worker->queue, job);
  append(&worker->flight, job);
  worker->in_flight++;
  job->work = work;
  answer_init(&work->answer, client->max_response_bytes);
  work->timing.queued = port_now() - job->submitted;
  atomic_store(&job->attempts, 1);
  if (!exchange_post(&work->exchange, &client->settings, job->body, job->body_length, job->call.timeout, &work->answer,
                     &job->progress) ||
      !launch(worker, job))
    finish_as(worker, job, STEPIMG_NOMEM, "not enough memory for the request");
}

/* Fetches a picture from url, which the answer or a redirect from address from named. */
static void download(struct worker *worker, struct stepimg_job *job, const char *from, const char *url)
{
  struct work *work = job->work;
  const char *why;
  struct stepimg_error error;
  error_clear(&error);
  error.maybe_billed = true;
  if (!url_may_follow(from, url, &why)) {
    error_set(&error, STEPIMG_PROTOCOL, NULL, "the picture's link cannot be followed: %s", why);
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
  if (copy == NULL ||
      !exchange_get(&work->exchange, &worker->client->settings, copy, work->picture, job->call.timeout, &work->answer,
                    &job->progress) ||
      !launch(worker, job)) {
    error_nomem(&error);
    finish(worker, job, &error);
  }
}

/* An exchange has ended: follow a redirect, fetch the next picture, or be done. */
static void ended(struct worker *worker, struct stepimg_job *job, CURLcode code)
{
  struct work *work = job->work;
  struct stepimg_error error;
  enum stepimg_kind kind = exchange_result(&work->exchange, code, &error);
  if (work->picture == NULL)
    exchange_timing(&work->exchange, &work->timing);
  const char *redirect = exchange_redirect(&work->exchange);
  if (redirect != NULL && work->redirects++ < MAX_REDIRECTS) {
    download(worker, job, work->url, redirect);
    return;
  }
  if (redirect != NULL)
    error_set(&error, STEPIMG_PROTOCOL, NULL, "the picture's link leads through more than %d redirects", MAX_REDIRECTS);
  work->picture = kind == STEPIMG_OK && job->call.download ? answer_to_download(&work->answer) : NULL;
  if (work->picture != NULL) {
    work->redirects = 0;
    download(worker, job, worker->client->settings.endpoint, work->picture->url);
    return;
  }
  finish(worker, job, &error);
}

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
    bool cancelled = job->cancelled, finished = job->outcome != NULL;
    job->in_inbox = false;
    port_release(&client->lock);
    if (!job->known) {
      job->known = true;
      append(&worker->queue, job);
    }
    if (cancelled && !finished)
      finish_as(worker, job, STEPIMG_CANCELLED, "the job was cancelled");
    client_release_job(job);
    job = next;
    port_acquire(&client->lock);
  }
  port_release(&client->lock);
  return !stopping;
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

static bool can_start(const struct worker *worker)
{
  return worker->queue.first != NULL && worker->in_flight < worker->client->max_concurrent;
}

static void leave(struct worker *worker)
{
  stepimg_client *client = worker->client;
  while (worker->flight.first != NULL)
    finish_as(worker, worker->flight.first, STEPIMG_CANCELLED, CLIENT_CLOSED);
  while (worker->queue.first != NULL)
    finish_as(worker, worker->queue.first, STEPIMG_CANCELLED, CLIENT_CLOSED);
  port_acquire(&client->lock);
  client->multi = NULL; /* nobody wakes it any more */
  port_release(&client->lock);
  curl_multi_cleanup(worker->multi);
  port_acquire(&client->lock);
  client->ended = true;
  port_wake(&client->lock);
  port_release(&client->lock);
  client_release(client);
}

void *worker_run(void *context)
{
  stepimg_client *client = context;
  struct worker worker = {.client = client, .multi = client->multi};
  while (read_inbox(&worker)) {
    int running;
    while (can_start(&worker))
      start(&worker, worker.queue.first);
    curl_multi_perform(worker.multi, &running);
    read_results(&worker);
    if (!can_start(&worker))
      curl_multi_poll(worker.multi, NULL, 0, INT_MAX, NULL);
  }
  leave(&worker);
  return NULL;
}
