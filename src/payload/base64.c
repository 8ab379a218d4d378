#include "payload/base64.h"

#include <string.h>

const unsigned char base64_sextets[256] = {
#define BAD BASE64_BAD
#define X4 BAD, BAD, BAD, BAD
#define X16 X4, X4, X4, X4
    X16, X16, X4,  X4,  BAD, BAD, BAD, 62, BAD, BAD, BAD, 63,                  /* + / */
    52,  53,  54,  55,  56,  57,  58,  59, 60,  61,  BAD, BAD, X4,             /* 0-9 */
    BAD, 0,   1,   2,   3,   4,   5,   6,  7,   8,   9,   10,  11, 12, 13, 14, /* A-O */
    15,  16,  17,  18,  19,  20,  21,  22, 23,  24,  25,  BAD, X4,             /* P-Z */
    BAD, 26,  27,  28,  29,  30,  31,  32, 33,  34,  35,  36,  37, 38, 39, 40, /* a-o */
    41,  42,  43,  44,  45,  46,  47,  48, 49,  50,  51,  BAD, X4,             /* p-z */
    X16, X16, X16, X16, X16, X16, X16, X16
#undef BAD
#undef X4
#undef X16
};

void base64_init(struct base64 *decoder)
{
  memset(decoder, 0, sizeof *decoder);
}

/* One character, the slow way: padding and groups that were cut by the chunk's edge. */
static bool step(struct base64 *decoder, unsigned char c, unsigned char **out)
{
  if (c == '=') {
    if (decoder->sextets < 2)
      return false;
    decoder->padding++;
  } else {
    if (base64_sextets[c] == BASE64_BAD || decoder->padding > 0)
      return false;
    decoder->bits = decoder->bits << 6 | base64_sextets[c];
  }
  decoder->consumed++;
  if (++decoder->sextets < 4)
    return true;
  uint32_t bits = decoder->bits << 6 * decoder->padding;
  /* The bits that no byte holds must be clear: one text for one picture. */
  if ((decoder->padding == 1 && (bits & 0xff) != 0) || (decoder->padding == 2 && (bits & 0xffff) != 0))
    return false;
  *(*out)++ = (unsigned char)(bits >> 16);
  if (decoder->padding < 2)
    *(*out)++ = (unsigned char)(bits >> 8);
  if (decoder->padding < 1)
    *(*out)++ = (unsigned char)bits;
  decoder->bits = 0;
  decoder->sextets = decoder->padding > 0 ? 4 : 0; /* after padding nothing fits any more */
  return true;
}

/* Whole groups, three bytes at a time, as far as they are clean. Returns the characters taken. */
static size_t groups(const unsigned char *in, size_t length, unsigned char *out)
{
  size_t taken = 0;
  for (; length - taken >= 4; taken += 4, out += 3) {
    const unsigned char *next = in + taken;
    uint32_t a = base64_sextets[next[0]], b = base64_sextets[next[1]];
    uint32_t c = base64_sextets[next[2]], d = base64_sextets[next[3]];
    if ((a | b | c | d) > 63)
      break;
    uint32_t bits = a << 18 | b << 12 | c << 6 | d;
    out[0] = (unsigned char)(bits >> 16);
    out[1] = (unsigned char)(bits >> 8);
    out[2] = (unsigned char)bits;
  }
  return taken;
}

/* base64_clean in a given way. Each way leaves what is too short for it to the next slower one. */
static size_t clean_by(struct base64 *decoder, enum base64_way best, const char *in, size_t length, unsigned char **out)
{
  const unsigned char *next = (const unsigned char *)in, *end = next + length;
  while (decoder->sextets > 0 && decoder->padding == 0 && next < end && base64_sextets[*next] != BASE64_BAD)
    step(decoder, *next++, out);
  for (int way = (int)best; way >= BASE64_PLAIN && decoder->sextets == 0; way--) {
    size_t left = (size_t)(end - next);
    size_t taken = way > BASE64_PLAIN ? base64_blocks((enum base64_way)way, (const char *)next, left, *out)
                                      : groups(next, left, *out);
    next += taken;
    *out += taken / 4 * 3;
    decoder->consumed += taken;
  }
  return (size_t)((const char *)next - in);
}

size_t base64_clean(struct base64 *decoder, const char *in, size_t length, unsigned char *out, size_t *written)
{
  unsigned char *next = out;
  size_t taken = clean_by(decoder, base64_best_way(), in, length, &next);
  *written = (size_t)(next - out);
  return taken;
}

bool base64_update_by(struct base64 *decoder, enum base64_way way, const char *in, size_t length, unsigned char *out,
                      size_t *written)
{
  unsigned char *next = out;
  size_t taken = clean_by(decoder, way, in, length, &next);
  bool good = true;
  while (good && taken < length) /* a few are left, or there is a flaw among the next few */
    good = decoder->sextets < 4 && step(decoder, (unsigned char)in[taken++], &next);
  *written = (size_t)(next - out);
  return good;
}

bool base64_update(struct base64 *decoder, const char *in, size_t length, unsigned char *out, size_t *written)
{
  return base64_update_by(decoder, base64_best_way(), in, length, out, written);
}

bool base64_final(const struct base64 *decoder)
{
  return decoder->sextets == 0 || (decoder->sextets == 4 && decoder->bits == 0);
}
