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
  size_t size; /* bytes */
};

/* Zeroed at first. */
struct spares {
  struct spare *first;
};

/* Blocks kept beyond the pictures on their way: one that has just arrived is dropped while the next is asked for. */
enum { SPARES_BEYOND = 2 };

/* Takes over a list of blocks. */
void spares_add(struct spares *spares, struct spare *list);
/* A block of at least so many bytes, for the caller to free; NULL: there is none that is about as large. */
void *spares_take(struct spares *spares, size_t size);
/* Frees all but as many as there are pictures on their way, and SPARES_BEYOND. */
void spares_trim(struct spares *spares, int on_their_way);
void spares_free(struct spares *spares);

#endif
