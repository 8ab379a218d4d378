/*
 * Whether a POST may go out on a connection that libcurl has chosen for it. Lives on the I/O thread.
 *
 * A POST on a connection that its server has ended is lost, and may be billed. libcurl looks at a kept connection before it
 * uses it again, but from 8.22.0 on not within a second of its last use, which is when a game's next picture comes.
 */
#ifndef STEPIMG_CONNECTION_H
#define STEPIMG_CONNECTION_H

#include <curl/curl.h>
#include <stdbool.h>

/* A request under way, on a connection or on none yet. It lies in whoever makes it; all zero: on none. */
struct connection_user {
  struct connection_user *next, **back;
  curl_socket_t socket; /* what tells connections apart */
};

/* What the requests of one client know of its connections; all zero at first. */
struct connections {
  int awaited; /* POSTs that have none yet */
  struct connection_user *users;
};

/* For CURLOPT_PREREQFUNCTION: easy has a connection and is about to begin a request on it. False: no POST is to go out on
   it, a new one is wanted. */
bool connection_may_carry_post(const struct connections *connections, CURL *easy);
/* easy begins its request there. */
void connection_enter(struct connections *connections, struct connection_user *user, CURL *easy);
void connection_leave(struct connection_user *user); /* idempotent */

#endif
