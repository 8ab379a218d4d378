/* AVIF: a picture in the boxes of ISO/IEC 14496-12 and 23008-12. */
#ifndef STEPIMG_AVIF_H
#define STEPIMG_AVIF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether these first bytes are an AVIF's. Width and height are those of the largest item in it, 0 where the bytes do not
   tell. */
bool avif_read(const unsigned char *bytes, size_t length, uint32_t *width, uint32_t *height);

#endif
