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

/* A text that begins as "data:" does may be base64 as far as that. */
static const char mark[] = "data:", encoding[] = ";base64";

enum start { MAY_BE_URL, IN_URL, IN_TEXT };

enum { URL_MAX = 256, ENDED = 4 /* in sextets: after padding nothing fits any more */ };

void base64_init(struct base64 *decoder)
{
  memset(decoder, 0, sizeof *decoder);
  decoder->start = MAY_BE_URL;
}

static bool is_space(char c)
{
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A group is complete. Bits that no byte holds are dropped, as by all readers: no picture hangs on them. */
static void write_group(struct base64 *decoder, unsigned char **out)
{
  uint32_t bits = decoder->bits << 6 * decoder->padding;
  *(*out)++ = (unsigned char)(bits >> 16);
  if (decoder->padding < 2)
    *(*out)++ = (unsigned char)(bits >> 8);
  if (decoder->padding < 1)
    *(*out)++ = (unsigned char)bits;
  decoder->bits = 0;
  decoder->sextets = decoder->padding > 0 ? ENDED : 0;
}

/* One character of the text, the slow way. */
static bool text_step(struct base64 *decoder, char c, unsigned char **out)
{
  unsigned char sextet = base64_sextets[(unsigned char)c];
  if (is_space(c))
    return true;
  if (c == '=') {
    if (decoder->sextets == 1)
      return false;
    decoder->padding++;
    if (decoder->sextets == 0) /* more padding than there should be: some add it to whatever they have */
      decoder->sextets = ENDED;
    if (decoder->sextets == ENDED)
      return true;
  } else {
    if (sextet == BASE64_BAD || decoder->padding > 0)
      return false;
    decoder->bits = decoder->bits << 6 | sextet;
  }
  if (++decoder->sextets == 4)
    write_group(decoder, out);
  return true;
}

/* It is no URL: what looked like the start of one is text. */
static void begin_text(struct base64 *decoder, unsigned char **out)
{
  decoder->start = IN_TEXT;
  for (unsigned i = 0; i < decoder->matched; i++)
    text_step(decoder, mark[i], out);
}

/* One character, where a data URL may have begun. */
static bool start_step(struct base64 *decoder, char c, unsigned char **out)
{
  if (decoder->start == MAY_BE_URL) {
    if (decoder->matched == 0 && is_space(c))
      return true;
    if (c != mark[decoder->matched]) {
      begin_text(decoder, out);
      return text_step(decoder, c, out);
    }
    if (++decoder->matched == sizeof mark - 1) {
      decoder->start = IN_URL;
      decoder->matched = 0;
    }
    return true;
  }
  /* Of its media type and parameters only the last is asked for. */
  if (c == ',') {
    decoder->start = IN_TEXT;
    return decoder->matched == sizeof encoding - 1;
  }
  if (decoder->matched == sizeof encoding - 1 || c != encoding[decoder->matched])
    decoder->matched = 0;
  decoder->matched += c == encoding[decoder->matched];
  return ++decoder->url < URL_MAX;
}

static bool step(struct base64 *decoder, char c, unsigned char **out)
{
  uint64_t before = decoder->consumed;
  bool good = decoder->start == IN_TEXT ? text_step(decoder, c, out) : start_step(decoder, c, out);
  decoder->consumed = before + good;
  return good;
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

/* Takes what is of the alphabet from the front. Each way leaves what is too short for it to the next slower one. */
static size_t run(struct base64 *decoder, enum base64_way best, const char *in, size_t length, unsigned char **out)
{
  const char *next = in, *end = in + length;
  while (decoder->sextets > 0 && decoder->padding == 0 && next < end &&
         base64_sextets[(unsigned char)*next] != BASE64_BAD)
    step(decoder, *next++, out);
  for (int way = (int)best; way >= BASE64_PLAIN && decoder->sextets == 0; way--) {
    size_t left = (size_t)(end - next);
    size_t taken = way > BASE64_PLAIN ? base64_blocks((enum base64_way)way, next, left, *out)
                                      : groups((const unsigned char *)next, left, *out);
    next += taken;
    *out += taken / 4 * 3;
    decoder->consumed += taken;
  }
  return (size_t)(next - in);
}

/* base64_clean in a given way. */
static size_t clean_by(struct base64 *decoder, enum base64_way best, const char *in, size_t length, unsigned char **out)
{
  size_t taken = 0;
  if (length > 0 && decoder->start == MAY_BE_URL && decoder->matched == 0 && in[0] != mark[0] &&
      base64_sextets[(unsigned char)in[0]] != BASE64_BAD) /* what follows may be JSON's escape for a blank */
    decoder->start = IN_TEXT;
  while (taken < length && decoder->start == IN_TEXT) {
    taken += run(decoder, best, in + taken, length - taken, out);
    if (taken == length || !is_space(in[taken]))
      break;
    step(decoder, in[taken++], out);
  }
  return taken;
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
  size_t taken = 0;
  bool good = true;
  while (good && taken < length) { /* what is not clean is little, or a flaw */
    taken += clean_by(decoder, way, in + taken, length - taken, &next);
    if (taken < length)
      good = step(decoder, in[taken++], &next);
  }
  *written = (size_t)(next - out);
  return good;
}

bool base64_update(struct base64 *decoder, const char *in, size_t length, unsigned char *out, size_t *written)
{
  return base64_update_by(decoder, base64_best_way(), in, length, out, written);
}

bool base64_final(struct base64 *decoder, unsigned char out[3], size_t *written)
{
  unsigned char *next = out;
  if (decoder->start == MAY_BE_URL)
    begin_text(decoder, &next);
  bool good = decoder->start == IN_TEXT && decoder->sextets != 1;
  if (good && decoder->sextets > 0 && decoder->sextets < ENDED) { /* padding is missing, or a part of it */
    decoder->padding += ENDED - decoder->sextets;
    good = (decoder->bits & (decoder->padding == 1 ? 0x3 : 0xf)) == 0; /* else the text was cut in a byte */
    if (good)
      write_group(decoder, &next);
  }
  *written = (size_t)(next - out);
  return good;
}
