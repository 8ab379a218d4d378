/* The base64 decoder: against the RFC's vectors, an encoder and a reference of the test's own, torn at every place. */
#include "check.h"

#include <stdio.h>

#include "payload/base64.h"

enum { TEXT_MAX = 512 };

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static size_t encode(char *out, const unsigned char *bytes, size_t length)
{
  size_t used = 0;
  for (size_t bit = 0; bit < length * 8; bit += 6) {
    unsigned value = 0;
    for (size_t i = bit; i < bit + 6; i++)
      value = value * 2 + (i < length * 8 ? (unsigned)(bytes[i / 8] >> (7 - i % 8)) % 2 : 0);
    out[used++] = alphabet[value];
  }
  while (used % 4 != 0)
    out[used++] = '=';
  return used;
}

static bool is_space(char c)
{
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The length of "data:…;base64,", behind white space, at the start of a text; 0: there is none. */
static size_t url_start(const char *text, size_t length)
{
  size_t at = 0;
  while (at < length && is_space(text[at]))
    at++;
  const char *comma = memchr(text + at, ',', length - at);
  if (length - at < 5 || memcmp(text + at, "data:", 5) != 0 || comma == NULL)
    return 0;
  size_t end = (size_t)(comma - text);
  return end - at >= 12 && memcmp(comma - 7, ";base64", 7) == 0 ? end + 1 : 0;
}

/* Decodes bit by bit. Returns whether the text is good as far as it goes, and in *flaw how much of it is. */
static bool reference(const char *text, size_t length, unsigned char *out, size_t *written, size_t *flaw, bool *whole)
{
  unsigned bits = 0, held = 0;
  size_t padding = 0, characters = 0;
  *written = 0;
  *whole = false;
  for (*flaw = url_start(text, length); *flaw < length; ++*flaw) {
    char c = text[*flaw];
    const char *place = c != '\0' ? strchr(alphabet, c) : NULL;
    if (is_space(c))
      continue;
    if (c == '=') {
      if (characters % 4 == 1)
        return false;
      padding++;
    } else {
      if (place == NULL || padding > 0)
        return false;
      characters++;
      bits = bits * 64 + (unsigned)(place - alphabet);
      held += 6;
      if (held >= 8) {
        held -= 8;
        out[(*written)++] = (unsigned char)(bits >> held);
        bits %= 1u << held;
      }
    }
  }
  size_t rest = characters % 4;
  *whole = rest != 1 && (rest == 0 || rest + padding >= 4 || bits == 0);
  return true;
}

struct decoded {
  bool good, complete;
  unsigned char bytes[TEXT_MAX];
  size_t length, consumed;
};

/* Feeds a text in pieces: one of `first` bytes, then of `chunk`. Each output block has just the promised size. */
static void decode(struct decoded *result, const char *text, size_t length, size_t first, size_t chunk)
{
  struct base64 decoder;
  base64_init(&decoder);
  memset(result, 0, sizeof *result);
  result->good = true;
  for (size_t at = 0, size = first; at < length && result->good; at += size, size = chunk) {
    if (size > length - at)
      size = length - at;
    size_t written = SIZE_MAX;
    char *in = exact_copy(text + at, size);
    unsigned char *out = malloc(base64_bound(size));
    assert_non_null(out);
    result->good = base64_update(&decoder, in, size, out, &written);
    assert_true(written <= base64_bound(size));
    assert_true(result->length + written <= sizeof result->bytes);
    memcpy(result->bytes + result->length, out, written);
    result->length += written;
    free(in);
    free(out);
  }
  result->consumed = (size_t)decoder.consumed;
  size_t written = SIZE_MAX;
  unsigned char *out = malloc(3);
  assert_non_null(out);
  result->complete = result->good && base64_final(&decoder, out, &written);
  if (result->complete) {
    assert_true(written <= 3);
    memcpy(result->bytes + result->length, out, written);
    result->length += written;
  }
  free(out);
}

static void assert_decodes(const char *text, size_t length, const void *bytes, size_t count)
{
  struct decoded result;
  for (size_t first = 1; first <= length + 1; first++)
    for (size_t chunk = first <= CHUNK_MAX ? first : length + 1; chunk != 0;
         chunk = chunk <= length ? length + 1 : 0) { /* every chunk size, and every cut into two */
      decode(&result, text, length, first, chunk);
      assert_true(result.good);
      assert_true(result.complete);
      assert_int_equal(result.consumed, length);
      assert_int_equal(result.length, count);
      assert_memory_equal(result.bytes, bytes, count);
    }
}

static void assert_agrees(const char *text, size_t length)
{
  struct decoded result;
  unsigned char bytes[TEXT_MAX];
  size_t count, flaw;
  bool whole, good = reference(text, length, bytes, &count, &flaw, &whole);
  for (size_t first = 1; first <= length; first++)
    for (int pass = 0; pass < 2; pass++) {
      decode(&result, text, length, first, pass == 0 ? first : length);
      assert_int_equal(result.good, good);
      assert_int_equal(result.consumed, flaw);
      assert_int_equal(result.complete, whole);
      assert_true(whole ? result.length == count : result.length <= count);
      assert_memory_equal(result.bytes, bytes, result.length);
    }
}

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
      cmocka_unit_test(flaws_of_padding),
      cmocka_unit_test(bits_that_no_byte_holds_are_dropped),
      cmocka_unit_test(padding_may_be_more_than_it_should_be),
      cmocka_unit_test(what_ends_within_a_byte_is_not_complete),
      cmocka_unit_test(padding_may_be_missing),
      cmocka_unit_test(white_space_may_stand_anywhere),
      cmocka_unit_test(the_start_of_a_data_url_is_skipped),
      cmocka_unit_test(the_start_of_a_data_url_is_bounded),
      cmocka_unit_test(an_empty_piece_changes_nothing),
      cmocka_unit_test(clean_text_ends_where_something_else_begins),
      cmocka_unit_test(random_texts_agree_with_the_reference),
      cmocka_unit_test(all_ways_agree),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
