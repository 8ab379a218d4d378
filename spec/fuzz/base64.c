/* The decoder: all its ways, whole and torn, against one that goes bit by bit. */
#include "payload/base64.h"

#include "fuzz.h"

struct decoded {
  bool good, complete;
  unsigned char *bytes;
  size_t length;
  uint64_t consumed;
};

/* Reads the text as RFC 4648 has it. */
static struct decoded reference(const char *text, size_t length)
{
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  struct decoded out = {.good = true, .bytes = malloc(length + 1)};
  for (size_t at = 0; at < length && out.good; at += 4) {
    unsigned long bits = 0;
    unsigned count = 0, padding = 0;
    for (; count < 4 && at + count < length; count++) {
      char c = text[at + count];
      const char *place = c != '\0' ? strchr(alphabet, c) : NULL;
      bool ended = at > 0 && text[at - 1] == '=';
      if (ended || (c == '=' ? count < 2 : place == NULL || padding > 0)) {
        out.good = false;
        break;
      }
      out.consumed++;
      padding += c == '=';
      bits = bits << 6 | (place != NULL ? (unsigned long)(place - alphabet) : 0);
    }
    out.complete = false;
    if (count < 4)
      break;
    if (bits % (1ul << 8 * padding) != 0) { /* bits that no byte holds */
      out.good = false;
      break;
    }
    for (unsigned i = 0; i < 3 - padding; i++)
      out.bytes[out.length++] = (unsigned char)(bits >> (16 - 8 * i));
    out.complete = true;
  }
  out.complete = out.complete || length == 0;
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
  out.complete = out.good && base64_final(&decoder);
  out.consumed = decoder.consumed;
  return out;
}

static void same(const struct decoded *one, const struct decoded *other)
{
  CHECK(one->good == other->good);
  CHECK(one->length == other->length);
  CHECK(memcmp(one->bytes, other->bytes, one->length) == 0);
  CHECK(!one->good || one->complete == other->complete);
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
