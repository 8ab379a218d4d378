/* A request's parameters together: names, the model, what is lax, warnings, every flaw at once. */
#include "params.h"

#include <math.h>

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

/* --------------------------------------------------------------------------------------------------------- names -- */

static void unknown_names_are_told_the_nearest(void **state)
{
  static const char *const near[][2] = {
      {"promt", "prompt"},
      {"Prompt", "prompt"},
      {"seeds", "seed"},
      {"sede", "seed"},
      {"step", "steps"},
      {"cfgscale", "cfg_scale"},
      {"cfg_scle", "cfg_scale"},
      {"negativeprompt", "negative_prompt"},
      {"respones_format", "response_format"},
      {"widht", "width"},
      {"heigth", "height"},
      {"modle", "model"},
      {"textmode", "text_mode"},
      {"Size", "size"},
      {"N", "n"},
  };
  char suggestion[64];
  (void)state;
  for (size_t i = 0; i < COUNT_OF(near); i++) {
    assert_int_equal(validate_one(near[i][0], string("x")), STEPIMG_INVALID);
    assert_string_equal(error.field, near[i][0]);
    assert_true(error.wrong_type);
    snprintf(suggestion, sizeof suggestion, "did you mean \"%s\"?", near[i][1]);
    assert_contains(error.message, suggestion);
    snprintf(suggestion, sizeof suggestion, "%s: there is no such parameter", near[i][0]);
    assert_contains(error.message, suggestion);
  }
}

static void far_names_are_told_all(void **state)
{
  static const char *const far[] = {"guidance", "quality", "aspect_ratio", "sampler_name", "strength"};
  static const char *const known[] = {
      "model", "width", "height",    "prompt",          "size",      "n",      "response_format",
      "seed",  "steps", "cfg_scale", "negative_prompt", "text_mode", "aspect", "image"};
  char long_name[2001];
  (void)state;
  for (size_t i = 0; i < COUNT_OF(far); i++) {
    assert_int_equal(validate_one(far[i], integer(1)), STEPIMG_INVALID);
    assert_string_equal(error.field, far[i]);
    assert_true(error.wrong_type);
    assert_contains(error.message, far[i]);
    assert_lacks(error.message, "did you mean");
    for (size_t k = 0; k < COUNT_OF(known); k++)
      assert_contains(error.message, known[k]);
  }
  repeated(long_name, CAT, 600);
  assert_int_equal(validate_one(long_name, integer(1)), STEPIMG_INVALID);
  assert_int_equal(strlen(error.field), 63); /* what its place holds, cut at a character's end */
  assert_contains(error.message, ": there is no such parameter");
  assert_int_equal(validate_one("", integer(1)), STEPIMG_INVALID);
  assert_true(error.wrong_type);
  assert_int_equal(validate_one("new\nline\x1b[31m", integer(1)), STEPIMG_INVALID);
  assert_contains(error.message, "new?line?[31m: there is");
  assert_int_equal(validate_one("no\x7f text\xff" CAT, integer(1)), STEPIMG_INVALID);
  assert_contains(error.message, "no? text?" CAT ": there is");
}

static void options_among_the_parameters_are_told_where_to_go(void **state)
{
  static const char *const of_calls[] = {"timeout",  "deadline", "stall_timeout", "retries",
                                         "download", "save",     "on_done"};
  static const char *const of_clients[] = {"api_key",         "base_url",
                                           "proxy",           "ca_file",
                                           "user_agent",      "headers",
                                           "max_concurrent",  "requests_per_minute",
                                           "budget",          "max_response_bytes",
                                           "connect_timeout", "strict",
                                           "allow_http"};
  (void)state;
  for (size_t i = 0; i < COUNT_OF(of_calls); i++) {
    assert_int_equal(validate_one(of_calls[i], integer(1)), STEPIMG_INVALID);
    assert_string_equal(error.field, of_calls[i]);
    assert_int_equal(error.reason, STEPIMG_REASON_UNKNOWN);
    assert_contains(error.message, ": it is an option, not a parameter: give it in the second table");
  }
  for (size_t i = 0; i < COUNT_OF(of_clients); i++) {
    assert_int_equal(validate_one(of_clients[i], string("sk-s3cr3t")), STEPIMG_INVALID);
    assert_string_equal(error.field, of_clients[i]);
    assert_contains(error.message, ": it is an option of a client, not a parameter: give it when the client is made");
    assert_lacks(error.message, "s3cr3t");
  }
  assert_good("model", string("step-image-edit-2")); /* it is both */
}

/* A table's order changes from run to run; the error does not. */
static void of_several_unknown_names_the_first_by_alphabet_is_told(void **state)
{
  static const char *const names[] = {"zeta", "beta", "alpha", "gamma"};
  (void)state;
  for (size_t a = 0; a < 4; a++)
    for (size_t b = 0; b < 4; b++)
      for (size_t c = 0; c < 4; c++)
        for (size_t d = 0; d < 4; d++) {
          if (a == b || a == c || a == d || b == c || b == d || c == d)
            continue;
          struct stepimg_param params[] = {{names[a], integer(1)},
                                           {"steps", integer(99)},
                                           {names[b], integer(1)},
                                           {names[c], string("x")},
                                           {names[d], other("table")}};
          assert_int_equal(validate(params, 5, true), STEPIMG_INVALID);
          assert_string_equal(error.field, "alpha");
          assert_contains(error.message, "alpha: there is no such parameter");
        }
}

static void of_several_bad_values_always_the_same_is_told(void **state)
{
  struct stepimg_param params[] = {
      {"steps", integer(99)}, {"seed", integer(-1)}, {"prompt", string("")}, {"width", integer(0)}};
  (void)state;
  for (int turn = 0; turn < 4; turn++) {
    struct stepimg_param first = params[0];
    assert_int_equal(validate(params, 4, true), STEPIMG_INVALID);
    assert_string_equal(error.field, "prompt");
    memmove(params, params + 1, 3 * sizeof *params);
    params[3] = first;
  }
}

/* -------------------------------------------------------------------------------------------------- strict false -- */

static void lax_lets_unknown_names_through(void **state)
{
  struct stepimg_param params[] = {{"prompt", string("a cat")}, {"quality", other("table")}, {"steps", integer(8)}};
  (void)state;
  assert_int_equal(validate(params, 3, false), STEPIMG_OK);
  assert_int_equal(validate(params, 3, true), STEPIMG_INVALID);
  params[2].value = integer(51); /* what is known stays checked */
  assert_int_equal(validate(params, 3, false), STEPIMG_INVALID);
  assert_invalid(&error, "steps", false);
  params[2].value = string("8");
  assert_int_equal(validate(params, 3, false), STEPIMG_INVALID);
  assert_invalid(&error, "steps", true);
}

static void lax_takes_no_text_that_is_none(void **state)
{
  struct stepimg_param params[] = {{"prompt", string("a cat")}, {"quality", string("\xff")}};
  (void)state;
  assert_int_equal(validate(params, 2, false), STEPIMG_INVALID);
  assert_invalid(&error, "quality", false);
  params[1] = (struct stepimg_param){"quality\xff", integer(1)};
  assert_int_equal(validate(params, 2, false), STEPIMG_INVALID);
  assert_contains(error.message, "\"quality?\" is not valid UTF-8");
  params[1] = (struct stepimg_param){"quality", string(CAT)};
  assert_int_equal(validate(params, 2, false), STEPIMG_OK);
}

static void lax_lets_unknown_models_through(void **state)
{
  struct stepimg_param params[] = {{"prompt", string("a cat")},
                                   {"model", string("step-image-edit-9")},
                                   {"steps", integer(500)},
                                   {"size", string("8192x8192")},
                                   {"response_format", string("url")}};
  (void)state;
  assert_int_equal(validate(params, 5, true), STEPIMG_INVALID);
  assert_invalid(&error, "model", false);
  assert_int_equal(validate(params, 5, false), STEPIMG_OK);
  assert_string_equal(checked.model, "step-image-edit-9");
  assert_string_equal(checked.response_format, "url");
  assert_int_equal(checked.warning_count, 0);
  params[3].value = string("large"); /* its sizes may be called anything */
  assert_int_equal(validate(params, 5, false), STEPIMG_OK);
  params[4] = (struct stepimg_param){"negative_prompt", string("fog")}; /* nor is it known when it has an effect */
  assert_int_equal(validate(params, 5, false), STEPIMG_OK);
  assert_int_equal(checked.warning_count, 0);
  params[1].value = integer(2); /* a model is a name in any case */
  assert_int_equal(validate(params, 5, false), STEPIMG_INVALID);
  assert_invalid(&error, "model", true);
  assert_string_equal(all_flaws(), "model type"); /* whose rules the others break, nobody knows */
  params[1].value = string("");
  assert_int_equal(validate(params, 5, false), STEPIMG_INVALID);
  assert_invalid(&error, "model", false);
}

static void lax_takes_any_pair_of_an_unknown_model(void **state)
{
  struct stepimg_param params[] = {{"prompt", string("a cat")},
                                   {"model", string("step-image-edit-9")},
                                   {"width", integer(2048)},
                                   {"height", number(512)}};
  (void)state;
  assert_int_equal(validate(params, 4, false), STEPIMG_OK);
  assert_string_equal(checked.size, "512x2048");
  assert_int_equal(validate(params, 3, false), STEPIMG_INVALID);
  assert_invalid(&error, "height", false);
  params[2].value = integer(65535);
  params[3].value = integer(65535);
  assert_int_equal(validate(params, 4, false), STEPIMG_OK);
  assert_string_equal(checked.size, "65535x65535");
  params[1].value = string("step-image-edit-2"); /* of a known one only what it offers */
  assert_int_equal(validate(params, 4, false), STEPIMG_INVALID);
  assert_invalid(&error, "width", false);
}

/* ------------------------------------------------------------------------------------------------------ warnings -- */

static void a_negative_prompt_without_effect_gives_a_warning(void **state)
{
  static const char *const negatives[] = {"blurry", CAT};
  const struct {
    struct stepimg_value scale;
    bool warned;
  } scales[] = {{number(1.0), true},  {integer(1), true},  {number(nextafter(1.0, 2.0)), false},
                {number(1.5), false}, {integer(2), false}, {number(10.0), false}};
  (void)state;
  for (size_t i = 0; i < COUNT_OF(negatives); i++) {
    struct stepimg_param params[] = {
        {"prompt", string("a cat")}, {"negative_prompt", string(negatives[i])}, {"cfg_scale", integer(0)}};
    assert_int_equal(validate(params, 2, true), STEPIMG_OK);
    assert_int_equal(checked.warning_count, 1);
    assert_contains(checked.warnings[0].message, "negative_prompt");
    assert_contains(checked.warnings[0].message, "cfg_scale");
    for (size_t k = 0; k < COUNT_OF(scales); k++) {
      params[2].value = scales[k].scale;
      assert_int_equal(validate(params, 3, true), STEPIMG_OK);
      assert_int_equal(checked.warning_count, scales[k].warned);
    }
  }
}

static void an_empty_negative_prompt_gives_none(void **state)
{
  (void)state;
  assert_good("negative_prompt", string("")); /* which asserts that there is no warning */
}

/* ---------------------------------------------------------------------------------------------- every flaw at once -- */

static void every_flaw_is_told_in_the_order_of_the_form(void **state)
{
  struct stepimg_param params[] = {{"text_mode", integer(1)},
                                   {"steps", integer(99)},
                                   {"zeta", integer(1)},
                                   {"cfg_scale", string("5")},
                                   {"promt", string("a cat")},
                                   {"seed", number(0.5)},
                                   {"width", integer(1360)},
                                   {"size", string("1x1")},
                                   {"response_format", string("png")},
                                   {"negative_prompt", string("\xff")},
                                   {"model", string("x")},
                                   {"n", integer(0)},
                                   {"save", string("x.png")},
                                   {"aspect", number(NAN)}};
  enum { COUNT = COUNT_OF(params) };
  (void)state;
  for (size_t turn = 0; turn < COUNT; turn++) {
    struct stepimg_param first = params[0];
    assert_int_equal(validate(params, COUNT, true), STEPIMG_INVALID);
    assert_string_equal(all_flaws(),
                        "model choice, promt unknown, save unknown, zeta unknown, prompt missing, size choice, "
                        "aspect range, width pair, n range, response_format choice, seed type, "
                        "steps range, cfg_scale type, negative_prompt text, text_mode type");
    memmove(params, params + 1, (COUNT - 1) * sizeof *params);
    params[COUNT - 1] = first;
  }
  for (size_t i = 0; i < flaws.count; i++) {
    const struct stepimg_flaw *flaw = &flaws.all[i];
    if (flaw->reason == STEPIMG_REASON_UNKNOWN)
      assert_null(flaw->rule);
    else
      assert_string_equal(flaw->rule->name, flaw->field);
  }
}

static void lax_flaws_have_no_rule_where_there_is_none(void **state)
{
  struct stepimg_param params[] = {{"quality", string("\xff")}, {"a\xff", integer(1)}, {"prompt", string("a cat")}};
  (void)state;
  assert_false(check(params, 3, NULL, false));
  assert_string_equal(all_flaws(), " text, quality text");
  assert_null(flaws.all[0].rule);
  assert_null(flaws.all[1].rule); /* and not one of the stack */
  params[0] = (struct stepimg_param){"model", string("other")};
  params[1] = (struct stepimg_param){"prompt", string("\xff")};
  assert_false(check(params, 2, NULL, false));
  assert_string_equal(all_flaws(), "prompt text");
  assert_null(flaws.all[0].rule);
}

/* Many unknown names leave room for the form's own flaws. */
static void flaws_are_bounded(void **state)
{
  enum { MANY = 500 };
  static char names[MANY][8];
  static struct stepimg_param params[MANY + 2];
  (void)state;
  for (size_t i = 0; i < MANY; i++) {
    snprintf(names[i], sizeof names[i], "x%03zu", (i * 7) % MANY); /* in no order */
    params[i] = (struct stepimg_param){names[i], integer(1)};
  }
  params[MANY] = (struct stepimg_param){"steps", integer(99)};
  params[MANY + 1] = (struct stepimg_param){"seed", integer(-1)};
  assert_false(check(params, MANY + 2, NULL, true));
  assert_int_equal(flaws.count, STEPIMG_MAX_FLAWS / 2 + 3);
  for (size_t i = 0; i < STEPIMG_MAX_FLAWS / 2; i++) {
    char name[8];
    snprintf(name, sizeof name, "x%03zu", i);
    assert_string_equal(flaws.all[i].field, name);
  }
  assert_string_equal(flaws.all[STEPIMG_MAX_FLAWS / 2].field, "prompt");
  assert_string_equal(flaws.all[STEPIMG_MAX_FLAWS / 2 + 1].field, "seed");
  assert_string_equal(flaws.all[STEPIMG_MAX_FLAWS / 2 + 2].field, "steps");
}

static void messages_say_what_to_do(void **state)
{
  (void)state;
  assert_false(check(NULL, 0, NULL, true));
  assert_string_equal(flaws.all[0].message, "prompt: it is missing; give 1 to 512 characters");
  validate_one("prompt", string(""));
  assert_string_equal(error.message, "prompt: the text is empty; 1 to 512 characters are allowed");
  validate_one("steps", string("8"));
  assert_string_equal(error.message, "steps: integer expected, got string");
  validate_one("cfg_scale", boolean(true));
  assert_string_equal(error.message, "cfg_scale: number expected, got boolean");
  validate_one("prompt", number(1.5));
  assert_string_equal(error.message, "prompt: string expected, got number");
  validate_one("text_mode", other("table"));
  assert_string_equal(error.message, "text_mode: boolean expected, got table");
  validate_one("steps", integer(51));
  assert_string_equal(error.message, "steps: 51 is out of range; 1 to 50 is allowed");
}

/* ------------------------------------------------------------------------------------------------------ the wire -- */

static void what_stepimg_makes_of_a_parameter_is_not_sent_as_given(void **state)
{
  static const struct {
    const char *name;
    bool generating, editing;
  } names[] = {{"prompt", true, true},    {"size", true, false},           {"aspect", false, false},
               {"width", false, false},   {"height", false, false},        {"image", false, false},
               {"n", true, false},        {"response_format", true, true}, {"seed", true, true},
               {"steps", true, true},     {"cfg_scale", true, true},       {"negative_prompt", true, true},
               {"text_mode", true, true}, {"model", true, true},           {"quality", true, true}};
  struct stepimg_param params[] = {{"prompt", string("a cat")}, {"image", picture("GIF89a", 6, STEPIMG_GIF, 1, 1)}};
  (void)state;
  for (size_t edits = 0; edits < 2; edits++) {
    assert_int_equal(validate(params, 1 + edits, true), STEPIMG_OK);
    assert_int_equal(checked.edits, edits);
    for (size_t i = 0; i < COUNT_OF(names); i++)
      if (stepimg_is_sent(&checked, names[i].name) != (edits ? names[i].editing : names[i].generating))
        fail_msg("%s", names[i].name);
  }
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
      cmocka_unit_test(unknown_names_are_told_the_nearest),
      cmocka_unit_test(far_names_are_told_all),
      cmocka_unit_test(options_among_the_parameters_are_told_where_to_go),
      cmocka_unit_test(of_several_unknown_names_the_first_by_alphabet_is_told),
      cmocka_unit_test(of_several_bad_values_always_the_same_is_told),
      cmocka_unit_test(lax_lets_unknown_names_through),
      cmocka_unit_test(lax_takes_no_text_that_is_none),
      cmocka_unit_test(lax_lets_unknown_models_through),
      cmocka_unit_test(lax_takes_any_pair_of_an_unknown_model),
      cmocka_unit_test(a_negative_prompt_without_effect_gives_a_warning),
      cmocka_unit_test(an_empty_negative_prompt_gives_none),
      cmocka_unit_test(every_flaw_is_told_in_the_order_of_the_form),
      cmocka_unit_test(lax_flaws_have_no_rule_where_there_is_none),
      cmocka_unit_test(flaws_are_bounded),
      cmocka_unit_test(messages_say_what_to_do),
      cmocka_unit_test(what_stepimg_makes_of_a_parameter_is_not_sent_as_given),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
