#include "rules/params.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "rules/check.h"
#include "rules/flaw.h"
#include "rules/image.h"
#include "rules/options.h"
#include "rules/rules.h"
#include "rules/shape.h"
#include "rules/size.h"
#include "rules/value.h"

enum { MAX_NAMES = 32, MAX_STRANGERS = STEPIMG_MAX_FLAWS / 2 };

/* --------------------------------------------------------------------------------------------------------- model -- */

static bool is_known(const struct check *check, const char *model)
{
  return check_model_of(check, model) != NULL ||
         (check->default_model != NULL && strcmp(model, check->default_model) == 0);
}

/* A model that is refused says nothing of the other parameters: strict, they are checked as without it; lax, as those of
   one that is unknown. */
static void choose_model(struct check *check)
{
  const struct stepimg_value *value = check_find(check, "model");
  const char *usual = check->default_model != NULL ? check->default_model : check->models[0].name;
  const char *given = value == NULL ? usual : value->type == STEPIMG_STRING ? value->as.string.data : "";
  const char *name = check->strict && !is_known(check, given) ? usual : given;
  const struct stepimg_model *model = check_model_of(check, name);
  check->rules = model != NULL ? model : &check->models[0];
  check->knowledge = model != NULL ? ALL : strcmp(name, usual) == 0 ? MOST : NOTHING;
  check->checked->model = given;
  check->checked->rules = check->rules;
}

static bool check_model(const struct check *check, const struct stepimg_rule *rule, const struct stepimg_value *value,
                        struct stepimg_flaw *flaw)
{
  const char *names[MAX_NAMES] = {NULL};
  char quoted[TEXT_QUOTE_MAX], known[FLAW_LIST_MAX];
  size_t count = 0;
  if (!value_check_text(rule, value, flaw))
    return false;
  const char *name = value->as.string.data;
  if (*name == '\0')
    return flaw_set(flaw, rule, STEPIMG_REASON_LENGTH, "the text is empty; give a model's name");
  if (!check->strict || is_known(check, name))
    return true;
  for (; count < check->model_count && count < MAX_NAMES - 2; count++)
    names[count] = check->models[count].name;
  if (check->default_model != NULL && check_model_of(check, check->default_model) == NULL)
    names[count] = check->default_model;
  return flaw_set(flaw, rule, STEPIMG_REASON_CHOICE,
                  "%s is not known to this version; known is %s (a client's option model adds another)",
                  text_quote(quoted, name, value->as.string.length), flaw_list(known, names));
}

/* ----------------------------------------------------------------------------------------------------- strangers -- */

/* A name that the model's rules do not have. Lax, it has no rule but that text is text, its name included. */
static bool check_stranger(const struct check *check, const struct stepimg_param *param, struct stepimg_flaw *flaw)
{
  const char *names[MAX_NAMES] = {NULL};
  struct stepimg_rule text = {.name = param->name, .type = STEPIMG_STRING};
  char quoted[TEXT_QUOTE_MAX];
  if (check->strict) {
    const char *place = options_place(param->name);
    if (place != NULL)
      return flaw_set_field(flaw, param->name, STEPIMG_REASON_UNKNOWN, "%s", place);
    for (size_t i = 0; i < check->rules->rule_count && i < MAX_NAMES - 1; i++)
      names[i] = check->rules->rules[i].name;
    return flaw_unknown_name(flaw, "parameter", param->name, names);
  }
  if (!stepimg_is_utf8(param->name, strlen(param->name)))
    return flaw_set_field(flaw, "", STEPIMG_REASON_TEXT, "the parameter's name %s is not valid UTF-8",
                          text_quote(quoted, param->name, strlen(param->name)));
  bool good = param->value.type != STEPIMG_STRING || value_check_text(&text, &param->value, flaw);
  flaw->rule = NULL; /* it has none */
  return good;
}

/* By the alphabet: a host's table may have another order in each run. */
static void check_strangers(struct check *check)
{
  const char *last = NULL;
  for (int told = 0; told < MAX_STRANGERS; told++) {
    const char *first = NULL;
    struct stepimg_flaw flaw, found;
    for (size_t i = 0; i < check->count; i++) {
      const struct stepimg_param *param = &check->params[i];
      bool next = (last == NULL || strcmp(param->name, last) > 0) && (first == NULL || strcmp(param->name, first) < 0);
      if (next && check_rule_of(check->rules, param->name) == NULL && !check_stranger(check, param, &flaw)) {
        first = param->name;
        found = flaw;
      }
    }
    if (first == NULL)
      return;
    *check_next_flaw(check) = found;
    last = first;
  }
}

/* ------------------------------------------------------------------------------------------------------ the form -- */

static bool check_size(const struct check *check, const struct stepimg_rule *rule, const struct stepimg_value *value,
                       struct stepimg_flaw *flaw)
{
  char quoted[TEXT_QUOTE_MAX];
  if (!value_check_text(rule, value, flaw))
    return false;
  const char *text = value->as.string.data;
  size_t length = value->as.string.length;
  if (check->knowledge == NOTHING || size_is_pair(text, length))
    return true;
  return flaw_set(flaw, rule, STEPIMG_REASON_CHOICE, "%s is no size; give height x width, as in \"1024x1024\"",
                  text_quote(quoted, text, length));
}

static bool check_given(const struct check *check, const struct stepimg_rule *rule, const struct stepimg_value *value,
                        struct stepimg_flaw *flaw)
{
  if (check_is(rule, "model"))
    return check_model(check, rule, value, flaw);
  if (check_is(rule, "size") && check->knowledge != ALL)
    return check_size(check, rule, value, flaw);
  if (rule->own || check->knowledge != NOTHING)
    return rules_check_value(rule, value, flaw);
  if (rule->type == STEPIMG_IMAGE) { /* of any size */
    struct stepimg_rule any = *rule;
    any.max = 0;
    bool good = image_check(&any, value, flaw);
    flaw->rule = rule;
    return good;
  }
  return value->type != STEPIMG_STRING || check_stranger(check, &(struct stepimg_param){rule->name, *value}, flaw);
}

static bool has_no_effect(const struct check *check, const struct stepimg_rule *rule)
{
  return check->checked->edits && rule->shape;
}

static void add_missing(struct check *check, const struct stepimg_rule *rule)
{
  if (rule->type == STEPIMG_STRING && rule->max > 0)
    flaw_set(check_next_flaw(check), rule, STEPIMG_REASON_MISSING, "it is missing; give 1 to %.0f characters",
             rule->max);
  else
    flaw_set(check_next_flaw(check), rule, STEPIMG_REASON_MISSING, "it is missing; it is required");
}

static void check_rule(struct check *check, const struct stepimg_rule *rule)
{
  const struct stepimg_value *value = check_find(check, rule->name);
  struct stepimg_flaw flaw;
  if (has_no_effect(check, rule)) {
    if (value != NULL)
      snprintf(check_warn(check, rule->name)->message, sizeof check->checked->warnings->message,
               "%s has no effect when a picture is edited: the result is as large as the picture given", rule->name);
    return;
  }
  if (value == NULL && rule->required && check->knowledge != NOTHING)
    add_missing(check, rule);
  else if ((value != NULL && !check_given(check, rule, value, &flaw)) ||
           (rule->shape && !shape_check(check, rule, &flaw)))
    *check_next_flaw(check) = flaw;
  else if (value != NULL && rule->shape)
    shape_choose(check, rule, value);
}

static void add_warnings(struct check *check)
{
  const struct stepimg_value *negative = check_find(check, "negative_prompt");
  const struct stepimg_value *scale = check_find(check, "cfg_scale");
  double number = 1;
  if (check->knowledge == NOTHING || negative == NULL || negative->type != STEPIMG_STRING ||
      negative->as.string.length == 0)
    return;
  if (scale == NULL || (value_number(scale, &number) && number <= 1))
    snprintf(check_warn(check, "negative_prompt")->message, sizeof check->checked->warnings->message,
             "negative_prompt has no effect while cfg_scale is 1.0, its default; give a larger cfg_scale");
}

bool params_check(const struct stepimg_model *models, size_t model_count, const struct stepimg_param *params,
                  size_t count, const char *default_model, bool strict, struct stepimg_checked *checked,
                  struct stepimg_flaws *flaws)
{
  struct check check = {.params = params,
                        .count = count,
                        .models = models,
                        .model_count = model_count,
                        .default_model = default_model,
                        .strict = strict,
                        .checked = checked,
                        .flaws = flaws};
  memset(checked, 0, sizeof *checked);
  flaws->count = 0;
  choose_model(&check);
  const struct stepimg_rule *format_rule = check_rule_of(check.rules, "response_format");
  const struct stepimg_value *format = check_find(&check, "response_format");
  if (format != NULL && format->type == STEPIMG_STRING)
    checked->response_format = format->as.string.data;
  else if (format_rule != NULL)
    checked->response_format = format_rule->sent_default;
  checked->edits = check_rule_of(check.rules, "image") != NULL && check_find(&check, "image") != NULL;
  const struct stepimg_rule *model_rule = check_rule_of(check.rules, "model");
  if (model_rule != NULL) /* first: the other rules are the model's */
    check_rule(&check, model_rule);
  check_strangers(&check);
  for (size_t i = 0; i < check.rules->rule_count; i++)
    if (&check.rules->rules[i] != model_rule)
      check_rule(&check, &check.rules->rules[i]);
  add_warnings(&check);
  return flaws->count == 0;
}

enum stepimg_kind params_validate(const struct stepimg_model *models, size_t model_count,
                                  const struct stepimg_param *params, size_t count, bool strict,
                                  struct stepimg_checked *checked, struct stepimg_error *error)
{
  struct stepimg_flaws flaws;
  error_clear(error);
  if (params_check(models, model_count, params, count, NULL, strict, checked, &flaws))
    return STEPIMG_OK;
  const struct check check = {.params = params, .count = count};
  error->wrong_type = rules_is_slip(&flaws.all[0], check_find(&check, flaws.all[0].field));
  return flaw_to_error(&flaws.all[0], error);
}

bool stepimg_check(const struct stepimg_param *params, size_t count, const char *model, bool strict,
                   struct stepimg_checked *checked, struct stepimg_flaws *flaws)
{
  size_t model_count;
  const struct stepimg_model *models = stepimg_models(&model_count);
  return params_check(models, model_count, params, count, model, strict, checked, flaws);
}

enum stepimg_kind stepimg_validate(const struct stepimg_param *params, size_t count, bool strict,
                                   struct stepimg_checked *checked, struct stepimg_error *error)
{
  size_t model_count;
  const struct stepimg_model *models = stepimg_models(&model_count);
  return params_validate(models, model_count, params, count, strict, checked, error);
}

bool stepimg_is_sent(const struct stepimg_checked *checked, const char *name)
{
  const struct stepimg_rule *rule = check_rule_of(checked->rules, name);
  if (rule == NULL)
    return true;
  return !rule->own && rule->type != STEPIMG_IMAGE && !(checked->edits && (rule->shape || check_is(rule, "n")));
}
