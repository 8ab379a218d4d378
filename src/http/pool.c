#include "http/pool.h"

#include <stdlib.h>

struct pool {
  CURLM *multi;
};

struct pool *pool_new(void)
{
  struct pool *pool = calloc(1, sizeof *pool);
  if (pool == NULL)
    return NULL;
  pool->multi = curl_multi_init();
  /* Without a descriptor left libcurl makes a handle that nobody can wake, and says so only here. */
  if (pool->multi != NULL && curl_multi_wakeup(pool->multi) == CURLM_OK)
    return pool;
  pool_free(pool);
  return NULL;
}

void pool_free(struct pool *pool)
{
  if (pool == NULL)
    return;
  if (pool->multi != NULL)
    curl_multi_cleanup(pool->multi);
  free(pool);
}

bool pool_add(struct pool *pool, CURL *easy)
{
  return curl_multi_add_handle(pool->multi, easy) == CURLM_OK;
}

void pool_remove(struct pool *pool, CURL *easy)
{
  curl_multi_remove_handle(pool->multi, easy);
}

void pool_perform(struct pool *pool)
{
  int running;
  curl_multi_perform(pool->multi, &running);
}

bool pool_next_result(struct pool *pool, CURL **easy, CURLcode *code)
{
  int left;
  const CURLMsg *message;
  while ((message = curl_multi_info_read(pool->multi, &left)) != NULL)
    if (message->msg == CURLMSG_DONE) {
      *easy = message->easy_handle;
      *code = message->data.result;
      return true;
    }
  return false;
}

void pool_sleep(struct pool *pool, int milliseconds)
{
  curl_multi_poll(pool->multi, NULL, 0, milliseconds, NULL);
}

void pool_wake(struct pool *pool)
{
  curl_multi_wakeup(pool->multi);
}
