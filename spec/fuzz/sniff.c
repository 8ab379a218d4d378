/* Format and dimensions: nothing is read beyond the end, more bytes do not change what fewer have told, and what is told
   stands where the format has it. */
#include "payload/sniff.h"

#include "fuzz.h"

static uint32_t number_at(const uint8_t *bytes, size_t count, bool big_endian)
{
  uint32_t number = 0;
  for (size_t i = 0; i < count; i++)
    number = number << 8 | bytes[big_endian ? i : count - 1 - i];
  return number;
}

static bool starts(const uint8_t *data, size_t size, size_t at, const char *mark)
{
  return size >= at + strlen(mark) && memcmp(data + at, mark, strlen(mark)) == 0;
}

/* Whether a start of frame with these dimensions stands anywhere. */
static bool has_frame(const uint8_t *data, size_t size, uint32_t width, uint32_t height)
{
  for (size_t i = 2; i + 9 <= size; i++) {
    bool frame = data[i] == 0xff && data[i + 1] >> 4 == 0xc && (data[i + 1] == 0xc0 || data[i + 1] % 4 != 0);
    if (frame && number_at(data + i + 5, 2, true) == height && number_at(data + i + 7, 2, true) == width)
      return true;
  }
  return false;
}

/* Whether a box with these dimensions stands anywhere. */
static bool has_item(const uint8_t *data, size_t size, uint32_t width, uint32_t height)
{
  for (size_t i = 0; i + 16 <= size; i++)
    if (starts(data, size, i, "ispe") && number_at(data + i + 8, 4, true) == width &&
        number_at(data + i + 12, 4, true) == height)
      return true;
  return false;
}

static void check_webp(const uint8_t *data, uint32_t width, uint32_t height)
{
  switch (data[15]) {
  case ' ':
    CHECK(width == number_at(data + 26, 2, false) % 0x4000 && height == number_at(data + 28, 2, false) % 0x4000);
    break;
  case 'L':
    CHECK(number_at(data + 21, 4, false) % 0x10000000 == ((height - 1) << 14 | (width - 1)));
    break;
  default:
    CHECK(width == number_at(data + 24, 3, false) + 1 && height == number_at(data + 27, 3, false) + 1);
  }
}

static void check(enum stepimg_format format, const uint8_t *data, size_t size, uint32_t width, uint32_t height)
{
  bool told = width != 0 || height != 0;
  switch (format) {
  case STEPIMG_UNKNOWN:
    CHECK(!told);
    break;
  case STEPIMG_PNG:
    CHECK(starts(data, size, 0, "\x89PNG\r\n\x1a\n"));
    CHECK(!told || (starts(data, size, 12, "IHDR") && number_at(data + 16, 4, true) == width &&
                    number_at(data + 20, 4, true) == height));
    break;
  case STEPIMG_GIF:
    CHECK(starts(data, size, 0, "GIF87a") || starts(data, size, 0, "GIF89a"));
    CHECK(!told || (number_at(data + 6, 2, false) == width && number_at(data + 8, 2, false) == height));
    break;
  case STEPIMG_WEBP:
    CHECK(starts(data, size, 0, "RIFF") && starts(data, size, 8, "WEBP"));
    CHECK(!told || starts(data, size, 12, "VP8"));
    if (told)
      check_webp(data, width, height);
    break;
  case STEPIMG_JPEG:
    CHECK(starts(data, size, 0, "\xff\xd8\xff"));
    CHECK(!told || has_frame(data, size, width, height));
    break;
  case STEPIMG_AVIF:
    CHECK(starts(data, size, 4, "ftyp"));
    CHECK(!told || has_item(data, size, width, height));
    break;
  }
}

/* The same in pieces, of which the first is not short. */
static void check_torn(const struct sniff *whole, const uint8_t *data, size_t size)
{
  enum { HEAD = 4096 };
  struct sniff torn;
  uint32_t random = (uint32_t)size;
  size_t piece = size < HEAD ? size : HEAD;
  if (whole->format == STEPIMG_JPEG) /* of which three bytes are enough */
    piece = size < 3 ? size : 3;
  sniff_init(&torn);
  for (size_t at = 0; at < size; at += piece, piece = next_piece(&random, size - at)) {
    unsigned char *bytes = exact_copy(data + at, piece);
    sniff_feed(&torn, bytes, piece);
    free(bytes);
    if (at + piece == size)
      break;
  }
  CHECK(torn.format == whole->format && torn.width == whole->width && torn.height == whole->height);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  enum stepimg_format known = STEPIMG_UNKNOWN;
  uint32_t known_width = 0, known_height = 0;
  size_t step = size < 256 ? 1 : size / 256;
  for (size_t length = 0; length <= size; length += step) {
    struct sniff sniff;
    unsigned char *bytes = exact_copy(data, length);
    sniff_init(&sniff);
    sniff_feed(&sniff, bytes, length);
    enum stepimg_format format = sniff.format;
    uint32_t width = sniff.width, height = sniff.height;
    sniff_end(format, bytes, length);
    free(bytes);
    CHECK((format == STEPIMG_UNKNOWN) == (stepimg_format_name(format) == NULL));
    CHECK(known == STEPIMG_UNKNOWN || format == known);
    CHECK((known_width == 0 && known_height == 0) || (width == known_width && height == known_height));
    CHECK(!sniff.foreign || (format == STEPIMG_UNKNOWN && !sniff_is_picture(&sniff, "image/png")));
    CHECK(format == STEPIMG_UNKNOWN || sniff_is_picture(&sniff, "text/html"));
    check(format, data, length, width, height);
    check_torn(&sniff, data, length);
    known = format;
    known_width = width;
    known_height = height;
  }
  return 0;
}
