#include "payload/escape.h"

#include <string.h>

#include "base/text.h"

static const uint32_t REPLACEMENT = 0xfffd, HIGH = 0xd800, LOW = 0xdc00, END = 0xe000;

size_t escape_flush(struct escape *escape, char out[ESCAPE_MAX])
{
  size_t length = escape->half != 0 ? text_encode(out, REPLACEMENT) : 0;
  escape->half = 0;
  return length;
}

/* The four digits are there. */
static size_t finish_unicode(struct escape *escape, char out[ESCAPE_MAX])
{
  uint32_t unit = escape->unit, half = escape->half;
  bool low = unit >= LOW && unit < END, high = unit >= HIGH && unit < LOW;
  escape->unicode = false;
  if (low && half != 0) {
    escape->half = 0;
    return text_encode(out, 0x10000 + ((half - HIGH) << 10) + (unit - LOW));
  }
  size_t length = escape_flush(escape, out);
  if (high)
    escape->half = unit;
  else
    length += text_encode(out + length, low ? REPLACEMENT : unit);
  return length;
}

static enum escape_state next_digit(struct escape *escape, char c, char out[ESCAPE_MAX], size_t *length)
{
  static const char digits[] = "0123456789abcdef";
  const char *digit = memchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c, sizeof digits - 1);
  if (digit == NULL)
    return ESCAPE_BROKEN;
  escape->unit = escape->unit << 4 | (uint32_t)(digit - digits);
  if (++escape->digits < 4)
    return ESCAPE_MORE;
  *length = finish_unicode(escape, out);
  return ESCAPE_DONE;
}

enum escape_state escape_next(struct escape *escape, char c, char out[ESCAPE_MAX], size_t *length)
{
  static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
  *length = 0;
  if (escape->unicode)
    return next_digit(escape, c, out, length);
  if (c == 'u') {
    escape->unicode = true;
    escape->digits = 0;
    escape->unit = 0;
    return ESCAPE_MORE;
  }
  const char *found = memchr(from, c, sizeof from - 1);
  if (found == NULL)
    return ESCAPE_BROKEN;
  *length = escape_flush(escape, out);
  out[(*length)++] = to[found - from];
  return ESCAPE_DONE;
}
