/*
 * A client's transfers and the connections they share: one libcurl multi handle, and its connections in generations. libcurl
 * cannot be told to give a connection no new request while others are on it; but a generation of connections can be left, for
 * each lies in a share handle of its own. New requests go to the youngest, and one that nobody uses any more is closed. Lives
 * on the I/O thread, except for pool_wake.
 */
#ifndef STEPIMG_POOL_H
#define STEPIMG_POOL_H

#include <curl/curl.h>
#include <stdatomic.h>

#include "base/check.h"
#include "http/connection.h"

struct pool_generation; /* pool.c */

/* What came and went through a client's pools, one after the other. Counted on the I/O thread, read on any. */
struct traffic {
  atomic_llong bytes;       /* of bodies that came */
  atomic_llong connections; /* made anew */
  atomic_llong again;       /* GETs of pictures that were begun once more on another connection, and are one exchange */
};

struct pool {
  CURLM *multi;
  struct pool_generation *current; /* held */
  struct connections connections;
  struct traffic *traffic; /* borrowed */
};

/* A transfer's part in it, embedded in whoever makes that; all zero: none. */
struct pool_place {
  struct pool *pool; /* NULL: it is in none */
  struct pool_generation *generation;
};

/* limit is what another pool has learned of the service, its connections.limit; 0: nothing. traffic outlives the pool. Any
   thread. NULL: no memory, or no descriptor is left to wake it by. */
MUST_USE struct pool *pool_new(unsigned limit, struct traffic *traffic);
/* All transfers have been removed. Closes all connections. NULL is fine. */
void pool_free(struct pool *pool);

/* Begins a transfer. False: out of memory; it is not in then. */
MUST_USE bool pool_add(struct pool *pool, struct pool_place *place, CURL *easy);
/* Ends it, if it is in. */
void pool_remove(struct pool_place *place, CURL *easy);

/* Does what there is to do. */
void pool_perform(struct pool *pool);
/* One that has ended, with libcurl's code. False: no more has. */
MUST_USE bool pool_next_result(struct pool *pool, CURL **easy, CURLcode *code);
/* Sleeps until there is something to do or it is woken, at most so many milliseconds. */
void pool_sleep(struct pool *pool, int milliseconds);
/* Any thread, while it is not being freed. */
void pool_wake(struct pool *pool);

#endif
