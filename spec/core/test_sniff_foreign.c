/* Whether it is a picture, or what a server sends in the place of one. */
#include "sniffed.h"

static void knows_pictures_from_what_is_none(void **state)
{
  static const struct {
    const char *bytes;
    size_t length;
    const char *type;
    bool is;
  } cases[] = {
      {BYTES("\x89PNG\r\n\x1a\n"), "text/html", true},
      {BYTES("\xff\xd8\xff"), "", true},
      {BYTES("GIF89a"), "application/json", true},
      {BYTES("\x01\x02\x03\xff"), "", true},
      {BYTES("\x01\x02\x03\xff"), "image/heic", true},
      {BYTES("\x01\x02\x03\xff"), "IMAGE/x", true},
      {BYTES("\x01\x02\x03\xff"), "application/octet-stream", true},
      {BYTES("\x01\x02\x03\xff"), "binary/octet-stream", true},
      {BYTES("\x01\x02\x03\xff"), "text/html", false},
      {BYTES("\x01\x02\x03\xff"), "application/json", false},
      {BYTES("\x01\x02\x03\xff"), "application/gzip", false},
      {BYTES("BM\x36\x00\x0c\x00\x00\x00\x00\x00\x36\x00"), "image/bmp", true},
      {BYTES("<html>not found</html>"), "image/png", false},
      {BYTES("<html>not found</html>"), "", false},
      {BYTES("<html>not found \xe9</html>"), "image/png", false},
      {BYTES("{\"error\":\"x\"}"), "image/png", false},
      {BYTES("\xef\xbb\xbf not found"), "image/png", false},
      {BYTES("Not found \xe7\x81\xaf"), "image/png", false},
      {BYTES("\xff\xfe<\0h\0t\0m\0l\0"), "image/png", false},
      {BYTES("\xfe\xff\0<\0h\0t\0m\0l"), "image/png", false},
      {BYTES("\x1f\x8b\x08\x00\x00\x00\x00\x00"), "image/png", false},
      {BYTES("PK\x03\x04\x14\x00"), "application/octet-stream", false},
      {BYTES("%PDF-1.7\n%\xe2\xe3\xcf\xd3\x00"), "image/png", false},
      {BYTES("<svg xmlns='x'/>"), "image/svg+xml", true},
      {BYTES("<?xml version='1.0'?>\n<svg xmlns='x'/>"), "image/svg+xml; charset=utf-8", true},
      {BYTES("<svg xmlns='x'/>"), "image/png", false},
      {BYTES("<html><svg/></html>"), "image/svg+xml", false},
      {BYTES("<?xml version='1.0'?><Error/>"), "image/svg+xml", false},
  };
  (void)state;
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    struct sniff sniff;
    sniff_init(&sniff);
    sniff_feed(&sniff, (const unsigned char *)cases[i].bytes, cases[i].length);
    if (sniff_is_picture(&sniff, cases[i].type) != cases[i].is)
      fail_msg("case %zu, called %s", i, cases[i].type);
  }
}

/* Text is told by its first 512 bytes, where the last may be a part of a character; a binary byte among them makes it none. */
static void text_is_told_by_its_beginning(void **state)
{
  (void)state;
  for (size_t at = 480; at < 540; at++)
    for (int control = 0; control < 0x20; control++) {
      unsigned char bytes[600];
      struct sniff sniff;
      bool binary = control < 9 || control == 11 || (control > 13 && control != 27);
      for (size_t i = 0; i < sizeof bytes; i += 3)
        memcpy(bytes + i, "\xe7\x81\xaf", 3);
      bytes[at - at % 3] = (unsigned char)control;
      bytes[at - at % 3 + 1] = bytes[at - at % 3 + 2] = 'x';
      sniff_init(&sniff);
      sniff_feed(&sniff, bytes, sizeof bytes);
      assert_int_equal(sniff.foreign, !binary || at - at % 3 >= 512);
    }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(knows_pictures_from_what_is_none),
      cmocka_unit_test(text_is_told_by_its_beginning),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
