/*
 * A client's connections: libcurl's multi handle, and with it the loop over its transfers. The I/O thread's, but for
 * pool_wake.
 */
#ifndef STEPIMG_POOL_H
#define STEPIMG_POOL_H

#include <curl/curl.h>
#include <stdbool.h>

struct pool;

/* NULL: no memory, or no descriptor is left to wake it by. */
struct pool *pool_new(void);
/* All transfers were removed. NULL is fine. */
void pool_free(struct pool *pool);
/* Starts a transfer; removes one, complete or not. False: no memory. */
bool pool_add(struct pool *pool, CURL *easy);
void pool_remove(struct pool *pool, CURL *easy);
/* Does what can be done at once. */
void pool_perform(struct pool *pool);
/* The next transfer that has ended, and libcurl's code for it. False: there is none. */
bool pool_next_result(struct pool *pool, CURL **easy, CURLcode *code);
/* Sleeps until there is something to do, or pool_wake was called since it slept last. */
void pool_sleep(struct pool *pool, int milliseconds);
/* Any thread. */
void pool_wake(struct pool *pool);

#endif
