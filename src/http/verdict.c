/* What an exchange came to: the facts that policy.c judges, and the words for the person who reads them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "base/text.h"
#include "http/cause.h"
#include "http/exchange.h"
#include "http/url.h"
#include "payload/words.h"

/* What is known while an exchange is judged. */
struct hearing {
  struct exchange *exchange;
  struct policy_facts facts;
  char host[URL_HOST_MAX];
  char proxy[URL_HOST_MAX]; /* the proxy's host; "": none is in the way */
  const char *url;
};

/* ------------------------------------------------------------------------------------------------ the transport -- */

/* What is to be done about the authorities, where they are what is wrong: not a certificate's dates or its names. */
static const char *authorities_failed(const struct exchange *exchange, CURLcode code)
{
  enum { NOT_YET_VALID = 9, EXPIRED = 10, OTHER_HOST = 62 }; /* OpenSSL's; the others have 1 for all */
  const struct authorities *authorities = &exchange->settings->authorities;
  long flaw = 0;
  if (code == CURLE_SSL_CACERT_BADFILE) /* a small system may have none */
    return authorities->own ? ": this system has no authorities to trust; install ca-certificates, or set ca_file"
                            : ": ca_file holds no authorities";
  curl_easy_getinfo(exchange->easy, CURLINFO_SSL_VERIFYRESULT, &flaw);
  if (code != CURLE_PEER_FAILED_VERIFICATION || flaw == 0 || flaw == NOT_YET_VALID || flaw == EXPIRED ||
      flaw == OTHER_HOST)
    return "";
  return ": nobody who is trusted vouches for it; an authority of your own is named by ca_file, the others are the "
         "package ca-certificates";
}

/* Which option gives it longer. libcurl rounds to milliseconds. */
static const char *limit_of(const struct exchange *exchange)
{
  bool early = clock_now() < exchange->ends_at - 0.01;
  return exchange->stalled ? "stall_timeout" : early ? "connect_timeout" : "timeout and deadline";
}

static void timed_out(const struct hearing *hearing, struct stepimg_error *error)
{
  const struct exchange *exchange = hearing->exchange;
  long long bytes = atomic_load_explicit(&exchange->progress->received, memory_order_relaxed);
  int phase = atomic_load_explicit(&exchange->progress->phase, memory_order_relaxed);
  const char *proxy = phase == STEPIMG_CONNECTING ? hearing->proxy : "", *what = "answer from";
  char seconds[TEXT_NUMBER_MAX], came[TEXT_NUMBER_MAX + 16] = "";
  text_number(seconds, clock_now() - exchange->began_at, 3); /* libcurl's own is of the last time that it was begun */
  if (phase == STEPIMG_CONNECTING)
    what = "connection to";
  else if (phase == STEPIMG_RECEIVING) {
    what = "whole answer from";
    snprintf(came, sizeof came, " (%lld bytes came)", bytes);
  }
  error_set(error, STEPIMG_TIMEOUT, NULL, "no %s %s%s%s after %s s%s; see %s", what, hearing->host,
            proxy[0] != '\0' ? " through the proxy " : "", proxy, seconds, came, limit_of(exchange));
}

/* Whether the failure is one of the way to the proxy, not of what is behind it. */
static bool is_of_proxy(const struct hearing *hearing, CURLcode code)
{
  if (code == CURLE_COULDNT_RESOLVE_PROXY || code == CURLE_PROXY)
    return true;
  bool hung_up = code == CURLE_RECV_ERROR && strstr(hearing->exchange->reason, "CONNECT") != NULL; /* only words tell */
  return hearing->proxy[0] != '\0' && (code == CURLE_COULDNT_CONNECT || hung_up);
}

static void transport_failed(struct hearing *hearing, CURLcode code, struct stepimg_error *error)
{
  const struct exchange *exchange = hearing->exchange;
  const struct cause *cause = cause_of(code);
  const char *reason = exchange->reason, *hint = authorities_failed(exchange, code);
  char of_proxy[URL_HOST_MAX + 16] = "";
  hearing->facts.failure = cause->kind;
  hearing->facts.passing = cause->passing;
  if (reason[0] == '\0' || strstr(reason, "://") != NULL) /* a proxy's address, with its password in it */
    reason = curl_easy_strerror(code);
  if (code == CURLE_OPERATION_TIMEDOUT) {
    timed_out(hearing, error);
    return;
  }
  if (code == CURLE_OUT_OF_MEMORY) { /* before 8.6.0 libcurl said so of a header line that is too long, too */
    error_set(error, cause->kind, NULL, "not enough memory, or a header of the answer from %s is too large",
              hearing->host);
    return;
  }
  if (code == CURLE_SSL_CONNECT_ERROR)
    reason = cause_words(reason, false);
  else if (code == CURLE_RECV_ERROR || code == CURLE_GOT_NOTHING || code == CURLE_SEND_ERROR)
    reason = cause_words(reason, true);
  else if (code == CURLE_SEND_FAIL_REWIND || code == CURLE_ABORTED_BY_CALLBACK)
    reason = "the request had left and is not sent twice";
  if (is_of_proxy(hearing, code))
    snprintf(of_proxy, sizeof of_proxy, "the proxy %s: ", hearing->proxy);
  error_set(error, cause->kind, NULL, "%s: %s%s%s (%s)", hearing->host, of_proxy, cause->what, hint, reason);
}

/* -------------------------------------------------------------------------------------------------- the content -- */

static void read_words(const struct exchange *exchange, struct words *words)
{
  const struct buffer *body = &exchange->answer->body;
  words_read(words, (const char *)body->bytes, body->length, exchange->settings->key);
}

/* A page of a gateway, a proxy or a hotel is better shown than described by a JSON reader. */
static enum stepimg_kind not_an_object(const struct exchange *exchange, const char *host, struct stepimg_error *error)
{
  const struct buffer *body = &exchange->answer->body;
  char quoted[TEXT_QUOTE_MAX];
  struct words words;
  read_words(exchange, &words);
  bool page = words.source == WORDS_PAGE;
  return error_set(error, STEPIMG_PROTOCOL, NULL, "%s did not send a JSON object but %s%s%s", host,
                   text_quote(quoted, (const char *)body->bytes, body->length), page ? ", a web page: " : "",
                   page ? words.message : "");
}

/* What the server itself says, behind our own words for it. Of an answer that should have been a picture only what
   stands in a place for it: the rest is the answer. */
static void add_words(const struct exchange *exchange, bool refused, struct stepimg_error *error)
{
  size_t used = strlen(error->message);
  struct words words;
  read_words(exchange, &words);
  if (words.source != WORDS_SAID && !refused && exchange->image == NULL)
    return;
  text_copy(error->type, sizeof error->type, words.type, strlen(words.type));
  text_copy(error->code, sizeof error->code, words.code, strlen(words.code));
  if (words.source == WORDS_NONE)
    return;
  const char *who = words.source == WORDS_PAGE ? "it is a web page"
                    : exchange->image != NULL  ? "the host says"
                                               : "the service says";
  char said[WORDS_MAX + 64];
  snprintf(said, sizeof said, "; %s: %s", who, words.message);
  text_copy(error->message + used, sizeof error->message - used, said, strlen(said)); /* cut at a character's end */
  error->words_at = (unsigned)used;
}

/* A success, and complete or whole, or more than is kept of what is no answer. */
static enum stepimg_kind finish_body(struct exchange *exchange, const char *host, struct stepimg_error *error)
{
  struct answer *answer = exchange->answer;
  long version = 0;
  bool empty = !exchange->began || answer->received == 0, open_ended = exchange_is_open_ended(exchange);
  curl_easy_getinfo(exchange->easy, CURLINFO_HTTP_VERSION, &version);
  if (empty && (!exchange->head.complete || (open_ended && version < CURL_HTTP_VERSION_2_0)))
    return error_set(error, STEPIMG_NETWORK, NULL, "%s: the answer was cut short (it has no body)", host);
  if (empty)
    return error_set(error, STEPIMG_PROTOCOL, NULL, "%s sent an empty answer (HTTP %d)", host,
                     exchange_status(exchange));
  if (exchange->image == NULL && (exchange->post ? !answer->envelope.is_object : !facts_is_object(&answer->body)))
    return not_an_object(exchange, host, error);
  if (answer_end(answer, open_ended || exchange_is_decoded(exchange), exchange->head.content_type))
    return STEPIMG_OK;
  if (exchange->image != NULL)
    return error_set(error, answer->kind, NULL, "%s: %s", host, answer->reason);
  return error_set(error, answer->kind, NULL, "%s", answer->reason);
}

/* A server that quotes the key in its answer does not get it into our errors. */
static void hide_key(const struct exchange *exchange, char *text)
{
  secret_hide(text, text != NULL ? strlen(text) : 0, exchange->settings->key);
}

/* -------------------------------------------------------------------------------------------------- the verdict -- */

static unsigned marks_of_body(const struct exchange *exchange)
{
  const char *body = (const char *)exchange->answer->body.bytes;
  size_t length = exchange->answer->body.length;
  struct words words;
  if (!exchange->began || exchange->answer->mode != ANSWER_ERROR_BODY || length == 0) /* an attempt before had one */
    return 0;
  if (words_is_page(body, length))
    return POLICY_PAGE;
  words_read(&words, body, length, NULL);
  return words_miss_balance(&words) ? POLICY_NO_QUOTA : 0;
}

static void open_hearing(struct hearing *hearing, struct exchange *exchange, CURLcode code)
{
  char *url = NULL;
  long tunnel = 0, connections = 0;
  memset(hearing, 0, sizeof *hearing);
  hearing->exchange = exchange;
  curl_easy_getinfo(exchange->easy, CURLINFO_EFFECTIVE_URL, &url);
  hearing->url = url != NULL ? url : "";
  url_host(hearing->host, hearing->url);
  const char *proxy = proxy_for(&exchange->settings->proxy, hearing->url);
  url_proxy_host(hearing->proxy, proxy);
  if (proxy_except(&exchange->settings->proxy)[0] != '\0' && strstr(exchange->reason, hearing->proxy) == NULL)
    hearing->proxy[0] = '\0'; /* this host may be one that goes without */
  curl_easy_getinfo(exchange->easy, CURLINFO_HTTP_CONNECTCODE, &tunnel);
  curl_easy_getinfo(exchange->easy, CURLINFO_NUM_CONNECTS, &connections);
  struct policy_facts *facts = &hearing->facts;
  facts->get = exchange->image != NULL;
  facts->free = exchange->question != STEPIMG_PICTURE;
  facts->status = exchange_status(exchange);
  facts->body_left = exchange->post && atomic_load(&exchange->progress->body_left);
  facts->complete = code == CURLE_OK;
  facts->coded = code == CURLE_BAD_CONTENT_ENCODING && exchange_is_decoded(exchange);
  if (facts->status == 0 && code != CURLE_OK && (tunnel >= 300 || (tunnel > 0 && tunnel < 200)))
    facts->tunnel = (int)tunnel;
  facts->marks = (connections == 0 ? POLICY_KEPT : 0u) | (exchange->head.cloudflare ? POLICY_CLOUDFLARE : 0u) |
                 (proxy[0] != '\0' && text_starts_with(hearing->url, "http:") ? POLICY_FORWARDED : 0u);
  if (!facts->get)
    facts->marks |= marks_of_body(exchange);
}

#define NO_FOLLOWING ", and the key follows no redirect; is base_url right?"

/* The service has another word for a model that was taken offline than for any other mistake, but no other status. */
static bool misses_model(const struct exchange *exchange)
{
  int status = exchange_status(exchange);
  struct words words;
  if (!exchange->post || !exchange->began || (status != 400 && status != 404))
    return false;
  read_words(exchange, &words);
  return words_miss_model(&words);
}

/* What of a refusal's address or direction helps to mend it. */
static void say_refusal(const struct hearing *hearing, const struct policy_verdict *verdict,
                        struct stepimg_error *error)
{
  char to[TEXT_QUOTE_MAX] = "";
  const char *location = hearing->exchange->head.location;
  int status = hearing->facts.status;
  if (hearing->facts.tunnel != 0)
    error_set(error, verdict->kind, NULL, "%s: the proxy %s: %s (HTTP %d)", hearing->host, hearing->proxy,
              verdict->meaning, hearing->facts.tunnel);
  else if (verdict->meaning == NULL)
    error_set(error, verdict->kind, NULL, "%s did not hand out the picture (HTTP %d)", hearing->host, status);
  else if (status == 401)
    error_set(
        error, verdict->kind, NULL,
        "%s says that the key is not valid (HTTP 401); keys of platform.stepfun.com, of platform.stepfun.ai and of "
        "Step Plan each need their own base_url",
        hearing->host);
  else if (misses_model(hearing->exchange))
    error_set(error, verdict->kind, "model",
              "the service does not offer it, or not any more (HTTP %d); a client's option model names another",
              status);
  else if (status == 404 && hearing->facts.free)
    error_set(error, verdict->kind, NULL,
              "there is nothing at %s (HTTP 404); not every service has it, and pictures do without it", hearing->url);
  else if (status == 404)
    error_set(error, verdict->kind, NULL, "there is nothing at %s (HTTP 404); is base_url right?", hearing->url);
  else if (status >= 300 && status <= 399 && location != NULL)
    error_set(error, verdict->kind, NULL, "the service sent the request elsewhere, to %s (HTTP %d)%s",
              text_quote(to, location, strlen(location)), status, NO_FOLLOWING);
  else if (status >= 300 && status <= 399)
    error_set(error, verdict->kind, NULL, "the service sent the request elsewhere (HTTP %d)%s", status, NO_FOLLOWING);
  else
    error_set(error, verdict->kind, NULL, "%s (HTTP %d)", verdict->meaning, status);
}

/* Keeps where a redirect leads. libcurl's own word, CURLINFO_REDIRECT_URL, has no user name and password in it from 8.23.0
   on, and so cannot be judged. */
static void keep_redirect(struct hearing *hearing, struct stepimg_error *error)
{
  struct exchange *exchange = hearing->exchange;
  const char *location = exchange->head.location;
  int status = hearing->facts.status;
  if (exchange->image != NULL && location != NULL && status >= 300 && status <= 399 &&
      !url_resolve(hearing->url, location, strlen(location), &exchange->redirect)) {
    error_nomem(error);
    hearing->facts.failure = STEPIMG_NOMEM;
  }
}

/* What the exchange teaches about its connection. */
static void tell_connection(struct exchange *exchange, const struct policy_facts *facts, CURLcode code)
{
  long version = 0;
  if (facts->status > 0) {
    curl_easy_getinfo(exchange->easy, CURLINFO_HTTP_VERSION, &version);
    connection_answered(&exchange->user, version < CURL_HTTP_VERSION_2_0, facts->failure == STEPIMG_PROTOCOL);
  } else if (facts->body_left && code != CURLE_OPERATION_TIMEDOUT)
    connection_lost(&exchange->user);
}

struct policy_verdict exchange_judge(struct exchange *exchange, CURLcode code, struct stepimg_error *error)
{
  struct hearing hearing;
  struct answer *answer = exchange->answer;
  struct policy_facts *facts = &hearing.facts;
  error_clear(error);
  secret_hide((char *)answer->body.bytes, answer->body.length, exchange->settings->key);
  hide_key(exchange, exchange->head.request_id);
  hide_key(exchange, exchange->head.content_type);
  hide_key(exchange, exchange->head.location);
  open_hearing(&hearing, exchange, code);
  if (exchange->stopped && answer->kind != STEPIMG_OK)
    facts->failure = error_set(error, answer->kind, NULL, "%s", answer->reason);
  else if (code != CURLE_OK && !exchange->stopped && !exchange_is_whole(exchange))
    transport_failed(&hearing, code, error);
  else if (policy_is_success(facts->get, facts->status)) {
    facts->failure = finish_body(exchange, hearing.host, error);
    facts->passing = facts->failure == STEPIMG_NETWORK; /* cut short */
  }
  struct policy_verdict verdict = policy_judge(facts);
  tell_connection(exchange, facts, code);
  if (verdict.refused)
    say_refusal(&hearing, &verdict, error);
  if (exchange->began && (verdict.refused || error->kind == STEPIMG_PROTOCOL))
    add_words(exchange, verdict.refused, error);
  keep_redirect(&hearing, error);
  hide_key(exchange, error->message); /* it may name a host that a link named */
  error->status = facts->status;
  error->maybe_billed = verdict.maybe_billed;
  error->retry_after = retry_after(&exchange->head.asked, time(NULL));
  text_clean(exchange->head.request_id, strlen(exchange->head.request_id));
  text_copy(error->request_id, sizeof error->request_id, exchange->head.request_id, strlen(exchange->head.request_id));
  return verdict;
}

const char *exchange_redirect(const struct exchange *exchange)
{
  return exchange->redirect;
}

/* ------------------------------------------------------------------------------------------------ what is told -- */

/* Whether a request was begun on a connection, and whether that was made for it. libcurl may have made another one since, for
   what is not sent twice. */
static bool had_connection(const struct exchange *exchange, bool *made)
{
#if LIBCURL_VERSION_NUM < 0x075000 /* 7.80.0: begin_request is not called. Newer ones, as 8.23, tell this time of all */
  curl_off_t begun = 0;
  long connections = 0;
  curl_easy_getinfo(exchange->easy, CURLINFO_NUM_CONNECTS, &connections);
  curl_easy_getinfo(exchange->easy, CURLINFO_PRETRANSFER_TIME_T, &begun);
  *made = connections > 0;
  return begun > 0;
#else
  *made = !exchange->reused;
  return exchange->placed;
#endif
}

void exchange_timing(const struct exchange *exchange, struct stepimg_timing *timing)
{
  curl_off_t connect = 0, tls = 0;
  bool made, connected = had_connection(exchange, &made);
  if (made) { /* on a kept connection libcurl tells how long it took to find it */
    curl_easy_getinfo(exchange->easy, CURLINFO_CONNECT_TIME_T, &connect);
    curl_easy_getinfo(exchange->easy, CURLINFO_APPCONNECT_TIME_T, &tls);
  }
  timing->connect = connected ? (double)connect / 1e6 : -1;
  timing->tls = connected ? (double)tls / 1e6 : -1;
  timing->first_byte = exchange->head.bytes > 0 ? exchange->first_byte : -1;
}

static const char *protocol_name(long version)
{
  switch (version) {
  case CURL_HTTP_VERSION_1_0:
    return "HTTP/1.0";
  case CURL_HTTP_VERSION_1_1:
    return "HTTP/1.1";
  case CURL_HTTP_VERSION_2_0:
    return "HTTP/2";
  case CURL_HTTP_VERSION_3:
    return "HTTP/3";
  default:
    return NULL;
  }
}

void exchange_describe(const struct exchange *exchange, struct stepimg_exchange *entry)
{
  long version = 0;
  bool made;
  entry->status = exchange_status(exchange);
  if (entry->status > 0 && curl_easy_getinfo(exchange->easy, CURLINFO_HTTP_VERSION, &version) == CURLE_OK)
    entry->protocol = protocol_name(version);
  entry->connected = had_connection(exchange, &made);
  entry->reused = entry->connected && !made;
  entry->bytes = exchange->bytes;
  entry->request_id = exchange->head.request_id;
}
