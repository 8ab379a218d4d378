/* Where finished jobs wait for the host. All but making and releasing happens under the client's lock. */
#include <stdlib.h>

#include "client/client.h"

void queue_release(struct stepimg_queue *queue)
{
  if (queue == NULL || atomic_fetch_sub(&queue->holders, 1) > 1)
    return;
  port_signal_close(&queue->signal);
  free(queue);
}

void queue_push(struct stepimg_queue *queue, struct stepimg_job *job)
{
  job->host.next = NULL;
  job->host.back = queue->last;
  if (queue->last != NULL)
    queue->last->host.next = job;
  else {
    queue->first = job;
    port_signal_set(&queue->signal);
  }
  queue->last = job;
  queue->finished++;
}

void queue_leave(struct stepimg_job *job, bool finished)
{
  struct stepimg_queue *queue = job->queue;
  if (queue == NULL)
    return;
  if (finished) {
    if (job->host.back != NULL)
      job->host.back->host.next = job->host.next;
    else
      queue->first = job->host.next;
    if (job->host.next != NULL)
      job->host.next->host.back = job->host.back;
    else
      queue->last = job->host.back;
    queue->finished--;
    if (queue->first == NULL)
      port_signal_clear(&queue->signal);
  }
  queue->pending--;
  job->queue = NULL;
  queue_release(queue);
}

stepimg_queue *stepimg_queue_new(stepimg_client *client)
{
  (void)client;
  struct stepimg_queue *queue = calloc(1, sizeof *queue);
  if (queue != NULL) {
    atomic_init(&queue->holders, 1);
    queue->signal = PORT_SIGNAL_NONE;
  }
  return queue;
}

void stepimg_queue_free(stepimg_queue *queue)
{
  queue_release(queue);
}

stepimg_queue *stepimg_client_queue(stepimg_client *client)
{
  return client->queue;
}

stepimg_job *stepimg_queue_first(stepimg_client *client, stepimg_queue *queue)
{
  port_acquire(&client->lock);
  struct stepimg_job *job = queue->first;
  port_release(&client->lock);
  return job;
}

bool stepimg_queue_wait(stepimg_client *client, stepimg_queue *queue, double seconds)
{
  double until = port_now() + (seconds < PORT_FOREVER ? seconds : PORT_FOREVER);
  port_acquire(&client->lock);
  while (queue->first == NULL && port_now() < until)
    port_wait(&client->lock, until);
  bool there = queue->first != NULL;
  port_release(&client->lock);
  return there;
}

size_t stepimg_queue_pending(stepimg_client *client, const stepimg_queue *queue)
{
  port_acquire(&client->lock);
  size_t pending = queue->pending;
  port_release(&client->lock);
  return pending;
}

size_t stepimg_queue_finished(stepimg_client *client, const stepimg_queue *queue)
{
  port_acquire(&client->lock);
  size_t finished = queue->finished;
  port_release(&client->lock);
  return finished;
}

int stepimg_queue_fd(stepimg_client *client, stepimg_queue *queue)
{
  port_acquire(&client->lock);
  if (queue->signal.read < 0 && port_signal_open(&queue->signal) && queue->first != NULL)
    port_signal_set(&queue->signal);
  int descriptor = queue->signal.read;
  port_release(&client->lock);
  return descriptor;
}
