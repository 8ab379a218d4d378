#include "payload/sniff.h"

#include <string.h>

static uint32_t big16(const unsigned char *p)
{
  return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t big32(const unsigned char *p)
{
  return big16(p) << 16 | big16(p + 2);
}

static uint32_t little16(const unsigned char *p)
{
  return (uint32_t)p[1] << 8 | p[0];
}

static uint32_t little24(const unsigned char *p)
{
  return (uint32_t)p[2] << 16 | little16(p);
}

/* ISO/IEC 15948: the signature, then IHDR first; no side beyond 2^31-1. */
static void png(const unsigned char *bytes, size_t length, uint32_t *width, uint32_t *height)
{
  if (length >= 24 && memcmp(bytes + 12, "IHDR", 4) == 0 && bytes[16] < 0x80 && bytes[20] < 0x80) {
    *width = big32(bytes + 16);
    *height = big32(bytes + 20);
  }
}

static void gif(const unsigned char *bytes, size_t length, uint32_t *width, uint32_t *height)
{
  if (length >= 10) {
    *width = little16(bytes + 6);
    *height = little16(bytes + 8);
  }
}

/* RFC 9649: the first chunk is VP8 (a key frame's header), VP8L or VP8X. */
static void webp(const unsigned char *bytes, size_t length, uint32_t *width, uint32_t *height)
{
  if (length < 25)
    return;
  if (memcmp(bytes + 12, "VP8L", 4) == 0 && bytes[20] == 0x2f) {
    uint32_t bits = little16(bytes + 21) | little16(bytes + 23) << 16;
    *width = (bits & 0x3fff) + 1;
    *height = (bits >> 14 & 0x3fff) + 1;
  } else if (length >= 30 && memcmp(bytes + 12, "VP8 ", 4) == 0 && memcmp(bytes + 23, "\x9d\x01\x2a", 3) == 0) {
    *width = little16(bytes + 26) & 0x3fff;
    *height = little16(bytes + 28) & 0x3fff;
  } else if (length >= 30 && memcmp(bytes + 12, "VP8X", 4) == 0) {
    *width = little24(bytes + 24) + 1;
    *height = little24(bytes + 27) + 1;
  }
}

/* ITU-T T.81: segments until a start of frame (SOF0 to SOF15 but for DHT, JPG and DAC, which share the range). */
static void jpeg(const unsigned char *bytes, size_t length, uint32_t *width, uint32_t *height)
{
  size_t at = 2;
  while (length - at >= 4 && bytes[at] == 0xff) {
    unsigned marker = bytes[at + 1];
    if (marker == 0xff) { /* a fill byte */
      at++;
      continue;
    }
    bool frame = marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
    if (frame && length - at >= 9) {
      *height = big16(bytes + at + 5);
      *width = big16(bytes + at + 7);
    }
    size_t step = 2 + (size_t)big16(bytes + at + 2);
    if (frame || marker == 0xda || marker == 0xd9 || step < 4 || step > length - at)
      return;
    at += step;
  }
}

enum stepimg_format sniff(const unsigned char *bytes, size_t length, uint32_t *width, uint32_t *height)
{
  *width = *height = 0;
  if (length >= 8 && memcmp(bytes, "\x89PNG\r\n\x1a\n", 8) == 0) {
    png(bytes, length, width, height);
    return STEPIMG_PNG;
  }
  if (length >= 3 && memcmp(bytes, "\xff\xd8\xff", 3) == 0) {
    jpeg(bytes, length, width, height);
    return STEPIMG_JPEG;
  }
  if (length >= 6 && (memcmp(bytes, "GIF87a", 6) == 0 || memcmp(bytes, "GIF89a", 6) == 0)) {
    gif(bytes, length, width, height);
    return STEPIMG_GIF;
  }
  if (length >= 12 && memcmp(bytes, "RIFF", 4) == 0 && memcmp(bytes + 8, "WEBP", 4) == 0) {
    webp(bytes, length, width, height);
    return STEPIMG_WEBP;
  }
  return STEPIMG_UNKNOWN;
}

static bool ends_with(const unsigned char *bytes, size_t length, const char *mark, size_t size)
{
  return length >= size && memcmp(bytes + length - size, mark, size) == 0;
}

bool sniff_end(enum stepimg_format format, const unsigned char *bytes, size_t length)
{
  switch (format) {
  case STEPIMG_PNG: /* the chunk IEND, which is empty */
    return ends_with(bytes, length, "\0\0\0\0IEND\xae\x42\x60\x82", SNIFF_END);
  case STEPIMG_JPEG:
    return ends_with(bytes, length, "\xff\xd9", 2);
  case STEPIMG_GIF:
    return ends_with(bytes, length, ";", 1);
  default: /* no mark; but so short is no picture at all */
    return length >= SNIFF_END;
  }
}

const char *stepimg_format_name(enum stepimg_format format)
{
  static const char *const names[] = {NULL, "png", "jpeg", "webp", "gif"};
  return (unsigned)format < sizeof names / sizeof *names ? names[format] : NULL;
}
