#include "payload/sniff.h"

#include <string.h>

#include "base/text.h"
#include "payload/avif.h"

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

/* ------------------------------------------------------------------------------------------------- no pictures -- */

enum { LOOK = 512 }; /* bytes in which text shows that it is none */

static bool begins(const unsigned char *bytes, size_t length, const char *mark, size_t size)
{
  return length >= size && memcmp(bytes, mark, size) == 0;
}

/* A control character that no text holds (WHATWG, MIME Sniffing, "binary data byte"). */
static bool is_binary(unsigned char c)
{
  return c <= 0x08 || c == 0x0b || (c >= 0x0e && c <= 0x1a) || (c >= 0x1c && c <= 0x1f);
}

/* Whether it is text in UTF-8, or says that it is in UTF-16, or is markup in whatever charset. */
static bool is_text(const unsigned char *bytes, size_t length)
{
  size_t characters, at = 0;
  if (begins(bytes, length, "\xff\xfe", 2) || begins(bytes, length, "\xfe\xff", 2))
    return true;
  if (length > LOOK)
    length = LOOK;
  while (at < length && !is_binary(bytes[at]))
    at++;
  if (at < length)
    return false;
  if (begins(bytes, length, "<", 1) || text_count((const char *)bytes, length, &characters, &at))
    return true;
  return length == LOOK && length - at < 4; /* a character was cut */
}

static bool is_archive(const unsigned char *bytes, size_t length)
{
  return begins(bytes, length, "\x1f\x8b", 2) || begins(bytes, length, "PK\3\4", 4) ||
         begins(bytes, length, "%PDF-", 5);
}

static bool is_svg(const unsigned char *bytes, size_t length)
{
  static const char root[] = "<svg";
  size_t size = sizeof root - 1;
  if (!begins(bytes, length, root, size) && !begins(bytes, length, "<?xml", 5))
    return false;
  for (size_t at = 0; at + size <= length && at < LOOK; at++)
    if (memcmp(bytes + at, root, size) == 0)
      return true;
  return false;
}

bool sniff_is_picture(const struct sniff *sniff, const char *content_type)
{
  static const char *const types[] = {"image/", "application/octet-stream", "binary/octet-stream"};
  if (sniff->format != STEPIMG_UNKNOWN)
    return true;
  if (sniff->svg)
    return text_starts_with(content_type, "image/svg");
  if (sniff->foreign)
    return false;
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (text_starts_with(content_type, types[i]))
      return true;
  return content_type[0] == '\0';
}

/* ------------------------------------------------------------------------------------------------------- formats -- */

void sniff_init(struct sniff *sniff)
{
  memset(sniff, 0, sizeof *sniff);
}

static enum stepimg_format read_head(struct sniff *sniff, const unsigned char *bytes, size_t length)
{
  uint32_t *width = &sniff->width, *height = &sniff->height;
  if (begins(bytes, length, "\x89PNG\r\n\x1a\n", 8)) {
    png(bytes, length, width, height);
    return STEPIMG_PNG;
  }
  if (begins(bytes, length, "\xff\xd8\xff", 3))
    return STEPIMG_JPEG;
  if (begins(bytes, length, "GIF87a", 6) || begins(bytes, length, "GIF89a", 6)) {
    gif(bytes, length, width, height);
    return STEPIMG_GIF;
  }
  if (begins(bytes, length, "RIFF", 4) && length >= 12 && memcmp(bytes + 8, "WEBP", 4) == 0) {
    webp(bytes, length, width, height);
    return STEPIMG_WEBP;
  }
  return avif_read(bytes, length, width, height) ? STEPIMG_AVIF : STEPIMG_UNKNOWN;
}

void sniff_feed(struct sniff *sniff, const unsigned char *bytes, size_t length)
{
  if (length == 0)
    return;
  if (!sniff->begun) {
    sniff->begun = true;
    sniff->format = read_head(sniff, bytes, length);
    sniff->svg = is_svg(bytes, length);
    sniff->foreign = sniff->format == STEPIMG_UNKNOWN && (is_text(bytes, length) || is_archive(bytes, length));
  }
  if (sniff->format == STEPIMG_JPEG) {
    jpeg_feed(&sniff->jpeg, bytes, length);
    sniff->width = sniff->jpeg.width;
    sniff->height = sniff->jpeg.height;
  }
}

static bool has_mark(const unsigned char *bytes, size_t length, const char *mark, size_t size)
{
  size_t tail = length < SNIFF_TAIL ? length : SNIFF_TAIL;
  for (const unsigned char *end = bytes + length; tail >= size; end--, tail--)
    if (memcmp(end - size, mark, size) == 0)
      return true;
  return false;
}

bool sniff_end(enum stepimg_format format, const unsigned char *bytes, size_t length)
{
  enum { SHORTEST = 12 };
  switch (format) {
  case STEPIMG_PNG: /* the chunk IEND, which is empty */
    return has_mark(bytes, length, "\0\0\0\0IEND\xae\x42\x60\x82", 12);
  case STEPIMG_JPEG: /* compressed data does not hold it */
    return has_mark(bytes, length, "\xff\xd9", 2);
  case STEPIMG_GIF: /* behind the end of a block */
    return has_mark(bytes, length, "\0;", 2);
  default: /* no mark; but so short is no picture at all */
    return length >= SHORTEST;
  }
}

const char *stepimg_format_name(enum stepimg_format format)
{
  static const char *const names[] = {NULL, "png", "jpeg", "webp", "gif", "avif"};
  return (unsigned)format < sizeof names / sizeof *names ? names[format] : NULL;
}

struct stepimg_value stepimg_image_value(const char *bytes, size_t length)
{
  struct stepimg_value value = {.type = STEPIMG_IMAGE};
  struct sniff sniff;
  sniff_init(&sniff);
  sniff_feed(&sniff, (const unsigned char *)bytes, length);
  value.as.image.bytes = bytes;
  value.as.image.length = length;
  value.as.image.format = sniff.format;
  value.as.image.width = sniff.width;
  value.as.image.height = sniff.height;
  return value;
}
