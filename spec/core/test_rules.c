/* One value against one rule: both sides of every bound, wrong types, texts. */
#include "params.h"

#include <math.h>

#include "rules/rules.h"
#include "rules/value.h"

#define SIZES "1024x1024, 768x1360, 896x1184, 1360x768, 1184x896"

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
  } broken[] = {
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
    for (size_t i = 0; i < COUNT_OF(broken); i++) {
      char *copy = malloc(broken[i].length + 1);
      assert_non_null(copy);
      memcpy(copy, broken[i].text, broken[i].length);
      copy[broken[i].length] = '\0';
      assert_bad(fields[f], string_of(copy, broken[i].length), broken[i].reason);
      free(copy);
    }
  assert_good("prompt", string("line\nbreak\tand \x01 are text"));
  assert_good("prompt", string("\xf4\x8f\xbf\xbf\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"));
}

/* ------------------------------------------------------------------------------------------------------- choices -- */

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
  assert_bad("cfg_scale", number(nextafter(1.0, 0.0)), "0.9999999999999999 is out of range; 1 to 10 is allowed");
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
    assert_int_equal(value_integer(&value, &whole), numbers[i].whole);
    assert_true(whole == numbers[i].integer);
    assert_true(value_number(&value, &real));
    assert_true(real == numbers[i].number || isnan(real));
  }
  value = integer(INT64_MIN);
  assert_true(value_integer(&value, &whole) && whole == INT64_MIN);
  value = integer(3);
  assert_true(value_number(&value, &real) && real > 2.9 && real < 3.1);
  value = string("8");
  assert_false(value_integer(&value, &whole) || value_number(&value, &real));
  value = boolean(true);
  assert_false(value_integer(&value, &whole) || value_number(&value, &real));
  value = other("table");
  assert_false(value_integer(&value, &whole) || value_number(&value, &real));
}

static void a_reason_is_given_for_each_kind_of_flaw(void **state)
{
  const struct {
    const char *name;
    struct stepimg_value value;
    enum stepimg_reason reason;
  } cases[] = {
      {"prompt", string(""), STEPIMG_REASON_LENGTH},
      {"prompt", integer(1), STEPIMG_REASON_TYPE},
      {"prompt", string("\xff"), STEPIMG_REASON_TEXT},
      {"prompt", string_of("\0", 1), STEPIMG_REASON_TEXT},
      {"model", string(""), STEPIMG_REASON_LENGTH},
      {"model", string("nothing-2"), STEPIMG_REASON_CHOICE},
      {"size", string("1x1"), STEPIMG_REASON_CHOICE},
      {"response_format", string("png"), STEPIMG_REASON_CHOICE},
      {"n", integer(2), STEPIMG_REASON_RANGE},
      {"seed", integer(-1), STEPIMG_REASON_RANGE},
      {"steps", number(8.5), STEPIMG_REASON_TYPE}, /* a whole number is to be typed in, not one in the range */
      {"steps", number(50.5), STEPIMG_REASON_RANGE},
      {"steps", number(NAN), STEPIMG_REASON_RANGE},
      {"steps", string("8"), STEPIMG_REASON_TYPE},
      {"cfg_scale", number(0.5), STEPIMG_REASON_RANGE},
      {"cfg_scale", boolean(true), STEPIMG_REASON_TYPE},
      {"text_mode", integer(1), STEPIMG_REASON_TYPE},
      {"aspect", string("wide"), STEPIMG_REASON_CHOICE},
      {"aspect", integer(0), STEPIMG_REASON_RANGE},
      {"aspect", other("table"), STEPIMG_REASON_TYPE},
      {"width", integer(0), STEPIMG_REASON_RANGE},
      {"image", string("x"), STEPIMG_REASON_TYPE},
      {"image", picture("x", 1, STEPIMG_UNKNOWN, 0, 0), STEPIMG_REASON_IMAGE},
      {"timeout", integer(1), STEPIMG_REASON_UNKNOWN},
  };
  size_t count;
  const struct stepimg_model *model = stepimg_models(&count);
  (void)state;
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    const struct stepimg_rule *row = NULL;
    for (size_t k = 0; k < model->rule_count; k++)
      if (strcmp(model->rules[k].name, cases[i].name) == 0)
        row = &model->rules[k];
    assert_int_equal(validate_one(cases[i].name, cases[i].value), STEPIMG_INVALID);
    const struct stepimg_flaw *flaw = flaw_of(cases[i].name);
    if (flaw->reason != cases[i].reason)
      fail_msg("%s: %s", flaw->message, stepimg_reason_name(flaw->reason));
    assert_ptr_equal(flaw->rule, row);
  }
}

static void reasons_and_types_have_the_promised_names(void **state)
{
  static const char *const reasons[] = {"",       "missing", "unknown", "type", "range",
                                        "choice", "length",  "text",    "pair", "image"};
  static const char *const types[] = {"any", "string", "integer", "number", "boolean", "image", "aspect"};
  (void)state;
  for (size_t i = 0; i < COUNT_OF(reasons); i++)
    assert_string_equal(stepimg_reason_name((enum stepimg_reason)i), reasons[i]);
  assert_string_equal(stepimg_reason_name((enum stepimg_reason)99), "");
  for (size_t i = 0; i < COUNT_OF(types); i++)
    assert_string_equal(stepimg_type_name((enum stepimg_type)i), types[i]);
  assert_non_null(stepimg_type_name((enum stepimg_type)99));
}

/* --------------------------------------------------------------------------------------------------- wrong types -- */

static void types_are_never_converted(void **state)
{
  static const struct {
    const char *name, *wanted;
    bool takes_string, takes_number, takes_boolean;
  } fields[] = {
      {"prompt", "string expected, got ", true, false, false},
      {"negative_prompt", "string expected, got ", true, false, false},
      {"size", "string expected, got ", true, false, false},
      {"response_format", "string expected, got ", true, false, false},
      {"model", "string expected, got ", true, false, false},
      {"n", "integer expected, got ", false, true, false},
      {"seed", "integer expected, got ", false, true, false},
      {"steps", "integer expected, got ", false, true, false},
      {"cfg_scale", "number expected, got ", false, true, false},
      {"text_mode", "boolean expected, got ", false, false, true},
  };
  (void)state;
  for (size_t i = 0; i < COUNT_OF(fields); i++) {
    const char *name = fields[i].name, *wanted = fields[i].wanted;
    if (!fields[i].takes_string) {
      assert_wrong_type(name, string("8"), wanted, "got string");
      assert_wrong_type(name, string("true"), wanted, "got string");
      assert_wrong_type(name, string(""), wanted, "got string");
      assert_wrong_type(name, string_of("a\0\xff\n", 4), wanted, "got string");
    }
    if (!fields[i].takes_number) {
      assert_wrong_type(name, integer(1), wanted, "got number");
      assert_wrong_type(name, number(1.5), wanted, "got number");
    }
    if (!fields[i].takes_boolean) {
      assert_wrong_type(name, boolean(true), wanted, "got boolean");
      assert_wrong_type(name, boolean(false), wanted, "got boolean");
    }
    assert_wrong_type(name, picture("GIF89a", 6, STEPIMG_GIF, 1, 1), wanted, "got image");
    assert_wrong_type(name, other("table"), wanted, "got table");
    assert_wrong_type(name, other("function"), wanted, "got function");
  }
}

static void long_values_are_shown_cut(void **state)
{
  char text[5001];
  size_t characters = 0;
  (void)state;
  assert_bad("size", repeated(text, "9x", 2500), SIZES);
  assert_true(strlen(error.message) < 250);
  assert_bad("model", repeated(text, CAT_FACE, 1000), "\xe2\x80\xa6");
  assert_wrong_type("steps", other(repeated(text, "t", 5000).as.string.data), "integer expected, got ", "got ttt");
  assert_true(strlen(error.message) < 200);
  for (const char *c = error.message; *c != '\0'; c++)
    characters += *c == 't';
  assert_true(characters > 10);
}

/* --------------------------------------------------------------------------------------------- one value, a rule -- */

static void a_rule_may_be_open_at_the_top(void **state)
{
  const struct stepimg_rule rule = {.name = "count", .type = STEPIMG_INTEGER, .min = 3, .max = INFINITY};
  struct stepimg_value value = integer(3);
  struct stepimg_flaw flaw;
  (void)state;
  assert_int_equal(rules_check_value(&rule, &value, &flaw), true);
  value = integer(INT64_MAX);
  assert_int_equal(rules_check_value(&rule, &value, &flaw), true);
  value = integer(2);
  assert_int_equal(rules_check_value(&rule, &value, &flaw), false);
  assert_string_equal(flaw.field, "count");
  assert_int_equal(flaw.reason, STEPIMG_REASON_RANGE);
  assert_ptr_equal(flaw.rule, &rule);
  assert_contains(flaw.message, "at least 3");
}

static const struct stepimg_rule bare_rules[] = {
    {.name = "prompt", .type = STEPIMG_STRING},
    {.name = "size", .type = STEPIMG_STRING},
    {.name = "any", .type = STEPIMG_OTHER},
};

static void a_rule_may_have_no_bound_for_texts(void **state)
{
  char text[10001];
  struct stepimg_value value = repeated(text, "x", 10000);
  struct stepimg_flaw flaw;
  (void)state;
  assert_int_equal(rules_check_value(&bare_rules[1], &value, &flaw), true);
  value = string("");
  assert_int_equal(rules_check_value(&bare_rules[0], &value, &flaw), true);
  value = other("table");
  assert_int_equal(rules_check_value(&bare_rules[2], &value, &flaw), true);
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
      cmocka_unit_test(response_format_is_b64_json_or_url),
      cmocka_unit_test(n_is_1),
      cmocka_unit_test(seed_is_0_to_2147483647),
      cmocka_unit_test(steps_are_1_to_50),
      cmocka_unit_test(cfg_scale_is_1_to_10),
      cmocka_unit_test(text_mode_is_true_or_false),
      cmocka_unit_test(numbers_are_read_exactly),
      cmocka_unit_test(a_reason_is_given_for_each_kind_of_flaw),
      cmocka_unit_test(reasons_and_types_have_the_promised_names),
      cmocka_unit_test(types_are_never_converted),
      cmocka_unit_test(long_values_are_shown_cut),
      cmocka_unit_test(a_rule_may_be_open_at_the_top),
      cmocka_unit_test(a_rule_may_have_no_bound_for_texts),
      cmocka_unit_test(kinds_have_the_promised_names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
