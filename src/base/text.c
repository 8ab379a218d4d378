#include "base/text.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stepimg.h"

/* Length of the UTF-8 sequence at the start of text; 0 if it is none. */
static size_t sequence(const unsigned char *text, size_t length)
{
  unsigned char first = text[0];
  if (first < 0x80)
    return 1;
  size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || length < size)
    return 0;
  /* The second byte's range closes out overlong forms, surrogates and what lies beyond U+10FFFF. */
  unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (text[1] < low || text[1] > high)
    return 0;
  for (size_t i = 2; i < size; i++)
    if ((text[i] & 0xc0) != 0x80)
      return 0;
  return size;
}

bool text_count(const char *text, size_t length, size_t *characters, size_t *at)
{
  const unsigned char *bytes = (const unsigned char *)text;
  size_t count = 0, i = 0;
  while (i < length) {
    size_t size = sequence(bytes + i, length - i);
    if (size == 0)
      break;
    i += size;
    count++;
  }
  *characters = count;
  *at = i;
  return i == length;
}

bool stepimg_is_utf8(const char *text, size_t length)
{
  size_t characters, at;
  return text_count(text, length, &characters, &at);
}

bool text_has_control(const char *text, size_t length)
{
  for (size_t i = 0; i < length; i++)
    if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
      return true;
  return false;
}

size_t text_mark_length(const char *text, size_t length)
{
  static const char mark[] = {'\xef', '\xbb', '\xbf'};
  return length >= sizeof mark && memcmp(text, mark, sizeof mark) == 0 ? sizeof mark : 0;
}

static bool is_blank(char byte)
{
  return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

void text_trim(const char **text, size_t *length)
{
  for (; *length > 0 && is_blank(**text); --*length)
    ++*text;
  while (*length > 0 && is_blank((*text)[*length - 1]))
    --*length;
}

size_t text_encode(char out[4], unsigned long code)
{
  static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};
  size_t length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  for (size_t i = length - 1; i > 0; i--, code >>= 6)
    out[i] = (char)(0x80 | (code & 0x3f));
  out[0] = (char)(first[length] | code);
  return length;
}

size_t text_cut(const char *text, size_t length, size_t max)
{
  if (length <= max)
    return length;
  size_t cut = max;
  while (cut > 0 && max - cut < 3 && ((unsigned char)text[cut] & 0xc0) == 0x80)
    cut--;
  return ((unsigned char)text[cut] & 0xc0) == 0x80 ? max : cut;
}

const char *text_quote(char out[TEXT_QUOTE_MAX], const char *text, size_t length)
{
  static const char ellipsis[] = "\xe2\x80\xa6";
  const unsigned char *bytes = (const unsigned char *)text;
  size_t room = TEXT_QUOTE_MAX - sizeof ellipsis - 2, used = 0, i = 0;
  out[used++] = '"';
  while (i < length) {
    size_t size = sequence(bytes + i, length - i);
    bool shown = size > 1 || (size == 1 && bytes[i] >= 0x20 && bytes[i] != 0x7f);
    if (size == 0)
      size = 1;
    if (used + size > room)
      break;
    if (shown)
      memcpy(out + used, text + i, size);
    else
      out[used] = '?';
    used += shown ? size : 1;
    i += size;
  }
  if (i < length) {
    memcpy(out + used, ellipsis, sizeof ellipsis - 1);
    used += sizeof ellipsis - 1;
  }
  out[used++] = '"';
  out[used] = '\0';
  return out;
}

void text_clean(char *text, size_t length)
{
  const unsigned char *bytes = (const unsigned char *)text;
  for (size_t i = 0; i < length;) {
    size_t size = sequence(bytes + i, length - i);
    if (size == 0 || bytes[i] < 0x20 || bytes[i] == 0x7f)
      text[i] = '?';
    i += size > 0 ? size : 1;
  }
}

void text_copy(char *out, size_t size, const char *text, size_t length)
{
  size_t cut = text_cut(text, length, size - 1);
  memcpy(out, text, cut);
  out[cut] = '\0';
}

char *text_join(const char *start, size_t length, const char *end)
{
  size_t size = strlen(end) + 1;
  char *text = size <= SIZE_MAX - length ? malloc(length + size) : NULL;
  if (text == NULL)
    return NULL;
  if (length > 0)
    memcpy(text, start, length);
  memcpy(text + length, end, size);
  return text;
}

static char lower(char c)
{
  return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool text_starts_with(const char *text, const char *start)
{
  while (*start != '\0' && lower(*text) == lower(*start)) {
    text++;
    start++;
  }
  return *start == '\0';
}

static unsigned smaller(unsigned a, unsigned b)
{
  return a < b ? a : b;
}

/* Optimal string alignment, three rows at a time. */
unsigned text_distance(const char *one, const char *other)
{
  enum { MAX = 64 };
  size_t n = strlen(one), m = strlen(other);
  if (n >= MAX || m >= MAX)
    return MAX;
  unsigned rows[3][MAX];
  unsigned *before = rows[0], *last = rows[1], *row = rows[2];
  for (size_t j = 0; j <= m; j++)
    last[j] = before[j] = (unsigned)j;
  for (size_t i = 1; i <= n; i++) {
    row[0] = (unsigned)i;
    for (size_t j = 1; j <= m; j++) {
      bool same = lower(one[i - 1]) == lower(other[j - 1]);
      row[j] = smaller(smaller(last[j] + 1, row[j - 1] + 1), last[j - 1] + !same);
      if (i > 1 && j > 1 && lower(one[i - 1]) == lower(other[j - 2]) && lower(one[i - 2]) == lower(other[j - 1]))
        row[j] = smaller(row[j], before[j - 2] + 1);
    }
    unsigned *spare = before;
    before = last;
    last = row;
    row = spare;
  }
  return last[m];
}

bool text_is_near(const char *name, unsigned distance)
{
  size_t length = strlen(name);
  return distance <= (length < 4 ? 1 : length < 8 ? 2 : 3);
}

const char *text_number(char out[TEXT_NUMBER_MAX], double number, int digits)
{
  char local[TEXT_NUMBER_MAX];
  size_t used = 0;
  if (floor(number) == number && fabs(number) <= 9007199254740992.0) {
    snprintf(out, TEXT_NUMBER_MAX, "%lld", (long long)number);
    return out;
  }
  for (int least = digits > 0 ? digits : 15, most = digits > 0 ? digits : 17; least <= most; least++) {
    snprintf(local, sizeof local, "%.*g", least, number);
    if (strtod(local, NULL) == number)
      break;
  }
  for (size_t i = 0; local[i] != '\0'; i++)
    if (strchr("+-0123456789einfa", local[i]) != NULL)
      out[used++] = local[i];
    else if (used == 0 || out[used - 1] != '.') /* the locale's point, which may be several bytes */
      out[used++] = '.';
  out[used] = '\0';
  return out;
}
