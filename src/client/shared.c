#include "client/shared.h"

#include <stdlib.h>

#include "base/thread.h"

stepimg_client *client_new_shared(void)
{
  stepimg_client *client = calloc(1, sizeof *client);
  if (client == NULL)
    return NULL;
  client->queue = queue_new();
  if (client->queue == NULL || !lock_init(&client->lock)) {
    queue_release(client->queue);
    free(client);
    return NULL;
  }
  atomic_init(&client->holders, 1);
  list_init(&client->inbox);
  list_init(&client->unfinished);
  places_init(&client->places);
  client->generation = thread_generation();
  return client;
}

stepimg_client *client_hold(stepimg_client *client)
{
  atomic_fetch_add(&client->holders, 1);
  return client;
}

void client_release(stepimg_client *client)
{
  if (atomic_fetch_sub(&client->holders, 1) > 1)
    return;
  settings_clear(&client->settings);
  free(client->cache);
  pace_free(&client->pace);
  queue_release(client->queue);
  lock_destroy(&client->lock);
  free(client);
}

bool client_is_here(const stepimg_client *client)
{
  return client->generation == thread_generation();
}

void client_drop(stepimg_client *client, void *memory, size_t size)
{
  /* Below LARGE, free is quicker than the thread. It is woken for more than MUCH; for more than LITTLE where it has
     nothing to do and so would not look in before long. */
  enum { LARGE = 64 * 1024, LITTLE = 4 * 1024 * 1024, MUCH = 4 * LITTLE };
  bool taken = false;
  if (memory != NULL && size >= LARGE) {
    lock_acquire(&client->lock);
    taken = client->pool != NULL;
    if (taken) {
      struct spare *block = memory;
      size_t kept = list_is_empty(&client->unfinished) ? LITTLE : MUCH;
      bool woken = client->dropped_bytes > kept;
      client->dropped_bytes += size;
      if (!woken && client->dropped_bytes > kept)
        pool_wake(client->pool);
      block->size = size;
      block->next = client->dropped;
      client->dropped = block;
    }
    lock_release(&client->lock);
  }
  if (!taken)
    free(memory);
}
