/*
 * One HTTP exchange: a POST to the API, or a GET of a picture. Owns one libcurl easy handle; lives on the I/O thread.
 * Its bytes go to a struct answer as they arrive; where it stands is told to a struct progress, which other threads read.
 */
#ifndef STEPIMG_EXCHANGE_H
#define STEPIMG_EXCHANGE_H

#include <curl/curl.h>
#include <stdatomic.h>

#include "http/form.h"
#include "http/head.h"
#include "http/policy.h"
#include "http/pool.h"
#include "http/settings.h"
#include "payload/answer.h"
#include "stepimg.h"

struct progress {
  atomic_int phase;             /* enum stepimg_phase */
  atomic_llong sent, to_send;   /* bytes of the POST's body, of a form those of its picture */
  atomic_llong received, total; /* bytes of the body now arriving; total 0: not told */
  atomic_bool body_left;        /* some of the POST's body was handed to the network */
  atomic_bool given_up;         /* the host has: no body is to leave any more */
};

struct exchange {
  CURL *easy; /* NULL: none under way */
  const struct settings *settings;
  struct answer *answer;
  struct progress *progress;
  bool post;
  const char *body; /* the POST's; NULL: none, or a form */
  const struct form *form;
  curl_mime *mime;               /* the form, as libcurl sends it; owned */
  size_t body_length, body_sent; /* of a form those of its picture */
  struct stepimg_image *image;   /* the GET's; NULL: it asks a question */
  enum stepimg_question question;
  struct pool *pool;
  struct pool_place place;
  struct connection_user user;
  bool placed;    /* its request was begun on a connection */
  bool begun;     /* or was, before it began anew */
  bool reused;    /* on one that was there before */
  long made;      /* connections for it that are counted in traffic */
  bool awaits;    /* counted in connections->awaited */
  bool left;      /* it was given a connection that may carry no POST, and stopped before anything was sent */
  bool anew;      /* so it began once more */
  bool fresh;     /* it is to have one of its own */
  bool undecoded; /* its body is wanted as it comes */
  struct head head;
  double began_at, first_byte; /* a moment of clock_now; seconds from then until the answer began */
  double ends_at;              /* the moment of its timeout */
  double heard_at;             /* when the last of the answer came; began_at: nothing has */
  int64_t bytes;               /* of the answer's body that came */
  bool began;                  /* the answer's body has begun */
  bool stopped;                /* the answer wanted no more */
  bool stalled;                /* nothing of it came any more, and who waited for it gave up */
  char *redirect;              /* where a GET was sent to instead; owned. NULL: nowhere */
  char reason[CURL_ERROR_SIZE];
};

/* Prepares a POST of body (borrowed) to the endpoint. The pool's awaited is one more until the body begins to leave or the
   exchange is over. False: out of memory. */
bool exchange_post(struct exchange *exchange, const struct settings *settings, const char *body, size_t length,
                   double timeout, struct answer *answer, struct progress *progress, struct pool *pool);
/* The same of a form (borrowed) to the endpoint for edits. */
bool exchange_post_form(struct exchange *exchange, const struct settings *settings, const struct form *form,
                        double timeout, struct answer *answer, struct progress *progress, struct pool *pool);
/* Prepares a GET of a picture, without the key and the client's headers. */
bool exchange_get(struct exchange *exchange, const struct settings *settings, const char *url,
                  struct stepimg_image *image, double timeout, struct answer *answer, struct progress *progress,
                  struct pool *pool);
/* Prepares a GET that asks the service a question, with the key and the client's headers. */
bool exchange_ask(struct exchange *exchange, const struct settings *settings, enum stepimg_question question,
                  double timeout, struct answer *answer, struct progress *progress, struct pool *pool);
/* It opens a connection of its own, and uses no kept one. To be called before it is started. */
void exchange_avoid_kept(struct exchange *exchange);
/* A GET's body is wanted as it comes, whatever coding it says it has. */
void exchange_take_undecoded(struct exchange *exchange);
/* Adds a prepared one to its pool; owner is its CURLINFO_PRIVATE. False: out of memory. */
MUST_USE bool exchange_start(struct exchange *exchange, void *owner);
/* Whether one that has ended with code, and was not judged, is to be begun anew: it was given a kept connection that had
   ended, nothing of the answer came, and of a POST's body nothing left. At most once. */
bool exchange_is_stale(const struct exchange *exchange, CURLcode code);
/* The same as exchange_start for a stale one. Its timeout goes on. */
MUST_USE bool exchange_start_anew(struct exchange *exchange);

/* The moment from which it counts as stalled, as nothing of the answer has come for so many seconds; it may be later by
   then. INFINITY: a POST whose answer has not begun. */
double exchange_stalls_at(const struct exchange *exchange, double patience);
/* The moment from which it has lasted for too long. libcurl ends it a little earlier, unless it has begun the request once
   more by itself, which then has a timeout of its own (8.23.0). */
double exchange_late_at(const struct exchange *exchange);
/* Of the answer so far; 0: none. */
int exchange_status(const struct exchange *exchange);
/* Nothing tells a whole body from one that was cut, but what is in it. */
bool exchange_is_open_ended(const struct exchange *exchange);
/* libcurl decodes what comes: a stream that was cut before it was sent is no error to it, and what follows one is. */
bool exchange_is_decoded(const struct exchange *exchange);
/* All that was wanted is there, whatever libcurl says of what came after it. */
bool exchange_is_whole(const struct exchange *exchange);
/* Idempotent. Ends what is under way, and its connection with it where it was not complete. */
void exchange_free(struct exchange *exchange);

/* --------------------------------------------------------------------------------------------------- verdict.c -- */

/* Judges an exchange that libcurl says has ended with code, or that has stalled: what it means, and what is wrong with it
   in error, whose kind is the verdict's. */
struct policy_verdict exchange_judge(struct exchange *exchange, CURLcode code, struct stepimg_error *error);
/* Where a GET was sent to instead, as an address of its own, not looked at; valid until exchange_free. NULL: nowhere. To be
   asked once it is judged. */
const char *exchange_redirect(const struct exchange *exchange);
/* connect, tls and first_byte of one that has begun. */
void exchange_timing(const struct exchange *exchange, struct stepimg_timing *timing);
/* What a history says of it, once it is judged: all but kind, message and the times. request_id is borrowed. */
void exchange_describe(const struct exchange *exchange, struct stepimg_exchange *entry);

#endif
