#include "payload/markup.h"

#include <string.h>

#include "base/text.h"

static bool is_space(char c)
{
  return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool starts(const char *text, size_t length, const char *start)
{
  return length >= strlen(start) && text_starts_with(text, start);
}

/* Where a mark begins at or behind from; length: nowhere. */
static size_t find(const char *text, size_t length, size_t from, const char *mark)
{
  while (from < length && !starts(text + from, length - from, mark))
    from++;
  return from < length ? from : length;
}

bool markup_is_page(const char *body, size_t length)
{
  static const char *const roots[] = {"<!doctype html", "<html", "<head",   "<body",  "<title", "<h1",
                                      "<center",        "<meta", "<script", "<style", "<div",   "<table",
                                      "<iframe",        "<p>",   "<br"};
  size_t at = text_mark_length(body, length);
  for (;;) {
    while (at < length && is_space(body[at]))
      at++;
    bool comment = starts(body + at, length - at, "<!--");
    if (!comment && !starts(body + at, length - at, "<?xml"))
      break;
    const char *end = comment ? "-->" : "?>";
    at = find(body, length, at, end);
    at += at < length ? strlen(end) : 0;
  }
  for (size_t i = 0; i < sizeof roots / sizeof *roots; i++)
    if (starts(body + at, length - at, roots[i]))
      return true;
  return false;
}

/* ---------------------------------------------------------------------------------------------------------- text -- */

struct out {
  char *text;
  size_t used, size;
  bool gap; /* white space came, and something before it */
};

static void put(struct out *out, const char *bytes, size_t length)
{
  if (out->gap && out->used + 1 < out->size)
    out->text[out->used++] = ' ';
  out->gap = false;
  if (length < out->size - out->used) {
    memcpy(out->text + out->used, bytes, length);
    out->used += length;
  } else
    out->size = out->used + 1; /* full: what is shorter is not to stand behind what did not fit */
}

static void put_character(struct out *out, char c)
{
  if (is_space(c))
    out->gap = out->used > 0;
  else
    put(out, &c, 1);
}

void markup_plain(const char *text, size_t length, char *out, size_t size)
{
  struct out plain = {out, 0, size, false};
  for (size_t i = 0; i < length; i++)
    put_character(&plain, text[i]);
  out[plain.used] = '\0';
}

/* The character of &#...; 0: it is none. */
static unsigned long number_of(const char *digits, size_t length)
{
  unsigned long code = 0;
  unsigned base = length > 1 && (digits[0] == 'x' || digits[0] == 'X') ? 16 : 10;
  for (size_t i = base == 16; i < length; i++) {
    static const char all[] = "0123456789abcdef0123456789ABCDEF";
    const char *digit = memchr(all, digits[i], sizeof all - 1);
    unsigned value = digit != NULL ? (unsigned)(digit - all) % 16 : 16;
    if (value >= base || code > 0x10ffff)
      return 0;
    code = code * base + value;
  }
  return code;
}

/* The entity at the start of text, with its & and ;. Returns its length; 0: it is none that is known. */
static size_t entity(const char *text, size_t length, struct out *out)
{
  static const char *const names[][2] = {{"amp", "&"},  {"lt", "<"},    {"gt", ">"},    {"quot", "\""},   {"apos", "'"},
                                         {"nbsp", " "}, {"mdash", "-"}, {"ndash", "-"}, {"hellip", "..."}};
  enum { LONGEST = 10 };
  size_t end = 1;
  char bytes[4];
  while (end < length && end < LONGEST && text[end] != ';')
    end++;
  if (end == length || text[end] != ';')
    return 0;
  if (text[1] == '#') {
    unsigned long code = number_of(text + 2, end - 2);
    if (code == 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
      return 0;
    if (code == 0xa0 || (code < 0x80 && is_space((char)code)))
      put_character(out, ' ');
    else
      put(out, bytes, text_encode(bytes, code));
    return end + 1;
  }
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strlen(names[i][0]) == end - 1 && memcmp(names[i][0], text + 1, end - 1) == 0) {
      for (const char *c = names[i][1]; *c != '\0'; c++)
        put_character(out, *c);
      return end + 1;
    }
  return 0;
}

/* Where the text of the first such element begins; length: there is none. */
static size_t find_element(const char *body, size_t length, const char *element)
{
  size_t size = strlen(element);
  for (size_t at = find(body, length, 0, "<"); at < length; at = find(body, length, at + 1, "<")) {
    const char *name = body + at + 1;
    size_t left = length - at - 1;
    if (left <= size || !starts(name, left, element) || (name[size] != '>' && !is_space(name[size])))
      continue;
    at = find(body, length, at, ">");
    return at < length ? at + 1 : length;
  }
  return length;
}

bool markup_text(const char *body, size_t length, const char *element, char *out, size_t size)
{
  struct out text = {out, 0, size, false};
  size_t at = find_element(body, length, element), name = strlen(element);
  while (at < length) {
    const char *rest = body + at;
    size_t left = length - at, taken = 1;
    if (rest[0] == '<') {
      if (left > 2 + name && rest[1] == '/' && starts(rest + 2, left - 2, element))
        break;
      taken = find(rest, left, 0, ">") + 1;
      text.gap = text.used > 0;
    } else if (rest[0] != '&' || (taken = entity(rest, left, &text)) == 0) {
      put_character(&text, rest[0]);
      taken = 1;
    }
    at += taken;
  }
  out[text.used] = '\0';
  return out[0] != '\0';
}
