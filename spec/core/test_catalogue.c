/* The models: the catalogue, one of a host's own, and the model of a client. */
#include "params.h"

#include "rules/params.h"
#include "rules/rules.h"

/* --------------------------------------------------------------------------------------------------------- model -- */

static void the_model_is_known(void **state)
{
  size_t count = 0;
  const struct stepimg_model *models = stepimg_models(&count);
  (void)state;
  assert_true(count >= 1);
  assert_string_equal(models[0].name, "step-image-edit-2");
  assert_good("seed", integer(1));
  assert_string_equal(checked.model, "step-image-edit-2");
  assert_good("model", string("step-image-edit-2"));
  assert_string_equal(checked.model, "step-image-edit-2");
  assert_bad("model", string("step-image-edit-3"),
             "\"step-image-edit-3\" is not known to this version; known is step-");
  assert_bad("model", string("Step-image-edit-2"), "not known");
  assert_bad("model", string("step-image-edit-22"), "not known");
  assert_bad("model", string(""), "empty");
}

/* The rows that others make tables and texts of, against the service's reference page. */
static void the_catalogue_is_the_reference_page(void **state)
{
  static const struct {
    const char *name;
    enum stepimg_type type;
    bool required, own, shape, has_default;
    double min, max;
  } rows[] = {
      {"prompt", STEPIMG_STRING, true, false, false, false, 0, 512},
      {"size", STEPIMG_STRING, false, false, true, true, 0, 0},
      {"aspect", STEPIMG_ASPECT, false, true, true, false, 0.01, 100},
      {"width", STEPIMG_INTEGER, false, true, true, false, 1, 65535},
      {"height", STEPIMG_INTEGER, false, true, true, false, 1, 65535},
      {"image", STEPIMG_IMAGE, false, false, false, false, 0, 4096},
      {"n", STEPIMG_INTEGER, false, false, false, true, 1, 1},
      {"response_format", STEPIMG_STRING, false, false, false, true, 0, 0},
      {"seed", STEPIMG_INTEGER, false, false, false, false, 0, 2147483647},
      {"steps", STEPIMG_INTEGER, false, false, false, true, 1, 50},
      {"cfg_scale", STEPIMG_NUMBER, false, false, false, true, 1, 10},
      {"negative_prompt", STEPIMG_STRING, false, false, false, true, 0, 512},
      {"text_mode", STEPIMG_BOOLEAN, false, false, false, true, 0, 0},
      {"model", STEPIMG_STRING, false, false, false, false, 0, 0},
  };
  static const char *const texts[][2] = {{"size", "1024x1024"}, {"response_format", "url"}, {"negative_prompt", ""}};
  size_t count;
  const struct stepimg_model *model = stepimg_models(&count);
  struct stepimg_flaw flaw;
  (void)state;
  assert_int_equal(model->rule_count, COUNT_OF(rows));
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    const struct stepimg_rule *rule = &model->rules[i];
    assert_string_equal(rule->name, rows[i].name);
    assert_int_equal(rule->type, rows[i].type);
    assert_int_equal(rule->required, rows[i].required);
    assert_int_equal(rule->own, rows[i].own);
    assert_int_equal(rule->shape, rows[i].shape);
    assert_int_equal(rule->has_default, rows[i].has_default);
    assert_true(rule->min >= rows[i].min && rule->min <= rows[i].min);
    assert_true(rule->max >= rows[i].max && rule->max <= rows[i].max);
    if (rule->has_default) /* what the service takes keeps the service's rule */
      assert_true(rules_check_value(rule, &rule->server_default, &flaw));
    for (size_t k = 0; k < COUNT_OF(texts); k++)
      if (strcmp(rule->name, texts[k][0]) == 0)
        assert_string_equal(rule->server_default.as.string.data, texts[k][1]);
    if (strcmp(rule->name, "steps") == 0)
      assert_int_equal(rule->server_default.as.integer, 8);
  }
}

/* What a form is made of: a sentence for each row, and what it starts with keeps its own rule. */
static void every_row_describes_itself(void **state)
{
  size_t count;
  const struct stepimg_model *models = stepimg_models(&count);
  struct stepimg_flaw flaw;
  (void)state;
  for (size_t m = 0; m < count; m++)
    for (size_t i = 0; i < models[m].rule_count; i++) {
      const struct stepimg_rule *rule = &models[m].rules[i];
      assert_non_null(rule->description);
      size_t length = strlen(rule->description);
      if (length < 20 || length > 120 || rule->description[length - 1] != '.' || rule->description[0] < 'A' ||
          rule->description[0] > 'Z')
        fail_msg("%s: %s", rule->name, rule->description);
      if (rule->sent_default != NULL) {
        struct stepimg_value value = string(rule->sent_default);
        assert_true(rules_check_value(rule, &value, &flaw));
      }
      for (size_t k = 0; k < i; k++)
        assert_string_not_equal(rule->name, models[m].rules[k].name);
      if (strcmp(rule->name, "model") != 0)
        continue;
      assert_string_equal(rule->sent_default, models[0].name);
      for (size_t k = 0; k < count; k++)
        assert_string_equal(rule->choices[k], models[k].name);
      assert_null(rule->choices[count]);
    }
}

static const struct stepimg_rule narrow_rules[] = {
    {.name = "prompt", .type = STEPIMG_STRING, .required = true, .max = 5},
    {.name = "response_format", .type = STEPIMG_STRING, .sent_default = "webp"},
    {.name = "model", .type = STEPIMG_STRING},
};
static const struct stepimg_rule wide_rules[] = {
    {.name = "prompt", .type = STEPIMG_STRING},
    {.name = "seed", .type = STEPIMG_INTEGER, .min = 0, .max = 9},
    {.name = "response_format", .type = STEPIMG_STRING, .sent_default = "avif"},
    {.name = "model", .type = STEPIMG_STRING},
};
static const struct stepimg_rule silent_rules[] = {
    {.name = "prompt", .type = STEPIMG_STRING},
    {.name = "model", .type = STEPIMG_STRING},
};
static const struct stepimg_model three[] = {
    {.name = "narrow", .rules = narrow_rules, .rule_count = COUNT_OF(narrow_rules)},
    {.name = "wide", .rules = wide_rules, .rule_count = COUNT_OF(wide_rules)},
    {.name = "silent", .rules = silent_rules, .rule_count = COUNT_OF(silent_rules)},
};

static void a_catalogue_of_ones_own_is_the_only_source(void **state)
{
  struct stepimg_param params[] = {{"prompt", string("cats")}, {"model", string("silent")}, {"seed", integer(1)}};
  (void)state;
  assert_int_equal(params_validate(three, 3, params, 2, true, &checked, &error), STEPIMG_OK);
  assert_string_equal(checked.model, "silent");
  assert_ptr_equal(checked.rules, &three[2]);
  assert_int_equal(params_validate(three, 3, params, 3, true, &checked, &error), STEPIMG_INVALID);
  assert_string_equal(error.field, "seed"); /* another model's */
  assert_int_equal(params_validate(three, 2, params, 2, true, &checked, &error), STEPIMG_INVALID);
  assert_invalid(&error, "model", false);
  assert_contains(error.message, "known is narrow, wide (");
  params[0].value = string("sixsix");
  assert_int_equal(params_validate(three, 3, params, 1, true, &checked, &error), STEPIMG_INVALID);
  assert_contains(error.message, "6 characters; at most 5");
  params[0].value = string("cats");
  params[1].value = string("step-image-edit-2");
  assert_int_equal(params_validate(three, 3, params, 2, true, &checked, &error), STEPIMG_INVALID);
  assert_string_equal(error.field, "model");
}

/* The answer's form that stepimg asks for by itself is the chosen model's own, and of an unknown one the default's. */
static void defaults_are_those_of_the_chosen_model(void **state)
{
  static const struct {
    const char *model, *of_client, *format;
  } cases[] = {{NULL, NULL, "webp"},    {"narrow", NULL, "webp"},   {"wide", NULL, "avif"},    {"silent", NULL, NULL},
               {"other", NULL, "webp"}, {NULL, "wide", "avif"},     {"other", "wide", "webp"}, {NULL, "silent", NULL},
               {NULL, "new", "webp"},   {"narrow", "wide", "webp"}, {"narrow", "new", "webp"}, {"wide", "new", "avif"}};
  (void)state;
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    struct stepimg_param params[] = {{"prompt", string("cats")}, {"model", {.type = STEPIMG_OTHER}}};
    if (cases[i].model != NULL)
      params[1].value = string(cases[i].model);
    assert_true(
        params_check(three, 3, params, cases[i].model != NULL ? 2 : 1, cases[i].of_client, false, &checked, &flaws));
    if (cases[i].format == NULL)
      assert_null(checked.response_format);
    else
      assert_string_equal(checked.response_format, cases[i].format);
  }
}

/* ----------------------------------------------------------------------------------------------- the client's model -- */

static bool check_of_client(const char *model, struct stepimg_param one)
{
  struct stepimg_param params[] = {{"prompt", string("a cat")}, one};
  return check(params, one.name != NULL ? 2 : 1, model, true);
}

static void the_model_of_a_client_is_the_default_and_known(void **state)
{
  static const char new_model[] = "step-image-edit-9";
  (void)state;
  assert_true(check_of_client(new_model, (struct stepimg_param){.name = NULL}));
  assert_string_equal(checked.model, new_model);
  assert_string_equal(checked.response_format, "b64_json");
  assert_true(check_of_client(new_model, (struct stepimg_param){"model", string(new_model)}));
  assert_string_equal(checked.model, new_model);
  assert_true(check_of_client(new_model, (struct stepimg_param){"model", string("step-image-edit-2")}));
  assert_string_equal(checked.model, "step-image-edit-2");
  assert_false(check_of_client(new_model, (struct stepimg_param){"model", string("step-image-edit-8")}));
  assert_string_equal(all_flaws(), "model choice");
  assert_contains(flaws.all[0].message, "known is step-image-edit-2, step-image-edit-9 (");
  assert_false(check_of_client("step-image-edit-2", (struct stepimg_param){"model", string("step-image-edit-8")}));
  assert_contains(flaws.all[0].message, "known is step-image-edit-2 ("); /* and not twice */
}

static void the_model_of_a_client_has_the_defaults_rules_but_not_its_sizes(void **state)
{
  const struct {
    const char *name;
    struct stepimg_value value;
    const char *flaws;
  } cases[] = {
      {"steps", integer(51), "steps range"},
      {"steps", string("8"), "steps type"},
      {"steps", integer(50), ""},
      {"cfg_scale", number(10.5), "cfg_scale range"},
      {"negative_prompt", integer(1), "negative_prompt type"},
      {"response_format", string("png"), "response_format choice"},
      {"promt", string("x"), "promt unknown"},
      {"n", integer(2), "n range"},
      {"size", string("8192x8192"), ""},
      {"size", string("1024x1024"), ""},
      {"size", string("large"), "size choice"},
      {"size", string("1024 x 1024"), "size choice"},
      {"size", integer(1024), "size type"},
      {"size", string("1x\xff"), "size text"},
      {"image", string("x"), "image type"},
      {"image", picture("\x89PNG", 4, STEPIMG_PNG, 4097, 1), "image image"},
      {"image", picture("\x89PNG", 4, STEPIMG_PNG, 4096, 4096), ""},
  };
  (void)state;
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    check_of_client("step-image-edit-9", (struct stepimg_param){cases[i].name, cases[i].value});
    if (strcmp(all_flaws(), cases[i].flaws) != 0)
      fail_msg("%s: %s, not %s", cases[i].name, all_flaws(), cases[i].flaws);
  }
  check_of_client("step-image-edit-9", (struct stepimg_param){"size", string("large")});
  assert_contains(flaws.all[0].message, "give height x width, as in \"1024x1024\"");
  struct stepimg_param pair[] = {{"prompt", string("a cat")}, {"width", integer(2000)}, {"height", integer(10)}};
  assert_true(check(pair, 3, "step-image-edit-9", true));
  assert_string_equal(checked.size, "10x2000");
  pair[1].value = integer(0);
  assert_false(check(pair, 3, "step-image-edit-9", true));
  assert_string_equal(all_flaws(), "width range");
  assert_false(check(NULL, 0, "step-image-edit-9", true));
  assert_string_equal(all_flaws(), "prompt missing");
  struct stepimg_param negative[] = {{"prompt", string("a cat")}, {"negative_prompt", string("fog")}};
  assert_true(check(negative, 2, "step-image-edit-9", true));
  assert_int_equal(checked.warning_count, 1);
}

static void a_client_may_name_a_model_of_the_catalogue(void **state)
{
  (void)state;
  assert_true(check_of_client("step-image-edit-2", (struct stepimg_param){"size", string("768x1360")}));
  assert_false(check_of_client("step-image-edit-2", (struct stepimg_param){"size", string("8192x8192")}));
  assert_string_equal(all_flaws(), "size choice");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_model_is_known),
      cmocka_unit_test(the_catalogue_is_the_reference_page),
      cmocka_unit_test(every_row_describes_itself),
      cmocka_unit_test(a_catalogue_of_ones_own_is_the_only_source),
      cmocka_unit_test(defaults_are_those_of_the_chosen_model),
      cmocka_unit_test(the_model_of_a_client_is_the_default_and_known),
      cmocka_unit_test(the_model_of_a_client_has_the_defaults_rules_but_not_its_sizes),
      cmocka_unit_test(a_client_may_name_a_model_of_the_catalogue),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
