#include "payload/splitter.h"

#include <string.h>

enum state { BETWEEN, IN_STRING, AFTER_BACKSLASH, IN_UNICODE };
enum string { KEY, PICTURE, URL, OTHER };

void splitter_init(struct splitter *splitter, splitter_sink *sink, splitter_reader *reader, void *context)
{
  memset(splitter, 0, sizeof *splitter);
  splitter->sink = sink;
  splitter->reader = reader;
  splitter->context = context;
  splitter->state = BETWEEN;
  splitter->string = OTHER;
}

static bool emit(struct splitter *s, enum splitter_event event, const char *bytes, size_t length)
{
  if (!s->broken && !s->sink(s->context, event, s->index, bytes, length))
    s->broken = true;
  return !s->broken;
}

static bool key_is(const struct splitter *s, const char *name)
{
  size_t length = strlen(name);
  return s->key_length == length && memcmp(s->key, name, length) == 0;
}

/* Whether the innermost open bracket lies on the path; only there do keys, commas and strings mean anything. */
static bool on_path(const struct splitter *s)
{
  return s->depth == s->matched && s->depth > 0;
}

static void open_bracket(struct splitter *s, char c)
{
  bool root = s->depth == 0 && s->matched == 0 && c == '{';
  bool data = s->depth == 1 && s->matched == 1 && c == '[' && !s->expect_key && key_is(s, "data");
  bool element = s->depth == 2 && s->matched == 2 && c == '{';
  s->depth++;
  if (root || data || element) {
    s->matched = s->depth;
    s->expect_key = !data;
    s->key_length = 0;
    if (data)
      s->index = 0;
  }
}

static void close_bracket(struct splitter *s)
{
  if (s->depth > 0)
    s->whole = --s->depth == 0;
  if (s->matched > s->depth) {
    s->matched = s->depth;
    s->expect_key = false;
    s->key_length = 0;
  }
}

static void comma(struct splitter *s)
{
  if (!on_path(s))
    return;
  if (s->depth == 2)
    s->index++;
  else
    s->expect_key = true;
}

static bool begin_string(struct splitter *s)
{
  s->state = IN_STRING;
  s->string = OTHER;
  if (!on_path(s) || s->depth == 2)
    return true;
  if (s->expect_key) {
    s->string = KEY;
    s->expect_key = false;
    s->key_length = 0;
    return true;
  }
  if (s->depth == 3 && key_is(s, "b64_json")) {
    s->string = PICTURE;
    return emit(s, SPLITTER_PICTURE_BEGIN, NULL, 0);
  }
  if (s->depth == 3 && key_is(s, "url")) {
    s->string = URL;
    return emit(s, SPLITTER_URL_BEGIN, NULL, 0);
  }
  return true;
}

static bool end_string(struct splitter *s)
{
  s->state = BETWEEN;
  if (s->string == PICTURE)
    return emit(s, SPLITTER_PICTURE_END, NULL, 0);
  if (s->string == URL)
    return emit(s, SPLITTER_URL_END, NULL, 0);
  return true;
}

/* Unescaped text of the current string, for those who read it. */
static bool text(struct splitter *s, const char *bytes, size_t length)
{
  if (s->string == PICTURE)
    return emit(s, SPLITTER_PICTURE, bytes, length);
  if (s->string == URL)
    return emit(s, SPLITTER_URL, bytes, length);
  if (s->string == KEY) {
    if (length < SPLITTER_KEY_MAX - s->key_length) {
      memcpy(s->key + s->key_length, bytes, length);
      s->key_length += length;
    } else
      s->key_length = SPLITTER_KEY_MAX;
  }
  return true;
}

static int hex(char c)
{
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool unicode(struct splitter *s)
{
  unsigned unit = 0;
  for (unsigned i = 0; i < 4; i++) {
    int digit = hex(s->escape[i]);
    if (digit < 0) {
      s->broken = s->string != KEY;
      return !s->broken;
    }
    unit = unit << 4 | (unsigned)digit;
  }
  char out[3];
  if (unit < 0x80) {
    out[0] = (char)unit;
    return text(s, out, 1);
  }
  if (unit < 0x800) {
    out[0] = (char)(0xc0 | unit >> 6);
    out[1] = (char)(0x80 | (unit & 0x3f));
    return text(s, out, 2);
  }
  /* Half a surrogate pair becomes three bytes that are no UTF-8: neither base64 nor a URL has a place for it. */
  out[0] = (char)(0xe0 | unit >> 12);
  out[1] = (char)(0x80 | (unit >> 6 & 0x3f));
  out[2] = (char)(0x80 | (unit & 0x3f));
  return text(s, out, 3);
}

static bool escape(struct splitter *s, char c)
{
  static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
  s->state = IN_STRING;
  if (s->string == OTHER)
    return true;
  if (c == 'u') {
    s->state = IN_UNICODE;
    s->escape_length = 0;
    return true;
  }
  const char *found = memchr(from, c, sizeof from - 1);
  if (found != NULL)
    return text(s, to + (found - from), 1);
  s->broken = s->string != KEY; /* a broken key is the JSON reader's business */
  return !s->broken;
}

/* Bytes up to the string's next quote or backslash. */
static size_t plain(const char *bytes, size_t length)
{
  const char *quote = memchr(bytes, '"', length);
  if (quote != NULL)
    length = (size_t)(quote - bytes);
  const char *backslash = memchr(bytes, '\\', length);
  return backslash != NULL ? (size_t)(backslash - bytes) : length;
}

static bool between(struct splitter *s, char c)
{
  if (s->whole && memchr(" \t\r\n", c, 4) == NULL)
    s->whole = false;
  switch (c) {
  case '{':
  case '[':
    open_bracket(s, c);
    return true;
  case '}':
  case ']':
    close_bracket(s);
    return true;
  case ',':
    comma(s);
    return true;
  case '"':
    return begin_string(s);
  default:
    return true;
  }
}

/* Scans until what belongs to the envelope gives way to a picture, or the other way round. Returns the bytes taken. */
static size_t scan(struct splitter *s, const char *bytes, size_t length)
{
  bool picture = s->string == PICTURE && s->state != BETWEEN;
  size_t at = 0;
  while (at < length && !s->broken) {
    char c = bytes[at];
    switch ((enum state)s->state) {
    case BETWEEN:
      between(s, c);
      at++;
      if (s->state == IN_STRING && s->string == PICTURE)
        return at;
      break;
    case IN_STRING: {
      if (s->string == PICTURE && s->reader != NULL)
        at += s->reader(s->context, bytes + at, length - at);
      size_t run = plain(bytes + at, length - at);
      if (run > 0)
        text(s, bytes + at, run);
      at += run;
      if (at == length)
        break;
      if (bytes[at] == '"') {
        end_string(s);
        if (picture) { /* its closing quote is the envelope's again */
          emit(s, SPLITTER_ENVELOPE, "\"", 1);
          return at + 1;
        }
      } else
        s->state = AFTER_BACKSLASH;
      at++;
      break;
    }
    case AFTER_BACKSLASH:
      escape(s, c);
      at++;
      break;
    case IN_UNICODE:
      s->escape[s->escape_length++] = c;
      at++;
      if (s->escape_length == 4) {
        s->state = IN_STRING;
        unicode(s);
      }
      break;
    }
  }
  return at;
}

bool splitter_feed(struct splitter *s, const char *bytes, size_t length)
{
  while (length > 0 && !s->broken) {
    bool picture = s->string == PICTURE && s->state != BETWEEN;
    size_t taken = scan(s, bytes, length);
    if (!picture && taken > 0)
      emit(s, SPLITTER_ENVELOPE, bytes, taken);
    bytes += taken;
    length -= taken;
  }
  return !s->broken;
}
