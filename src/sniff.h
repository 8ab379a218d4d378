/* Format and dimensions of a picture, read from its first bytes. */
#ifndef STEPIMG_SNIFF_H
#define STEPIMG_SNIFF_H

#include "stepimg.h"

/* Never reads beyond length. Width and height are 0 where the bytes do not tell; STEPIMG_UNKNOWN where they are none of
   PNG, JPEG, WebP (lossy, lossless, extended) and GIF. */
enum stepimg_format sniff(const unsigned char *bytes, size_t length, uint32_t *width, uint32_t *height);

#endif
