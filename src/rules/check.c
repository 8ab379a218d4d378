#include "rules/check.h"

#include <string.h>

#include "base/text.h"

/* Most names differ in their first character; a call for each would be most of a check. */
static bool is_same(const char *one, const char *other)
{
  return one[0] == other[0] && strcmp(one, other) == 0;
}

const struct stepimg_value *check_find(const struct check *check, const char *name)
{
  for (size_t i = 0; i < check->count; i++)
    if (is_same(check->params[i].name, name))
      return &check->params[i].value;
  return NULL;
}

const struct stepimg_rule *check_rule_of(const struct stepimg_model *model, const char *name)
{
  for (size_t i = 0; i < model->rule_count; i++)
    if (is_same(model->rules[i].name, name))
      return &model->rules[i];
  return NULL;
}

const struct stepimg_model *check_model_of(const struct check *check, const char *name)
{
  for (size_t i = 0; name != NULL && i < check->model_count; i++)
    if (strcmp(check->models[i].name, name) == 0)
      return &check->models[i];
  return NULL;
}

bool check_is(const struct stepimg_rule *rule, const char *name)
{
  return is_same(rule->name, name);
}

struct stepimg_flaw *check_next_flaw(struct check *check)
{
  struct stepimg_flaws *flaws = check->flaws;
  if (flaws->count < STEPIMG_MAX_FLAWS)
    flaws->count++;
  return &flaws->all[flaws->count - 1];
}

struct stepimg_warning *check_warn(struct check *check, const char *field)
{
  struct stepimg_checked *checked = check->checked;
  if (checked->warning_count < STEPIMG_MAX_WARNINGS)
    checked->warning_count++;
  struct stepimg_warning *warning = &checked->warnings[checked->warning_count - 1];
  text_copy(warning->field, sizeof warning->field, field, strlen(field));
  return warning;
}
