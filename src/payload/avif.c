#include "payload/avif.h"

#include <string.h>

enum { HEADER = 8, LONG_HEADER = 16, FULL_BOX = 4 };

/* What is in a box, as far as it came. */
struct span {
  const unsigned char *bytes;
  size_t length;
  bool whole;
};

static uint32_t big32(const unsigned char *bytes)
{
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* Takes the first box of a span. False: there is none. */
static bool take(struct span *span, const unsigned char **type, struct span *inside)
{
  if (span->length < HEADER)
    return false;
  uint64_t size = big32(span->bytes), header = HEADER;
  *type = span->bytes + 4;
  if (size == 1 && span->length >= LONG_HEADER) {
    header = LONG_HEADER;
    size = (uint64_t)big32(span->bytes + 8) << 32 | big32(span->bytes + 12);
  } else if (size == 0) /* it goes on to the end */
    size = UINT64_MAX;
  if (size < header)
    return false;
  inside->whole = size <= span->length;
  size_t end = inside->whole ? (size_t)size : span->length;
  inside->bytes = span->bytes + header;
  inside->length = end - (size_t)header;
  span->bytes += end;
  span->length -= end;
  return true;
}

static bool find(struct span outside, const char *name, struct span *inside)
{
  const unsigned char *type;
  while (take(&outside, &type, inside))
    if (memcmp(type, name, 4) == 0)
      return true;
  return false;
}

static bool is_brand(const unsigned char *brand)
{
  return memcmp(brand, "avif", 4) == 0 || memcmp(brand, "avis", 4) == 0;
}

/* The properties of all items stand together; the picture's own is the largest where it is made of tiles, and beside a
   preview. */
static void read_size(struct span file, uint32_t *width, uint32_t *height)
{
  struct span meta, properties, container, size;
  const unsigned char *type;
  if (!find(file, "meta", &meta) || meta.length < FULL_BOX)
    return;
  meta.bytes += FULL_BOX;
  meta.length -= FULL_BOX;
  if (!find(meta, "iprp", &properties) || !find(properties, "ipco", &container) || !container.whole)
    return;
  while (take(&container, &type, &size)) {
    if (memcmp(type, "ispe", 4) != 0 || size.length < FULL_BOX + 8)
      continue;
    uint32_t wide = big32(size.bytes + FULL_BOX), high = big32(size.bytes + FULL_BOX + 4);
    if ((uint64_t)wide * high > (uint64_t)*width * *height) {
      *width = wide;
      *height = high;
    }
  }
}

bool avif_read(const unsigned char *bytes, size_t length, uint32_t *width, uint32_t *height)
{
  struct span file = {bytes, length, false}, brands;
  const unsigned char *type;
  *width = *height = 0;
  if (!take(&file, &type, &brands) || memcmp(type, "ftyp", 4) != 0 || brands.length < 4)
    return false;
  bool is = is_brand(brands.bytes);
  for (size_t at = 8; !is && at + 4 <= brands.length; at += 4) /* behind the first one and its version */
    is = is_brand(brands.bytes + at);
  if (is)
    read_size(file, width, height);
  return is;
}
