#include "http/exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/port.h"
#include "base/secret.h"
#include "base/text.h"
#include "http/policy.h"
#include "http/url.h"

enum { MAX_HEADER_BYTES = 256 * 1024 };

/* ----------------------------------------------------------------------------------------------------- settings -- */

static bool add_header(struct exchange_settings *settings, const char *line)
{
  struct curl_slist *longer = curl_slist_append(settings->headers, line);
  if (longer != NULL)
    settings->headers = longer;
  return longer != NULL;
}

static bool add_key(struct exchange_settings *settings, const char *key)
{
  static const char start[] = "Authorization: Bearer ";
  size_t size = sizeof start + strlen(key);
  char *line = malloc(size);
  if (line == NULL)
    return false;
  snprintf(line, size, "%s%s", start, key);
  bool good = add_header(settings, line);
  secret_wipe(line);
  free(line);
  struct curl_slist *last = settings->headers;
  while (last != NULL && last->next != NULL)
    last = last->next;
  settings->key = good ? last->data + sizeof start - 1 : NULL;
  return good;
}

static char *take(char **text)
{
  char *taken = *text;
  *text = NULL;
  return taken;
}

static char *default_user_agent(void)
{
  char text[128];
  int length = snprintf(text, sizeof text, "stepimg/%s libcurl/%s", STEPIMG_VERSION,
                        curl_version_info(CURLVERSION_NOW)->version);
  char *copy = malloc((size_t)length + 1);
  if (copy != NULL)
    memcpy(copy, text, (size_t)length + 1);
  return copy;
}

/* A wrong path is better told now than as a failed connection later. */
static enum stepimg_kind check_ca_file(const char *path, struct stepimg_error *error)
{
  char quoted[TEXT_QUOTE_MAX];
  FILE *file = fopen(path, "rb");
  if (file == NULL)
    return error_set(error, STEPIMG_INVALID, "ca_file", "%s cannot be read", text_quote(quoted, path, strlen(path)));
  fclose(file);
  return STEPIMG_OK;
}

enum stepimg_kind exchange_settings_init(struct exchange_settings *settings, struct stepimg_options *options,
                                         struct stepimg_error *error)
{
  const char *base = options->base_url != NULL ? options->base_url : "https://api.stepfun.ai/v1";
  memset(settings, 0, sizeof *settings);
  settings->connect_timeout = options->connect_timeout;
  settings->proxy = take(&options->proxy);
  settings->ca_file = take(&options->ca_file);
  settings->user_agent = options->user_agent != NULL ? take(&options->user_agent) : default_user_agent();
  if (url_endpoint(base, &settings->endpoint, error) != STEPIMG_OK ||
      (settings->proxy != NULL && url_check_proxy(settings->proxy, settings->endpoint, error) != STEPIMG_OK) ||
      (settings->ca_file != NULL && check_ca_file(settings->ca_file, error) != STEPIMG_OK))
    return error->kind;
  bool good = settings->user_agent != NULL && add_header(settings, "Content-Type: application/json") &&
              add_header(settings, "Accept: application/json") &&
              add_header(settings, "Expect:") && /* a round trip for nothing */
              (options->api_key == NULL || add_key(settings, options->api_key));
  for (size_t i = 0; good && i < options->header_count; i++)
    good = add_header(settings, options->headers[i]);
  return good ? STEPIMG_OK : error_nomem(error);
}

void exchange_settings_clear(struct exchange_settings *settings)
{
  for (struct curl_slist *header = settings->headers; header != NULL; header = header->next)
    secret_wipe(header->data);
  curl_slist_free_all(settings->headers);
  secret_wipe(settings->proxy);
  free(settings->proxy);
  free(settings->endpoint);
  free(settings->ca_file);
  free(settings->user_agent);
  memset(settings, 0, sizeof *settings);
}

/* ---------------------------------------------------------------------------------------------------- callbacks -- */

static void enter(struct exchange *exchange, enum stepimg_phase phase)
{
  atomic_store_explicit(&exchange->progress->phase, (int)phase, memory_order_relaxed);
}

static int status_of(const struct exchange *exchange)
{
  long status = 0;
  curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
  return (int)status;
}

/* It has a connection, or wants none any more. */
static void connected(struct exchange *exchange)
{
  exchange->connections->awaited -= exchange->awaits;
  exchange->awaits = false;
}

/* The POST's body. libcurl sends a request anew by itself when a kept connection turns out to be dead, and that could
   buy a second picture. With POSTFIELDS it could do so freely; a body that comes from here and cannot be rewound (no
   CURLOPT_SEEKFUNCTION) goes out once and never again. */
static size_t send_body(char *out, size_t size, size_t count, void *context)
{
  struct exchange *exchange = context;
  size_t room = size * count, left = exchange->body_length - exchange->body_sent;
  size_t length = left < room ? left : room;
  connected(exchange);
  atomic_store(&exchange->progress->sent, true);
  if (atomic_load(&exchange->progress->given_up))
    return CURL_READFUNC_ABORT;
  memcpy(out, exchange->body + exchange->body_sent, length);
  exchange->body_sent += length;
  enter(exchange, exchange->body_sent < exchange->body_length ? STEPIMG_SENDING : STEPIMG_WAITING);
  return length;
}

#if LIBCURL_VERSION_NUM >= 0x075000 /* 7.80.0 */
/* Before each request that libcurl begins. It begins a second one by itself where a server takes HTTP/2 back
   (HTTP_1_1_REQUIRED), even in the middle of its answer: that would be a POST without its body, or half a picture with a
   whole one behind it. */
static int begin_request(void *context, char *to, char *from, int to_port, int from_port)
{
  struct exchange *exchange = context;
  bool post = exchange->body != NULL;
  (void)to, (void)from, (void)to_port, (void)from_port;
  if (exchange->body_sent > 0 || exchange->header_bytes > 0)
    return CURL_PREREQFUNC_ABORT;
  if (post && !exchange->fresh && !connection_may_carry_post(exchange->connections, exchange->easy)) {
    exchange->stale = true;
    curl_easy_setopt(exchange->easy, CURLOPT_FORBID_REUSE, 1L); /* nor is it for the next, if nobody else is on it */
    return CURL_PREREQFUNC_ABORT;
  }
  connection_enter(exchange->connections, &exchange->user, exchange->easy);
  return CURL_PREREQFUNC_OK;
}
#endif

/* The value of a header line that has that name, without the blanks around it; NULL: it has another. */
static const char *header_value(const char *line, size_t length, const char *name, size_t *value_length)
{
  size_t name_length = strlen(name);
  if (length <= name_length || line[name_length] != ':' || !text_starts_with(line, name))
    return NULL;
  const char *value = line + name_length + 1, *end = line + length;
  while (value < end && (*value == ' ' || *value == '\t'))
    value++;
  while (end > value && (unsigned char)end[-1] <= ' ')
    end--;
  *value_length = (size_t)(end - value);
  return value;
}

/* Copies it, as far as there is room. */
static void match_header(const char *line, size_t length, const char *name, char *out, size_t size)
{
  size_t value_length;
  const char *value = header_value(line, length, name, &value_length);
  if (value != NULL)
    text_copy(out, size, value, value_length);
}

/* Where a redirect leads, if the line says so; the first such line counts. libcurl's own word, CURLINFO_REDIRECT_URL, has
   no user name and password in it from 8.23.0 on, and so cannot be judged. */
static bool match_location(struct exchange *exchange, const char *line, size_t length)
{
  char *from = NULL;
  size_t value_length;
  const char *value = header_value(line, length, "location", &value_length);
  int status = status_of(exchange);
  if (value == NULL || value_length == 0 || exchange->redirect != NULL || status < 300 || status > 399)
    return true;
  curl_easy_getinfo(exchange->easy, CURLINFO_EFFECTIVE_URL, &from);
  return url_resolve(from != NULL ? from : "", value, value_length, &exchange->redirect) ||
         answer_fail(exchange->answer, STEPIMG_NOMEM, "not enough memory for where the picture is");
}

/* What the headers so far have told. */
static void forget_headers(struct exchange *exchange)
{
  exchange->headed = false;
  exchange->chunked = false;
  exchange->request_id[0] = exchange->content_type[0] = '\0';
  memset(&exchange->asked, 0, sizeof exchange->asked);
}

/* Nothing tells a whole body from one that was cut, but what is in it. */
static bool is_open_ended(const struct exchange *exchange)
{
  curl_off_t length = -1;
  curl_easy_getinfo(exchange->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
  return length < 0 && !exchange->chunked;
}

/* All that was wanted is there, whatever libcurl says of what came after it. */
static bool is_whole(const struct exchange *exchange)
{
  return exchange->began && exchange->answer->kind == STEPIMG_OK &&
         answer_is_whole(exchange->answer, is_open_ended(exchange));
}

static size_t receive_header(char *line, size_t size, size_t count, void *context)
{
  char coding[16] = "";
  struct exchange *exchange = context;
  size_t length = size * count;
  enter(exchange, STEPIMG_RECEIVING);
  if (exchange->header_bytes == 0) /* libcurl's own STARTTRANSFER_TIME of a POST is when the upload began */
    exchange->first_byte = port_now() - exchange->began_at;
  if (length > MAX_HEADER_BYTES - exchange->header_bytes) {
    if (!is_whole(exchange)) /* else these are trailers */
      answer_fail(exchange->answer, STEPIMG_PROTOCOL, "the answer's headers are larger than %d bytes",
                  (int)MAX_HEADER_BYTES);
    exchange->stopped = true;
    return 0;
  }
  exchange->header_bytes += length;
  if (length > 0 && (line[0] == '\r' || line[0] == '\n'))
    exchange->headed = true;
  if (length >= 5 && text_starts_with(line, "HTTP/")) /* an interim answer (1xx) came before this one */
    forget_headers(exchange);
  match_header(line, length, "x-request-id", exchange->request_id, sizeof exchange->request_id);
  match_header(line, length, "content-type", exchange->content_type, sizeof exchange->content_type);
  match_header(line, length, "transfer-encoding", coding, sizeof coding);
  exchange->chunked = exchange->chunked || text_starts_with(coding, "chunked");
  match_header(line, length, "retry-after", exchange->asked.wait, sizeof exchange->asked.wait);
  match_header(line, length, "retry-after-ms", exchange->asked.milliseconds, sizeof exchange->asked.milliseconds);
  match_header(line, length, "date", exchange->asked.date, sizeof exchange->asked.date);
  if (exchange->picture != NULL && !match_location(exchange, line, length)) {
    exchange->stopped = true;
    return 0;
  }
  return length;
}

static bool begin_body(struct exchange *exchange)
{
  curl_off_t expected = -1;
  enum answer_mode mode = exchange->picture != NULL ? ANSWER_PICTURE : ANSWER_ENVELOPE;
  if (status_of(exchange) != 200)
    mode = exchange->picture != NULL ? ANSWER_NO_PICTURE : ANSWER_ERROR_BODY;
  curl_easy_getinfo(exchange->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &expected);
  atomic_store_explicit(&exchange->progress->received, 0, memory_order_relaxed);
  atomic_store_explicit(&exchange->progress->total, expected > 0 ? expected : 0, memory_order_relaxed);
  exchange->began = true;
  return answer_begin(exchange->answer, mode, expected, mode == ANSWER_PICTURE ? exchange->picture : NULL);
}

static size_t receive_body(char *bytes, size_t size, size_t count, void *context)
{
  struct exchange *exchange = context;
  size_t length = size * count;
  if ((!exchange->began && !begin_body(exchange)) || !answer_write(exchange->answer, bytes, length)) {
    exchange->stopped = true;
    return 0; /* which ends the transfer: length is never 0 here */
  }
  atomic_fetch_add_explicit(&exchange->progress->received, (long long)length, memory_order_relaxed);
  return length;
}

/* ------------------------------------------------------------------------------------------------------ set-up -- */

static long milliseconds(double seconds)
{
  return seconds < 0.001 ? 1 : (long)(seconds * 1000);
}

static bool prepare(struct exchange *exchange, const struct exchange_settings *settings, const char *url,
                    double timeout, struct answer *answer, struct progress *progress, struct connections *connections)
{
  memset(exchange, 0, sizeof *exchange);
  exchange->connections = connections;
  exchange->settings = settings;
  exchange->began_at = port_now();
  exchange->answer = answer;
  exchange->progress = progress;
  CURL *easy = exchange->easy = curl_easy_init();
  if (easy == NULL)
    return false;
  bool good = curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK;
  good = good && curl_easy_setopt(easy, CURLOPT_USERAGENT, settings->user_agent) == CURLE_OK;
  if (settings->proxy != NULL)
    good = good && curl_easy_setopt(easy, CURLOPT_PROXY, settings->proxy) == CURLE_OK;
  else if (url_is_loopback(url)) /* a proxy from the environment is for the world, not for this machine */
    good = good && curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK;
  if (settings->ca_file != NULL)
    good = good && curl_easy_setopt(easy, CURLOPT_CAINFO, settings->ca_file) == CURLE_OK;
  /* A folder beside that file would add the system's authorities to the caller's, and keeps libcurl (7.87 and newer, with
     OpenSSL) from parsing the file once for all connections: 20 ms and a megabyte for each. Some TLS libraries have none. */
  if (settings->ca_file != NULL || curl_version_info(CURLVERSION_NOW)->cainfo != NULL)
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
#if LIBCURL_VERSION_NUM >= 0x075500 /* 7.85.0 */
  good = good && curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK;
#else
  good = good && curl_easy_setopt(easy, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS) == CURLE_OK;
#endif
#if LIBCURL_VERSION_NUM >= 0x075700 /* 7.87.0: a name look-up that hangs does not hold up the end */
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
#if LIBCURL_VERSION_NUM >= 0x075000 /* 7.80.0 */
  curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, begin_request);
  curl_easy_setopt(easy, CURLOPT_PREREQDATA, exchange);
#endif
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L); /* the defaults, said aloud: there is no way to turn them off */
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L); /* a picture's redirects are checked one by one */
  curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)EXCHANGE_BUFFER);
  curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)EXCHANGE_BUFFER);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  /* Servers drop idle connections after a minute or so; one that dies under a POST costs a maybe_billed. */
  curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, 50L);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, milliseconds(timeout));
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, milliseconds(settings->connect_timeout));
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->reason);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, receive_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, exchange);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, receive_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
  if (!good)
    exchange_free(exchange);
  else
    enter(exchange, STEPIMG_CONNECTING);
  return good;
}

bool exchange_post(struct exchange *exchange, const struct exchange_settings *settings, const char *body, size_t length,
                   double timeout, struct answer *answer, struct progress *progress, struct connections *connections)
{
  if (!prepare(exchange, settings, settings->endpoint, timeout, answer, progress, connections))
    return false;
  exchange->awaits = true;
  connections->awaited++;
  exchange->body = body;
  exchange->body_length = length;
  curl_easy_setopt(exchange->easy, CURLOPT_POST, 1L);
  curl_easy_setopt(exchange->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)length);
  curl_easy_setopt(exchange->easy, CURLOPT_READFUNCTION, send_body);
  curl_easy_setopt(exchange->easy, CURLOPT_READDATA, exchange);
  curl_easy_setopt(exchange->easy, CURLOPT_HTTPHEADER, settings->headers);
  return true;
}

bool exchange_get(struct exchange *exchange, const struct exchange_settings *settings, const char *url,
                  struct stepimg_picture *picture, double timeout, struct answer *answer, struct progress *progress,
                  struct connections *connections)
{
  if (!prepare(exchange, settings, url, timeout, answer, progress, connections))
    return false;
  exchange->picture = picture;
  return true;
}

void exchange_renew(struct exchange *exchange, double timeout)
{
  exchange->stale = false;
  exchange->fresh = true;
  curl_easy_setopt(exchange->easy, CURLOPT_FORBID_REUSE, 0L);
  curl_easy_setopt(exchange->easy, CURLOPT_FRESH_CONNECT, 1L);
  curl_easy_setopt(exchange->easy, CURLOPT_TIMEOUT_MS, milliseconds(timeout));
}

/* ------------------------------------------------------------------------------------------------------ verdict -- */

static enum stepimg_kind timed_out(const struct exchange *exchange, const char *host, struct stepimg_error *error)
{
  char seconds[TEXT_NUMBER_MAX];
  curl_off_t spent = 0;
  curl_easy_getinfo(exchange->easy, CURLINFO_TOTAL_TIME_T, &spent);
  text_number(seconds, (double)spent / 1e6, 3);
  switch (atomic_load_explicit(&exchange->progress->phase, memory_order_relaxed)) {
  case STEPIMG_RECEIVING:
    return error_set(error, STEPIMG_TIMEOUT, NULL, "the answer from %s was not complete after %s s (%lld bytes came)",
                     host, seconds, atomic_load_explicit(&exchange->progress->received, memory_order_relaxed));
  case STEPIMG_CONNECTING:
    return error_set(error, STEPIMG_TIMEOUT, NULL, "no connection to %s after %s s", host, seconds);
  default:
    return error_set(error, STEPIMG_TIMEOUT, NULL, "no answer from %s after %s s", host, seconds);
  }
}

/* What OpenSSL says of the most usual failures is known to mislead. */
static const char *plain_words(const char *reason, bool connected)
{
  static const char *const plain[][2] = {
      {"wrong version number", "the server does not speak TLS there"},
      {"alert protocol version", "the server speaks only versions of TLS that are too old"},
  };
  for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
    if (!connected && strstr(reason, plain[i][0]) != NULL)
      return plain[i][1];
  if (strstr(reason, "SSL_ERROR_SYSCALL") != NULL || strstr(reason, "unexpected eof") != NULL) /* of 1.1, and of 3 */
    return connected ? "the server hung up without a good-bye" : "the server hung up in the middle of the handshake";
  return reason;
}

static enum stepimg_kind transport_failed(const struct exchange *exchange, CURLcode code, const char *host,
                                          struct stepimg_error *error)
{
  const char *reason = exchange->reason;
  if (reason[0] == '\0' || strstr(reason, "://") != NULL) /* a proxy's address, with its password in it */
    reason = curl_easy_strerror(code);
  enum stepimg_kind kind = STEPIMG_NETWORK;
  const char *what;
  switch (code) {
  case CURLE_OPERATION_TIMEDOUT:
    return timed_out(exchange, host, error);
  case CURLE_OUT_OF_MEMORY: /* before 8.6.0 libcurl said so of a header line that is too long, too */
    return error_set(error, STEPIMG_NOMEM, NULL, "not enough memory, or a header of the answer from %s is too large",
                     host);
#if LIBCURL_VERSION_NUM >= 0x080600 /* 8.6.0 */
  case CURLE_TOO_LARGE:
    kind = STEPIMG_PROTOCOL;
    what = "a header of the answer is too large";
    break;
#endif
  case CURLE_COULDNT_RESOLVE_PROXY:
    what = "the proxy's name cannot be looked up";
    break;
  case CURLE_COULDNT_RESOLVE_HOST:
    what = "the name cannot be looked up";
    break;
  case CURLE_COULDNT_CONNECT:
    what = "it cannot be reached";
    break;
  case CURLE_SSL_CONNECT_ERROR:
    what = "no secure connection";
    reason = plain_words(reason, false);
    break;
  case CURLE_PEER_FAILED_VERIFICATION:
  case CURLE_SSL_CIPHER:
  case CURLE_SSL_CERTPROBLEM:
  case CURLE_SSL_ISSUER_ERROR:
    what = "no secure connection";
    break;
  case CURLE_SSL_CACERT_BADFILE: /* a small system may have none */
    what =
        exchange->settings->ca_file != NULL
            ? "no secure connection: ca_file holds no authorities"
            : "no secure connection: this system has no authorities to trust; install ca-certificates, or set ca_file";
    break;
  case CURLE_SEND_FAIL_REWIND: /* libcurl wanted to send it again; send_body and begin_request say why it cannot */
  case CURLE_ABORTED_BY_CALLBACK:
    what = "the connection was lost";
    reason = "the request had left and is not sent twice";
    break;
  case CURLE_PARTIAL_FILE:
    what = "the answer was cut short";
    break;
  case CURLE_RECV_ERROR: /* a reset, or chunks that are none: libcurl does not tell them apart */
    what = "the answer could not be received";
    reason = plain_words(reason, true);
    break;
  case CURLE_GOT_NOTHING:
  case CURLE_SEND_ERROR:
    what = "the connection was lost";
    reason = plain_words(reason, true);
    break;
  case CURLE_HTTP2:
  case CURLE_HTTP2_STREAM:
    what = "the exchange over HTTP/2 failed";
    break;
  case CURLE_WEIRD_SERVER_REPLY:
  case CURLE_UNSUPPORTED_PROTOCOL:
  case CURLE_BAD_CONTENT_ENCODING:
  case CURLE_URL_MALFORMAT:
    kind = STEPIMG_PROTOCOL;
    what = "that is no HTTP";
    break;
  default:
    what = "the request failed";
    break;
  }
  return error_set(error, kind, NULL, "%s: %s (%s)", host, what, reason);
}

/* The picture's host knows no keys and no balance: its refusals say nothing about them. */
static enum stepimg_kind picture_status(const char *host, int status, struct stepimg_error *error)
{
  enum stepimg_kind kind = policy_of_status(status)->kind;
  if (status >= 400 && status < 500 && status != 429)
    kind = STEPIMG_REQUEST;
  return error_set(error, kind, NULL, "%s did not hand out the picture (HTTP %d)", host, status);
}

static bool begins_object(const struct buffer *body)
{
  size_t at = 0;
  while (at < body->length && memchr(" \t\r\n", body->bytes[at], 4) != NULL)
    at++;
  return at < body->length && body->bytes[at] == '{';
}

/* A page of a gateway, a proxy or a hotel is better shown than described by a JSON reader. */
static enum stepimg_kind not_an_object(const char *host, const struct buffer *body, struct stepimg_error *error)
{
  char quoted[TEXT_QUOTE_MAX];
  return error_set(error, STEPIMG_PROTOCOL, NULL, "%s did not send a JSON object but %s", host,
                   text_quote(quoted, (const char *)body->bytes, body->length));
}

/* 200, and ended or whole. */
static enum stepimg_kind finish_body(struct exchange *exchange, const char *host, struct stepimg_error *error)
{
  char type[TEXT_QUOTE_MAX];
  long version = 0;
  bool empty = !exchange->began || exchange->answer->received == 0, open_ended = is_open_ended(exchange);
  curl_easy_getinfo(exchange->easy, CURLINFO_HTTP_VERSION, &version);
  if (empty && (!exchange->headed || (open_ended && version < CURL_HTTP_VERSION_2_0)))
    return error_set(error, STEPIMG_NETWORK, NULL, "%s: the answer was cut short (it has no body)", host);
  if (empty)
    return error_set(error, STEPIMG_PROTOCOL, NULL, "%s sent an empty answer (HTTP 200)", host);
  if (exchange->picture == NULL && !begins_object(&exchange->answer->body))
    return not_an_object(host, &exchange->answer->body, error);
  if (!answer_end(exchange->answer, open_ended))
    return error_set(error, exchange->answer->kind, NULL, "%s", exchange->answer->reason);
  struct stepimg_picture *picture = exchange->picture;
  if (picture != NULL && picture->format == STEPIMG_UNKNOWN && !text_starts_with(exchange->content_type, "image/")) {
    free(picture->bytes);
    picture->bytes = NULL; /* it still lies behind its link */
    return error_set(error, STEPIMG_PROTOCOL, NULL, "%s sent no picture (its Content-Type is %s)", host,
                     text_quote(type, exchange->content_type, strlen(exchange->content_type)));
  }
  return STEPIMG_OK;
}

/* Whether a connection that failed so may succeed in a while. */
static bool is_passing(CURLcode code)
{
  switch (code) {
  case CURLE_COULDNT_RESOLVE_PROXY:
  case CURLE_COULDNT_RESOLVE_HOST:
  case CURLE_COULDNT_CONNECT:
  case CURLE_OPERATION_TIMEDOUT:
  case CURLE_SSL_CONNECT_ERROR:
  case CURLE_SEND_ERROR:
  case CURLE_RECV_ERROR:
  case CURLE_GOT_NOTHING:
  case CURLE_PARTIAL_FILE:
  case CURLE_HTTP2:
  case CURLE_HTTP2_STREAM:
    return true;
  default:
    return false;
  }
}

/* RFC 8259 lets a reader ignore a byte order mark, and there are writers that send one. */
static void drop_mark(struct buffer *body)
{
  if (body->length < 3 || memcmp(body->bytes, "\xef\xbb\xbf", 3) != 0)
    return;
  body->length -= 3;
  memmove(body->bytes, body->bytes + 3, body->length);
}

/* A server that quotes the key in its answer does not get it into our errors. */
static void hide_key(const struct exchange *exchange, char *text)
{
  secret_hide(text, text != NULL ? strlen(text) : 0, exchange->settings->key);
}

enum stepimg_kind exchange_result(struct exchange *exchange, CURLcode code, struct stepimg_error *error, bool *repeat)
{
  char host[URL_HOST_MAX], *url = NULL;
  int status = status_of(exchange);
  /* Not 200: its status says it all, also where the rest is lost. Below 200 only 101 is an answer, if a complete one. */
  bool refused = status != 200 && (status >= 200 || code == CURLE_OK);
  error_clear(error);
  drop_mark(&exchange->answer->body);
  secret_hide((char *)exchange->answer->body.bytes, exchange->answer->body.length, exchange->settings->key);
  for (size_t i = 0; i < exchange->answer->picture_count; i++) /* the key goes to no other host, whoever says so */
    hide_key(exchange, (char *)exchange->answer->pictures[i].url);
  hide_key(exchange, exchange->request_id);
  hide_key(exchange, exchange->content_type);
  curl_easy_getinfo(exchange->easy, CURLINFO_EFFECTIVE_URL, &url);
  url_host(host, url != NULL ? url : "");
  if (exchange->stopped && exchange->answer->kind != STEPIMG_OK)
    error_set(error, exchange->answer->kind, NULL, "%s", exchange->answer->reason);
  else if (refused && exchange->picture != NULL)
    picture_status(host, status, error);
  else if (refused)
    error_set(error, policy_of_status(status)->kind, NULL, "%s (HTTP %d)", policy_of_status(status)->meaning, status);
  else if (code != CURLE_OK && !is_whole(exchange))
    transport_failed(exchange, code, host, error);
  else
    finish_body(exchange, host, error);
  hide_key(exchange, error->message); /* it may name a host that a link named */
  error->status = status;
  text_clean(exchange->request_id, strlen(exchange->request_id));
  text_copy(error->request_id, sizeof error->request_id, exchange->request_id, strlen(exchange->request_id));
  error->retry_after = retry_after(&exchange->asked, time(NULL));
  if (exchange->picture != NULL) { /* it is paid for, and fetching it costs nothing */
    error->maybe_billed = error->kind != STEPIMG_OK;
    *repeat = error->kind == STEPIMG_NETWORK || error->kind == STEPIMG_TIMEOUT || error->kind == STEPIMG_SERVER ||
              error->kind == STEPIMG_RATE_LIMIT;
  } else {
    bool sent = status == 200 || atomic_load(&exchange->progress->sent); /* HTTP/2 may answer before all has left */
    const struct policy *policy = refused ? policy_of_status(status) : policy_of_no_answer(sent);
    error->maybe_billed = error->kind != STEPIMG_OK && policy->maybe_billed;
    *repeat = policy->repeat && (refused || is_passing(code));
  }
  return error->kind;
}

const char *exchange_redirect(const struct exchange *exchange)
{
  return exchange->redirect;
}

void exchange_timing(const struct exchange *exchange, struct stepimg_timing *timing)
{
  curl_off_t connect = 0, tls = 0;
  long connections = 0;
  curl_easy_getinfo(exchange->easy, CURLINFO_NUM_CONNECTS, &connections);
  if (connections > 0) { /* on a kept connection libcurl tells how long it took to find it */
    curl_easy_getinfo(exchange->easy, CURLINFO_CONNECT_TIME_T, &connect);
    curl_easy_getinfo(exchange->easy, CURLINFO_APPCONNECT_TIME_T, &tls);
  }
  timing->connect = (double)connect / 1e6;
  timing->tls = (double)tls / 1e6;
  timing->first_byte = exchange->first_byte;
}

void exchange_free(struct exchange *exchange)
{
  if (exchange->easy == NULL)
    return;
  connected(exchange);
  connection_leave(&exchange->user);
  free(exchange->redirect);
  exchange->redirect = NULL;
  curl_easy_cleanup(exchange->easy);
  exchange->easy = NULL;
}
