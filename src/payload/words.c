#include "payload/words.h"

#include <string.h>

#include "base/secret.h"
#include "base/text.h"
#include "payload/markup.h"
#include "payload/scanner.h"

/* Forms that were seen, the likeliest first: of two that fit, the first counts. */
static const struct scanner_path paths[] = {
    /* messages */
    {{"error", "message"}, false},
    {{"error", "msg"}, false},
    {{"error", "detail"}, false},
    {{"message"}, false},
    {{"message", "[]"}, false},
    {{"msg"}, false},
    {{"detail"}, false},
    {{"error_description"}, false},
    {{"error"}, false}, /* beside one of those it is the status in words */
    {{"detail", "[]", "msg"}, false},
    {{"detail", "message"}, false},
    {{"detail", "msg"}, false},
    {{"detail", "error"}, false},
    {{"detail", "error", "message"}, false},
    {{"detail", "[]"}, false},
    {{"errors", "message"}, false},
    {{"errors", "[]", "message"}, false},
    {{"errors", "[]", "detail"}, false},
    {{"errors", "[]", "msg"}, false},
    {{"errors", "[]"}, false},
    {{"errors", "*", "[]"}, false},
    {{"errors", "*"}, false},
    {{"errors"}, false},
    {{"error_message"}, false},
    {{"error_msg"}, false},
    {{"errorMessage"}, false},
    {{"errmsg"}, false},
    {{"Message"}, false},
    {{"reason"}, false},
    {{"title"}, false},
    {{"data", "[]", "error", "message"}, false},
    {{"data", "[]", "error"}, false},
    {{"data", "[]", "message"}, false},
    {{"[]"}, false},
    {{"*", "error", "message"}, false},
    {{"*", "error"}, false},
    {{"*", "message"}, false},
    {{"*", "msg"}, false},
    {{"*", "detail"}, false},
    {{"*", "*", "error", "message"}, false},
    {{"*", "*", "message"}, false},
    {{"*", "*", "msg"}, false},
    /* types */
    {{"error", "type"}, false},
    {{"type"}, false},
    {{"detail", "[]", "type"}, false},
    {{"errors", "[]", "type"}, false},
    {{"data", "[]", "error", "type"}, false},
    {{"*", "error", "type"}, false},
    {{"*", "*", "error", "type"}, false},
    /* codes */
    {{"error", "code"}, false},
    {{"code"}, false},
    {{"error_code"}, false},
    {{"errcode"}, false},
    {{"Code"}, false},
    {{"errors", "[]", "code"}, false},
    {{"data", "[]", "error", "code"}, false},
    {{"detail", "code"}, false},
    {{"*", "error", "code"}, false},
    {{"*", "code"}, false},
    {{"*", "*", "error", "code"}, false},
};

enum { PATH_COUNT = sizeof paths / sizeof *paths, QUOTE = 200 };

_Static_assert((int)PATH_COUNT <= (int)SCANNER_MAX_PATHS, "the scanner has no room for so many");

enum role { MESSAGE, TYPE, CODE, ROLES };

/* The text that is arriving, with room behind the longest: there the key may begin that is to be hidden. */
struct reader {
  const char *key;
  struct words *words;
  unsigned best[ROLES]; /* the paths of what was found; PATH_COUNT: nothing yet */
  unsigned path;        /* of the text; PATH_COUNT: none */
  char text[WORDS_MAX + 256];
  size_t length;
};

/* The last step says it. */
static enum role role_of(unsigned path)
{
  const char *last = "";
  for (size_t i = 0; i < SCANNER_MAX_STEPS && paths[path].steps[i] != NULL; i++)
    last = paths[path].steps[i];
  size_t length = strlen(last);
  if (strcmp(last, "type") == 0)
    return TYPE;
  return length >= 4 && text_starts_with(last + length - 4, "code") ? CODE : MESSAGE;
}

/* Copies a text to its place, fit to be shown: without the start of a character in which the body was cut. */
static void show(char *out, size_t size, char *text, size_t length, const char *key)
{
  size_t characters, at;
  bool cut = !text_count(text, length, &characters, &at) && length - at < 4;
  if (cut && (unsigned char)text[at] >= 0xc2 && (unsigned char)text[at] <= 0xf4)
    length = at;
  secret_hide(text, length, key);
  text_copy(out, size, text, length);
  text_clean(out, strlen(out));
}

/* The text is complete, or the body was cut in it. */
static void take(struct reader *reader)
{
  enum role role = role_of(reader->path);
  struct words *words = reader->words;
  char *places[] = {words->message, words->type, words->code};
  const size_t sizes[] = {sizeof words->message, sizeof words->type, sizeof words->code};
  size_t blanks = 0;
  while (blanks < reader->length && (reader->text[blanks] == ' ' || reader->text[blanks] == '\n'))
    blanks++;
  if (reader->path < reader->best[role] && blanks < reader->length) {
    reader->best[role] = reader->path;
    for (size_t i = 0; i < reader->length; i++) /* it is no end to what follows */
      reader->text[i] = (char)(reader->text[i] != '\0' ? reader->text[i] : '\1');
    show(places[role], sizes[role], reader->text, reader->length, reader->key);
  }
  reader->path = PATH_COUNT;
}

static void add(struct reader *reader, const char *bytes, size_t length)
{
  size_t room = sizeof reader->text - reader->length, taken = length < room ? length : room;
  if (taken > 0)
    memcpy(reader->text + reader->length, bytes, taken);
  reader->length += taken;
}

static bool read_value(void *context, enum scanner_event event, unsigned path, size_t index, const char *bytes,
                       size_t length)
{
  struct reader *reader = context;
  (void)index;
  switch (event) {
  case SCANNER_TEXT_BEGIN:
    reader->path = path;
    reader->length = 0;
    break;
  case SCANNER_TEXT:
    add(reader, bytes, length);
    break;
  case SCANNER_NUMBER:
    if (role_of(path) != CODE)
      break;
    reader->path = path;
    reader->length = 0;
    add(reader, bytes, length);
    take(reader);
    break;
  case SCANNER_TEXT_END:
    take(reader);
    break;
  default:
    break;
  }
  return true;
}

static void read_json(struct words *words, const char *body, size_t length, const char *key)
{
  struct reader reader = {.key = key, .words = words, .path = PATH_COUNT};
  struct scanner scanner;
  for (int role = 0; role < ROLES; role++)
    reader.best[role] = PATH_COUNT;
  scanner_init(&scanner, paths, PATH_COUNT, read_value, NULL, &reader);
  scanner_feed(&scanner, body, length);
  if (reader.path < PATH_COUNT)
    take(&reader);
  words->source = words->message[0] != '\0' ? WORDS_SAID : WORDS_NONE;
}

/* The text of an element, in a place of size bytes. */
static bool read_element(const char *body, size_t length, const char *element, char *out, size_t size, const char *key)
{
  char text[WORDS_MAX + 256];
  if (!markup_text(body, length, element, text, sizeof text))
    return false;
  show(out, size, text, strlen(text), key);
  return out[0] != '\0';
}

/* The beginning of what has no form that is known. What holds a NUL is no text. */
static void quote(struct words *words, const char *body, size_t length, const char *key)
{
  static const char ellipsis[] = "...";
  enum { SHORTEST = 5 };
  char text[QUOTE + 256];
  if (length < SHORTEST || memchr(body, '\0', length < sizeof text ? length : sizeof text) != NULL)
    return;
  markup_plain(body, length, text, sizeof text);
  size_t whole = strlen(text);
  show(words->message, QUOTE + 1, text, whole, key);
  if (whole < SHORTEST)
    words->message[0] = '\0';
  else if (whole > QUOTE)
    memcpy(words->message + strlen(words->message), ellipsis, sizeof ellipsis);
  words->source = words->message[0] != '\0' ? WORDS_QUOTED : WORDS_NONE;
}

void words_read(struct words *words, const char *body, size_t length, const char *key)
{
  char *message = words->message;
  memset(words, 0, sizeof *words);
  if (length == 0) /* body may be NULL */
    return;
  size_t mark = text_mark_length(body, length); /* some stores of files begin with one */
  body += mark;
  length -= mark;
  for (; length > 0 && (*body == ' ' || *body == '\t' || *body == '\r' || *body == '\n'); length--)
    body++;
  if (length == 0)
    return;
  if (words_is_page(body, length)) {
    if (read_element(body, length, "title", message, sizeof words->message, key) ||
        read_element(body, length, "h1", message, sizeof words->message, key))
      words->source = WORDS_PAGE;
    return;
  }
  if (body[0] != '<')
    read_json(words, body, length, key);
  else { /* XML, as of a store of files */
    if (read_element(body, length, "message", message, sizeof words->message, key))
      words->source = WORDS_SAID;
    read_element(body, length, "code", words->code, sizeof words->code, key);
  }
  if (words->source == WORDS_NONE)
    quote(words, body, length, key);
}

bool words_is_page(const char *body, size_t length)
{
  return markup_is_page(body, length);
}

/* part is in lower case. */
static bool has(const char *text, const char *part)
{
  size_t length = strlen(part);
  for (; *text != '\0'; text++) {
    size_t same = 0;
    while (same < length &&
           (text[same] >= 'A' && text[same] <= 'Z' ? text[same] - 'A' + 'a' : text[same]) == part[same])
      same++;
    if (same == length)
      return true;
  }
  return false;
}

bool words_miss_model(const struct words *words)
{
  static const char *const names[] = {"model", "模型"};
  static const char *const fates[] = {
      "not exist",     "not_exist",     "not found",     "not_found", "notfound", "offline",    "unknown",
      "not available", "unavailable",   "not supported", "no longer", "retired",  "deprecated", "decommissioned",
      "invalid model", "invalid_model", "no such model", "不存在",    "下线",     "停用"};
  const char *const texts[] = {words->code, words->type, words->source == WORDS_SAID ? words->message : ""};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    for (size_t j = 0; j < sizeof fates / sizeof *fates; j++)
      if ((has(texts[i], names[0]) || has(texts[i], names[1])) && has(texts[i], fates[j]))
        return true;
  return false;
}

bool words_miss_balance(const struct words *words)
{
  static const char *const names[] = {"insufficient_quota", "insufficient_user_quota", "insufficient_balance",
                                      "exceeded_current_quota_error"};
  static const char *const said[] = {
      "insufficient balance", "insufficient_balance",        "insufficient quota", "insufficient_quota",
      "insufficient funds",   "exceeded your current quota", "余额不足",           "欠费"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (has(words->code, names[i]) || has(words->type, names[i]))
      return true;
  for (size_t i = 0; i < sizeof said / sizeof *said; i++)
    if (words->source == WORDS_SAID && has(words->message, said[i]))
      return true;
  return false;
}
