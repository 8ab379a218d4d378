/*
 * What one client knows of its connections, and whether a request may go out on one. Lives on the I/O thread.
 *
 * A POST on a connection that its server has ended is lost, and may be billed. libcurl looks at a kept connection before it
 * uses it again, but from 8.22.0 on not within a second of its last use, which is when a game's next picture comes. And over
 * HTTP/2 a server that will take no more than so many requests a connection says so when others are on their way already;
 * libcurl cannot tell these, which were not looked at, from requests that were lost. So they are counted here, and a
 * connection is left before servers leave it.
 */
#ifndef STEPIMG_CONNECTION_H
#define STEPIMG_CONNECTION_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/check.h"
#include "base/list.h"

/* Requests that a connection is given at most: half of what nginx takes (keepalive_requests), the least of the usual. */
enum { CONNECTION_LIMIT = 500 };

/* What the requests of one client know of its connections. */
struct connections {
  int awaited;         /* POSTs that have none yet */
  bool shared;         /* the service speaks HTTP/2, by its last answer: many requests share one */
  struct list known;   /* the latest used first */
  size_t count;        /* of them */
  unsigned limit;      /* requests that one of the service's is given at most: as learned from losses */
  unsigned generation; /* of those that new requests are to use */
  bool used_up;        /* one of that generation has had all it is given: another generation is wanted */
  double suspended;    /* seconds for which the machine had been suspended when the generation began */
};

/* A request under way, on a connection or on none yet. It lies in whoever makes it; all zero: on none. */
struct connection_user {
  struct connections *connections;
  struct connection *connection;
  bool ended; /* it was answered, or lost */
};

void connections_init(struct connections *connections);
void connections_free(struct connections *connections); /* idempotent; nobody uses any */
/* The connections made from now on are another generation. */
void connections_renew(struct connections *connections);
/* Whether new requests are to go to another generation: one connection is used up, or the machine was suspended, and those
   from before are dead. */
bool connections_are_old(const struct connections *connections);

enum connection_state {
  CONNECTION_FINE,
  CONNECTION_ENDED,  /* by its server; a new one is wanted */
  CONNECTION_USED_UP /* a new generation is wanted */
};

/* For CURLOPT_PREREQFUNCTION: easy has a connection, from one port to another, and is about to begin a request on it. Where
   it is fine, the user is on it then; a GET may go out on any. */
MUST_USE enum connection_state connection_enter(struct connections *connections, struct connection_user *user,
                                                CURL *easy, int from_port, int to_port, bool is_new, bool post);
/* Its request was answered; http1: over HTTP/1, where a server ends a connection with an answer, and nothing is lost. Broken:
   the answer is not what it should be; over HTTP/1 the rest of it may be what comes next, so nothing goes out there any more. */
void connection_answered(struct connection_user *user, bool http1, bool broken);
/* Its POST was lost with the connection. */
void connection_lost(struct connection_user *user);
void connection_leave(struct connection_user *user); /* idempotent */

#endif
