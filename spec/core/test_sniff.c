/* Format and dimensions: headers of each format, cut at every length in blocks of that very length, and lying ones. */
#include "sniffed.h"

struct sample {
  const char *name;
  const char *bytes;
  size_t length;
  enum stepimg_format format;
  size_t format_from; /* so many bytes tell the format */
  size_t size_from;   /* and so many the dimensions */
  uint32_t width, height;
};

#define JFIF "\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
#define COMPONENTS "\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01"
#define SCAN "\xff\xda\x00\x0c\x03\x01\x00\x02\x11\x03\x11\x00\x3f\x00\x12\x34"

static const struct sample samples[] = {
    {"PNG",
     BYTES("\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR\x00\x00\x05\x50\x00\x00\x03\x00\x08\x02\x00\x00\x00\x12\x34\x56\x78"),
     STEPIMG_PNG, 8, 24, 1360, 768},
    {"PNG of the largest size", BYTES("\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR\x7f\xff\xff\xff\x7f\xff\xff\xfe\x08\x06"),
     STEPIMG_PNG, 8, 24, 2147483647, 2147483646},
    {"GIF87a", BYTES("GIF87a\x50\x05\x00\x03\x80\x00\x00\x00\x00\x00\xff\xff\xff\x2c"), STEPIMG_GIF, 6, 10, 1360, 768},
    {"GIF89a", BYTES("GIF89a\x01\x00\xff\xff\x80\x00\x00\x00\x00\x00\xff\xff\xff\x21\xf9"), STEPIMG_GIF, 6, 10, 1,
     65535},
    {"JPEG, baseline",
     BYTES(JFIF "\xff\xdb\x00\x07\x00\x01\x02\x03\x04\xff\xc0\x00\x11\x08\x03\x00\x05\x50" COMPONENTS SCAN),
     STEPIMG_JPEG, 3, 20 + 9 + 9, 1360, 768},
    {"JPEG, progressive", BYTES(JFIF "\xff\xc2\x00\x11\x08\x05\x50\x03\x00" COMPONENTS SCAN), STEPIMG_JPEG, 3, 20 + 9,
     768, 1360},
    {"JPEG, frame first", BYTES("\xff\xd8\xff\xc0\x00\x11\x08\x00\x02\x00\x03" COMPONENTS), STEPIMG_JPEG, 3, 11, 3, 2},
    {"JPEG, Exif with a picture of its own inside",
     BYTES("\xff\xd8\xff\xe1\x00\x19"
           "Exif\x00\x00\xff\xd8\xff\xc0\x00\x11\x08\x00\x08\x00\x09\x01\x02\x03\x04\xff\xd9\xff\xe2\x00\x06"
           "ICC_\xff\xfe\x00\x05"
           "abc\xff\xc1\x00\x11\x08\x03\x80\x04\xa0" COMPONENTS),
     STEPIMG_JPEG, 3, 2 + 27 + 8 + 7 + 9, 1184, 896},
    {"JPEG, fill bytes before markers",
     BYTES("\xff\xd8\xff\xff\xff\xe0\x00\x04\x01\x02\xff\xff\xff\xff\xff\xc0\x00\x11\x08\x04\xa0\x03\x80" COMPONENTS),
     STEPIMG_JPEG, 3, 23, 896, 1184},
    {"JPEG, tables before the frame that share its range",
     BYTES(JFIF "\xff\xc4\x00\x0a\x00\x11\x22\x33\x44\x55\x66\x77\xff\xcc\x00\x08\x11\x22\x33\x44\x55\x66"
                "\xff\xc8\x00\x09\x11\x22\x33\x44\x55\x66\x77"
                "\xff\xdd\x00\x04\x00\x10\xff\xcf\x00\x11\x08\x00\x10\x00\x20" COMPONENTS),
     STEPIMG_JPEG, 3, 20 + 12 + 10 + 11 + 6 + 9, 32, 16},
    {"JPEG, an empty segment", BYTES("\xff\xd8\xff\xfe\x00\x02\xff\xc0\x00\x11\x08\x00\x02\x00\x03" COMPONENTS),
     STEPIMG_JPEG, 3, 15, 3, 2},
    {"WebP, lossy",
     BYTES("RIFF\x24\x00\x00\x00WEBPVP8 \x18\x00\x00\x00\x30\x01\x00\x9d\x01\x2a\x50\x05\x00\x03\x03\x00\x34\x25\xa4"),
     STEPIMG_WEBP, 12, 30, 1360, 768},
    {"WebP, lossy, scaled: the two upper bits are no size",
     BYTES("RIFF\x24\x00\x00\x00WEBPVP8 \x18\x00\x00\x00\x30\x01\x00\x9d\x01\x2a\x50\x45\x00\x83\x03\x00\x34\x25\xa4"),
     STEPIMG_WEBP, 12, 30, 1360, 768},
    /* 1359 and 767 in fourteen bits each: 0x54f | 0x2ff << 14 */
    {"WebP, lossless",
     BYTES("RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00\x2f\x4f\xc5\xbf\x00\x10\x07\x10\x11\x11\x88\x88\xfe\x07\x00"),
     STEPIMG_WEBP, 12, 25, 1360, 768},
    {"WebP, lossless, the largest size, with alpha",
     BYTES("RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00\x2f\xff\xff\xff\x1f\x10\x07\x10\x11\x11\x88\x88\xfe\x07\x00"),
     STEPIMG_WEBP, 12, 25, 16384, 16384},
    {"WebP, extended",
     BYTES("RIFF\x4a\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x10\x00\x00\x00\x4f\x05\x00\xff\x02\x00"
           "ALPH\x0c\x00\x00\x00\x11\x07"),
     STEPIMG_WEBP, 12, 30, 1360, 768},
    {"WebP, extended, larger than 65536",
     BYTES("RIFF\x4a\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x10\x00\x00\x00\x01\x00\x01\x02\x00\x02VP8 "), STEPIMG_WEBP,
     12, 30, 65538, 131075},
};

static void knows_every_format_at_every_length(void **state)
{
  (void)state;
  for (size_t i = 0; i < COUNT_OF(samples); i++) {
    const struct sample *sample = &samples[i];
    assert_true(sample->size_from < sample->length);
    for (size_t length = 0; length <= sample->length; length++) {
      uint32_t width, height;
      enum stepimg_format format = sniff_exactly(sample->bytes, length, &width, &height);
      bool sized = length >= sample->size_from;
      if (format != (length >= sample->format_from ? sample->format : STEPIMG_UNKNOWN))
        fail_msg("%s, %zu bytes: format %d", sample->name, length, (int)format);
      if (width != (sized ? sample->width : 0) || height != (sized ? sample->height : 0))
        fail_msg("%s, %zu bytes: %u x %u", sample->name, length, (unsigned)width, (unsigned)height);
    }
  }
}

static void knows_what_it_does_not_know(void **state)
{
  static const struct {
    const char *bytes;
    size_t length;
  } others[] = {
      {BYTES("")},
      {BYTES("<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head></html>")},
      {BYTES("{\"error\":{\"message\":\"gone\"}}")},
      {BYTES("BM\x36\x00\x0c\x00\x00\x00\x00\x00\x36\x00\x00\x00\x28\x00\x00\x00\x00\x02\x00\x00\x00\x02\x00\x00")},
      {BYTES(
          "\x89PNG\n\x1a\n\x00\x00\x00\x00\x0dIHDR\x00\x00\x05\x50\x00\x00\x03\x00\x08\x02")}, /* line ends changed */
      {BYTES(
          "\x09PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR\x00\x00\x05\x50\x00\x00\x03\x00\x08\x02")}, /* the eighth bit lost */
      {BYTES("GIF88a\x50\x05\x00\x03\x80\x00\x00\x00")},
      {BYTES("RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x02\x00\x44\xac\x00\x00\x10\xb1\x02\x00")},
      {BYTES("RIFX\x00\x00\x00\x24WEBPVP8 \x18\x00\x00\x00\x30\x01\x00\x9d\x01\x2a\x50\x05\x00\x03")},
      {BYTES("\x00\x00\x00\x1c"
             "ftypheic\x00\x00\x00\x00"
             "mif1heicmiaf\x00\x00")},
      {BYTES("\x00\x00\x00\x1c"
             "ftypisom\x00\x00\x00\x00"
             "avi iso2mp41\x00\x00")},
      {BYTES("\x00\x00\x00\x07"
             "ftypavif\x00\x00\x00\x00")},
      {BYTES("\x00\x00\x00\x1c"
             "moovavif\x00\x00\x00\x00")},
      {BYTES("\xff\xd9\xff\xe0\x00\x10JFIF\x00\x01\x01")},
  };
  uint32_t width, height;
  (void)state;
  for (size_t i = 0; i < COUNT_OF(others); i++)
    for (size_t length = 0; length <= others[i].length; length++) {
      assert_int_equal(sniff_exactly(others[i].bytes, length, &width, &height), STEPIMG_UNKNOWN);
      assert_int_equal(width, 0);
      assert_int_equal(height, 0);
    }
}

/* A known format whose dimensions the bytes do not tell. */
static void gives_no_size_where_there_is_none(void **state)
{
  static const struct {
    enum stepimg_format format;
    const char *bytes;
    size_t length;
  } sizeless[] = {
      {STEPIMG_PNG, BYTES("\x89PNG\r\n\x1a\n\x00\x00\x00\x0dtEXt\x00\x00\x05\x50\x00\x00\x03\x00\x08\x02\x00\x00\x00")},
      {STEPIMG_PNG, BYTES("\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR\x80\x00\x00\x00\x00\x00\x03\x00\x08\x02\x00\x00\x00")},
      {STEPIMG_PNG, BYTES("\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR\x00\x00\x05\x50\xff\xff\xff\xff\x08\x02\x00\x00\x00")},
      {STEPIMG_JPEG, BYTES("\xff\xd8\xff\xd9\x00\x04\x00\x00\xff\xc0\x00\x11\x08\x03\x00\x05\x50")}, /* ends at once */
      {STEPIMG_JPEG, BYTES(JFIF SCAN "\xff\xc0\x00\x11\x08\x03\x00\x05\x50")}, /* a frame behind the scan is none */
      {STEPIMG_JPEG,
       BYTES("\xff\xd8\xff\xe0\x00\x04\x01\x02\x00\xc0\x00\x11\x08\x03\x00\x05\x50")},       /* no marker there */
      {STEPIMG_JPEG, BYTES("\xff\xd8\xff\xe0\x00\x00\xff\xc0\x00\x11\x08\x03\x00\x05\x50")}, /* segments of 0 and 1 */
      {STEPIMG_JPEG, BYTES("\xff\xd8\xff\xe0\x00\x01\xff\xc0\x00\x11\x08\x03\x00\x05\x50")},
      {STEPIMG_JPEG,
       BYTES("\xff\xd8\xff\xe0\xff\xff\xff\xc0\x00\x11\x08\x03\x00\x05\x50")}, /* longer than all there is */
      {STEPIMG_JPEG, BYTES("\xff\xd8\xff\xe0\x00\x0e\xff\xc0\x00\x11\x08\x03\x00\x05\x50\x00")},
      {STEPIMG_JPEG, BYTES("\xff\xd8\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")},
      {STEPIMG_WEBP, BYTES("RIFF\x24\x00\x00\x00WEBPVP8 \x18\x00\x00\x00\x31\x01\x00\x9d\x01\x2b\x50\x05\x00\x03\x03")},
      {STEPIMG_WEBP, BYTES("RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00\x2e\x4f\xc5\xbf\x00\x10\x07\x10\x11\x11\x88")},
      {STEPIMG_WEBP, BYTES("RIFF\x4a\x00\x00\x00WEBPEXIF\x0a\x00\x00\x00\x10\x00\x00\x00\x4f\x05\x00\xff\x02\x00\x00")},
  };
  (void)state;
  for (size_t i = 0; i < COUNT_OF(sizeless); i++)
    for (size_t length = 12; length <= sizeless[i].length; length++) {
      uint32_t width, height;
      assert_int_equal(sniff_exactly(sizeless[i].bytes, length, &width, &height), sizeless[i].format);
      if (width != 0 || height != 0)
        fail_msg("case %zu, %zu bytes: %u x %u", i, length, (unsigned)width, (unsigned)height);
    }
}

static void lengths_of_segments_that_lie_are_survived(void **state)
{
  (void)state;
  for (unsigned step = 0; step < 65536; step += step < 64 ? 1 : 251) {
    char bytes[64] = "\xff\xd8\xff\xe0";
    uint32_t width, height;
    bytes[4] = (char)(step >> 8);
    bytes[5] = (char)step;
    for (size_t at = 6; at < sizeof bytes; at++)
      bytes[at] = at % 2 == 0 ? '\xff' : '\xe1';
    for (size_t length = 6; length <= sizeof bytes; length++)
      assert_int_equal(sniff_exactly(bytes, length, &width, &height), STEPIMG_JPEG);
  }
}

static void one_changed_byte_is_survived(void **state)
{
  (void)state;
  for (size_t i = 0; i < COUNT_OF(samples); i++)
    for (size_t at = 0; at < samples[i].length; at++)
      for (unsigned byte = 0; byte < 256; byte++) {
        char bytes[128];
        uint32_t width, height;
        assert_true(samples[i].length <= sizeof bytes);
        memcpy(bytes, samples[i].bytes, samples[i].length);
        bytes[at] = (char)byte;
        enum stepimg_format format = sniff_exactly(bytes, samples[i].length, &width, &height);
        assert_int_equal(format, at >= samples[i].format_from || bytes[at] == samples[i].bytes[at] ||
                                         (samples[i].format == STEPIMG_WEBP && at >= 4 && at < 8) ||
                                         (samples[i].format == STEPIMG_GIF && at == 4 && (byte == '7' || byte == '9'))
                                     ? samples[i].format
                                     : STEPIMG_UNKNOWN);
      }
}

static void random_bytes_are_survived(void **state)
{
  uint32_t seed = 2083;
  (void)state;
  for (int round = 0; round < 60000; round++) {
    char bytes[80];
    uint32_t width, height;
    const struct sample *sample = &samples[next_random(&seed) % COUNT_OF(samples)];
    size_t kept = next_random(&seed) % (sample->length + 1), length = next_random(&seed) % sizeof bytes;
    for (size_t i = 0; i < sizeof bytes; i++)
      bytes[i] = (char)(next_random(&seed) % 3 == 0 ? 0xff : next_random(&seed));
    memcpy(bytes, sample->bytes, kept < sizeof bytes ? kept : sizeof bytes);
    enum stepimg_format format = sniff_exactly(bytes, length, &width, &height);
    if (length >= sample->format_from && kept >= sample->format_from)
      assert_int_equal(format, sample->format);
    if (format == STEPIMG_UNKNOWN)
      assert_true(width == 0 && height == 0);
  }
}

static void only_the_whole_end_is_an_end(void **state)
{
  static const struct {
    enum stepimg_format format;
    const char *mark;
    size_t length;
  } ends[] = {
      {STEPIMG_PNG, "\0\0\0\0IEND\xae\x42\x60\x82", 12}, {STEPIMG_JPEG, "\xff\xd9", 2}, {STEPIMG_GIF, "\0;", 2}};
  static unsigned char bytes[2 * SNIFF_TAIL];
  (void)state;
  memset(bytes, 1, sizeof bytes);
  for (size_t i = 0; i < COUNT_OF(ends); i++) {
    memcpy(bytes + 8, ends[i].mark, ends[i].length);
    for (size_t length = 0; length <= sizeof bytes; length++) /* what is behind it is no matter, up to a bound */
      assert_int_equal(sniff_end(ends[i].format, bytes, length),
                       length >= 8 + ends[i].length && length <= SNIFF_TAIL + 8);
    for (size_t from = 0; from <= 9; from++)
      assert_int_equal(sniff_end(ends[i].format, bytes + from, 8 + ends[i].length - from), from <= 8);
    for (size_t at = 0; at < ends[i].length; at++) {
      bytes[8 + at] ^= 0x80;
      assert_false(sniff_end(ends[i].format, bytes, 100));
      bytes[8 + at] ^= 0x80;
    }
    memset(bytes, 1, 32);
  }
  for (size_t length = 0; length <= 32; length++) {
    assert_int_equal(sniff_end(STEPIMG_WEBP, bytes, length), length >= 12);
    assert_int_equal(sniff_end(STEPIMG_AVIF, bytes, length), length >= 12);
    assert_int_equal(sniff_end(STEPIMG_UNKNOWN, bytes, length), length >= 12);
  }
}

static void formats_have_names(void **state)
{
  (void)state;
  assert_null(stepimg_format_name(STEPIMG_UNKNOWN));
  assert_string_equal(stepimg_format_name(STEPIMG_PNG), "png");
  assert_string_equal(stepimg_format_name(STEPIMG_JPEG), "jpeg");
  assert_string_equal(stepimg_format_name(STEPIMG_WEBP), "webp");
  assert_string_equal(stepimg_format_name(STEPIMG_GIF), "gif");
  assert_string_equal(stepimg_format_name(STEPIMG_AVIF), "avif");
}

/* ------------------------------------------------------------------------------------------------ in many pieces -- */

/* The frame header behind a colour profile of so many bytes, torn at every place around it, and in pieces of every
   size. */
static void a_jpeg_tells_its_size_however_late(void **state)
{
  enum { PROFILE = 200000, HEAD = 2 };
  static const char frame[] = "\xff\xc0\x00\x11\x08\x03\x00\x05\x50" COMPONENTS;
  size_t segments = PROFILE / 65000, size = HEAD + PROFILE + 4 * (segments + 1) + sizeof frame - 1, at = HEAD;
  unsigned char *bytes = calloc(1, size);
  (void)state;
  assert_non_null(bytes);
  memcpy(bytes, "\xff\xd8", HEAD);
  for (size_t left = PROFILE; left > 0;) {
    size_t length = left < 65000 ? left : 65000;
    memcpy(bytes + at, "\xff\xe2", 2);
    bytes[at + 2] = (unsigned char)((length + 2) >> 8);
    bytes[at + 3] = (unsigned char)(length + 2);
    memset(bytes + at + 4, 0xff, length);
    at += 4 + length;
    left -= length;
  }
  memcpy(bytes + at, frame, sizeof frame - 1);
  size_t told = at + 9;
  for (size_t cut = at - 3; cut < at + 14; cut++) {
    struct sniff sniff;
    sniff_init(&sniff);
    sniff_feed(&sniff, bytes, cut);
    assert_int_equal(sniff.width, cut >= told ? 1360 : 0);
    sniff_feed(&sniff, bytes + cut, size - cut);
    assert_int_equal(sniff.format, STEPIMG_JPEG);
    assert_int_equal(sniff.width, 1360);
    assert_int_equal(sniff.height, 768);
  }
  for (size_t piece = 3; piece <= CHUNK_MAX; piece++) {
    struct sniff sniff;
    sniff_init(&sniff);
    for (size_t from = 0; from < size; from += piece)
      sniff_feed(&sniff, bytes + from, from + piece < size ? piece : size - from);
    assert_int_equal(sniff.width, 1360);
    assert_int_equal(sniff.height, 768);
  }
  free(bytes);
}

/* A host's picture to edit: what its bytes tell goes with it. */
static void a_value_tells_what_its_bytes_tell(void **state)
{
  (void)state;
  for (size_t i = 0; i < COUNT_OF(samples); i++) {
    char *bytes = exact_copy(samples[i].bytes, samples[i].length);
    struct stepimg_value value = stepimg_image_value(bytes, samples[i].length);
    assert_int_equal(value.type, STEPIMG_IMAGE);
    assert_ptr_equal(value.as.image.bytes, bytes);
    assert_int_equal(value.as.image.length, samples[i].length);
    assert_int_equal(value.as.image.format, samples[i].format);
    assert_int_equal(value.as.image.width, samples[i].width);
    assert_int_equal(value.as.image.height, samples[i].height);
    free(bytes);
  }
  struct stepimg_value empty = stepimg_image_value("", 0);
  assert_non_null(empty.as.image.bytes);
  assert_int_equal(empty.as.image.format, STEPIMG_UNKNOWN);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(knows_every_format_at_every_length), cmocka_unit_test(knows_what_it_does_not_know),
      cmocka_unit_test(gives_no_size_where_there_is_none),  cmocka_unit_test(lengths_of_segments_that_lie_are_survived),
      cmocka_unit_test(one_changed_byte_is_survived),       cmocka_unit_test(random_bytes_are_survived),
      cmocka_unit_test(only_the_whole_end_is_an_end),       cmocka_unit_test(formats_have_names),
      cmocka_unit_test(a_jpeg_tells_its_size_however_late), cmocka_unit_test(a_value_tells_what_its_bytes_tell),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
