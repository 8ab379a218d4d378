#include "base/secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

enum { SHORTEST_SECRET = 8 };

/* How many bytes of text are that character, whatever its case, as it is or as JSON or a URL may write it (\/, \u002b,
   %2b); 0: it is another. */
static size_t character_span(const char *text, size_t length, char c)
{
  const char plain[] = {c, '\0'};
  char written[7];
  if (length == 0)
    return 0;
  if (*text == '\\' && length > 5 && text[1] == 'u') {
    snprintf(written, sizeof written, "\\u%04x", (unsigned)(unsigned char)c);
    return text_starts_with(text, written) ? 6 : 0;
  }
  if (*text == '\\')
    return length > 1 && text_starts_with(text + 1, plain) ? 2 : 0;
  if (*text == '%' && length > 2) {
    snprintf(written, sizeof written, "%%%02x", (unsigned)(unsigned char)c);
    if (text_starts_with(text, written))
      return 3;
  }
  return text_starts_with(text, plain) ? 1 : 0;
}

/* How many bytes of text are the secret; 0: it is not there. At the end of text, which may have been cut, a part of the
   secret is enough. */
static size_t secret_span(const char *text, size_t length, const char *secret, size_t whole)
{
  size_t at = 0;
  if (length >= whole && text_starts_with(text, secret)) /* as it is: it may hold a backslash itself */
    return whole;
  for (const char *c = secret; *c != '\0'; c++) {
    size_t left = length - at, taken = character_span(text + at, left, *c);
    if (taken == 0)
      return left < 6 && c - secret >= SHORTEST_SECRET ? at : 0;
    at += taken;
  }
  return at;
}

void secret_hide(char *text, size_t length, const char *secret)
{
  size_t whole = secret != NULL ? strlen(secret) : 0;
  if (whole < SHORTEST_SECRET)
    return;
  for (size_t i = 0; i < length; i++) {
    size_t span = secret_span(text + i, length - i, secret, whole);
    if (span > 0)
      memset(text + i, '*', span);
  }
}

/* Through a volatile pointer, since a compiler may drop a memset before free. */
void secret_wipe(char *text)
{
  for (volatile char *c = text; c != NULL && *c != '\0'; c++)
    *c = '\0';
}

void secret_free(char *secret)
{
  secret_wipe(secret);
  free(secret);
}
