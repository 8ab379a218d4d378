#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

void error_clear(struct stepimg_error *error)
{
  memset(error, 0, sizeof *error);
  error->retry_after = -1;
}

enum stepimg_kind error_set(struct stepimg_error *error, enum stepimg_kind kind, const char *field, const char *format,
                            ...)
{
  char message[2 * sizeof error->message];
  int used = 0;
  error->kind = kind;
  error->field[0] = '\0';
  error->words_at = 0;
  if (field != NULL) {
    text_copy(error->field, sizeof error->field, field, strlen(field));
    used = snprintf(message, sizeof message, "%s: ", error->field);
  }
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message + used, sizeof message - (size_t)used, format, arguments);
  va_end(arguments);
  text_clean(message, strlen(message)); /* an unknown name is the user's text, a Content-Type the server's */
  text_copy(error->message, sizeof error->message, message, strlen(message));
  return kind;
}

enum stepimg_kind error_of_environment(struct stepimg_error *error, const char *variable)
{
  char field[sizeof error->field], message[sizeof error->message];
  memcpy(field, error->field, sizeof field);
  memcpy(message, error->message, sizeof message);
  return error_set(error, error->kind, field, "of the environment's %s: %s", variable,
                   message + strlen(field) + strlen(": "));
}

const char *stepimg_kind_name(enum stepimg_kind kind)
{
  static const char *const names[] = {"ok",         "invalid",   "auth",    "billing", "moderation",
                                      "rate_limit", "server",    "request", "network", "timeout",
                                      "protocol",   "cancelled", "budget",  "io",      "nomem"};
  return (unsigned)kind < sizeof names / sizeof *names ? names[kind] : "unknown";
}
