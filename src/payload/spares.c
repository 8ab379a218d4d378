#include "payload/spares.h"

#include <stdlib.h>

void spares_add(struct spares *spares, struct spare *list)
{
  struct spare **end = &list;
  while (*end != NULL)
    end = &(*end)->next;
  *end = spares->first;
  spares->first = list;
}

void *spares_take(struct spares *spares, size_t size)
{
  for (struct spare **link = &spares->first; *link != NULL; link = &(*link)->next) {
    struct spare *block = *link;
    /* A picture's buffer was made for a little more than the picture. */
    if (block->size < size - size / 16 || block->size / 2 > size)
      continue;
    *link = block->next;
    if (block->size >= size)
      return block;
    void *larger = realloc(block, size);
    if (larger == NULL)
      free(block);
    return larger;
  }
  return NULL;
}

/* Frees all but so many. */
static void keep(struct spares *spares, int count)
{
  struct spare **link = &spares->first;
  while (count-- > 0 && *link != NULL)
    link = &(*link)->next;
  while (*link != NULL) {
    struct spare *block = *link;
    *link = block->next;
    free(block);
  }
}

void spares_trim(struct spares *spares, int on_their_way)
{
  keep(spares, on_their_way + SPARES_BEYOND);
}

void spares_free(struct spares *spares)
{
  keep(spares, 0);
}
