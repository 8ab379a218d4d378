/* What the tests of the base64 decoder share: an encoder and a reference of their own, and texts torn at every place. */
#ifndef REFERENCE_H
#define REFERENCE_H

#include "check.h"

#include "payload/base64.h"

enum { TEXT_MAX = 512 };

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static inline size_t encode(char *out, const unsigned char *bytes, size_t length)
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

static inline bool is_space(char c)
{
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The length of "data:…;base64,", behind white space, at the start of a text; 0: there is none. */
static inline size_t url_start(const char *text, size_t length)
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
static inline bool reference(const char *text, size_t length, unsigned char *out, size_t *written, size_t *flaw,
                             bool *whole)
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
static inline void decode(struct decoded *result, const char *text, size_t length, size_t first, size_t chunk)
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

static inline void assert_decodes(const char *text, size_t length, const void *bytes, size_t count)
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

static inline void assert_agrees(const char *text, size_t length)
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

#endif
