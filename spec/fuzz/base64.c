/* The decoder: all its ways, whole and torn, against one that goes bit by bit. */
#include "payload/base64.h"

#include "fuzz.h"

enum { LONGEST_START = 256 };

struct decoded {
  bool good, complete;
  bool unsure; /* the reference knows only that it is not complete */
  unsigned char *bytes;
  size_t length;
  uint64_t consumed;
};

static bool is_space(char c)
{
  return c != '\0' && strchr(" \t\r\n", c) != NULL;
}

/* The characters of a data URL's start, behind white space; 0: it is none. */
static size_t url_start(const char *text, size_t length)
{
  size_t at = 0;
  while (at < length && is_space(text[at]))
    at++;
  if (length - at < 5 || memcmp(text + at, "data:", 5) != 0)
    return 0;
  const char *comma = memchr(text + at, ',', length - at);
  size_t end = comma != NULL ? (size_t)(comma - text) : length;
  bool named = comma != NULL && end - at >= 12 && memcmp(comma - 7, ";base64", 7) == 0;
  return named && end - at < 5 + LONGEST_START ? end + 1 : SIZE_MAX;
}

/* Reads the text as RFC 4648 has it, white space and what may be missing aside: first it takes all characters out, then it
   makes bytes of them. */
static struct decoded reference(const char *text, size_t length)
{
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  struct decoded out = {.good = true, .bytes = malloc(length + 8)};
  unsigned char *values = malloc(length + 1);
  size_t count = 0, padding = 0, from = url_start(text, length);
  if (from == SIZE_MAX) { /* it goes on as a URL that is none, or ends as one */
    out.unsure = true;
    from = length;
  }
  for (size_t at = from; at < length && out.good; at++) {
    const char *place = text[at] != '\0' ? strchr(alphabet, text[at]) : NULL;
    if (is_space(text[at]))
      continue;
    if (text[at] == '=') {
      out.good = count % 4 != 1;
      padding++;
    } else {
      out.good = place != NULL && padding == 0;
      if (out.good)
        values[count++] = (unsigned char)(place - alphabet);
    }
  }
  out.complete = out.good && !out.unsure && count % 4 != 1;
  for (size_t i = 0; i + 1 < count; i++) /* each byte begins in the character that its place names */
    if (i % 4 < 3)
      out.bytes[out.length++] = (unsigned char)(values[i] << (2 + 2 * (i % 4)) | values[i + 1] >> (4 - 2 * (i % 4)));
  if (count % 4 != 0 && count % 4 + padding < 4 && (values[count - 1] & (count % 4 == 2 ? 0xf : 3)) != 0)
    out.complete = false; /* it was cut */
  free(values);
  return out;
}

static struct decoded decode(enum base64_way way, const char *text, size_t length, uint32_t *random)
{
  struct decoded out = {.good = true, .bytes = malloc(length + 8)};
  struct base64 decoder;
  base64_init(&decoder);
  for (size_t at = 0; at < length && out.good;) {
    size_t piece = random != NULL ? next_piece(random, length - at) : length, written;
    char *in = exact_copy(text + at, piece);
    unsigned char *room = malloc(base64_bound(piece));
    out.good = base64_update_by(&decoder, way, in, piece, room, &written);
    CHECK(written <= base64_bound(piece));
    memcpy(out.bytes + out.length, room, written);
    out.length += written;
    free(room);
    free(in);
    at += piece;
  }
  size_t rest;
  unsigned char *room = malloc(3);
  out.complete = out.good && base64_final(&decoder, room, &rest);
  if (out.complete) {
    memcpy(out.bytes + out.length, room, rest);
    out.length += rest;
  }
  free(room);
  out.consumed = decoder.consumed;
  return out;
}

static void same(const struct decoded *one, const struct decoded *wanted)
{
  CHECK(one->complete == wanted->complete);
  if (wanted->unsure)
    return;
  CHECK(one->good == wanted->good);
  CHECK(one->complete ? one->length == wanted->length : one->length <= wanted->length);
  CHECK(memcmp(one->bytes, wanted->bytes, one->length) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct input input = {data, size};
  uint32_t seed = take_byte(&input);
  const char *text = (const char *)input.bytes;
  struct decoded wanted = reference(text, input.length);
  uint64_t consumed = 0;
  for (int way = BASE64_PLAIN; way <= (int)base64_best_way(); way++) {
    for (int torn = 0; torn < 2; torn++) {
      uint32_t random = seed;
      struct decoded got = decode((enum base64_way)way, text, input.length, torn ? &random : NULL);
      same(&got, &wanted);
      CHECK((way == BASE64_PLAIN && !torn) || got.consumed == consumed);
      consumed = got.consumed;
      free(got.bytes);
    }
  }
  free(wanted.bytes);
  return 0;
}
