#include "client/timers.h"

#include <stdint.h>
#include <stdlib.h>

static void put(struct timers *timers, size_t place, struct timer *timer)
{
  timers->heap[place - 1] = timer;
  timer->place = place;
}

static void up(struct timers *timers, struct timer *timer)
{
  size_t place = timer->place;
  while (place > 1 && timers->heap[place / 2 - 1]->moment > timer->moment) {
    put(timers, place, timers->heap[place / 2 - 1]);
    place /= 2;
  }
  put(timers, place, timer);
}

static void down(struct timers *timers, struct timer *timer)
{
  size_t place = timer->place;
  for (;;) {
    size_t child = 2 * place;
    if (child < timers->count && timers->heap[child]->moment < timers->heap[child - 1]->moment)
      child++;
    if (child > timers->count || timers->heap[child - 1]->moment >= timer->moment)
      break;
    put(timers, place, timers->heap[child - 1]);
    place = child;
  }
  put(timers, place, timer);
}

bool timers_set(struct timers *timers, struct timer *timer, double moment)
{
  if (timer->place == 0) {
    if (timers->count == timers->capacity) {
      size_t capacity = timers->capacity > 0 ? 2 * timers->capacity : 64;
      struct timer **heap = capacity <= SIZE_MAX / sizeof *heap ? realloc(timers->heap, capacity * sizeof *heap) : NULL;
      if (heap == NULL)
        return false;
      timers->heap = heap;
      timers->capacity = capacity;
    }
    timers->count++;
    timer->place = timers->count;
  }
  timer->moment = moment;
  up(timers, timer);
  down(timers, timer);
  return true;
}

void timers_clear(struct timers *timers, struct timer *timer)
{
  size_t place = timer->place;
  if (place == 0)
    return;
  struct timer *last = timers->heap[--timers->count];
  timer->place = 0;
  if (last == timer)
    return;
  put(timers, place, last);
  up(timers, last);
  down(timers, last);
}

struct timer *timers_first(const struct timers *timers)
{
  return timers->count > 0 ? timers->heap[0] : NULL;
}

void timers_free(struct timers *timers)
{
  free(timers->heap);
  timers->heap = NULL;
  timers->count = timers->capacity = 0;
}
