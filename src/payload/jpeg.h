/* A walk over a JPEG's segments (ITU-T T.81) to the frame header, which says how large the picture is. Colour profiles
   and previews of any size may lie before it; of the bytes that pass it keeps nine. */
#ifndef STEPIMG_JPEG_H
#define STEPIMG_JPEG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed at first. */
struct jpeg {
  uint32_t width, height; /* 0: not known, or not yet */
  uint64_t at, next;      /* bytes passed; where the next segment begins */
  unsigned char head[9];  /* its first bytes */
  unsigned held;
  bool done;
};

/* The next bytes of the picture, from its first on. */
void jpeg_feed(struct jpeg *jpeg, const unsigned char *bytes, size_t length);

#endif
