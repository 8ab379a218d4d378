/*
 * Memory of pictures that were dropped, kept for those on their way: fresh memory costs a page fault for every 4 KiB of it,
 * which is a tenth of all that a picture costs. One thread's.
 */
#ifndef STEPIMG_SPARES_H
#define STEPIMG_SPARES_H

#include <stddef.h>

/* A block of memory from malloc; this stands in its first bytes. */
struct spare {
  struct spare *next;
  size_t size;
};

/* Zeroed at first. */
struct spares {
  struct spare *first;
  double since;     /* when the present period began */
  int most, before; /* pictures on their way at once: the most in it, and in the one before */
};

#define SPARES_PERIOD 0.1

/* Takes over a list of blocks. */
void spares_add(struct spares *spares, struct spare *list);
/* A block of at least so many bytes, for the caller to free; NULL: there is none that is about as large. */
void *spares_take(struct spares *spares, size_t size);
/* With so many pictures on their way at the moment now: frees all but as many as there were at once in the last
   SPARES_PERIOD or two, in seconds. Pictures that began together end together, and then as many may be about to begin.
   Returns when it wants to be called again; INFINITY: not before something changes. */
double spares_trim(struct spares *spares, int on_their_way, double now);
void spares_free(struct spares *spares);

#endif
