/* A request's parameters together: names, what is lax, warnings, every flaw at once. */
#include "params.h"

#include <math.h>

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
