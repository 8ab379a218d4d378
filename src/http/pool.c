#include "http/pool.h"

#include <stdlib.h>
#include <string.h>

/* Requests at once on one connection. Those that are on their way when a server leaves it are lost, and a hundred would be
   begun in one go. */
enum { MAX_STREAMS = 16 };

struct pool_generation {
  CURLSH *connections;
  unsigned holders; /* transfers, and the pool */
};

static struct pool_generation *new_generation(void)
{
  struct pool_generation *generation = calloc(1, sizeof *generation);
  if (generation == NULL)
    return NULL;
  generation->holders = 1;
  generation->connections = curl_share_init();
  if (generation->connections != NULL &&
      curl_share_setopt(generation->connections, CURLSHOPT_SHARE, CURL_LOCK_DATA_CONNECT) == CURLSHE_OK)
    return generation;
  if (generation->connections != NULL)
    curl_share_cleanup(generation->connections);
  free(generation);
  return NULL;
}

static void release(struct pool_generation *generation)
{
  if (generation == NULL || --generation->holders > 0)
    return;
  curl_share_cleanup(generation->connections);
  free(generation);
}

/* Where there is no memory for another, the old one goes on. */
static void renew(struct pool *pool)
{
  struct pool_generation *generation = new_generation();
  if (generation == NULL)
    return;
  release(pool->current);
  pool->current = generation;
  connections_renew(&pool->connections);
}

struct pool *pool_new(unsigned limit, struct traffic *traffic)
{
  struct pool *pool = calloc(1, sizeof *pool);
  if (pool == NULL)
    return NULL;
  pool->traffic = traffic;
  connections_init(&pool->connections);
  if (limit > 0)
    pool->connections.limit = limit;
  pool->multi = curl_multi_init();
#if LIBCURL_VERSION_NUM >= 0x081400 /* 8.20.0, which has a pool of threads for look-ups: as the transfers' QUICK_EXIT */
  if (pool->multi != NULL)
    curl_multi_setopt(pool->multi, CURLMOPT_QUICK_EXIT, 1L);
#endif
  pool->current = pool->multi != NULL ? new_generation() : NULL;
  if (pool->current != NULL)
    curl_multi_setopt(pool->multi, CURLMOPT_MAX_CONCURRENT_STREAMS, (long)MAX_STREAMS);
  /* Without a descriptor left libcurl makes a handle that nobody can wake, and says so only here. */
  if (pool->current != NULL && curl_multi_wakeup(pool->multi) == CURLM_OK)
    return pool;
  pool_free(pool);
  return NULL;
}

void pool_free(struct pool *pool)
{
  if (pool == NULL)
    return;
  release(pool->current);
  if (pool->multi != NULL)
    curl_multi_cleanup(pool->multi);
  connections_free(&pool->connections);
  free(pool);
}

bool pool_add(struct pool *pool, struct pool_place *place, CURL *easy)
{
  CHECK(place->pool == NULL);
  if (connections_are_old(&pool->connections))
    renew(pool);
  if (curl_easy_setopt(easy, CURLOPT_SHARE, pool->current->connections) != CURLE_OK)
    return false;
  if (curl_multi_add_handle(pool->multi, easy) != CURLM_OK) {
    curl_easy_setopt(easy, CURLOPT_SHARE, NULL);
    return false;
  }
  place->pool = pool;
  place->generation = pool->current;
  place->generation->holders++;
  return true;
}

void pool_remove(struct pool_place *place, CURL *easy)
{
  if (place->pool == NULL)
    return;
  curl_multi_remove_handle(place->pool->multi, easy);
  curl_easy_setopt(easy, CURLOPT_SHARE, NULL);
  release(place->generation);
  memset(place, 0, sizeof *place);
}

void pool_perform(struct pool *pool)
{
  int running;
  curl_multi_perform(pool->multi, &running);
}

bool pool_next_result(struct pool *pool, CURL **easy, CURLcode *code)
{
  int left;
  CURLMsg *message;
  do
    message = curl_multi_info_read(pool->multi, &left);
  while (message != NULL && message->msg != CURLMSG_DONE);
  if (message == NULL)
    return false;
  *easy = message->easy_handle;
  *code = message->data.result;
  return true;
}

void pool_sleep(struct pool *pool, int milliseconds)
{
  curl_multi_poll(pool->multi, NULL, 0, milliseconds, NULL);
}

void pool_wake(struct pool *pool)
{
  curl_multi_wakeup(pool->multi);
}
