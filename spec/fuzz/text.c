/* Texts that users gave: UTF-8 against a decoder of the target's own, cuts, quotes, copies, the distance of names. */
#define _POSIX_C_SOURCE 200809L

#include "base/text.h"

#include "fuzz.h"

/* RFC 3629 the long way round: decode the code point, then see whether it may be there and takes so many bytes. */
static size_t character(const unsigned char *text, size_t length)
{
  size_t size = text[0] < 0x80 ? 1 : text[0] >> 5 == 6 ? 2 : text[0] >> 4 == 14 ? 3 : text[0] >> 3 == 30 ? 4 : 0;
  if (size == 0 || size > length)
    return 0;
  unsigned long point = size == 1 ? text[0] : text[0] & (0x7fu >> size);
  for (size_t i = 1; i < size; i++) {
    if (text[i] >> 6 != 2)
      return 0;
    point = point << 6 | (text[i] & 0x3f);
  }
  size_t shortest = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  return shortest == size && point <= 0x10ffff && (point < 0xd800 || point > 0xdfff) ? size : 0;
}

static bool count(const char *text, size_t length, size_t *characters, size_t *at)
{
  *characters = *at = 0;
  while (*at < length) {
    size_t size = character((const unsigned char *)text + *at, length - *at);
    if (size == 0)
      return false;
    *at += size;
    ++*characters;
  }
  return true;
}

static bool is_text(const char *text, size_t length)
{
  size_t characters, at;
  return count(text, length, &characters, &at);
}

static void check_cuts(const char *text, size_t length, bool good)
{
  for (size_t max = 0; max <= length && max < 80; max++) {
    size_t cut = text_cut(text, length, max);
    CHECK(cut <= max && max - cut <= 3);
    CHECK(!good || is_text(text, cut));
    char *copy = malloc(max + 1);
    text_copy(copy, max + 1, text, length);
    CHECK(copy[cut] == '\0' && memcmp(copy, text, cut) == 0);
    free(copy);
  }
}

static void check_quote(const char *text, size_t length)
{
  char *out = malloc(TEXT_QUOTE_MAX);
  CHECK(text_quote(out, text, length) == out);
  size_t used = strnlen(out, TEXT_QUOTE_MAX);
  CHECK(used >= 2 && used < TEXT_QUOTE_MAX && out[0] == '"' && out[used - 1] == '"');
  CHECK(is_text(out, used));
  for (size_t i = 0; i < used; i++)
    CHECK((unsigned char)out[i] >= 0x20 && out[i] != 0x7f);
  free(out);
}

static void check_clean(const char *text, size_t length, bool good)
{
  char *out = exact_copy(text, length);
  text_clean(out, length);
  CHECK(is_text(out, length));
  for (size_t i = 0; i < length; i++) {
    unsigned char byte = (unsigned char)text[i];
    bool control = byte < 0x20 || byte == 0x7f, flaw = !good && byte >= 0x80;
    CHECK(out[i] == '?' ? byte == '?' || control || flaw : out[i] == text[i] && !control);
  }
  free(out);
}

static void check_distance(const char *bytes, size_t length, size_t middle)
{
  char *one = malloc(middle + 1), *other = malloc(length - middle + 1);
  text_copy(one, middle + 1, bytes, middle);
  text_copy(other, length - middle + 1, bytes + middle, length - middle);
  size_t n = strlen(one), m = strlen(other), longer = n > m ? n : m;
  unsigned distance = text_distance(one, other);
  CHECK(distance == text_distance(other, one));
  CHECK(longer < 64 ? distance <= longer && distance >= longer - (n < m ? n : m) : distance >= 64);
  CHECK(longer >= 64 || (distance == 0) == (n == m && text_starts_with(one, other)));
  CHECK(n >= 64 || text_distance(one, one) == 0);
  (void)text_is_near(one, distance);
  free(one);
  free(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct input input = {data, size};
  size_t characters, at, wanted_characters, wanted_at, middle = take_byte(&input);
  char *text = exact_copy(input.bytes, input.length);
  bool good = text_count(text, input.length, &characters, &at);
  CHECK(good == count(text, input.length, &wanted_characters, &wanted_at));
  CHECK(characters == wanted_characters && at == wanted_at);
  check_cuts(text, input.length, good);
  check_quote(text, input.length);
  check_clean(text, input.length, good);
  check_distance(text, input.length, middle < input.length ? middle : input.length);
  free(text);
  return 0;
}
