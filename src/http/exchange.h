/*
 * One HTTP exchange: a POST to the API, or a GET of a picture. Owns one libcurl easy handle; lives on the I/O thread.
 * Its bytes go to a struct answer as they arrive; where it stands is told to a struct progress, which other threads read.
 */
#ifndef STEPIMG_EXCHANGE_H
#define STEPIMG_EXCHANGE_H

#include <curl/curl.h>
#include <stdatomic.h>

#include "http/connection.h"
#include "http/retry_after.h"
#include "payload/answer.h"
#include "stepimg.h"

/* Bytes of libcurl's receive buffer and of its send buffer. 16 KiB cost a seventh more CPU over plain HTTP. They are also
   about what a handshake needs for a moment, so they come to lie in memory that one has written: each of a thousand
   requests that wait over TLS takes 66 KiB then. Larger ones find memory that nobody touches before the answer comes, and
   it is 57 KiB. */
enum { EXCHANGE_BUFFER = 32 * 1024 };

/* What all exchanges of a client share; constant once made. Strings are owned. */
struct exchange_settings {
  char *endpoint;
  struct curl_slist *headers; /* with the key: for the endpoint alone */
  const char *key;            /* in one of them */
  char *proxy, *ca_file, *user_agent;
  double connect_timeout;
};

/* Takes what it needs out of options. Fails with STEPIMG_INVALID or STEPIMG_NOMEM. */
enum stepimg_kind exchange_settings_init(struct exchange_settings *settings, struct stepimg_options *options,
                                         struct stepimg_error *error);
void exchange_settings_clear(struct exchange_settings *settings); /* idempotent; wipes the key */

struct progress {
  atomic_int phase;             /* enum stepimg_phase */
  atomic_llong received, total; /* bytes of the body now arriving; total 0: not told */
  atomic_bool sent;             /* some of the POST's body was handed to the network */
  atomic_bool given_up;         /* the host has: no body is to leave any more */
};

struct exchange {
  CURL *easy; /* NULL: none under way */
  const struct exchange_settings *settings;
  struct answer *answer;
  struct progress *progress;
  const char *body; /* the POST's; NULL: a GET */
  size_t body_length, body_sent;
  struct stepimg_picture *picture; /* the GET's */
  struct connections *connections;
  struct connection_user user;
  bool awaits; /* counted in connections->awaited */
  bool stale;  /* it was given a connection that may carry no POST, and stopped before anything was sent */
  bool fresh;  /* so it began anew, on one of its own */
  size_t header_bytes;
  double began_at, first_byte; /* a moment of port_now; seconds from then until the answer began */
  bool headed;                 /* the answer's headers are complete */
  bool chunked;                /* its body has an end of its own, which libcurl sees to */
  bool began;                  /* the answer's body has begun */
  bool stopped;                /* the answer wanted no more */
  char *redirect;              /* where a GET was sent to instead; owned. NULL: nowhere */
  struct retry_after asked;
  char request_id[128];
  char content_type[64];
  char reason[CURL_ERROR_SIZE];
};

/* Prepares a POST of body (borrowed) to the endpoint. The caller adds exchange->easy to its multi handle and sets
   CURLOPT_PRIVATE. connections->awaited is one more until the body begins to leave or the exchange is over. False: out of
   memory. */
bool exchange_post(struct exchange *exchange, const struct exchange_settings *settings, const char *body, size_t length,
                   double timeout, struct answer *answer, struct progress *progress, struct connections *connections);
/* Prepares a GET of a picture, without the key and the client's headers. */
bool exchange_get(struct exchange *exchange, const struct exchange_settings *settings, const char *url,
                  struct stepimg_picture *picture, double timeout, struct answer *answer, struct progress *progress,
                  struct connections *connections);
/* Prepares a stale one, which has left its multi handle, to begin once more, on a connection of its own. */
void exchange_renew(struct exchange *exchange, double timeout);

/* Judges an exchange that libcurl says has ended with code: STEPIMG_OK, or what is wrong with it, and whether it may be
   repeated. */
enum stepimg_kind exchange_result(struct exchange *exchange, CURLcode code, struct stepimg_error *error, bool *repeat);
/* Where a GET was sent to instead, as an address of its own, not looked at; valid until exchange_free. NULL: nowhere. */
const char *exchange_redirect(const struct exchange *exchange);
/* connect, tls and first_byte. */
void exchange_timing(const struct exchange *exchange, struct stepimg_timing *timing);
void exchange_free(struct exchange *exchange); /* idempotent; the handle has left its multi handle */

#endif
