#include "http/exchange.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "http/cause.h"
#include "http/handle.h"
#include "http/policy.h"

/* ---------------------------------------------------------------------------------------------------- callbacks -- */

static void enter(struct exchange *exchange, enum stepimg_phase phase)
{
  atomic_store_explicit(&exchange->progress->phase, (int)phase, memory_order_relaxed);
}

int exchange_status(const struct exchange *exchange)
{
  long status = 0;
  curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
  return (int)status;
}

/* It has a connection, or wants none any more. */
static void connected(struct exchange *exchange)
{
  exchange->pool->connections.awaited -= exchange->awaits;
  exchange->awaits = false;
}

/* The POST's body, or the picture in its form. libcurl sends a request anew by itself when a kept connection turns out to
   be dead, and that could buy a second picture. With POSTFIELDS it could do so freely; a body that comes from here and
   cannot be rewound (no CURLOPT_SEEKFUNCTION, none of the form's part) goes out once and never again. */
static size_t send_body(char *out, size_t size, size_t count, void *context)
{
  struct exchange *exchange = context;
  size_t room = size * count, left = exchange->body_length - exchange->body_sent;
  size_t length = left < room ? left : room;
  connected(exchange);
  atomic_store(&exchange->progress->body_left, true);
  if (atomic_load(&exchange->progress->given_up))
    return CURL_READFUNC_ABORT;
  const struct form *form = exchange->form;
  if (form == NULL)
    memcpy(out, exchange->body + exchange->body_sent, length);
  else if (!form->read(form->context, exchange->body_sent, out, length))
    return CURL_READFUNC_ABORT;
  exchange->body_sent += length;
  atomic_store_explicit(&exchange->progress->sent, (long long)exchange->body_sent, memory_order_relaxed);
  enter(exchange, exchange->body_sent < exchange->body_length ? STEPIMG_SENDING : STEPIMG_WAITING);
  return length;
}

static void count_connections(struct exchange *exchange)
{
  long made = 0;
  curl_easy_getinfo(exchange->easy, CURLINFO_NUM_CONNECTS, &made);
  atomic_fetch_add_explicit(&exchange->pool->traffic->connections, made - exchange->made, memory_order_relaxed);
  exchange->made = made;
}

#if LIBCURL_VERSION_NUM >= 0x075000 /* 7.80.0 */
/* Before each request that libcurl begins. It begins a second one by itself where a server takes HTTP/2 back
   (HTTP_1_1_REQUIRED), even in the middle of its answer: that would be a POST without its body, or half a picture with a
   whole one behind it. */
static int begin_request(void *context, char *to, char *from, int to_port, int from_port)
{
  struct exchange *exchange = context;
  long before = exchange->made;
  (void)to, (void)from;
  count_connections(exchange);
  if (exchange->body_sent > 0 || exchange->head.bytes > 0)
    return CURL_PREREQFUNC_ABORT;
  exchange->reused = exchange->made == before;
  enum connection_state state =
      connection_enter(&exchange->pool->connections, &exchange->user, exchange->easy, from_port, to_port,
                       !exchange->reused, exchange->post && !exchange->fresh);
  exchange->placed = state == CONNECTION_FINE;
  if (exchange->placed && !exchange->post) /* a POST's phase is what its body does */
    enter(exchange, STEPIMG_WAITING);
  if (exchange->placed && exchange->begun && exchange->image != NULL)
    atomic_fetch_add_explicit(&exchange->pool->traffic->again, 1, memory_order_relaxed);
  exchange->begun = exchange->begun || exchange->placed;
  if (exchange->placed)
    return CURL_PREREQFUNC_OK;
  exchange->fresh = state == CONNECTION_ENDED || exchange->anew; /* a second time, no other is looked for */
  exchange->left = true;
  curl_easy_setopt(exchange->easy, CURLOPT_FORBID_REUSE, 1L); /* nor is it for the next, if nobody else is on it */
  return CURL_PREREQFUNC_ABORT;
}
#endif

/* Over HTTP/2 a body has an end, which may be all that a gateway makes of a cut behind it. */
bool exchange_is_open_ended(const struct exchange *exchange)
{
  curl_off_t length = -1;
  curl_easy_getinfo(exchange->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
  return length < 0 && !exchange->head.chunked;
}

bool exchange_is_decoded(const struct exchange *exchange)
{
  return exchange->head.coded && !exchange->undecoded;
}

bool exchange_is_whole(const struct exchange *exchange)
{
  return exchange->began && exchange->answer->kind == STEPIMG_OK &&
         answer_is_whole(exchange->answer, exchange_is_open_ended(exchange) || exchange_is_decoded(exchange));
}

/* Ends the transfer from within a callback, and its connection as exchange_free does: by then libcurl (8.14) has kept it. */
static size_t stop(struct exchange *exchange)
{
  exchange->stopped = true;
  curl_easy_setopt(exchange->easy, CURLOPT_FORBID_REUSE, 1L);
  return 0; /* of what came, which is never empty */
}

static size_t receive_header(char *line, size_t size, size_t count, void *context)
{
  struct exchange *exchange = context;
  size_t length = size * count;
  enter(exchange, STEPIMG_RECEIVING);
  if (exchange->head.bytes == 0) /* libcurl's own STARTTRANSFER_TIME of a POST is when the upload began */
    exchange->first_byte = clock_now() - exchange->began_at;
  exchange->heard_at = clock_now();
  switch (head_read(&exchange->head, line, length)) {
  case HEAD_FINE:
    return length;
  case HEAD_TOO_LARGE:
    if (!exchange_is_whole(exchange)) /* else these are trailers */
      answer_fail(exchange->answer, STEPIMG_PROTOCOL, "the answer's headers are larger than %d bytes", (int)HEAD_MAX);
    break;
  case HEAD_NO_MEMORY:
    answer_fail(exchange->answer, STEPIMG_NOMEM, "not enough memory for the answer's headers");
    break;
  }
  return stop(exchange);
}

static void count_anew(struct exchange *exchange, long long total)
{
  atomic_store_explicit(&exchange->progress->received, 0, memory_order_relaxed);
  atomic_store_explicit(&exchange->progress->total, total, memory_order_relaxed);
}

static void expect_to_send(struct exchange *exchange, size_t length)
{
  exchange->body_length = length;
  atomic_store_explicit(&exchange->progress->sent, 0, memory_order_relaxed);
  atomic_store_explicit(&exchange->progress->to_send, (long long)length, memory_order_relaxed);
}

static bool begin_body(struct exchange *exchange)
{
  curl_off_t expected = -1;
  static const enum answer_mode modes[] = {ANSWER_ENVELOPE, ANSWER_ACCOUNT, ANSWER_MODELS}; /* by question */
  enum answer_mode mode = exchange->image != NULL ? ANSWER_PICTURE : modes[exchange->question];
  if (!policy_is_success(exchange->image != NULL, exchange_status(exchange)))
    mode = ANSWER_ERROR_BODY;
  if (!exchange_is_decoded(exchange)) /* else it is the length of something else */
    curl_easy_getinfo(exchange->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &expected);
  count_anew(exchange, expected > 0 && mode != ANSWER_ERROR_BODY ? expected : 0);
  exchange->began = true;
  return answer_begin(exchange->answer, mode, expected, exchange->image);
}

static size_t receive_body(char *bytes, size_t size, size_t count, void *context)
{
  struct exchange *exchange = context;
  size_t length = size * count;
  exchange->heard_at = clock_now();
  exchange->bytes += (int64_t)length;
  atomic_fetch_add_explicit(&exchange->pool->traffic->bytes, (long long)length, memory_order_relaxed);
  if ((!exchange->began && !begin_body(exchange)) || !answer_write(exchange->answer, bytes, length))
    return stop(exchange);
  if (exchange->answer->mode != ANSWER_ERROR_BODY) /* who waits for a picture is told of pictures */
    atomic_fetch_add_explicit(&exchange->progress->received, (long long)length, memory_order_relaxed);
  return length;
}

/* ------------------------------------------------------------------------------------------------------ set-up -- */

static bool prepare(struct exchange *exchange, const struct settings *settings, const char *url, double timeout,
                    struct answer *answer, struct progress *progress, struct pool *pool)
{
  memset(exchange, 0, sizeof *exchange);
  exchange->pool = pool;
  exchange->settings = settings;
  exchange->began_at = exchange->heard_at = clock_now();
  exchange->ends_at = exchange->began_at + timeout;
  exchange->answer = answer;
  exchange->progress = progress;
  count_anew(exchange, 0);
  expect_to_send(exchange, 0);
  CURL *easy = exchange->easy = handle_new(settings, url, timeout);
  if (easy == NULL)
    return false;
#if LIBCURL_VERSION_NUM >= 0x075000 /* 7.80.0 */
  curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, begin_request);
  curl_easy_setopt(easy, CURLOPT_PREREQDATA, exchange);
#endif
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->reason);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, receive_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, exchange);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, receive_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
  enter(exchange, STEPIMG_CONNECTING);
  return true;
}

static void become_post(struct exchange *exchange, size_t length)
{
  exchange->post = true;
  exchange->awaits = true;
  exchange->pool->connections.awaited++;
  expect_to_send(exchange, length);
}

bool exchange_post(struct exchange *exchange, const struct settings *settings, const char *body, size_t length,
                   double timeout, struct answer *answer, struct progress *progress, struct pool *pool)
{
  if (!prepare(exchange, settings, settings->endpoint, timeout, answer, progress, pool))
    return false;
  become_post(exchange, length);
  exchange->body = body;
  curl_easy_setopt(exchange->easy, CURLOPT_POST, 1L);
  curl_easy_setopt(exchange->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)length);
  curl_easy_setopt(exchange->easy, CURLOPT_READFUNCTION, send_body);
  curl_easy_setopt(exchange->easy, CURLOPT_READDATA, exchange);
  curl_easy_setopt(exchange->easy, CURLOPT_HTTPHEADER, settings->headers);
  return true;
}

bool exchange_post_form(struct exchange *exchange, const struct settings *settings, const struct form *form,
                        double timeout, struct answer *answer, struct progress *progress, struct pool *pool)
{
  if (!prepare(exchange, settings, settings->edits, timeout, answer, progress, pool))
    return false;
  become_post(exchange, form->length);
  exchange->form = form;
  exchange->mime = form_make(exchange->easy, form, send_body, exchange);
  if (exchange->mime != NULL && curl_easy_setopt(exchange->easy, CURLOPT_MIMEPOST, exchange->mime) == CURLE_OK &&
      curl_easy_setopt(exchange->easy, CURLOPT_HTTPHEADER, settings->form_headers) == CURLE_OK)
    return true;
  exchange_free(exchange);
  return false;
}

bool exchange_get(struct exchange *exchange, const struct settings *settings, const char *url,
                  struct stepimg_image *image, double timeout, struct answer *answer, struct progress *progress,
                  struct pool *pool)
{
  if (!prepare(exchange, settings, url, timeout, answer, progress, pool))
    return false;
  exchange->image = image;
  return true;
}

bool exchange_ask(struct exchange *exchange, const struct settings *settings, enum stepimg_question question,
                  double timeout, struct answer *answer, struct progress *progress, struct pool *pool)
{
  const char *url = question == STEPIMG_ACCOUNT ? settings->accounts : settings->models;
  if (!prepare(exchange, settings, url, timeout, answer, progress, pool))
    return false;
  exchange->question = question;
  curl_easy_setopt(exchange->easy, CURLOPT_HTTPHEADER, settings->form_headers);
  return true;
}

void exchange_avoid_kept(struct exchange *exchange)
{
  exchange->fresh = true;
  curl_easy_setopt(exchange->easy, CURLOPT_FRESH_CONNECT, 1L);
}

bool exchange_start(struct exchange *exchange, void *owner)
{
  return curl_easy_setopt(exchange->easy, CURLOPT_PRIVATE, owner) == CURLE_OK &&
         pool_add(exchange->pool, &exchange->place, exchange->easy);
}

/* A GOAWAY that libcurl read together with the answer before, or behind a frame that it read as it looked, is found too late:
   the next request fails where it should have had another connection. What libcurl repeats by itself for HTTP/1.1. */
static bool is_lost_unsent(const struct exchange *exchange, CURLcode code)
{
  const struct cause *cause = cause_of(code);
  bool begun = exchange->head.bytes > 0 || (exchange->post && atomic_load(&exchange->progress->body_left));
  return exchange->placed && exchange->made == 0 && !begun && !exchange->anew && cause->passing &&
         code != CURLE_OPERATION_TIMEDOUT;
}

bool exchange_is_stale(const struct exchange *exchange, CURLcode code)
{
  return exchange->left || is_lost_unsent(exchange, code);
}

bool exchange_start_anew(struct exchange *exchange)
{
  count_connections(exchange);
  pool_remove(&exchange->place, exchange->easy);
  exchange->made = 0; /* libcurl counts anew */
  if (exchange->fresh || !exchange->left)
    exchange_avoid_kept(exchange);
  exchange->left = exchange->placed = false;
  exchange->anew = true;
  enter(exchange, STEPIMG_CONNECTING);
  curl_easy_setopt(exchange->easy, CURLOPT_FORBID_REUSE, 0L);
  handle_limit(exchange->easy, exchange->ends_at - clock_now());
  return pool_add(exchange->pool, &exchange->place, exchange->easy);
}

void exchange_take_undecoded(struct exchange *exchange)
{
  exchange->undecoded = true;
  curl_easy_setopt(exchange->easy, CURLOPT_ACCEPT_ENCODING, NULL);
}

double exchange_stalls_at(const struct exchange *exchange, double patience)
{
  /* A POST may be thought about for long; what an interim answer says is no more than that. */
  bool arriving = !exchange->post || exchange_status(exchange) >= 200;
  return arriving ? exchange->heard_at + patience : INFINITY;
}

double exchange_late_at(const struct exchange *exchange)
{
  static const double GRACE = 0.1; /* seconds */
  return exchange->ends_at + GRACE;
}

void exchange_free(struct exchange *exchange)
{
  if (exchange->easy == NULL)
    return;
  connected(exchange);
#if LIBCURL_VERSION_NUM < 0x075000 /* 7.80.0: begin_request is not called */
  exchange->placed = true;
#endif
  if (exchange->placed) /* one may have been made for what is not sent twice */
    count_connections(exchange);
  connection_leave(&exchange->user);
  /* Over HTTP/2 libcurl would keep the connection, and the news of the end in a buffer until it is used again. */
  curl_easy_setopt(exchange->easy, CURLOPT_FORBID_REUSE, 1L);
  pool_remove(&exchange->place, exchange->easy);
  head_clear(&exchange->head);
  free(exchange->redirect);
  exchange->redirect = NULL;
  curl_easy_cleanup(exchange->easy);
  exchange->easy = NULL;
  curl_mime_free(exchange->mime);
  exchange->mime = NULL;
}
