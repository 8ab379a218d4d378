/* AVIF: the largest item's size, the brands, and boxes that lie. */
#include "sniffed.h"

#define FTYP                                                                                                           \
  "\x00\x00\x00\x1c"                                                                                                   \
  "ftyp"                                                                                                               \
  "avif"                                                                                                               \
  "\x00\x00\x00\x00"                                                                                                   \
  "avifmif1miaf"
#define ISPE(width, height)                                                                                            \
  "\x00\x00\x00\x14"                                                                                                   \
  "ispe"                                                                                                               \
  "\x00\x00\x00\x00" width height
#define W1360 "\x00\x00\x05\x50"
#define H768 "\x00\x00\x03\x00"
#define SMALL "\x00\x00\x00\x40"
#define PIXI                                                                                                           \
  "\x00\x00\x00\x10"                                                                                                   \
  "pixi"                                                                                                               \
  "\x00\x00\x00\x00"                                                                                                   \
  "\x03\x08\x08\x08"
/* Other properties that are as long, or too short. */
#define COLR                                                                                                           \
  "\x00\x00\x00\x14"                                                                                                   \
  "colr"                                                                                                               \
  "\x00\x00\x00\x00"                                                                                                   \
  "\x7f\x7f\x7f\x7f"                                                                                                   \
  "\x7f\x7f\x7f\x7f"
#define SHORT                                                                                                          \
  "\x00\x00\x00\x10"                                                                                                   \
  "ispe"                                                                                                               \
  "\x00\x00\x00\x00"                                                                                                   \
  "\x7f\x7f\x7f\x7f"
/* meta { hdlr, iprp { ipco { ispe, pixi, ispe }, ipma } } */
#define IPCO                                                                                                           \
  "\x00\x00\x00\x64"                                                                                                   \
  "ipco" ISPE(SMALL, SMALL) PIXI COLR SHORT                                                                            \
  ISPE(W1360, H768)
#define IPRP                                                                                                           \
  "\x00\x00\x00\x75"                                                                                                   \
  "iprp" IPCO "\x00\x00\x00\x09"                                                                                       \
  "ipma"                                                                                                               \
  "\x00"
#define HDLR                                                                                                           \
  "\x00\x00\x00\x0c"                                                                                                   \
  "hdlr"                                                                                                               \
  "\x00\x00\x00\x00"
#define META                                                                                                           \
  "\x00\x00\x00\x8d"                                                                                                   \
  "meta"                                                                                                               \
  "\x00\x00\x00\x00" HDLR IPRP

static void knows_avif_and_its_largest_item(void **state)
{
  static const struct {
    const char *bytes;
    size_t length, size_from;
  } avifs[] = {
      {BYTES(FTYP META "\x00\x00\x00\x08mdat"), 28 + 12 + 12 + 8 + 100},
      /* other boxes before it, one of a length in 64 bits */
      {BYTES(FTYP "\x00\x00\x00\x01"
                  "free"
                  "\x00\x00\x00\x00\x00\x00\x00\x12"
                  "xx" META),
       28 + 18 + 12 + 12 + 8 + 100},
      /* a box without an end holds the rest */
      {BYTES(FTYP "\x00\x00\x00\x00"
                  "meta"
                  "\x00\x00\x00\x00" HDLR IPRP),
       28 + 12 + 12 + 8 + 100},
  };
  (void)state;
  for (size_t i = 0; i < COUNT_OF(avifs); i++)
    for (size_t length = 0; length <= avifs[i].length; length++) {
      uint32_t width, height;
      enum stepimg_format format = sniff_exactly(avifs[i].bytes, length, &width, &height);
      bool sized = length >= avifs[i].size_from;
      assert_int_equal(format, length >= 12 ? STEPIMG_AVIF : STEPIMG_UNKNOWN);
      if (width != (sized ? 1360 : 0) || height != (sized ? 768 : 0))
        fail_msg("AVIF %zu, %zu bytes: %u x %u", i, length, (unsigned)width, (unsigned)height);
    }
}

static void knows_avif_by_each_of_its_brands(void **state)
{
  static const struct {
    const char *brands;
    bool is;
  } cases[] = {{"avif\0\0\0\0mif1", true}, {"avis\0\0\0\0msf1", true},  {"mif1\0\0\0\0avif", true},
               {"mif1\0\0\0\0avis", true}, {"mif1\0\0\0\0heic", false}, {"heicavifheic", false}};
  (void)state;
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    char bytes[20] = "\0\0\0\x14"
                     "ftyp";
    uint32_t width, height;
    memcpy(bytes + 8, cases[i].brands, 12);
    assert_int_equal(sniff_exactly(bytes, sizeof bytes, &width, &height), cases[i].is ? STEPIMG_AVIF : STEPIMG_UNKNOWN);
  }
}

static void boxes_that_lie_are_survived(void **state)
{
  static const char avif[] = FTYP META;
  uint32_t seed = 14496;
  (void)state;
  for (int round = 0; round < 60000; round++) {
    char bytes[sizeof avif - 1];
    uint32_t width, height;
    memcpy(bytes, avif, sizeof bytes);
    for (int i = 0; i < 3; i++)
      bytes[next_random(&seed) % sizeof bytes] = (char)(next_random(&seed) % 2 == 0 ? 0xff : next_random(&seed));
    sniff_exactly(bytes, next_random(&seed) % (sizeof bytes + 1), &width, &height);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(knows_avif_and_its_largest_item),
      cmocka_unit_test(knows_avif_by_each_of_its_brands),
      cmocka_unit_test(boxes_that_lie_are_survived),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
