#include "payload/scanner.h"

#include <string.h>

enum state {
  START, /* where a byte order mark may stand; its two other bytes come in MARK */
  MARK,
  VALUE,
  FIRST_ENTRY, /* a value or ] */
  FIRST_KEY,   /* a key or } */
  NEXT_KEY,
  COLON,
  AFTER_VALUE,
  IN_STRING,
  ESCAPE,
  WORD,
  NUMBER
};

enum string { OTHER, KEY, WANTED, PAYLOAD };

void scanner_init(struct scanner *s, const struct scanner_path *paths, unsigned count, scanner_sink *sink,
                  scanner_reader *reader, void *context)
{
  memset(s, 0, sizeof *s);
  s->paths = paths;
  s->path_count = count;
  s->sink = sink;
  s->reader = reader;
  s->context = context;
  s->state = START;
  s->string = OTHER;
  s->here = count < SCANNER_MAX_PATHS ? ((uint64_t)1 << count) - 1 : UINT64_MAX;
}

bool scanner_in_payload(const struct scanner *s)
{
  return s->string == PAYLOAD;
}

static void fail(struct scanner *s, const char *flaw)
{
  if (!s->stopped)
    s->flaw = flaw;
  s->stopped = true;
}

static void emit(struct scanner *s, enum scanner_event event, unsigned path, const char *bytes, size_t length)
{
  if (!s->stopped && !s->sink(s->context, event, path, s->index, bytes, length))
    s->stopped = true;
}

/* -------------------------------------------------------------------------------------------------------- paths -- */

static bool in_object(const struct scanner *s)
{
  return s->depth > 0 && (s->objects[s->depth / 8] >> s->depth % 8 & 1) != 0;
}

static bool fits_step(const struct scanner *s, const char *step)
{
  if (step[0] == '*' && step[1] == '\0')
    return true;
  if (!in_object(s))
    return strcmp(step, "[]") == 0;
  return strlen(step) == s->token_length && memcmp(step, s->token, s->token_length) == 0;
}

/* Finds the paths that lead to the value that comes next: of those that lead into the innermost bracket, those whose
   next step is the key, or the list's. */
static void follow(struct scanner *s)
{
  uint64_t into = s->depth <= SCANNER_MAX_STEPS ? s->fits[s->depth] : 0;
  s->here = 0;
  for (unsigned path = 0; into != 0 && path < s->path_count; path++)
    if ((into >> path & 1) != 0 && fits_step(s, s->paths[path].steps[s->depth - 1]))
      s->here |= (uint64_t)1 << path;
}

/* Whether a path goes on behind so many steps. */
static bool is_longer(const struct scanner_path *path, unsigned steps)
{
  return steps < SCANNER_MAX_STEPS && path->steps[steps] != NULL;
}

/* The first path that ends at the value that comes next; path_count: none does. */
static unsigned path_here(const struct scanner *s)
{
  for (unsigned path = 0; s->here != 0 && path < s->path_count; path++)
    if ((s->here >> path & 1) != 0 && !is_longer(&s->paths[path], s->depth))
      return path;
  return s->path_count;
}

static bool is_wanted(const struct scanner *s)
{
  return s->path < s->path_count;
}

/* ----------------------------------------------------------------------------------------------------- brackets -- */

static void open_bracket(struct scanner *s, bool object)
{
  unsigned path = path_here(s), inside = s->depth + 1;
  if (inside > SCANNER_MAX_DEPTH) {
    fail(s, "it is nested too deeply");
    return;
  }
  if (path < s->path_count)
    emit(s, object ? SCANNER_OBJECT : SCANNER_LIST, path, NULL, 0);
  if (inside <= SCANNER_MAX_STEPS) {
    s->fits[inside] = 0;
    for (unsigned i = 0; s->here != 0 && i < s->path_count; i++)
      if ((s->here >> i & 1) != 0 && is_longer(&s->paths[i], s->depth))
        s->fits[inside] |= (uint64_t)1 << i;
  }
  s->depth = inside;
  unsigned char bit = (unsigned char)(1u << inside % 8);
  s->objects[inside / 8] = (unsigned char)(object ? s->objects[inside / 8] | bit : s->objects[inside / 8] & ~bit);
  s->state = object ? FIRST_KEY : FIRST_ENTRY;
  if (object)
    return;
  if (s->lists == 0) {
    s->lists = inside;
    s->index = 0;
  }
  follow(s);
}

static void close_bracket(struct scanner *s, char c)
{
  if (in_object(s) != (c == '}')) {
    fail(s, "the wrong bracket closes");
    return;
  }
  if (s->lists == s->depth) {
    s->lists = 0;
    s->index = 0;
  }
  s->depth--;
  s->state = AFTER_VALUE;
}

static void after_value(struct scanner *s, char c)
{
  if (s->depth == 0)
    fail(s, "only white space may follow");
  else if (c == '}' || c == ']')
    close_bracket(s, c);
  else if (c != ',')
    fail(s, in_object(s) ? "a comma or } is missing" : "a comma or ] is missing");
  else if (in_object(s))
    s->state = NEXT_KEY;
  else {
    if (s->lists == s->depth)
      s->index++;
    follow(s);
    s->state = VALUE;
  }
}

/* ------------------------------------------------------------------------------------------------------ strings -- */

/* A piece of the current string, unescaped, for those who read it. */
static void piece(struct scanner *s, const char *bytes, size_t length)
{
  if (s->string == PAYLOAD || s->string == WANTED)
    emit(s, SCANNER_TEXT, s->path, bytes, length);
  else if (s->string == KEY) {
    if (s->token_length < SCANNER_MAX_KEY && length < SCANNER_MAX_KEY - s->token_length)
      memcpy(s->token + s->token_length, bytes, length);
    s->token_length += length;
  }
}

/* The same, behind what stands for the half of a surrogate pair whose other half did not come. */
static void text(struct scanner *s, const char *bytes, size_t length)
{
  char half[ESCAPE_MAX];
  size_t size = escape_flush(&s->escape, half);
  if (size > 0)
    piece(s, half, size);
  if (length > 0)
    piece(s, bytes, length);
}

static void begin_string(struct scanner *s, bool key)
{
  s->state = IN_STRING;
  s->escape = (struct escape){.half = 0};
  s->token_length = 0;
  if (key) {
    s->string = KEY;
    return;
  }
  s->path = path_here(s);
  s->string = !is_wanted(s) ? OTHER : s->paths[s->path].payload ? PAYLOAD : WANTED;
  if (is_wanted(s))
    emit(s, SCANNER_TEXT_BEGIN, s->path, NULL, 0);
}

static void end_string(struct scanner *s)
{
  text(s, "", 0); /* of half a surrogate pair at the end */
  bool key = s->string == KEY, wanted = s->string == WANTED || s->string == PAYLOAD;
  s->string = OTHER;
  s->state = key ? COLON : AFTER_VALUE;
  if (key)
    follow(s);
  else if (wanted)
    emit(s, SCANNER_TEXT_END, s->path, NULL, 0);
}

static void escape(struct scanner *s, char c)
{
  char out[ESCAPE_MAX];
  size_t length;
  enum escape_state state = escape_next(&s->escape, c, out, &length);
  if (state == ESCAPE_BROKEN)
    fail(s, "an escape is broken");
  if (state != ESCAPE_DONE)
    return;
  s->state = IN_STRING;
  if (length > 0)
    piece(s, out, length);
}

/* As much of a string as needs no thought. A search for the quote, then one for a backslash before it, would go over the
   rest of the piece for each escape. */
static size_t run(struct scanner *s, const char *bytes, size_t length)
{
  bool payload = s->string == PAYLOAD; /* a NUL in it is its reader's to judge */
  size_t read = payload && s->reader != NULL && s->escape.half == 0 ? s->reader(s->context, bytes, length) : 0,
         at = read;
  while (at < length && bytes[at] != '"' && bytes[at] != '\\' && (bytes[at] != '\0' || payload))
    at++;
  if (at > read)
    text(s, bytes + read, at - read);
  return at;
}

/* -------------------------------------------------------------------------------------------- numbers and words -- */

static void begin_number(struct scanner *s, char c)
{
  s->path = path_here(s);
  s->token[0] = c;
  s->token_length = 1;
  s->number = number_next(NUMBER_NONE, c);
  s->state = NUMBER;
}

/* Its end shows only in what follows. */
static void end_number(struct scanner *s)
{
  s->state = AFTER_VALUE;
  if (!number_is_whole(s->number))
    fail(s, "a number is broken");
  else if (is_wanted(s))
    emit(s, SCANNER_NUMBER, s->path, s->token, s->token_length <= SCANNER_MAX_NUMBER ? s->token_length : 0);
}

static void begin_word(struct scanner *s, enum scanner_event event, const char *rest)
{
  s->path = path_here(s);
  s->word_event = event;
  s->word = rest;
  s->state = WORD;
}

static void word(struct scanner *s, char c)
{
  if (*s->word != c) {
    fail(s, "a value is missing");
    return;
  }
  if (*++s->word != '\0')
    return;
  s->state = AFTER_VALUE;
  if (is_wanted(s))
    emit(s, s->word_event, s->path, NULL, 0);
}

static void value(struct scanner *s, char c)
{
  switch (c) {
  case '{':
  case '[':
    open_bracket(s, c == '{');
    break;
  case '"':
    begin_string(s, false);
    break;
  case 't':
    begin_word(s, SCANNER_TRUE, "rue");
    break;
  case 'f':
    begin_word(s, SCANNER_FALSE, "alse");
    break;
  case 'n':
    begin_word(s, SCANNER_NULL, "ull");
    break;
  default:
    if (number_next(NUMBER_NONE, c) != NUMBER_NONE)
      begin_number(s, c);
    else
      fail(s, "a value is missing");
  }
}

/* --------------------------------------------------------------------------------------------------------- text -- */

static bool is_space(char c)
{
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* One byte, outside of strings and in their escapes. */
static void step(struct scanner *s, char c)
{
  static const char mark[] = "\xef\xbb\xbf";
  if (s->state == START) {
    s->state = c == mark[0] ? MARK : VALUE;
    s->token_length = 1;
    if (s->state == MARK)
      return;
  }
  if (s->state == NUMBER) {
    enum number_part next = number_next(s->number, c);
    if (next != NUMBER_NONE) {
      s->number = next;
      if (s->token_length < SCANNER_MAX_NUMBER)
        s->token[s->token_length] = c;
      s->token_length += s->token_length <= SCANNER_MAX_NUMBER;
      return;
    }
    end_number(s);
    if (s->stopped)
      return;
  }
  if (s->state <= AFTER_VALUE && s->state != MARK && is_space(c))
    return;
  switch ((enum state)s->state) {
  case MARK:
    if (c != mark[s->token_length])
      fail(s, "a value is missing");
    else if (++s->token_length == sizeof mark - 1)
      s->state = VALUE;
    break;
  case FIRST_ENTRY:
    if (c == ']')
      close_bracket(s, c);
    else
      value(s, c);
    break;
  case FIRST_KEY:
  case NEXT_KEY:
    if (c == '"')
      begin_string(s, true);
    else if (c == '}' && s->state == FIRST_KEY)
      close_bracket(s, c);
    else
      fail(s, "a key in double quotes is missing");
    break;
  case COLON:
    if (c == ':')
      s->state = VALUE;
    else
      fail(s, "a colon is missing");
    break;
  case AFTER_VALUE:
    after_value(s, c);
    break;
  case IN_STRING:
    if (c == '"')
      end_string(s);
    else if (c == '\\')
      s->state = ESCAPE;
    else
      fail(s, "a string holds a NUL");
    break;
  case ESCAPE:
    escape(s, c);
    break;
  case WORD:
    word(s, c);
    break;
  default:
    value(s, c);
  }
}

/* Scans until a payload's text gives way to the envelope, or the other way round. Returns the bytes taken. */
static size_t scan(struct scanner *s, const char *bytes, size_t length)
{
  bool payload = scanner_in_payload(s);
  size_t at = 0;
  while (at < length && !s->stopped && scanner_in_payload(s) == payload) {
    size_t taken = s->state == IN_STRING ? run(s, bytes + at, length - at) : 0;
    if (taken == 0 && !s->stopped) {
      step(s, bytes[at]);
      taken = s->stopped ? 0 : 1;
    }
    at += taken;
    s->at += taken;
  }
  return at;
}

bool scanner_feed(struct scanner *s, const char *bytes, size_t length)
{
  while (length > 0 && !s->stopped) {
    bool payload = scanner_in_payload(s);
    size_t taken = scan(s, bytes, length);
    /* A payload's last quote is the envelope's again. */
    size_t skipped = !payload ? 0 : scanner_in_payload(s) || taken == 0 ? taken : taken - 1;
    if (taken > skipped)
      emit(s, SCANNER_ENVELOPE, 0, bytes + skipped, taken - skipped);
    bytes += taken;
    length -= taken;
  }
  return !s->stopped;
}

bool scanner_is_whole(const struct scanner *s)
{
  return !s->stopped && s->state == AFTER_VALUE && s->depth == 0;
}

bool scanner_end(struct scanner *s)
{
  if (!s->stopped && s->depth == 0 && s->state == NUMBER)
    end_number(s);
  if (!scanner_is_whole(s))
    fail(s, "it ends too early");
  return !s->stopped;
}
