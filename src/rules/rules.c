#include "rules/rules.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "rules/flaw.h"
#include "rules/image.h"
#include "rules/size.h"
#include "rules/value.h"

bool rules_is_slip(const struct stepimg_flaw *flaw, const struct stepimg_value *value)
{
  double number;
  if (flaw->reason == STEPIMG_REASON_TYPE)
    return flaw->rule == NULL || flaw->rule->type != STEPIMG_INTEGER || value == NULL || !value_number(value, &number);
  return flaw->reason == STEPIMG_REASON_UNKNOWN;
}

static bool check_number(const struct stepimg_rule *rule, const struct stepimg_value *value, struct stepimg_flaw *flaw)
{
  double number;
  int64_t integer;
  char shown[TEXT_NUMBER_MAX], range[VALUE_RANGE_MAX];
  if (!value_number(value, &number))
    return value_wrong_type(rule, value, flaw);
  if (value->type == STEPIMG_INTEGER) /* beyond 2^53 the double is another number */
    snprintf(shown, sizeof shown, "%lld", (long long)value->as.integer);
  else
    text_number(shown, number, 0);
  if (!value_check_range(rule, number, shown, flaw))
    return false;
  if (rule->type == STEPIMG_INTEGER && !value_integer(value, &integer))
    return flaw_set(flaw, rule, STEPIMG_REASON_TYPE, "%s is not a whole number; %s", shown, value_range(range, rule));
  return true;
}

static bool check_choice(const struct stepimg_rule *rule, const char *text, size_t length, struct stepimg_flaw *flaw)
{
  char quoted[TEXT_QUOTE_MAX], choices[FLAW_LIST_MAX], turned[SIZE_MAX_NAME];
  if (value_is_one_of(rule->choices, text, length))
    return true;
  text_quote(quoted, text, length);
  flaw_list(choices, rule->choices);
  const char *meaning = rule->meaning != NULL ? rule->meaning : rule->name;
  if (rule->meaning != NULL && size_transpose(turned, text, length) &&
      value_is_one_of(rule->choices, turned, strlen(turned)))
    return flaw_set(flaw, rule, STEPIMG_REASON_CHOICE,
                    "%s is not offered, but the other way round it is: \"%s\"; %s is one of %s", quoted, turned,
                    meaning, choices);
  return flaw_set(flaw, rule, STEPIMG_REASON_CHOICE, "%s is not offered; %s is one of %s", quoted, meaning, choices);
}

bool rules_check_value(const struct stepimg_rule *rule, const struct stepimg_value *value, struct stepimg_flaw *flaw)
{
  double ratio;
  switch (rule->type) {
  case STEPIMG_STRING:
    return value_check_text(rule, value, flaw) &&
           (rule->choices == NULL || check_choice(rule, value->as.string.data, value->as.string.length, flaw));
  case STEPIMG_INTEGER:
  case STEPIMG_NUMBER:
    return check_number(rule, value, flaw);
  case STEPIMG_BOOLEAN:
    return value->type == STEPIMG_BOOLEAN || value_wrong_type(rule, value, flaw);
  case STEPIMG_IMAGE:
    return image_check(rule, value, flaw);
  case STEPIMG_ASPECT:
    return size_ratio(rule, value, &ratio, flaw);
  case STEPIMG_OTHER:
    break;
  }
  return true;
}
