#include "rules/rules.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"

enum { MAX_NAMES = 32, LIST_MAX = 512, GIVEN_MAX = TEXT_QUOTE_MAX + 32, SHOWN = 14 /* digits of a number */ };

bool rules_integer(const struct stepimg_value *value, int64_t *integer)
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

bool rules_number(const struct stepimg_value *value, double *number)
{
  if (value->type == STEPIMG_INTEGER)
    *number = (double)value->as.integer;
  else if (value->type == STEPIMG_NUMBER)
    *number = value->as.number;
  else
    return false;
  return true;
}

/* What the user gave, as the user would write it. */
static const char *given(char out[GIVEN_MAX], const struct stepimg_value *value)
{
  char quoted[TEXT_QUOTE_MAX];
  switch (value->type) {
  case STEPIMG_STRING:
    snprintf(out, GIVEN_MAX, "the string %s", text_quote(quoted, value->as.string.data, value->as.string.length));
    break;
  case STEPIMG_INTEGER:
    snprintf(out, GIVEN_MAX, "%lld", (long long)value->as.integer);
    break;
  case STEPIMG_NUMBER:
    text_number(out, value->as.number, SHOWN);
    break;
  case STEPIMG_BOOLEAN:
    snprintf(out, GIVEN_MAX, "%s", value->as.boolean ? "true" : "false");
    break;
  case STEPIMG_OTHER:
    snprintf(out, GIVEN_MAX, "a %s", value->as.type_name);
    break;
  }
  return out;
}

static enum stepimg_kind wrong_type(const struct stepimg_rule *rule, const struct stepimg_value *value,
                                    struct stepimg_error *error)
{
  static const char *const wanted[] = {"nothing", "a string", "an integer", "a number", "true or false"};
  char text[GIVEN_MAX];
  error->wrong_type = true;
  return error_set(error, STEPIMG_INVALID, rule->name, "%s is wanted, not %s", wanted[rule->type], given(text, value));
}

/* "1 to 50", "only 1", "above 0" … */
static const char *range(char *out, size_t size, const struct stepimg_rule *rule)
{
  char least[TEXT_NUMBER_MAX], most[TEXT_NUMBER_MAX];
  text_number(least, rule->min, SHOWN);
  if (rule->min >= rule->max)
    snprintf(out, size, "only %s is allowed", least);
  else if (isinf(rule->max))
    snprintf(out, size, "at least %s is allowed", least);
  else
    snprintf(out, size, "%s to %s is allowed", least, text_number(most, rule->max, SHOWN));
  return out;
}

static enum stepimg_kind check_number(const struct stepimg_rule *rule, const struct stepimg_value *value,
                                      struct stepimg_error *error)
{
  double number;
  int64_t integer;
  char text[GIVEN_MAX], allowed[96];
  if (!rules_number(value, &number))
    return wrong_type(rule, value, error);
  range(allowed, sizeof allowed, rule);
  if (isnan(number))
    return error_set(error, STEPIMG_INVALID, rule->name, "the value is not a number (nan); %s", allowed);
  if (number < rule->min || number > rule->max)
    return error_set(error, STEPIMG_INVALID, rule->name, "%s is out of range; %s", given(text, value), allowed);
  if (rule->type == STEPIMG_INTEGER && !rules_integer(value, &integer))
    return error_set(error, STEPIMG_INVALID, rule->name, "%s is not a whole number; %s", given(text, value), allowed);
  return STEPIMG_OK;
}

/* "a, b, c" of a NULL-terminated list. */
static const char *list(char out[LIST_MAX], const char *const *names)
{
  size_t used = 0;
  out[0] = '\0';
  for (size_t i = 0; names[i] != NULL && used < LIST_MAX; i++)
    used += (size_t)snprintf(out + used, LIST_MAX - used, "%s%s", i > 0 ? ", " : "", names[i]);
  return out;
}

static bool is_one_of(const char *const *names, const char *text, size_t length)
{
  for (size_t i = 0; names[i] != NULL; i++)
    if (strlen(names[i]) == length && memcmp(names[i], text, length) == 0)
      return true;
  return false;
}

/* "768x1360" of "1360x768"; false if the text is no pair. */
static bool transpose(char out[32], const char *text, size_t length)
{
  const char *x = memchr(text, 'x', length);
  if (x == NULL || length > 30)
    return false;
  snprintf(out, 32, "%.*sx%.*s", (int)(text + length - x - 1), x + 1, (int)(x - text), text);
  return true;
}

static enum stepimg_kind check_choice(const struct stepimg_rule *rule, const char *text, size_t length,
                                      struct stepimg_error *error)
{
  char quoted[TEXT_QUOTE_MAX], choices[LIST_MAX], turned[32];
  if (is_one_of(rule->choices, text, length))
    return STEPIMG_OK;
  text_quote(quoted, text, length);
  list(choices, rule->choices);
  const char *meaning = rule->meaning != NULL ? rule->meaning : rule->name;
  if (rule->meaning != NULL && transpose(turned, text, length) && is_one_of(rule->choices, turned, strlen(turned)))
    return error_set(error, STEPIMG_INVALID, rule->name,
                     "%s is not offered, but the other way round it is: \"%s\"; %s is one of %s", quoted, turned,
                     meaning, choices);
  return error_set(error, STEPIMG_INVALID, rule->name, "%s is not offered; %s is one of %s", quoted, meaning, choices);
}

static enum stepimg_kind check_string(const struct stepimg_rule *rule, const struct stepimg_value *value,
                                      struct stepimg_error *error)
{
  if (value->type != STEPIMG_STRING)
    return wrong_type(rule, value, error);
  const char *text = value->as.string.data;
  size_t length = value->as.string.length, characters, at;
  if (!text_count(text, length, &characters, &at))
    return error_set(error, STEPIMG_INVALID, rule->name, "the text is not valid UTF-8 (at byte %zu)", at + 1);
  const char *nul = length > 0 ? memchr(text, '\0', length) : NULL;
  if (nul != NULL)
    return error_set(error, STEPIMG_INVALID, rule->name, "the text has a NUL byte in it (at byte %zu)",
                     (size_t)(nul - text) + 1);
  if (rule->required && length == 0)
    return error_set(error, STEPIMG_INVALID, rule->name, "the text is empty");
  if (rule->max > 0 && (double)characters > rule->max)
    return error_set(error, STEPIMG_INVALID, rule->name, "the text has %zu characters; at most %.0f are allowed",
                     characters, rule->max);
  return rule->choices != NULL ? check_choice(rule, text, length, error) : STEPIMG_OK;
}

enum stepimg_kind rules_check_value(const struct stepimg_rule *rule, const struct stepimg_value *value,
                                    struct stepimg_error *error)
{
  switch (rule->type) {
  case STEPIMG_STRING:
    return check_string(rule, value, error);
  case STEPIMG_INTEGER:
  case STEPIMG_NUMBER:
    return check_number(rule, value, error);
  case STEPIMG_BOOLEAN:
    return value->type == STEPIMG_BOOLEAN ? STEPIMG_OK : wrong_type(rule, value, error);
  case STEPIMG_OTHER:
    break;
  }
  return STEPIMG_OK;
}

enum stepimg_kind rules_unknown_name(const char *what, const char *name, const char *const *names,
                                     struct stepimg_error *error)
{
  char known[LIST_MAX];
  const char *nearest = NULL;
  unsigned least = 0;
  for (size_t i = 0; names[i] != NULL; i++) {
    unsigned distance = text_distance(name, names[i]);
    if (nearest == NULL || distance < least) {
      nearest = names[i];
      least = distance;
    }
  }
  error->wrong_type = true;
  if (nearest != NULL && text_is_near(name, least))
    return error_set(error, STEPIMG_INVALID, name, "there is no such %s; did you mean \"%s\"?", what, nearest);
  return error_set(error, STEPIMG_INVALID, name, "there is no such %s; known are %s", what, list(known, names));
}

/* ------------------------------------------------------------------------------------------ a request's parameters -- */

static const struct stepimg_value *find(const struct stepimg_param *params, size_t count, const char *name)
{
  for (size_t i = 0; i < count; i++)
    if (strcmp(params[i].name, name) == 0)
      return &params[i].value;
  return NULL;
}

static const struct stepimg_rule *rule_of(const struct stepimg_model *model, const char *name)
{
  for (size_t i = 0; model != NULL && i < model->rule_count; i++)
    if (strcmp(model->rules[i].name, name) == 0)
      return &model->rules[i];
  return NULL;
}

static void warn(struct stepimg_checked *checked, const char *field, const char *text)
{
  if (checked->warning_count == STEPIMG_MAX_WARNINGS)
    return;
  struct stepimg_warning *warning = &checked->warnings[checked->warning_count++];
  text_copy(warning->field, sizeof warning->field, field, strlen(field));
  text_copy(warning->message, sizeof warning->message, text, strlen(text));
}

/* *model is NULL for one that the catalogue does not know and strict lets through. */
static enum stepimg_kind choose_model(const struct stepimg_model *models, size_t model_count,
                                      const struct stepimg_value *value, bool strict,
                                      const struct stepimg_model **model, struct stepimg_checked *checked,
                                      struct stepimg_error *error)
{
  static const struct stepimg_rule rule = {.name = "model", .type = STEPIMG_STRING, .required = true};
  const char *names[MAX_NAMES] = {NULL};
  char quoted[TEXT_QUOTE_MAX], known[LIST_MAX];
  *model = &models[0];
  checked->model = models[0].name;
  if (value == NULL)
    return STEPIMG_OK;
  if (check_string(&rule, value, error) != STEPIMG_OK)
    return error->kind;
  *model = NULL;
  for (size_t i = 0; i < model_count && i < MAX_NAMES - 1; i++) {
    names[i] = models[i].name;
    if (strcmp(models[i].name, value->as.string.data) == 0)
      *model = &models[i];
  }
  checked->model = value->as.string.data;
  if (*model == NULL && strict)
    return error_set(error, STEPIMG_INVALID, "model", "%s is not known to this version; known is %s",
                     text_quote(quoted, value->as.string.data, value->as.string.length), list(known, names));
  return STEPIMG_OK;
}

/* The alphabetically first name that is unknown, so that the same request always gives the same error. */
static enum stepimg_kind check_names(const struct stepimg_model *model, const struct stepimg_param *params,
                                     size_t count, bool strict, struct stepimg_error *error)
{
  const char *names[MAX_NAMES] = {"model", "width", "height"};
  size_t known = 3;
  const char *unknown = NULL;
  if (model == NULL || !strict)
    return STEPIMG_OK;
  for (size_t i = 0; i < model->rule_count && known < MAX_NAMES - 1; i++)
    names[known++] = model->rules[i].name;
  for (size_t i = 0; i < count; i++) {
    const char *name = params[i].name;
    if (!is_one_of(names, name, strlen(name)) && (unknown == NULL || strcmp(name, unknown) < 0))
      unknown = name;
  }
  if (unknown == NULL)
    return STEPIMG_OK;
  const char *place = rules_place_of_option(unknown);
  if (place == NULL)
    return rules_unknown_name("parameter", unknown, names, error);
  error->wrong_type = true;
  return error_set(error, STEPIMG_INVALID, unknown, "%s", place);
}

/* What the catalogue does not know has no rule but that text is text, its name included. */
static enum stepimg_kind check_strangers(const struct stepimg_model *model, const struct stepimg_param *params,
                                         size_t count, struct stepimg_error *error)
{
  for (size_t i = 0; i < count; i++) {
    struct stepimg_rule rule = {.name = params[i].name, .type = STEPIMG_STRING};
    char quoted[TEXT_QUOTE_MAX];
    size_t length = strlen(rule.name), characters, at;
    if (!text_count(rule.name, length, &characters, &at))
      return error_set(error, STEPIMG_INVALID, NULL, "the parameter's name %s is not valid UTF-8",
                       text_quote(quoted, rule.name, length));
    if (params[i].value.type == STEPIMG_STRING && rule_of(model, rule.name) == NULL &&
        check_string(&rule, &params[i].value, error) != STEPIMG_OK)
      return error->kind;
  }
  return STEPIMG_OK;
}

/* Width and height, in place of size. */
static enum stepimg_kind check_pair(const struct stepimg_model *model, const struct stepimg_param *params, size_t count,
                                    struct stepimg_checked *checked, struct stepimg_error *error)
{
  static const struct stepimg_rule rules[] = {
      {.name = "width", .type = STEPIMG_INTEGER, .min = 1, .max = 65535},
      {.name = "height", .type = STEPIMG_INTEGER, .min = 1, .max = 65535},
  };
  const struct stepimg_value *values[] = {find(params, count, "width"), find(params, count, "height")};
  int64_t numbers[2] = {0, 0};
  if (values[0] == NULL && values[1] == NULL)
    return STEPIMG_OK;
  if (find(params, count, "size") != NULL)
    return error_set(error, STEPIMG_INVALID, values[0] != NULL ? "width" : "height",
                     "size is given too; give either size or width and height");
  for (int i = 0; i < 2; i++) {
    if (values[i] == NULL)
      return error_set(error, STEPIMG_INVALID, rules[i].name, "it is missing; width and height go together");
    if (rules_check_value(&rules[i], values[i], error) != STEPIMG_OK)
      return error->kind;
    rules_integer(values[i], &numbers[i]);
  }
  snprintf(checked->size, sizeof checked->size, "%dx%d", (int)numbers[1], (int)numbers[0]);
  const struct stepimg_rule *size = rule_of(model, "size");
  if (size == NULL || size->choices == NULL || is_one_of(size->choices, checked->size, strlen(checked->size)))
    return STEPIMG_OK;
  char turned[32], offered[LIST_MAX];
  size_t used = 0;
  for (size_t i = 0; size->choices[i] != NULL && used < sizeof offered; i++) {
    int height = 0, width = 0;
    if (sscanf(size->choices[i], "%dx%d", &height, &width) == 2)
      used += (size_t)snprintf(offered + used, sizeof offered - used, "%s%d x %d", i > 0 ? ", " : "", width, height);
  }
  transpose(turned, checked->size, strlen(checked->size));
  bool turned_exists = is_one_of(size->choices, turned, strlen(turned));
  return error_set(error, STEPIMG_INVALID, "width", "width x height %d x %d is not offered%s; offered are %s",
                   (int)numbers[0], (int)numbers[1], turned_exists ? ", but the other way round it is" : "", offered);
}

static void add_warnings(const struct stepimg_model *model, const struct stepimg_param *params, size_t count,
                         struct stepimg_checked *checked)
{
  const struct stepimg_value *negative = find(params, count, "negative_prompt");
  const struct stepimg_value *scale = find(params, count, "cfg_scale");
  double number = 1;
  if (model == NULL || negative == NULL || negative->type != STEPIMG_STRING || negative->as.string.length == 0)
    return;
  if (scale == NULL || (rules_number(scale, &number) && number <= 1))
    warn(checked, "negative_prompt",
         "negative_prompt has no effect while cfg_scale is 1.0, its default; give a larger cfg_scale");
}

enum stepimg_kind rules_validate(const struct stepimg_model *models, size_t model_count,
                                 const struct stepimg_param *params, size_t count, bool strict,
                                 struct stepimg_checked *checked, struct stepimg_error *error)
{
  const struct stepimg_model *model;
  memset(checked, 0, sizeof *checked);
  error_clear(error);
  if (choose_model(models, model_count, find(params, count, "model"), strict, &model, checked, error) != STEPIMG_OK ||
      check_names(model, params, count, strict, error) != STEPIMG_OK)
    return error->kind;
  for (size_t i = 0; model != NULL && i < model->rule_count; i++) {
    const struct stepimg_rule *rule = &model->rules[i];
    const struct stepimg_value *value = find(params, count, rule->name);
    if (value == NULL && rule->required)
      return error_set(error, STEPIMG_INVALID, rule->name, "it is missing");
    if (value != NULL && rules_check_value(rule, value, error) != STEPIMG_OK)
      return error->kind;
  }
  if (check_strangers(model, params, count, error) != STEPIMG_OK)
    return error->kind;
  if (check_pair(model, params, count, checked, error) != STEPIMG_OK)
    return error->kind;
  const struct stepimg_value *format = find(params, count, "response_format");
  const struct stepimg_rule *format_rule = rule_of(&models[0], "response_format");
  if (format != NULL && format->type == STEPIMG_STRING)
    checked->response_format = format->as.string.data;
  else if (format_rule != NULL)
    checked->response_format = format_rule->sent_default;
  add_warnings(model, params, count, checked);
  return STEPIMG_OK;
}

const char *stepimg_number(char out[STEPIMG_NUMBER_MAX], double number)
{
  return text_number(out, number, 0);
}

enum stepimg_kind stepimg_validate(const struct stepimg_param *params, size_t count, bool strict,
                                   struct stepimg_checked *checked, struct stepimg_error *error)
{
  size_t model_count;
  const struct stepimg_model *models = stepimg_models(&model_count);
  return rules_validate(models, model_count, params, count, strict, checked, error);
}
