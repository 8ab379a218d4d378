/*
 * Where finished jobs wait for the host, in the order they finished. All but making, releasing and reading its counts
 * happens under the lock of the client whose jobs it holds. It knows links, not jobs.
 */
#ifndef STEPIMG_QUEUE_H
#define STEPIMG_QUEUE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/list.h"
#include "base/signal.h"
#include "stepimg.h"

struct stepimg_queue {
  atomic_int holders;   /* who made it, and each of its jobs */
  struct list finished; /* their links */
  /* Changed under the lock, read without it. */
  atomic_size_t count;   /* of the list */
  atomic_size_t pending; /* jobs that belong to the queue, those still going included */
  struct signal signal;  /* set while the list is not empty */
};

/* NULL: no memory. One holder. */
struct stepimg_queue *queue_new(void);
struct stepimg_queue *queue_hold(struct stepimg_queue *queue); /* NULL is fine */
void queue_release(struct stepimg_queue *queue);               /* NULL is fine */
/* A finished job comes in, or goes. */
void queue_push(struct stepimg_queue *queue, struct list_link *link);
void queue_remove(struct stepimg_queue *queue, struct list_link *link);
/* A descriptor that is readable while the list is not empty; negative: there is none to be had. */
int queue_descriptor(struct stepimg_queue *queue);

#endif
