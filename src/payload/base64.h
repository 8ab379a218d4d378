/*
 * Streaming base64 decoder: RFC 4648, the standard alphabet, as the usual clients read it. White space (blanks, tabs and
 * line breaks) may stand anywhere, padding may be missing, or more than it should be, and a data URL's start may stand
 * before it. Bits that no byte holds are dropped; where padding is missing too, the text was cut. The alphabet of URLs
 * (- and _) is a flaw: some readers take it, others drop these two without a word, and the picture is another. Plain
 * struct, no memory of its own.
 */
#ifndef STEPIMG_BASE64_H
#define STEPIMG_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "payload/base64_blocks.h"

struct base64 {
  uint32_t bits;     /* sextets not yet written */
  unsigned sextets;  /* how many of the current group of four were read, padding included */
  unsigned padding;  /* '=' seen */
  int start;         /* whether it may be, or is, a data URL's; see base64.c */
  unsigned matched;  /* characters of its marks */
  unsigned url;      /* its characters */
  uint64_t consumed; /* characters read: where the flaw is when an update fails */
};

void base64_init(struct base64 *decoder);

/* The most bytes that an update with so many characters can write. */
static inline size_t base64_bound(size_t length)
{
  return length / 4 * 3 + 3;
}

/* Decodes length characters into out, which has room for base64_bound(length) bytes, and sets *written. False at the
   first character that has no place there; what came before it was written. in and out must not overlap. */
bool base64_update(struct base64 *decoder, const char *in, size_t length, unsigned char *out, size_t *written);

/* The same as far as there is nothing but the alphabet and white space, except for up to three characters at the end that
   fill no group: for text that may be followed by something else. Returns how many it took. */
size_t base64_clean(struct base64 *decoder, const char *in, size_t length, unsigned char *out, size_t *written);

/* base64_update in a given way: all of them agree on everything. */
bool base64_update_by(struct base64 *decoder, enum base64_way way, const char *in, size_t length, unsigned char *out,
                      size_t *written);

/* The text has ended: writes what is left of it, up to three bytes. False where it ends in the middle of a byte. */
bool base64_final(struct base64 *decoder, unsigned char out[3], size_t *written);

#endif
