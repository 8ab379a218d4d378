#include "client/queue.h"

#include <stdlib.h>

struct stepimg_queue *queue_new(void)
{
  struct stepimg_queue *queue = calloc(1, sizeof *queue);
  if (queue == NULL)
    return NULL;
  atomic_init(&queue->holders, 1);
  list_init(&queue->finished);
  queue->signal = SIGNAL_NONE;
  return queue;
}

struct stepimg_queue *queue_hold(struct stepimg_queue *queue)
{
  if (queue != NULL)
    atomic_fetch_add(&queue->holders, 1);
  return queue;
}

void queue_release(struct stepimg_queue *queue)
{
  if (queue == NULL || atomic_fetch_sub(&queue->holders, 1) > 1)
    return;
  signal_close(&queue->signal);
  free(queue);
}

void queue_push(struct stepimg_queue *queue, struct list_link *link)
{
  if (queue->count++ == 0)
    signal_set(&queue->signal);
  list_append(&queue->finished, link);
}

void queue_remove(struct stepimg_queue *queue, struct list_link *link)
{
  list_remove(link);
  if (--queue->count == 0)
    signal_clear(&queue->signal);
}

int queue_descriptor(struct stepimg_queue *queue)
{
  if (queue->signal.read < 0 && signal_open(&queue->signal) && queue->count > 0)
    signal_set(&queue->signal);
  return queue->signal.read;
}
