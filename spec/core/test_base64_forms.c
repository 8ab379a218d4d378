/* The forms of base64: which padding, white space and data URLs are taken, and which are refused. */
#include "reference.h"

#include <stdio.h>

static void flaws_of_padding(void **state)
{
  static const struct {
    const char *text;
    size_t flaw;
  } flaws[] = {
      {"A=", 1},        {"A==", 1},      {"A===", 1},     {"QQ=A", 3},      {"QQ=Q=", 3},  {"QQ==QQ==", 4},
      {"QUI=QUJD", 4},  {"QQ==A", 4},    {"QUI=A", 4},    {"QUJDQ=", 5},    {"QU-_", 2},   {"Q\\/A", 1},
      {"QUJD\"", 4},    {"QQ= Q", 4},    {"Q =", 2},      {"QQ==\n\nQ", 6}, {"QUJD\v", 4}, {"QUJD\f", 4},
      {"QUJD\xa0", 4},  {"data;", 4},    {"Data:", 4},    {"QQdata:", 6},   {" *", 1},     {"=A", 1},
      {"QUJD=QUJD", 5}, {"QUJD== A", 7}, {"QQ====QQ", 6},
  };
  struct decoded result;
  (void)state;
  for (size_t i = 0; i < COUNT_OF(flaws); i++) {
    size_t length = strlen(flaws[i].text);
    for (size_t first = 1; first <= length; first++)
      for (int pass = 0; pass < 2; pass++) {
        decode(&result, flaws[i].text, length, first, pass == 0 ? first : length);
        assert_false(result.good);
        assert_int_equal(result.consumed, flaws[i].flaw);
      }
    assert_agrees(flaws[i].text, length);
  }
}

/* RFC 4648, section 3.5, lets a reader refuse them; the usual ones drop them. Without padding it was cut there. */
static void bits_that_no_byte_holds_are_dropped(void **state)
{
  struct decoded result;
  (void)state;
  for (unsigned value = 0; value < 64; value++) {
    char one[4] = {'Q', alphabet[value], '=', '='}, two[4] = {'Q', 'U', alphabet[value], '='};
    unsigned char bytes[2] = {(unsigned char)('Q' - 'A') << 2, (unsigned char)(('U' - 'A') << 4 | value >> 2)};
    bytes[0] |= (unsigned char)(value >> 4);
    assert_decodes(one, 4, bytes, 1);
    bytes[0] = 'A';
    assert_decodes(two, 4, bytes, 2);
    for (size_t chunk = 1; chunk <= 4; chunk++) {
      decode(&result, one, 2, chunk, chunk);
      assert_int_equal(result.complete, value % 16 == 0);
      decode(&result, two, 3, chunk, chunk);
      assert_int_equal(result.complete, value % 4 == 0);
    }
  }
}

static void padding_may_be_more_than_it_should_be(void **state)
{
  static const char *const texts[][2] = {
      {"QUJD=", "ABC"},  {"QUJD==", "ABC"}, {"QUJD====", "ABC"},  {"QQ===", "A"}, {"QQ====", "A"}, {"QUI==", "AB"},
      {"QUI====", "AB"}, {"QQ== =", "A"},   {"AAB =\n=", "\0\0"}, {"====", ""},   {"=", ""}};
  (void)state;
  for (size_t i = 0; i < COUNT_OF(texts); i++)
    assert_decodes(texts[i][0], strlen(texts[i][0]), texts[i][1], i == 8 ? 2 : strlen(texts[i][1]));
}

static void what_ends_within_a_byte_is_not_complete(void **state)
{
  static const char *const texts[] = {"Q", "QUJDQ", "QR", "QR=", "QUJ", "QUJDQUJ", " Q", "QUJD Q ", "QQ==QQ"};
  struct decoded result;
  (void)state;
  for (size_t i = 0; i < COUNT_OF(texts); i++)
    for (size_t chunk = 1; chunk <= strlen(texts[i]); chunk++) {
      decode(&result, texts[i], strlen(texts[i]), chunk, chunk);
      assert_false(result.complete);
      assert_true(result.length <= 3); /* no byte of a group that is not whole */
    }
}

static void padding_may_be_missing(void **state)
{
  static const char *const texts[][2] = {{"QQ", "A"},         {"QQ=", "A"},         {"QUI", "AB"},   {"QUJDQQ", "ABCA"},
                                         {"QUJDQQ=", "ABCA"}, {"QUJDQUI", "ABCAB"}, {"QUI\n", "AB"}, {"QQ =\n", "A"}};
  (void)state;
  for (size_t i = 0; i < COUNT_OF(texts); i++)
    assert_decodes(texts[i][0], strlen(texts[i][0]), texts[i][1], strlen(texts[i][1]));
}

/* Lines of every length, with every line end, before, within and behind the text. */
static void white_space_may_stand_anywhere(void **state)
{
  static const char *const ends[] = {"\n", "\r\n", " ", "\t", "\n\n  "};
  unsigned char bytes[150];
  char clean[TEXT_MAX], text[3 * TEXT_MAX];
  (void)state;
  for (size_t i = 0; i < sizeof bytes; i++)
    bytes[i] = (unsigned char)(i * 37 + 11);
  for (size_t count = sizeof bytes - 3; count <= sizeof bytes; count++) {
    size_t length = encode(clean, bytes, count);
    for (size_t line = 1; line <= 80; line += line < 10 ? 1 : 11)
      for (size_t end = 0; end < COUNT_OF(ends); end++) {
        size_t used = 0;
        for (size_t at = 0; at <= length; at++) {
          if (at % line == 0 && used + strlen(ends[end]) < sizeof text) {
            memcpy(text + used, ends[end], strlen(ends[end]));
            used += strlen(ends[end]);
          }
          if (at < length)
            text[used++] = clean[at];
        }
        static const size_t pieces[] = {1, 2, 3, 7, 64, 76, 77, sizeof text};
        for (size_t i = 0; i < COUNT_OF(pieces); i++) {
          struct decoded result;
          decode(&result, text, used, pieces[i], pieces[i]);
          assert_true(result.complete);
          assert_int_equal(result.consumed, used);
          assert_int_equal(result.length, count);
          assert_memory_equal(result.bytes, bytes, count);
        }
      }
  }
}

static void the_start_of_a_data_url_is_skipped(void **state)
{
  static const char *const starts[] = {
      "data:image/png;base64,",
      "data:;base64,",
      "data:image/svg+xml;charset=utf-8;base64,",
      " \n data:image/png;base64,",
      "data:image/png;base64;base64,",
      "data:image/jpeg;name=\"x;base6;b\";base64,",
      "data:image/png;base64, \n",
  };
  static const char *const none[] = {
      "data:",           "data:image/png",        "data:,",
      "data:image/png,", "data:image/png;base6,", "data:image/png;base64 ,",
      "data:;base64;,",  "data:;base64x,",        "data:image/png;base64",
  };
  static const char *const like_it[][2] = {
      {"data", "u\xab\x5a"},   {"dat=", "u\xab"},       {"da==", "u"},           {"datadata", "u\xab\x5au\xab\x5a"},
      {"d\nata", "u\xab\x5a"}, {"dat\na", "u\xab\x5a"}, {"data\n", "u\xab\x5a"}, {"dadata", "u\xa7\x5a\xb5"}};
  struct decoded result;
  (void)state;
  for (size_t i = 0; i < COUNT_OF(starts); i++) {
    char text[TEXT_MAX];
    size_t length = (size_t)snprintf(text, sizeof text, "%sZm9vYmE=", starts[i]);
    assert_decodes(text, length, "fooba", 5);
    text[length - 3] = '*';
    decode(&result, text, length, 5, 3);
    assert_false(result.good);
    assert_int_equal(result.consumed, length - 3); /* of all the text, the start included */
  }
  for (size_t i = 0; i < COUNT_OF(none); i++)
    for (size_t chunk = 1; chunk <= strlen(none[i]); chunk++) {
      decode(&result, none[i], strlen(none[i]), chunk, chunk);
      assert_false(result.complete);
      assert_int_equal(result.length, 0);
    }
  for (size_t i = 0; i < COUNT_OF(like_it); i++)
    assert_agrees(like_it[i][0], strlen(like_it[i][0]));
  (void)like_it;
}

/* It is bounded: a text that begins like a URL and never ends is refused soon. */
static void the_start_of_a_data_url_is_bounded(void **state)
{
  char text[TEXT_MAX];
  struct decoded result;
  (void)state;
  memset(text, 'x', sizeof text);
  memcpy(text, "data:", 5);
  decode(&result, text, sizeof text, 100, 100);
  assert_false(result.good);
  assert_true(result.consumed < 300);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(flaws_of_padding),
      cmocka_unit_test(bits_that_no_byte_holds_are_dropped),
      cmocka_unit_test(padding_may_be_more_than_it_should_be),
      cmocka_unit_test(what_ends_within_a_byte_is_not_complete),
      cmocka_unit_test(padding_may_be_missing),
      cmocka_unit_test(white_space_may_stand_anywhere),
      cmocka_unit_test(the_start_of_a_data_url_is_skipped),
      cmocka_unit_test(the_start_of_a_data_url_is_bounded),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
