#include "rules/shape.h"

#include <math.h>
#include <stdio.h>

#include "base/text.h"
#include "rules/flaw.h"
#include "rules/rules.h"
#include "rules/size.h"
#include "rules/value.h"

static bool has_sizes(const struct check *check)
{
  return check->knowledge == ALL && check->rules->size_count > 0;
}

static void choose_aspect(struct check *check, const struct stepimg_rule *rule, const struct stepimg_value *value)
{
  struct stepimg_flaw unused;
  char shown[TEXT_QUOTE_MAX], percent[TEXT_NUMBER_MAX];
  const double rounding = 1e-9; /* of logarithms, there and back */
  double ratio, off;
  if (!has_sizes(check)) {
    flaw_set(check_next_flaw(check), rule, STEPIMG_REASON_CHOICE,
             "the sizes of the model are not known to this version; give size, or width and height");
    return;
  }
  size_ratio(rule, value, &ratio, &unused);
  const struct stepimg_size *size = size_nearest(check->rules, ratio, &off);
  size_print(check->checked->size, size->width, size->height);
  if (off <= 0.05 + rounding)
    return;
  if (value->type == STEPIMG_STRING)
    text_quote(shown, value->as.string.data, value->as.string.length);
  else
    text_number(shown, ratio, 4);
  struct stepimg_warning *warning = check_warn(check, rule->name);
  snprintf(warning->message, sizeof warning->message,
           "aspect %s is not offered; the nearest size, width x height %d x %d, is %s %% off", shown, size->width,
           size->height, text_number(percent, ceil((off - rounding) * 100), 0));
}

static void choose_pair(struct check *check, int64_t width, int64_t height)
{
  char offered[SIZE_LIST_MAX];
  if (!has_sizes(check) || size_find(check->rules, width, height) != NULL) {
    size_print(check->checked->size, width, height);
    return;
  }
  struct stepimg_flaw *flaw = check_next_flaw(check);
  flaw_set_field(flaw, "width", STEPIMG_REASON_CHOICE, "width x height %lld x %lld is not offered%s; offered are %s",
                 (long long)width, (long long)height,
                 size_find(check->rules, height, width) != NULL ? ", but the other way round it is" : "",
                 size_list(offered, check->rules));
  flaw->rule = check_rule_of(check->rules, "size");
}

bool shape_check(const struct check *check, const struct stepimg_rule *rule, struct stepimg_flaw *flaw)
{
  bool given = check_find(check, rule->name) != NULL;
  bool width = check_find(check, "width") != NULL, height = check_find(check, "height") != NULL;
  if (check_is(rule, "aspect")) {
    const char *other = check_find(check, "size") != NULL ? "size" : width ? "width" : height ? "height" : NULL;
    return !given || other == NULL ||
           flaw_set(flaw, rule, STEPIMG_REASON_PAIR, "%s is given too; give either aspect or %s", other,
                    *other == 's' ? other : "width and height");
  }
  if (check_is(rule, "size") || (!width && !height))
    return true;
  if (check_find(check, "size") != NULL) /* told once */
    return !given || (width && check_is(rule, "height")) ||
           flaw_set(flaw, rule, STEPIMG_REASON_PAIR, "size is given too; give either size or width and height");
  return given || check_find(check, "aspect") != NULL ||
         flaw_set(flaw, rule, STEPIMG_REASON_PAIR, "it is missing; width and height go together");
}

void shape_choose(struct check *check, const struct stepimg_rule *rule, const struct stepimg_value *value)
{
  struct stepimg_flaw unused;
  const struct stepimg_value *width = check_find(check, "width");
  const struct stepimg_rule *width_rule = check_rule_of(check->rules, "width");
  int64_t numbers[2];
  if (check_is(rule, "aspect"))
    choose_aspect(check, rule, value);
  else if (check_is(rule, "height") && check_find(check, "size") == NULL && check_find(check, "aspect") == NULL &&
           width != NULL && width_rule != NULL && rules_check_value(width_rule, width, &unused) &&
           value_integer(width, &numbers[0]) && value_integer(value, &numbers[1]))
    choose_pair(check, numbers[0], numbers[1]);
}
