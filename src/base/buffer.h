/* A growing byte buffer with its hard maximum set at birth. Allocates with malloc; holds nothing until first used. */
#ifndef STEPIMG_BUFFER_H
#define STEPIMG_BUFFER_H

#include "stepimg.h"
#include <stddef.h>

struct buffer {
  unsigned char *bytes; /* owned; NULL while empty */
  size_t length, capacity, max;
};

void buffer_init(struct buffer *buffer, size_t max);
/* Room for so many more bytes at bytes + length. STEPIMG_PROTOCOL: over the maximum. STEPIMG_NOMEM. The buffer then
   stays as it was. */
enum stepimg_kind buffer_reserve(struct buffer *buffer, size_t more);
enum stepimg_kind buffer_append(struct buffer *buffer, const void *bytes, size_t length);
/* An empty buffer takes over memory from malloc, of so many bytes, for what will come. */
void buffer_adopt(struct buffer *buffer, void *memory, size_t size);
/* Gives the bytes away, with no room to speak of behind them; the buffer is empty then. */
unsigned char *buffer_take(struct buffer *buffer, size_t *length);
void buffer_free(struct buffer *buffer); /* idempotent */

#endif
