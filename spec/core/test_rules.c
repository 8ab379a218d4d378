/* The rules on a request's parameters: both sides of every bound, wrong types, texts, names, the pair, warnings. */
#include "check.h"

#include <math.h>
#include <stdio.h>

#include "rules/rules.h"

#define CAT "\xe7\x8c\xab"          /* three bytes */
#define CAT_FACE "\xf0\x9f\x90\xb1" /* four */
#define SIZES "1024x1024, 768x1360, 896x1184, 1360x768, 1184x896"

static struct stepimg_checked checked;
static struct stepimg_error error;

static enum stepimg_kind validate(const struct stepimg_param *params, size_t count, bool strict)
{
  memset(&checked, 0x55, sizeof checked); /* what a caller has on its stack */
  memset(&error, 0x55, sizeof error);
  enum stepimg_kind kind = stepimg_validate(params, count, strict, &checked, &error);
  assert_int_equal(error.kind, kind);
  assert_true(error.retry_after < 0);
  assert_int_equal(error.status, 0);
  assert_int_equal(error.maybe_billed, false);
  return kind;
}

/* A request that is good but for this one value. */
static enum stepimg_kind validate_one(const char *name, struct stepimg_value value)
{
  struct stepimg_param params[] = {{name, value}, {"prompt", string("a cat")}};
  return validate(params, strcmp(name, "prompt") == 0 ? 1 : 2, true);
}

static void assert_good(const char *name, struct stepimg_value value)
{
  if (validate_one(name, value) != STEPIMG_OK)
    fail_msg("%s: refused: %s", name, error.message);
  assert_string_equal(error.message, "");
  assert_string_equal(error.field, "");
  assert_int_equal(checked.warning_count, 0);
}

static void assert_bad(const char *name, struct stepimg_value value, const char *reason)
{
  if (validate_one(name, value) == STEPIMG_OK)
    fail_msg("%s: let through; \"%s\" was to come", name, reason);
  assert_invalid(&error, name, false);
  assert_contains(error.message, reason);
}

static void assert_wrong_type(const char *name, struct stepimg_value value, const char *wanted, const char *given)
{
  if (validate_one(name, value) == STEPIMG_OK)
    fail_msg("%s: let through; %s is wanted", name, wanted);
  assert_invalid(&error, name, true);
  assert_contains(error.message, wanted);
  assert_contains(error.message, given);
}

/* A text of so many of one character. */
static struct stepimg_value repeated(char *out, const char *character, size_t count)
{
  size_t size = strlen(character);
  for (size_t i = 0; i < count; i++)
    memcpy(out + i * size, character, size);
  out[count * size] = '\0';
  return string_of(out, count * size);
}

/* --------------------------------------------------------------------------------------------------------- texts -- */

static void a_prompt_has_1_to_512_characters(void **state)
{
  static const char *const characters[] = {"a", "\xc3\xa9", CAT, CAT_FACE};
  char text[513 * 4 + 1];
  (void)state;
  for (size_t i = 0; i < COUNT_OF(characters); i++) {
    assert_bad("prompt", repeated(text, characters[i], 0), "empty");
    assert_good("prompt", repeated(text, characters[i], 1));
    assert_good("prompt", repeated(text, characters[i], 511));
    assert_good("prompt", repeated(text, characters[i], 512));
    assert_bad("prompt", repeated(text, characters[i], 513), "513 characters; at most 512");
  }
}

static void a_negative_prompt_has_0_to_512_characters(void **state)
{
  static const char *const characters[] = {"a", CAT, CAT_FACE};
  char text[513 * 4 + 1];
  (void)state;
  for (size_t i = 0; i < COUNT_OF(characters); i++)
    for (size_t count = 0; count <= 513; count += count < 511 ? 511 : 1) {
      struct stepimg_param params[] = {
          {"prompt", string("a cat")},
          {"negative_prompt", repeated(text, characters[i], count)},
          {"cfg_scale", number(7.5)},
      };
      if (count <= 512) {
        assert_int_equal(validate(params, 3, true), STEPIMG_OK);
        assert_int_equal(checked.warning_count, 0);
      } else {
        assert_int_equal(validate(params, 3, true), STEPIMG_INVALID);
        assert_invalid(&error, "negative_prompt", false);
        assert_contains(error.message, "513 characters; at most 512");
      }
    }
}

static void a_prompt_is_required(void **state)
{
  struct stepimg_param seed = {"seed", integer(1)};
  (void)state;
  assert_int_equal(validate(NULL, 0, true), STEPIMG_INVALID);
  assert_invalid(&error, "prompt", false);
  assert_contains(error.message, "missing");
  assert_int_equal(validate(&seed, 1, true), STEPIMG_INVALID);
  assert_invalid(&error, "prompt", false);
  assert_int_equal(validate(&seed, 1, false), STEPIMG_INVALID);
  assert_invalid(&error, "prompt", false);
}

static void texts_are_utf8_without_nul(void **state)
{
  static const char *const fields[] = {"prompt", "negative_prompt", "size", "response_format", "model"};
  static const struct {
    const char *text;
    size_t length;
    const char *reason;
  } flaws[] = {
      {"a\0b", 3, "NUL"},
      {"\0", 1, "NUL"},
      {"1024x1024\0", 10, "NUL"},
      {"b64_json\0x", 10, "NUL"},
      {"step-image-edit-2\0", 18, "NUL"},
      {"\x80", 1, "UTF-8 (at byte 1)"},
      {"ab\xff", 3, "UTF-8 (at byte 3)"},
      {CAT "\xc0\xaf", 5, "UTF-8 (at byte 4)"}, /* overlong */
      {"\xc1\xbf", 2, "UTF-8 (at byte 1)"},
      {"\xe0\x80\xaf", 3, "UTF-8 (at byte 1)"},
      {"x\xf0\x80\x80\xaf", 5, "UTF-8 (at byte 2)"},
      {"\xed\xa0\x80", 3, "UTF-8 (at byte 1)"}, /* surrogates */
      {"\xed\xbf\xbf", 3, "UTF-8 (at byte 1)"},
      {"\xf4\x90\x80\x80", 4, "UTF-8 (at byte 1)"}, /* beyond U+10FFFF */
      {"\xf5\x80\x80\x80", 4, "UTF-8 (at byte 1)"},
      {"a" CAT "\xe7\x8c", 6, "UTF-8 (at byte 5)"}, /* cut */
      {"\xf0\x9f\x90", 3, "UTF-8 (at byte 1)"},
      {"\xc3", 1, "UTF-8 (at byte 1)"},
      {"\xc3(", 2, "UTF-8 (at byte 1)"},
  };
  (void)state;
  for (size_t f = 0; f < COUNT_OF(fields); f++)
    for (size_t i = 0; i < COUNT_OF(flaws); i++) {
      char *copy = malloc(flaws[i].length + 1);
      assert_non_null(copy);
      memcpy(copy, flaws[i].text, flaws[i].length);
      copy[flaws[i].length] = '\0';
      assert_bad(fields[f], string_of(copy, flaws[i].length), flaws[i].reason);
      free(copy);
    }
  assert_good("prompt", string("line\nbreak\tand \x01 are text"));
  assert_good("prompt", string("\xf4\x8f\xbf\xbf\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"));
}

/* ---------------------------------------------------------------------------------------------- size and choices -- */

static void the_five_sizes_are_offered(void **state)
{
  static const char *const sizes[] = {"1024x1024", "768x1360", "896x1184", "1360x768", "1184x896"};
  static const char *const wrong[] = {
      "",           "x",         "1024",  "512x512",    "1024X1024",       "1024x1024 ",
      " 1024x1024", "1024*1024", "1024x", "x1024",      "1024x1024x1",     "01024x1024",
      "1360x1360",  "0x0",       "-1x-1", "xxxxxxxxxx", "768\303\2271360", "99999999999999x99999999999999999999999999"};
  (void)state;
  for (size_t i = 0; i < COUNT_OF(sizes); i++) {
    assert_good("size", string(sizes[i]));
    assert_string_equal(checked.size, ""); /* what the caller gave goes as the caller gave it */
  }
  for (size_t i = 0; i < COUNT_OF(wrong); i++)
    assert_bad("size", string(wrong[i]), "height x width is one of " SIZES);
  assert_lacks(error.message, "other way round");
}

static const char *const steep_sizes[] = {"100x200", "300x700", "50x50", NULL};
static const struct stepimg_rule steep_rules[] = {
    {.name = "prompt", .type = STEPIMG_STRING, .required = true, .max = 5},
    {.name = "size", .type = STEPIMG_STRING, .choices = steep_sizes, .meaning = "height x width"},
    {.name = "response_format", .type = STEPIMG_STRING, .sent_default = "webp"},
};
static const struct stepimg_rule bare_rules[] = {
    {.name = "prompt", .type = STEPIMG_STRING},
    {.name = "size", .type = STEPIMG_STRING},
    {.name = "any", .type = STEPIMG_OTHER},
};
static const struct stepimg_model steep[] = {
    {"steep", steep_rules, COUNT_OF(steep_rules)},
    {"steep-2", bare_rules, 1},
};

static enum stepimg_kind validate_steep(struct stepimg_param one, struct stepimg_param two)
{
  struct stepimg_param params[] = {{"prompt", string("cat")}, one, two};
  return rules_validate(steep, COUNT_OF(steep), params, two.name != NULL ? 3 : 2, true, &checked, &error);
}

/* The service offers every size both ways; a catalogue that does not shows which way round is meant. */
static void a_size_the_wrong_way_round_is_told_so(void **state)
{
  const struct stepimg_param none = {.name = NULL};
  (void)state;
  assert_int_equal(validate_steep((struct stepimg_param){"size", string("100x200")}, none), STEPIMG_OK);
  assert_string_equal(checked.model, "steep");
  assert_string_equal(checked.response_format, "webp");
  assert_int_equal(validate_steep((struct stepimg_param){"size", string("200x100")}, none), STEPIMG_INVALID);
  assert_invalid(&error, "size", false);
  assert_contains(error.message, "the other way round it is: \"100x200\"");
  assert_contains(error.message, "height x width is one of 100x200, 300x700, 50x50");
  assert_int_equal(validate_steep((struct stepimg_param){"size", string("700x300")}, none), STEPIMG_INVALID);
  assert_contains(error.message, "\"300x700\"");
  assert_int_equal(validate_steep((struct stepimg_param){"size", string("200x300")}, none), STEPIMG_INVALID);
  assert_lacks(error.message, "other way round");

  assert_int_equal(
      validate_steep((struct stepimg_param){"width", integer(200)}, (struct stepimg_param){"height", integer(100)}),
      STEPIMG_OK);
  assert_string_equal(checked.size, "100x200");
  assert_int_equal(
      validate_steep((struct stepimg_param){"width", integer(100)}, (struct stepimg_param){"height", integer(200)}),
      STEPIMG_INVALID);
  assert_invalid(&error, "width", false);
  assert_contains(error.message, "100 x 200 is not offered, but the other way round it is");
  assert_contains(error.message, "200 x 100, 700 x 300, 50 x 50"); /* as the caller speaks: width first */
  assert_int_equal(
      validate_steep((struct stepimg_param){"width", integer(50)}, (struct stepimg_param){"height", integer(200)}),
      STEPIMG_INVALID);
  assert_lacks(error.message, "other way round");
}

static void a_catalogue_of_ones_own_is_the_only_source(void **state)
{
  struct stepimg_param params[] = {{"prompt", string("cats")}, {"model", string("steep-2")}, {"seed", integer(1)}};
  (void)state;
  assert_int_equal(rules_validate(steep, 2, params, 2, true, &checked, &error), STEPIMG_OK);
  assert_string_equal(checked.model, "steep-2");
  assert_int_equal(rules_validate(steep, 2, params, 3, true, &checked, &error), STEPIMG_INVALID);
  assert_string_equal(error.field, "seed"); /* another model's */
  assert_int_equal(rules_validate(steep, 1, params, 2, true, &checked, &error), STEPIMG_INVALID);
  assert_invalid(&error, "model", false);
  assert_contains(error.message, "steep");
  params[0].value = string("sixsix");
  assert_int_equal(rules_validate(steep, 2, params, 1, true, &checked, &error), STEPIMG_INVALID);
  assert_contains(error.message, "6 characters; at most 5");
  params[1].value = string("step-image-edit-2");
  assert_int_equal(rules_validate(steep, 2, params, 2, true, &checked, &error), STEPIMG_INVALID);
  assert_string_equal(error.field, "model");
}

static void response_format_is_b64_json_or_url(void **state)
{
  (void)state;
  assert_good("seed", integer(1));
  assert_string_equal(checked.response_format, "b64_json"); /* our default, not the service's */
  assert_good("response_format", string("b64_json"));
  assert_string_equal(checked.response_format, "b64_json");
  assert_good("response_format", string("url"));
  assert_string_equal(checked.response_format, "url");
  assert_bad("response_format", string("URL"), "response_format is one of b64_json, url");
  assert_bad("response_format", string("b64"), "\"b64\" is not offered");
  assert_bad("response_format", string(""), "b64_json, url");
  assert_bad("response_format", string("axb"), "b64_json, url");
}

/* ------------------------------------------------------------------------------------------------------- numbers -- */

static void n_is_1(void **state)
{
  (void)state;
  assert_good("n", integer(1));
  assert_good("n", number(1.0));
  assert_bad("n", integer(0), "only 1 is allowed");
  assert_bad("n", integer(2), "2 is out of range; only 1");
  assert_bad("n", integer(-1), "only 1");
  assert_bad("n", number(1.5), "only 1");
}

static void seed_is_0_to_2147483647(void **state)
{
  (void)state;
  assert_good("seed", integer(0));
  assert_good("seed", integer(1));
  assert_good("seed", integer(2147483647));
  assert_good("seed", number(2147483647.0));
  assert_good("seed", number(-0.0));
  assert_bad("seed", integer(-1), "-1 is out of range; 0 to 2147483647 is allowed");
  assert_bad("seed", integer(2147483648), "2147483648 is out of range");
  assert_bad("seed", number(2147483648.0), "2147483648 is out of range");
  assert_bad("seed", integer(4294967296), "out of range"); /* 0, had it been cut to 32 bits */
  assert_bad("seed", integer(INT64_MAX), "9223372036854775807 is out of range");
  assert_bad("seed", integer(INT64_MIN), "-9223372036854775808 is out of range");
  assert_bad("seed", number(1.5), "1.5 is not a whole number");
  assert_bad("seed", number(1e300), "1e+300 is out of range"); /* it is a whole number */
  assert_bad("seed", number(18446744073709551616.0), "out of range");
}

static void steps_are_1_to_50(void **state)
{
  (void)state;
  assert_good("steps", integer(1));
  assert_good("steps", integer(8));
  assert_good("steps", number(8.0));
  assert_good("steps", integer(50));
  assert_good("steps", number(50.0));
  assert_bad("steps", integer(0), "0 is out of range; 1 to 50 is allowed");
  assert_bad("steps", integer(51), "51 is out of range; 1 to 50 is allowed");
  assert_bad("steps", number(51.0), "51 is out of range");
  assert_bad("steps", number(8.5), "8.5 is not a whole number; 1 to 50 is allowed");
  assert_bad("steps", number(NAN), "nan");
  assert_bad("steps", number(INFINITY), "out of range");
  assert_bad("steps", number(-INFINITY), "out of range");
}

static void cfg_scale_is_1_to_10(void **state)
{
  (void)state;
  assert_good("cfg_scale", number(1.0));
  assert_good("cfg_scale", number(1.5));
  assert_good("cfg_scale", integer(5));
  assert_good("cfg_scale", integer(1));
  assert_good("cfg_scale", integer(10));
  assert_good("cfg_scale", number(10.0));
  assert_bad("cfg_scale", number(0.99), "0.99 is out of range; 1 to 10 is allowed");
  assert_bad("cfg_scale", number(nextafter(1.0, 0.0)), "1 to 10 is allowed");
  assert_bad("cfg_scale", number(10.01), "10.01 is out of range");
  assert_bad("cfg_scale", number(nextafter(10.0, 11.0)), "1 to 10 is allowed");
  assert_bad("cfg_scale", integer(0), "0 is out of range");
  assert_bad("cfg_scale", integer(11), "11 is out of range");
  assert_bad("cfg_scale", number(NAN), "nan");
  assert_bad("cfg_scale", number(-NAN), "nan");
  assert_bad("cfg_scale", number(INFINITY), "inf is out of range");
  assert_bad("cfg_scale", number(-INFINITY), "-inf is out of range");
}

static void text_mode_is_true_or_false(void **state)
{
  (void)state;
  assert_good("text_mode", boolean(true));
  assert_good("text_mode", boolean(false));
}

static void numbers_are_read_exactly(void **state)
{
  static const struct {
    double number;
    bool whole;
    int64_t integer;
  } numbers[] = {
      {0.0, true, 0},
      {-0.0, true, 0},
      {-7.0, true, -7},
      {9007199254740992.0, true, 9007199254740992},
      {-9007199254740992.0, true, -9007199254740992},
      {0.5, false, 0},
      {-1e-300, false, 0},
      {NAN, false, 0},
      {INFINITY, false, 0},
      {-INFINITY, false, 0},
      {1e19, false, 0}, /* no int64_t has room for it */
      {-1e19, false, 0},
  };
  struct stepimg_value value;
  int64_t whole;
  double real;
  (void)state;
  for (size_t i = 0; i < COUNT_OF(numbers); i++) {
    value = number(numbers[i].number);
    whole = 0;
    assert_int_equal(rules_integer(&value, &whole), numbers[i].whole);
    assert_true(whole == numbers[i].integer);
    assert_true(rules_number(&value, &real));
    assert_true(real == numbers[i].number || isnan(real));
  }
  value = integer(INT64_MIN);
  assert_true(rules_integer(&value, &whole) && whole == INT64_MIN);
  value = integer(3);
  assert_true(rules_number(&value, &real) && real > 2.9 && real < 3.1);
  value = string("8");
  assert_false(rules_integer(&value, &whole) || rules_number(&value, &real));
  value = boolean(true);
  assert_false(rules_integer(&value, &whole) || rules_number(&value, &real));
  value = other("table");
  assert_false(rules_integer(&value, &whole) || rules_number(&value, &real));
}

/* --------------------------------------------------------------------------------------------------- wrong types -- */

static void types_are_never_converted(void **state)
{
  static const struct {
    const char *name, *wanted;
    bool takes_string, takes_number, takes_boolean;
  } fields[] = {
      {"prompt", "a string is wanted", true, false, false},
      {"negative_prompt", "a string is wanted", true, false, false},
      {"size", "a string is wanted", true, false, false},
      {"response_format", "a string is wanted", true, false, false},
      {"model", "a string is wanted", true, false, false},
      {"n", "an integer is wanted", false, true, false},
      {"seed", "an integer is wanted", false, true, false},
      {"steps", "an integer is wanted", false, true, false},
      {"cfg_scale", "a number is wanted", false, true, false},
      {"text_mode", "true or false is wanted", false, false, true},
  };
  (void)state;
  for (size_t i = 0; i < COUNT_OF(fields); i++) {
    const char *name = fields[i].name, *wanted = fields[i].wanted;
    if (!fields[i].takes_string) {
      assert_wrong_type(name, string("8"), wanted, "not the string \"8\"");
      assert_wrong_type(name, string("true"), wanted, "not the string \"true\"");
      assert_wrong_type(name, string(""), wanted, "not the string \"\"");
      assert_wrong_type(name, string_of("a\0\xff\n", 4), wanted, "not the string \"a???\"");
    }
    if (!fields[i].takes_number) {
      assert_wrong_type(name, integer(1), wanted, "not 1");
      assert_wrong_type(name, number(1.5), wanted, "not 1.5");
    }
    if (!fields[i].takes_boolean) {
      assert_wrong_type(name, boolean(true), wanted, "not true");
      assert_wrong_type(name, boolean(false), wanted, "not false");
    }
    assert_wrong_type(name, other("table"), wanted, "not a table");
    assert_wrong_type(name, other("function"), wanted, "not a function");
  }
}

static void long_values_are_shown_cut(void **state)
{
  char text[5001];
  size_t characters = 0;
  (void)state;
  assert_wrong_type("steps", repeated(text, CAT, 1666), "an integer is wanted", "\xe2\x80\xa6");
  assert_true(strlen(error.message) < 200);
  assert_bad("size", repeated(text, "9x", 2500), SIZES);
  assert_true(strlen(error.message) < 250);
  assert_bad("model", repeated(text, CAT_FACE, 1000), "\xe2\x80\xa6");
  assert_wrong_type("steps", other(repeated(text, "t", 5000).as.string.data), "an integer is wanted", "a ttt");
  assert_true(strlen(error.message) < 200);
  for (const char *c = error.message; *c != '\0'; c++)
    characters += *c == 't';
  assert_true(characters > 10);
}

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
    bool required, has_default;
    double min, max;
  } rows[] = {
      {"prompt", STEPIMG_STRING, true, false, 0, 512},
      {"size", STEPIMG_STRING, false, true, 0, 0},
      {"n", STEPIMG_INTEGER, false, true, 1, 1},
      {"response_format", STEPIMG_STRING, false, true, 0, 0},
      {"seed", STEPIMG_INTEGER, false, false, 0, 2147483647},
      {"steps", STEPIMG_INTEGER, false, true, 1, 50},
      {"cfg_scale", STEPIMG_NUMBER, false, true, 1, 10},
      {"negative_prompt", STEPIMG_STRING, false, true, 0, 512},
      {"text_mode", STEPIMG_BOOLEAN, false, true, 0, 0},
  };
  static const char *const texts[][2] = {{"size", "1024x1024"}, {"response_format", "url"}, {"negative_prompt", ""}};
  size_t count;
  const struct stepimg_model *model = stepimg_models(&count);
  struct stepimg_error reason;
  (void)state;
  assert_int_equal(model->rule_count, COUNT_OF(rows));
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    const struct stepimg_rule *rule = &model->rules[i];
    assert_string_equal(rule->name, rows[i].name);
    assert_int_equal(rule->type, rows[i].type);
    assert_int_equal(rule->required, rows[i].required);
    assert_int_equal(rule->has_default, rows[i].has_default);
    assert_true(rule->min >= rows[i].min && rule->min <= rows[i].min);
    assert_true(rule->max >= rows[i].max && rule->max <= rows[i].max);
    memset(&reason, 0, sizeof reason);
    if (rule->has_default) /* what the service takes keeps the service's rule */
      assert_int_equal(rules_check_value(rule, &rule->server_default, &reason), STEPIMG_OK);
    for (size_t k = 0; k < COUNT_OF(texts); k++)
      if (strcmp(rule->name, texts[k][0]) == 0)
        assert_string_equal(rule->server_default.as.string.data, texts[k][1]);
    if (strcmp(rule->name, "steps") == 0)
      assert_int_equal(rule->server_default.as.integer, 8);
  }
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
  static const char *const far[] = {"guidance", "quality", "aspect_ratio", "sampler_name", "image"};
  static const char *const known[] = {"model", "width",     "height",          "prompt",
                                      "size",  "n",         "response_format", "seed",
                                      "steps", "cfg_scale", "negative_prompt", "text_mode"};
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

/* ---------------------------------------------------------------------------------------------- width and height -- */

enum { ABSENT = -1000000 };

static enum stepimg_kind validate_pair(int64_t width, int64_t height, const char *size)
{
  struct stepimg_param params[4] = {{"prompt", string("a cat")}};
  size_t count = 1;
  if (width != ABSENT)
    params[count++] = (struct stepimg_param){"width", integer(width)};
  if (height != ABSENT)
    params[count++] = (struct stepimg_param){"height", integer(height)};
  if (size != NULL)
    params[count++] = (struct stepimg_param){"size", string(size)};
  return validate(params, count, true);
}

static void width_and_height_stand_for_size(void **state)
{
  static const struct {
    int64_t width, height;
    const char *size;
  } pairs[] = {{1024, 1024, "1024x1024"},
               {1360, 768, "768x1360"},
               {1184, 896, "896x1184"},
               {768, 1360, "1360x768"},
               {896, 1184, "1184x896"}};
  static const int64_t wrong[][2] = {{512, 512}, {1024, 768}, {1360, 1360}, {1, 1}, {65535, 65535}};
  (void)state;
  for (size_t i = 0; i < COUNT_OF(pairs); i++) {
    assert_int_equal(validate_pair(pairs[i].width, pairs[i].height, NULL), STEPIMG_OK);
    assert_string_equal(checked.size, pairs[i].size);
  }
  for (size_t i = 0; i < COUNT_OF(wrong); i++) {
    assert_int_equal(validate_pair(wrong[i][0], wrong[i][1], NULL), STEPIMG_INVALID);
    assert_invalid(&error, "width", false);
    assert_contains(error.message, "offered are 1024 x 1024, 1360 x 768, 1184 x 896, 768 x 1360, 896 x 1184");
  }
}

static void width_and_height_go_together(void **state)
{
  (void)state;
  assert_int_equal(validate_pair(ABSENT, ABSENT, NULL), STEPIMG_OK);
  assert_string_equal(checked.size, "");
  assert_int_equal(validate_pair(ABSENT, ABSENT, "768x1360"), STEPIMG_OK);
  assert_int_equal(validate_pair(1024, ABSENT, NULL), STEPIMG_INVALID);
  assert_invalid(&error, "height", false);
  assert_contains(error.message, "missing");
  assert_int_equal(validate_pair(ABSENT, 1024, NULL), STEPIMG_INVALID);
  assert_invalid(&error, "width", false);
  assert_contains(error.message, "missing");
}

static void width_and_height_exclude_size(void **state)
{
  (void)state;
  assert_int_equal(validate_pair(1360, 768, "768x1360"), STEPIMG_INVALID);
  assert_invalid(&error, "width", false);
  assert_contains(error.message, "either size or width and height");
  assert_int_equal(validate_pair(1360, ABSENT, "768x1360"), STEPIMG_INVALID);
  assert_invalid(&error, "width", false);
  assert_contains(error.message, "either size or width and height");
  assert_int_equal(validate_pair(ABSENT, 768, "768x1360"), STEPIMG_INVALID);
  assert_invalid(&error, "height", false);
  assert_contains(error.message, "either size or width and height");
}

static void width_and_height_are_whole_numbers(void **state)
{
  static const char *const names[] = {"width", "height"};
  (void)state;
  for (size_t i = 0; i < 2; i++) {
    const struct {
      struct stepimg_value value;
      bool good, wrong_type;
    } values[] = {
        {integer(1024), true, false},       {number(1024.0), true, false},       {number(1024.5), false, false},
        {integer(0), false, false},         {integer(-1024), false, false},      {integer(65536), false, false},
        {integer(INT64_MAX), false, false}, {number(NAN), false, false},         {number(INFINITY), false, false},
        {number(1e300), false, false},      {integer(4294968320), false, false}, /* 1024, had it been cut to 32 bits */
        {string("1024"), false, true},      {boolean(true), false, true},        {other("table"), false, true},
    };
    for (size_t k = 0; k < COUNT_OF(values); k++) {
      struct stepimg_param params[] = {
          {"prompt", string("a cat")}, {names[i], values[k].value}, {names[1 - i], integer(1024)}};
      enum stepimg_kind kind = validate(params, 3, true);
      if (values[k].good) {
        assert_int_equal(kind, STEPIMG_OK);
        assert_string_equal(checked.size, "1024x1024");
      } else
        assert_invalid(&error, names[i], values[k].wrong_type);
    }
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
  params[1].value = integer(2); /* a model is a name in any case */
  assert_int_equal(validate(params, 5, false), STEPIMG_INVALID);
  assert_invalid(&error, "model", true);
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

/* --------------------------------------------------------------------------------------------- one value, a rule -- */

static void a_rule_may_be_open_at_the_top(void **state)
{
  const struct stepimg_rule rule = {.name = "count", .type = STEPIMG_INTEGER, .min = 3, .max = INFINITY};
  struct stepimg_value value = integer(3);
  (void)state;
  memset(&error, 0, sizeof error);
  assert_int_equal(rules_check_value(&rule, &value, &error), STEPIMG_OK);
  value = integer(INT64_MAX);
  assert_int_equal(rules_check_value(&rule, &value, &error), STEPIMG_OK);
  value = integer(2);
  assert_int_equal(rules_check_value(&rule, &value, &error), STEPIMG_INVALID);
  assert_invalid(&error, "count", false);
  assert_contains(error.message, "at least 3");
}

static void a_rule_may_have_no_bound_for_texts(void **state)
{
  char text[10001];
  struct stepimg_value value = repeated(text, "x", 10000);
  (void)state;
  memset(&error, 0, sizeof error);
  assert_int_equal(rules_check_value(&bare_rules[1], &value, &error), STEPIMG_OK);
  value = string("");
  assert_int_equal(rules_check_value(&bare_rules[0], &value, &error), STEPIMG_OK);
  value = other("table");
  assert_int_equal(rules_check_value(&bare_rules[2], &value, &error), STEPIMG_OK);
}

static void kinds_have_the_promised_names(void **state)
{
  static const struct {
    enum stepimg_kind kind;
    const char *name;
  } kinds[] = {
      {STEPIMG_INVALID, "invalid"},
      {STEPIMG_AUTH, "auth"},
      {STEPIMG_BILLING, "billing"},
      {STEPIMG_MODERATION, "moderation"},
      {STEPIMG_RATE_LIMIT, "rate_limit"},
      {STEPIMG_SERVER, "server"},
      {STEPIMG_REQUEST, "request"},
      {STEPIMG_NETWORK, "network"},
      {STEPIMG_TIMEOUT, "timeout"},
      {STEPIMG_PROTOCOL, "protocol"},
      {STEPIMG_CANCELLED, "cancelled"},
      {STEPIMG_BUDGET, "budget"},
      {STEPIMG_IO, "io"},
  };
  (void)state;
  for (size_t i = 0; i < COUNT_OF(kinds); i++)
    assert_string_equal(stepimg_kind_name(kinds[i].kind), kinds[i].name);
  assert_non_null(stepimg_kind_name((enum stepimg_kind)99));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_prompt_has_1_to_512_characters),
      cmocka_unit_test(a_negative_prompt_has_0_to_512_characters),
      cmocka_unit_test(a_prompt_is_required),
      cmocka_unit_test(texts_are_utf8_without_nul),
      cmocka_unit_test(the_five_sizes_are_offered),
      cmocka_unit_test(a_size_the_wrong_way_round_is_told_so),
      cmocka_unit_test(a_catalogue_of_ones_own_is_the_only_source),
      cmocka_unit_test(response_format_is_b64_json_or_url),
      cmocka_unit_test(n_is_1),
      cmocka_unit_test(seed_is_0_to_2147483647),
      cmocka_unit_test(steps_are_1_to_50),
      cmocka_unit_test(cfg_scale_is_1_to_10),
      cmocka_unit_test(text_mode_is_true_or_false),
      cmocka_unit_test(numbers_are_read_exactly),
      cmocka_unit_test(types_are_never_converted),
      cmocka_unit_test(long_values_are_shown_cut),
      cmocka_unit_test(the_model_is_known),
      cmocka_unit_test(the_catalogue_is_the_reference_page),
      cmocka_unit_test(unknown_names_are_told_the_nearest),
      cmocka_unit_test(far_names_are_told_all),
      cmocka_unit_test(of_several_unknown_names_the_first_by_alphabet_is_told),
      cmocka_unit_test(of_several_bad_values_always_the_same_is_told),
      cmocka_unit_test(width_and_height_stand_for_size),
      cmocka_unit_test(width_and_height_go_together),
      cmocka_unit_test(width_and_height_exclude_size),
      cmocka_unit_test(width_and_height_are_whole_numbers),
      cmocka_unit_test(lax_lets_unknown_names_through),
      cmocka_unit_test(lax_takes_no_text_that_is_none),
      cmocka_unit_test(lax_lets_unknown_models_through),
      cmocka_unit_test(lax_takes_any_pair_of_an_unknown_model),
      cmocka_unit_test(a_negative_prompt_without_effect_gives_a_warning),
      cmocka_unit_test(an_empty_negative_prompt_gives_none),
      cmocka_unit_test(a_rule_may_be_open_at_the_top),
      cmocka_unit_test(a_rule_may_have_no_bound_for_texts),
      cmocka_unit_test(kinds_have_the_promised_names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
