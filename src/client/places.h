/*
 * The paths that unfinished jobs save to: whether another one has the same. Takes no memory and no lock: who holds the
 * client's lock calls these.
 */
#ifndef STEPIMG_PLACES_H
#define STEPIMG_PLACES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

enum { PLACES = 128 }; /* lists, so that thousands of places are looked at in dozens */

struct places {
  struct list lists[PLACES];
};

/* One path; embedded in its job. Zeroed: it is in none. */
struct place {
  struct list_link link;
  uint64_t key; /* of path_key */
};

/* It must not be moved in memory. */
void places_init(struct places *places);
/* Enters a place that is in none. Returns whether there was another with the same key. */
bool places_enter(struct places *places, struct place *place);
/* Idempotent; of one that was never entered too. */
void place_leave(struct place *place);

#endif
