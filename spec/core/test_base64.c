/* The base64 decoder: against the RFC's vectors, an encoder and a reference of the test's own, torn at every place. */
#include "reference.h"

static void the_vectors_of_rfc_4648(void **state)
{
  static const char *const vectors[][2] = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
  };
  (void)state;
  for (size_t i = 0; i < COUNT_OF(vectors); i++)
    assert_decodes(vectors[i][1], strlen(vectors[i][1]), vectors[i][0], strlen(vectors[i][0]));
  assert_decodes("//79/A==", 8, "\xff\xfe\xfd\xfc", 4);
  assert_decodes("++++", 4, "\xfb\xef\xbe", 3);
  assert_decodes("AAAA", 4, "\0\0\0", 3);
}

static void every_character_has_its_value(void **state)
{
  (void)state;
  for (unsigned value = 0; value < 64; value++) {
    char text[4] = {alphabet[value], alphabet[value], alphabet[value], alphabet[value]};
    unsigned char bytes[3] = {(unsigned char)(value << 2 | value >> 4), (unsigned char)(value << 4 | value >> 2),
                              (unsigned char)(value << 6 | value)};
    assert_decodes(text, 4, bytes, 3);
  }
}

static void round_trips_every_length_and_cut(void **state)
{
  uint32_t seed = 4648;
  (void)state;
  for (size_t length = 0; length <= 300; length++) {
    unsigned char bytes[300] = {0};
    char text[TEXT_MAX] = "";
    for (size_t i = 0; i < length; i++)
      bytes[i] = (unsigned char)next_random(&seed);
    assert_decodes(text, encode(text, bytes, length), bytes, length);
  }
}

static void every_byte_at_every_place(void **state)
{
  static const char *const texts[] = {"TWFuTWFu", "TWFuTWE=", "TWFuTQ==", "TWE=", "TQ==", "TWFu"};
  (void)state;
  for (size_t i = 0; i < COUNT_OF(texts); i++) {
    size_t length = strlen(texts[i]);
    for (size_t at = 0; at < length; at++)
      for (unsigned byte = 0; byte < 256; byte++) {
        char text[8];
        memcpy(text, texts[i], length);
        text[at] = (char)byte;
        assert_agrees(text, length);
      }
  }
}

/* A corrupted byte deep in a long run, where whole groups are decoded at once. */
static void every_byte_at_every_place_of_a_long_text(void **state)
{
  static const unsigned char bad[] = {0,   '\v', '\f', '=', '-',  '_',  '.',  ',',
                                      '@', '[',  '`',  '{', 0x7f, 0x80, 0xc1, 0xff};
  unsigned char bytes[90];
  char good[TEXT_MAX];
  struct decoded result;
  (void)state;
  for (size_t i = 0; i < sizeof bytes; i++)
    bytes[i] = (unsigned char)(i * 37 + 11);
  size_t length = encode(good, bytes, sizeof bytes);
  for (size_t at = 0; at < length; at++)
    for (size_t i = 0; i < sizeof bad; i++) {
      char text[TEXT_MAX];
      memcpy(text, good, length);
      text[at] = (char)bad[i];
      decode(&result, text, length, length, length);
      if (bad[i] == '=' && at == length - 1) /* nothing follows */
        continue;
      assert_false(result.good);
      /* a padding sign is at fault itself, or else what follows it */
      bool padding = bad[i] == '=' && at % 4 != 1;
      if (!padding)
        assert_int_equal(result.consumed, at);
      assert_true(result.consumed >= at && result.consumed <= at + 1);
      assert_true(result.length >= at / 4 * 3);
      assert_memory_equal(result.bytes, bytes, at / 4 * 3);
    }
}

static void an_empty_piece_changes_nothing(void **state)
{
  struct base64 decoder;
  unsigned char out[6];
  size_t written = 9;
  (void)state;
  base64_init(&decoder);
  assert_true(base64_final(&decoder, out, &written));
  assert_int_equal(written, 0);
  base64_init(&decoder);
  assert_true(base64_update(&decoder, "", 0, out, &written));
  assert_int_equal(written, 0);
  assert_true(base64_update(&decoder, "QU", 2, out, &written));
  assert_true(base64_update(&decoder, "", 0, out, &written));
  assert_int_equal(written, 0);
  assert_true(base64_update(&decoder, "I=", 2, out, &written));
  assert_int_equal(written, 2);
  assert_memory_equal(out, "AB", 2);
  assert_true(base64_update(&decoder, "", 0, out, &written));
  assert_true(base64_final(&decoder, out, &written));
  assert_int_equal(written, 0);
}

/* What stands behind a text is neither taken nor spoilt by it, wherever in a group a piece begins. */
static void clean_text_ends_where_something_else_begins(void **state)
{
  static const char mark[] = "data:", others[] = "\"\\=-_.\v\0\x80\xff";
  char text[256];
  (void)state;
  for (size_t length = 0; length <= 200; length++)
    for (size_t other = 0; other < sizeof others - 1; other++)
      for (size_t first = 0; first <= 4 && first <= length; first++) {
        struct base64 decoder, whole;
        unsigned char bytes[256], wanted[256];
        size_t written, rest, expected;
        for (size_t i = 0; i < length; i++)
          text[i] = alphabet[(i * 31 + length) % 64];
        if (length > 0 && text[0] == mark[0]) /* that is left to base64_update */
          text[0] = 'e';
        memset(text + length, others[other], sizeof text - length);
        base64_init(&decoder);
        assert_true(base64_update(&decoder, text, first, bytes, &written));
        char *in = exact_copy(text + first, length - first + 40);
        size_t taken = base64_clean(&decoder, in, length - first + 40, bytes + written, &rest);
        free(in);
        assert_int_equal(taken, (first % 4 != 0 && length < 4 ? length : length / 4 * 4) - first);
        base64_init(&whole);
        assert_true(base64_update(&whole, text, first + taken, wanted, &expected));
        assert_int_equal(written + rest, expected);
        assert_memory_equal(bytes, wanted, expected);
        if (first + taken > 0) /* else it was told by what follows that it is no URL */
          assert_memory_equal(&decoder, &whole, sizeof decoder);
      }
}

static void random_texts_agree_with_the_reference(void **state)
{
  static const char mostly[] = "QUJDZm9vYmFyAAAA////++++====\n ";
  uint32_t seed = 64;
  (void)state;
  for (int round = 0; round < 20000; round++) {
    char text[24];
    size_t length = 1 + next_random(&seed) % sizeof text;
    for (size_t i = 0; i < length; i++)
      text[i] = mostly[next_random(&seed) % (sizeof mostly - (i + 2 < length ? 6 : 1))];
    assert_agrees(text, length);
  }
}

/* Each way on texts of every length, clean and with each byte value at each place, against the plain one. */
static void all_ways_agree(void **state)
{
  enum { LONGEST = 160 }; /* two blocks of the largest */
#if defined(BASE64_HAS_NEON)
  static const size_t least[] = {[BASE64_NEON] = 64};
#else
  static const size_t least[] = {[BASE64_SSSE3] = 24, [BASE64_AVX2] = 48, [BASE64_AVX512] = 88};
#endif
  char text[LONGEST];
  (void)state;
  for (enum base64_way way = BASE64_PLAIN + 1; way <= base64_best_way(); way++)
    for (size_t length = 0; length <= LONGEST; length += length < 100 ? 1 : 10)
      for (size_t place = 0; place <= length; place++)
        for (unsigned value = 0; value < 256; value += place < length ? 1 : 256) {
          for (size_t i = 0; i < length; i++)
            text[i] = alphabet[(i * 31 + length) % 64];
          if (place < length)
            text[place] = (char)value;
          struct base64 plain, fast;
          unsigned char plain_out[LONGEST + 3] = {0}, fast_out[LONGEST + 3] = {0};
          size_t plain_written, fast_written;
          base64_init(&plain);
          base64_init(&fast);
          if (place == length) /* else a fast way that refuses all would agree too */
            assert_int_equal(base64_blocks(way, text, length, fast_out) > 0, length >= least[way]);
          bool good = base64_update_by(&plain, BASE64_PLAIN, text, length, plain_out, &plain_written);
          assert_int_equal(base64_update_by(&fast, way, text, length, fast_out, &fast_written), good);
          assert_int_equal(fast_written, plain_written);
          assert_memory_equal(fast_out, plain_out, plain_written);
          assert_int_equal(fast.consumed, plain.consumed);
          assert_int_equal(base64_final(&fast, fast_out, &fast_written),
                           base64_final(&plain, plain_out, &plain_written));
          assert_int_equal(fast_written, plain_written);
        }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_vectors_of_rfc_4648),
      cmocka_unit_test(every_character_has_its_value),
      cmocka_unit_test(round_trips_every_length_and_cut),
      cmocka_unit_test(every_byte_at_every_place),
      cmocka_unit_test(every_byte_at_every_place_of_a_long_text),
      cmocka_unit_test(an_empty_piece_changes_nothing),
      cmocka_unit_test(clean_text_ends_where_something_else_begins),
      cmocka_unit_test(random_texts_agree_with_the_reference),
      cmocka_unit_test(all_ways_agree),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
