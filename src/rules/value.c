#include "rules/value.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "rules/flaw.h"

const char *stepimg_type_name(enum stepimg_type type)
{
  static const char *const names[] = {"any", "string", "integer", "number", "boolean", "image", "aspect"};
  return (unsigned)type < sizeof names / sizeof *names ? names[type] : "any";
}

bool value_integer(const struct stepimg_value *value, int64_t *integer)
{
  if (value->type == STEPIMG_INTEGER) {
    *integer = value->as.integer;
    return true;
  }
  if (value->type != STEPIMG_NUMBER || floor(value->as.number) != value->as.number ||
      fabs(value->as.number) > 9007199254740992.0)
    return false;
  *integer = (int64_t)value->as.number;
  return true;
}

bool value_number(const struct stepimg_value *value, double *number)
{
  if (value->type == STEPIMG_INTEGER)
    *number = (double)value->as.integer;
  else if (value->type == STEPIMG_NUMBER)
    *number = value->as.number;
  else
    return false;
  return true;
}

const char *stepimg_number(char out[STEPIMG_NUMBER_MAX], double number)
{
  return text_number(out, number, 0);
}

bool value_is_one_of(const char *const *names, const char *text, size_t length)
{
  for (size_t i = 0; names[i] != NULL; i++)
    if (strlen(names[i]) == length && memcmp(names[i], text, length) == 0)
      return true;
  return false;
}

/* ------------------------------------------------------------------------------------------------------- numbers -- */

const char *value_given(const struct stepimg_value *value)
{
  bool number = value->type == STEPIMG_INTEGER || value->type == STEPIMG_NUMBER; /* which of them is no matter */
  return value->type == STEPIMG_OTHER ? value->as.type_name : number ? "number" : stepimg_type_name(value->type);
}

bool value_wrong_type(const struct stepimg_rule *rule, const struct stepimg_value *value, struct stepimg_flaw *flaw)
{
  const char *wanted = rule->type == STEPIMG_ASPECT ? "string or number" : stepimg_type_name(rule->type);
  const char *given = value_given(value);
  char shown[64];
  text_copy(shown, sizeof shown, given, strlen(given));
  return flaw_set(flaw, rule, STEPIMG_REASON_TYPE, "%s expected, got %s", wanted, shown);
}

const char *value_range(char out[VALUE_RANGE_MAX], const struct stepimg_rule *rule)
{
  char least[TEXT_NUMBER_MAX], most[TEXT_NUMBER_MAX];
  text_number(least, rule->min, 0);
  if (rule->min >= rule->max)
    snprintf(out, VALUE_RANGE_MAX, "only %s is allowed", least);
  else if (isinf(rule->max))
    snprintf(out, VALUE_RANGE_MAX, "at least %s is allowed", least);
  else
    snprintf(out, VALUE_RANGE_MAX, "%s to %s is allowed", least, text_number(most, rule->max, 0));
  return out;
}

bool value_check_range(const struct stepimg_rule *rule, double number, const char *shown, struct stepimg_flaw *flaw)
{
  char range[VALUE_RANGE_MAX];
  if (isnan(number))
    return flaw_set(flaw, rule, STEPIMG_REASON_RANGE, "the value is not a number (nan); %s", value_range(range, rule));
  if (number < rule->min || number > rule->max)
    return flaw_set(flaw, rule, STEPIMG_REASON_RANGE, "%s is out of range; %s", shown, value_range(range, rule));
  return true;
}

/* --------------------------------------------------------------------------------------------------------- texts -- */

bool value_check_text(const struct stepimg_rule *rule, const struct stepimg_value *value, struct stepimg_flaw *flaw)
{
  if (value->type != STEPIMG_STRING)
    return value_wrong_type(rule, value, flaw);
  const char *text = value->as.string.data;
  size_t length = value->as.string.length, characters, at;
  if (!text_count(text, length, &characters, &at))
    return flaw_set(flaw, rule, STEPIMG_REASON_TEXT, "the text is not valid UTF-8 (at byte %zu); give it in UTF-8",
                    at + 1);
  const char *nul = length > 0 ? memchr(text, '\0', length) : NULL;
  if (nul != NULL)
    return flaw_set(flaw, rule, STEPIMG_REASON_TEXT, "the text has a NUL byte in it (at byte %zu); take it out",
                    (size_t)(nul - text) + 1);
  double max = rule->type == STEPIMG_STRING ? rule->max : 0;
  if (rule->required && length == 0 && max > 0)
    return flaw_set(flaw, rule, STEPIMG_REASON_LENGTH, "the text is empty; 1 to %.0f characters are allowed", max);
  if (rule->required && length == 0)
    return flaw_set(flaw, rule, STEPIMG_REASON_LENGTH, "the text is empty; give at least one character");
  if (max > 0 && (double)characters > max)
    return flaw_set(flaw, rule, STEPIMG_REASON_LENGTH, "the text has %zu characters; at most %.0f are allowed",
                    characters, max);
  return true;
}

struct stepimg_value stepimg_string_value(const char *text)
{
  return (struct stepimg_value){.type = STEPIMG_STRING, .as.string = {text, strlen(text)}};
}

struct stepimg_value stepimg_integer_value(int64_t integer)
{
  return (struct stepimg_value){.type = STEPIMG_INTEGER, .as.integer = integer};
}

struct stepimg_value stepimg_number_value(double number)
{
  return (struct stepimg_value){.type = STEPIMG_NUMBER, .as.number = number};
}

struct stepimg_value stepimg_boolean_value(bool boolean)
{
  return (struct stepimg_value){.type = STEPIMG_BOOLEAN, .as.boolean = boolean};
}
