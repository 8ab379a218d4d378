#include "base/buffer.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 512 };

void buffer_init(struct buffer *buffer, size_t max)
{
  memset(buffer, 0, sizeof *buffer);
  buffer->max = max;
}

enum stepimg_kind buffer_reserve(struct buffer *buffer, size_t more)
{
  if (more > buffer->max - buffer->length)
    return STEPIMG_PROTOCOL;
  size_t need = buffer->length + more;
  if (need <= buffer->capacity)
    return STEPIMG_OK;
  /* Twice what it was, so that appending stays linear; just what is asked where that is more: it was foreseen. */
  size_t capacity = buffer->capacity > buffer->max / 2 ? buffer->max : buffer->capacity * 2;
  if (capacity < FIRST_CAPACITY && FIRST_CAPACITY <= buffer->max)
    capacity = FIRST_CAPACITY;
  if (capacity < need)
    capacity = need;
  unsigned char *bytes = realloc(buffer->bytes, capacity);
  if (bytes == NULL)
    return STEPIMG_NOMEM;
  buffer->bytes = bytes;
  buffer->capacity = capacity;
  return STEPIMG_OK;
}

enum stepimg_kind buffer_append(struct buffer *buffer, const void *bytes, size_t length)
{
  enum stepimg_kind kind = buffer_reserve(buffer, length);
  if (kind == STEPIMG_OK && length > 0) {
    memcpy(buffer->bytes + buffer->length, bytes, length);
    buffer->length += length;
  }
  return kind;
}

void buffer_adopt(struct buffer *buffer, void *memory, size_t size)
{
  free(buffer->bytes);
  buffer->bytes = memory;
  buffer->capacity = size;
}

unsigned char *buffer_take(struct buffer *buffer, size_t *length)
{
  unsigned char *bytes = buffer->bytes;
  /* A little room stays: as a spare (spares.h) the block then fits the next picture of that size. */
  if (bytes != NULL && buffer->capacity - buffer->length > buffer->length / 32) {
    unsigned char *trimmed = realloc(bytes, buffer->length > 0 ? buffer->length : 1);
    if (trimmed != NULL)
      bytes = trimmed;
  }
  *length = buffer->length;
  buffer_init(buffer, buffer->max);
  return bytes;
}

void buffer_free(struct buffer *buffer)
{
  free(buffer->bytes);
  buffer_init(buffer, buffer->max);
}
