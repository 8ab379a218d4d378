/* Texts that users gave: counting, cutting, quoting, the distance of names. */
#include "check.h"

#include "base/text.h"

struct flaw {
  const char *text;
  size_t length, characters, at;
};

static void counts_characters_not_bytes(void **state)
{
  static const struct {
    const char *text;
    size_t characters;
  } good[] = {
      {"", 0},
      {"a cat", 5},
      {"\x7f", 1},
      {"\xc2\x80", 1},                 /* U+0080, the first of two bytes */
      {"\xdf\xbf", 1},                 /* U+07FF, the last */
      {"\xe0\xa0\x80", 1},             /* U+0800, the first of three */
      {"\xed\x9f\xbf", 1},             /* U+D7FF, before the surrogates */
      {"\xee\x80\x80", 1},             /* U+E000, after them */
      {"\xef\xbf\xbf", 1},             /* U+FFFF */
      {"\xf0\x90\x80\x80", 1},         /* U+10000, the first of four */
      {"\xf4\x8f\xbf\xbf", 1},         /* U+10FFFF, the last of all */
      {"\xe4\xb8\x80\xe5\x8f\xaa", 2}, /* Chinese */
      {"\xf0\x9f\x90\xb1!", 2},
      {"e\xcc\x81", 2}, /* a combining accent counts for itself */
  };
  (void)state;
  for (size_t i = 0; i < COUNT_OF(good); i++) {
    size_t characters = 99, at = 99, length = strlen(good[i].text);
    char *copy = exact_copy(good[i].text, length);
    assert_true(text_count(copy, length, &characters, &at));
    assert_int_equal(characters, good[i].characters);
    assert_int_equal(at, length);
    free(copy);
  }
  size_t characters, at;
  assert_true(text_count("a\0b", 3, &characters, &at)); /* NUL is UTF-8; rules refuse it, not this */
  assert_int_equal(characters, 3);
}

static void finds_where_utf8_ends(void **state)
{
  static const struct flaw flaws[] = {
      {"\x80", 1, 0, 0}, /* a continuation alone */
      {"ab\xbf", 3, 2, 2},
      {"\xc0\xaf", 2, 0, 0}, /* overlong / in two bytes */
      {"\xc1\xbf", 2, 0, 0},
      {"\xe0\x80\xaf", 3, 0, 0}, /* in three */
      {"\xe0\x9f\xbf", 3, 0, 0},
      {"\xf0\x80\x80\xaf", 4, 0, 0}, /* in four */
      {"\xf0\x8f\xbf\xbf", 4, 0, 0},
      {"x\xed\xa0\x80", 4, 1, 1}, /* surrogates, first and last */
      {"x\xed\xbf\xbf", 4, 1, 1},
      {"\xed\xa0\xbd\xed\xb8\x80", 6, 0, 0}, /* a pair of them (CESU-8) */
      {"\xf4\x90\x80\x80", 4, 0, 0},         /* U+110000 */
      {"\xf5\x80\x80\x80", 4, 0, 0},
      {"\xf8\x88\x80\x80\x80", 5, 0, 0}, /* forms that were dropped from UTF-8 */
      {"\xfe", 1, 0, 0},
      {"\xff", 1, 0, 0},
      {"\xc3", 1, 0, 0}, /* cut */
      {"\xe4\xb8", 2, 0, 0},
      {"\xe4\xb8\x80\xe4\xb8", 5, 1, 3},
      {"\xf0\x9f\x90", 3, 0, 0},
      {"\xc3(", 2, 0, 0}, /* torn by another character */
      {"\xe4(\x80", 3, 0, 0},
      {"\xe4\xb8(", 3, 0, 0},
      {"\xf0\x9f\x90(", 4, 0, 0},
      {"\xf0\x9f(\xb1", 4, 0, 0},
      {"\xe4\xb8\xe4\xb8\x80", 5, 0, 0},
  };
  (void)state;
  for (size_t i = 0; i < COUNT_OF(flaws); i++) {
    size_t characters = 99, at = 99;
    char *copy = exact_copy(flaws[i].text, flaws[i].length);
    assert_false(text_count(copy, flaws[i].length, &characters, &at));
    assert_int_equal(characters, flaws[i].characters);
    assert_int_equal(at, flaws[i].at);
    free(copy);
  }
}

/* Every sequence of two bytes, and of three and four whose last bytes are good, by the table of RFC 3629, section 4. */
static void agrees_with_the_grammar(void **state)
{
  (void)state;
  for (unsigned first = 0; first < 256; first++)
    for (unsigned second = 0; second < 256; second++) {
      size_t size = first < 0x80 ? 1 : first >= 0xc2 && first <= 0xdf ? 2 : first >= 0xe0 && first <= 0xef ? 3 : 4;
      bool good;
      if (first <= 0x7f)
        good = true;
      else if (first >= 0xc2 && first <= 0xdf)
        good = second >= 0x80 && second <= 0xbf;
      else if (first == 0xe0)
        good = second >= 0xa0 && second <= 0xbf;
      else if (first == 0xed)
        good = second >= 0x80 && second <= 0x9f;
      else if (first >= 0xe1 && first <= 0xef)
        good = second >= 0x80 && second <= 0xbf;
      else if (first == 0xf0)
        good = second >= 0x90 && second <= 0xbf;
      else if (first >= 0xf1 && first <= 0xf3)
        good = second >= 0x80 && second <= 0xbf;
      else
        good = first == 0xf4 && second >= 0x80 && second <= 0x8f;
      char text[4] = {(char)first, (char)second, '\x80', '\x80'};
      size_t characters, at;
      char *copy = exact_copy(text, size);
      assert_int_equal(text_count(copy, size, &characters, &at), good);
      free(copy);
    }
}

static void cuts_between_characters(void **state)
{
  static const struct {
    const char *text;
    size_t max, cut;
  } cuts[] = {
      {"", 0, 0},
      {"", 5, 0},
      {"abc", 3, 3},
      {"abc", 9, 3},
      {"abc", 2, 2},
      {"abc", 0, 0},
      {"\xe4\xb8\x80\xe5\x8f\xaa", 6, 6},
      {"\xe4\xb8\x80\xe5\x8f\xaa", 5, 3},
      {"\xe4\xb8\x80\xe5\x8f\xaa", 4, 3},
      {"\xe4\xb8\x80\xe5\x8f\xaa", 3, 3},
      {"\xe4\xb8\x80\xe5\x8f\xaa", 2, 0},
      {"\xe4\xb8\x80\xe5\x8f\xaa", 1, 0},
      {"a\xf0\x9f\x90\xb1z", 6, 6},
      {"a\xf0\x9f\x90\xb1z", 5, 5},
      {"a\xf0\x9f\x90\xb1z", 4, 1},
      {"a\xf0\x9f\x90\xb1z", 3, 1},
      {"a\xf0\x9f\x90\xb1z", 2, 1},
      {"a\xf0\x9f\x90\xb1z", 1, 1},
      {"\xc3\xa9\xc3\xa9", 3, 2},
  };
  (void)state;
  for (size_t i = 0; i < COUNT_OF(cuts); i++) {
    size_t length = strlen(cuts[i].text);
    char *copy = exact_copy(cuts[i].text, length);
    assert_int_equal(text_cut(copy, length, cuts[i].max), cuts[i].cut);
    free(copy);
  }
}

/* What is no UTF-8 has no characters to spare, but is still cut within its bound. */
static void cuts_anything_within_its_bound(void **state)
{
  uint32_t seed = 1;
  (void)state;
  for (int round = 0; round < 20000; round++) {
    char text[24];
    size_t length = next_random(&seed) % sizeof text, max = next_random(&seed) % sizeof text;
    for (size_t i = 0; i < length; i++)
      text[i] = (char)next_random(&seed);
    char *copy = exact_copy(text, length);
    size_t cut = text_cut(copy, length, max);
    assert_true(cut <= max && cut <= length);
    assert_true(length > max || cut == length);
    assert_true(cut == length || cut + 3 >= max); /* no more is given up than one character */
    free(copy);
  }
}

static void quotes(void **state)
{
  static const struct {
    const char *text;
    size_t length;
    const char *quoted;
  } texts[] = {
      {"", 0, "\"\""},
      {"cat", 3, "\"cat\""},
      {"\xe7\x8c\xab", 3, "\"\xe7\x8c\xab\""},
      {"a\nb\tc\x1b[31m\x7f", 11, "\"a?b?c?[31m?\""},
      {"a\0b", 3, "\"a?b\""},
      {"\xff\xfe", 2, "\"??\""},
      {"x\xe7\x8c", 3, "\"x??\""},
      {"\xed\xa0\x80", 3, "\"???\""},
  };
  char out[TEXT_QUOTE_MAX];
  (void)state;
  for (size_t i = 0; i < COUNT_OF(texts); i++) {
    char *copy = exact_copy(texts[i].text, texts[i].length);
    assert_ptr_equal(text_quote(out, copy, texts[i].length), out);
    assert_string_equal(out, texts[i].quoted);
    free(copy);
  }
}

static void quotes_long_texts_with_an_ellipsis(void **state)
{
  static const char *const characters[] = {"a", "\xc3\xa9", "\xe7\x8c\xab", "\xf0\x9f\x90\xb1", "\xff", "\n"};
  static const char ellipsis[] = "\xe2\x80\xa6\"";
  (void)state;
  for (size_t i = 0; i < COUNT_OF(characters); i++)
    for (size_t count = 0; count < 100; count++) {
      size_t size = strlen(characters[i]), length = count * size, counted, at;
      char text[400], *out = malloc(TEXT_QUOTE_MAX);
      assert_non_null(out);
      for (size_t k = 0; k < count; k++)
        memcpy(text + k * size, characters[i], size);
      char *copy = exact_copy(text, length);
      text_quote(out, copy, length);
      size_t used = strlen(out);
      assert_true(used < TEXT_QUOTE_MAX);
      assert_true(text_count(out, used, &counted, &at));
      assert_true(used >= 2 && out[0] == '"' && out[used - 1] == '"');
      bool cut = used > 4 && strcmp(out + used - 4, ellipsis) == 0;
      assert_true(cut ? counted - 3 < count : counted == count + 2);
      if (length <= 40)
        assert_false(cut);
      if (length >= TEXT_QUOTE_MAX)
        assert_true(cut && used > TEXT_QUOTE_MAX / 2);
      free(copy);
      free(out);
    }
}

static void cleans_what_cannot_be_shown(void **state)
{
  static const struct {
    const char *text, *cleaned;
    size_t length;
  } cases[] = {
      {"", "", 0},
      {"as it is: \xe7\x8c\xab", "as it is: \xe7\x8c\xab", 13},
      {"a\r\n\tb\v\f", "a???b??", 7},
      {"\x1b[2J\x7f\a", "?[2J??", 6},
      {"a\0b", "a?b", 3},
      {"\xff\xe7\x8c\xab\xfe", "?\xe7\x8c\xab?", 5},
      {"\xe7\x8c", "??", 2}, /* cut in a character */
      {"\xed\xa0\x80", "???", 3},
  };
  (void)state;
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    char *copy = exact_copy(cases[i].text, cases[i].length);
    text_clean(copy, cases[i].length);
    assert_memory_equal(copy, cases[i].cleaned, cases[i].length);
    free(copy);
  }
}

static void copies_what_fits(void **state)
{
  (void)state;
  for (size_t size = 1; size < 12; size++) {
    static const char *const fitting[] = {"",
                                          "",
                                          "",
                                          "\xe7\x8c\xab",
                                          "\xe7\x8c\xab",
                                          "\xe7\x8c\xab",
                                          "\xe7\x8c\xab\xe7\x8b\x97",
                                          "\xe7\x8c\xab\xe7\x8b\x97!"};
    char *out = malloc(size);
    assert_non_null(out);
    text_copy(out, size, "\xe7\x8c\xab\xe7\x8b\x97!", 7);
    assert_string_equal(out, fitting[size - 1 < 7 ? size - 1 : 7]);
    free(out);
  }
}

static void starts_are_compared_without_case(void **state)
{
  (void)state;
  assert_true(text_starts_with("Retry-After: 3", "retry-after"));
  assert_true(text_starts_with("IMAGE/PNG", "image/"));
  assert_true(text_starts_with("http", "http"));
  assert_true(text_starts_with("anything", ""));
  assert_true(text_starts_with("", ""));
  assert_false(text_starts_with("", "h"));
  assert_false(text_starts_with("htt", "http"));
  assert_false(text_starts_with("https", "httpx"));
  assert_false(text_starts_with("x-http", "http"));
  assert_false(text_starts_with("image-png", "image/"));
  assert_false(text_starts_with("\x0d", "-")); /* one bit apart, as a letter's two cases are */
  assert_false(text_starts_with("@", "`"));
  char *cut = exact_copy("htt", 4); /* nothing behind the NUL is looked at */
  assert_false(text_starts_with(cut, "http://"));
  free(cut);
  char *open = exact_copy("HTTP/1.1", 8); /* no NUL, but longer than the start */
  assert_true(text_starts_with(open, "http/"));
  assert_false(text_starts_with(open, "https"));
  free(open);
}

static void measures_distances(void **state)
{
  static const struct {
    const char *one, *other;
    unsigned distance;
  } pairs[] = {
      {"", "", 0},
      {"", "abc", 3},
      {"steps", "steps", 0},
      {"steps", "STEPS", 0},
      {"steps", "step", 1},   /* delete */
      {"promt", "prompt", 1}, /* insert */
      {"sead", "seed", 1},    /* replace */
      {"sede", "seed", 1},    /* swap */
      {"esed", "seed", 1},
      {"Sede", "sEED", 1},
      {"kitten", "sitting", 3},
      {"cfgscale", "cfg_scale", 1},
      {"cfg-scale", "cfg_scale", 1},
      {"guidance", "cfg_scale", 7},
      {"ca", "abc", 3}, /* optimal string alignment: no edit between swapped letters */
      {"prompt", "", 6},
  };
  char long_name[65];
  (void)state;
  for (size_t i = 0; i < COUNT_OF(pairs); i++) {
    assert_int_equal(text_distance(pairs[i].one, pairs[i].other), pairs[i].distance);
    assert_int_equal(text_distance(pairs[i].other, pairs[i].one), pairs[i].distance);
  }
  memset(long_name, 'a', 64);
  long_name[64] = '\0';
  assert_true(text_distance(long_name, long_name) >= 64);
  assert_true(text_distance(long_name, "a") >= 64);
  assert_true(text_distance("a", long_name) >= 64);
  assert_int_equal(text_distance(long_name + 1, long_name + 1), 0); /* 63 */
  assert_int_equal(text_distance(long_name + 1, long_name + 2), 1);
}

static void only_near_names_are_suggested(void **state)
{
  (void)state;
  assert_true(text_is_near("sead", text_distance("sead", "seed")));
  assert_true(text_is_near("negativ_promt", text_distance("negativ_promt", "negative_prompt")));
  assert_false(text_is_near("foo", text_distance("foo", "n")));
  assert_false(text_is_near("guidance", text_distance("guidance", "cfg_scale")));
  assert_false(text_is_near("", 64));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(counts_characters_not_bytes),
      cmocka_unit_test(finds_where_utf8_ends),
      cmocka_unit_test(agrees_with_the_grammar),
      cmocka_unit_test(cuts_between_characters),
      cmocka_unit_test(cuts_anything_within_its_bound),
      cmocka_unit_test(quotes),
      cmocka_unit_test(quotes_long_texts_with_an_ellipsis),
      cmocka_unit_test(cleans_what_cannot_be_shown),
      cmocka_unit_test(copies_what_fits),
      cmocka_unit_test(starts_are_compared_without_case),
      cmocka_unit_test(measures_distances),
      cmocka_unit_test(only_near_names_are_suggested),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
