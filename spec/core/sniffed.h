/* What the tests of the sniffer share. */
#ifndef SNIFFED_H
#define SNIFFED_H

#include "check.h"

#include "payload/sniff.h"

#define BYTES(text) text, sizeof(text) - 1

/* Of a block of exactly that size, so that a byte read beyond it is seen. */
static inline enum stepimg_format sniff_exactly(const char *bytes, size_t length, uint32_t *width, uint32_t *height)
{
  unsigned char *copy = exact_copy(bytes, length);
  struct sniff sniff;
  sniff_init(&sniff);
  sniff_feed(&sniff, copy, length);
  free(copy);
  *width = sniff.width;
  *height = sniff.height;
  return sniff.format;
}

#endif
