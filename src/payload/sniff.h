/* Format and dimensions of a picture, read from its first bytes; whether it has its end, read from its last. */
#ifndef STEPIMG_SNIFF_H
#define STEPIMG_SNIFF_H

#include "stepimg.h"

/* Never reads beyond length. Width and height are 0 where the bytes do not tell; STEPIMG_UNKNOWN where they are none of
   PNG, JPEG, WebP (lossy, lossless, extended) and GIF. */
enum stepimg_format sniff(const unsigned char *bytes, size_t length, uint32_t *width, uint32_t *height);

enum { SNIFF_END = 12 }; /* bytes that the longest end mark has */

/* Whether a picture that ends in these bytes, the last SNIFF_END of it or more, has the end mark of its format. Where the
   format has none, any picture of some length has. */
bool sniff_end(enum stepimg_format format, const unsigned char *bytes, size_t length);

#endif
