#include "rules/flaw.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

static void fill(struct stepimg_flaw *flaw, const char *field, enum stepimg_reason reason, const char *format,
                 va_list arguments)
{
  char message[2 * sizeof flaw->message];
  memset(flaw, 0, sizeof *flaw);
  flaw->reason = reason;
  text_copy(flaw->field, sizeof flaw->field, field, strlen(field));
  int used = snprintf(message, sizeof message, *field != '\0' ? "%s: " : "%s", flaw->field);
  vsnprintf(message + used, sizeof message - (size_t)used, format, arguments);
  text_clean(message, strlen(message)); /* an unknown name is the user's text */
  text_copy(flaw->message, sizeof flaw->message, message, strlen(message));
}

bool flaw_set(struct stepimg_flaw *flaw, const struct stepimg_rule *rule, enum stepimg_reason reason,
              const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  fill(flaw, rule->name, reason, format, arguments);
  va_end(arguments);
  flaw->rule = rule;
  return false;
}

bool flaw_set_field(struct stepimg_flaw *flaw, const char *field, enum stepimg_reason reason, const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  fill(flaw, field, reason, format, arguments);
  va_end(arguments);
  return false;
}

enum stepimg_kind flaw_to_error(const struct stepimg_flaw *flaw, struct stepimg_error *error)
{
  error_set(error, STEPIMG_INVALID, NULL, "%s", flaw->message);
  text_copy(error->field, sizeof error->field, flaw->field, strlen(flaw->field));
  error->reason = flaw->reason;
  return STEPIMG_INVALID;
}

const char *flaw_list(char out[FLAW_LIST_MAX], const char *const *names)
{
  size_t used = 0;
  out[0] = '\0';
  for (size_t i = 0; names[i] != NULL && used < FLAW_LIST_MAX; i++)
    used += (size_t)snprintf(out + used, FLAW_LIST_MAX - used, "%s%s", i > 0 ? ", " : "", names[i]);
  return out;
}

bool flaw_unknown_name(struct stepimg_flaw *flaw, const char *what, const char *name, const char *const *names)
{
  char known[FLAW_LIST_MAX];
  const char *nearest = NULL;
  unsigned least = 0;
  for (size_t i = 0; names[i] != NULL; i++) {
    unsigned distance = text_distance(name, names[i]);
    if (nearest == NULL || distance < least) {
      nearest = names[i];
      least = distance;
    }
  }
  if (nearest != NULL && text_is_near(name, least))
    return flaw_set_field(flaw, name, STEPIMG_REASON_UNKNOWN, "there is no such %s; did you mean \"%s\"?", what,
                          nearest);
  return flaw_set_field(flaw, name, STEPIMG_REASON_UNKNOWN, "there is no such %s; known are %s", what,
                        flaw_list(known, names));
}

const char *stepimg_reason_name(enum stepimg_reason reason)
{
  static const char *const names[] = {"",       "missing", "unknown", "type", "range",
                                      "choice", "length",  "text",    "pair", "image"};
  return (unsigned)reason < sizeof names / sizeof *names ? names[reason] : "";
}
