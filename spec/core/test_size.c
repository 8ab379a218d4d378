/* How large a picture is to be: sizes, width and height, an aspect. */
#include "params.h"

#include <math.h>

#include "rules/params.h"
#include "rules/size.h"

#define SIZES "1024x1024, 768x1360, 896x1184, 1360x768, 1184x896"

static void a_size_is_spelled_once(void **state)
{
  size_t count;
  const struct stepimg_model *models = stepimg_models(&count);
  (void)state;
  for (size_t m = 0; m < count; m++) {
    const char *const *choices = NULL;
    for (size_t i = 0; i < models[m].rule_count; i++)
      if (strcmp(models[m].rules[i].name, "size") == 0)
        choices = models[m].rules[i].choices;
    if (choices == NULL) {
      fail();
      return;
    }
    for (size_t i = 0; i < models[m].size_count; i++) {
      const struct stepimg_size *size = &models[m].sizes[i];
      char name[SIZE_MAX_NAME];
      assert_string_equal(choices[i], size->name);
      size_print(name, size->width, size->height);
      assert_string_equal(size->name, name);
      assert_ptr_equal(size_find(&models[m], size->width, size->height), size);
    }
    assert_null(choices[models[m].size_count]);
  }
}

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

#define A_SHAPE(text) .name = text, .own = true, .shape = true
#define A_SIDE(text) A_SHAPE(text), .type = STEPIMG_INTEGER, .min = 1, .max = 65535

static const char *const steep_names[] = {"100x200", "300x700", "50x50", NULL};
static const struct stepimg_size steep_sizes[] = {{"100x200", 200, 100}, {"300x700", 700, 300}, {"50x50", 50, 50}};
static const struct stepimg_rule steep_rules[] = {
    {.name = "prompt", .type = STEPIMG_STRING, .required = true, .max = 5},
    {.name = "size", .type = STEPIMG_STRING, .shape = true, .choices = steep_names, .meaning = "height x width"},
    {A_SHAPE("aspect"), .type = STEPIMG_ASPECT, .min = 0.01, .max = 100},
    {A_SIDE("width")},
    {A_SIDE("height")},
};
static const struct stepimg_model steep[] = {
    {.name = "steep",
     .rules = steep_rules,
     .rule_count = COUNT_OF(steep_rules),
     .sizes = steep_sizes,
     .size_count = COUNT_OF(steep_sizes)},
};

static enum stepimg_kind validate_steep(struct stepimg_param one, struct stepimg_param two)
{
  struct stepimg_param params[] = {{"prompt", string("cat")}, one, two};
  return params_validate(steep, COUNT_OF(steep), params, two.name != NULL ? 3 : 2, true, &checked, &error);
}

/* The service offers every size both ways; a catalogue that does not shows which way round is meant. */
static void a_size_the_wrong_way_round_is_told_so(void **state)
{
  const struct stepimg_param none = {.name = NULL};
  (void)state;
  assert_int_equal(validate_steep((struct stepimg_param){"size", string("100x200")}, none), STEPIMG_OK);
  assert_string_equal(checked.model, "steep");
  assert_null(checked.response_format);
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

/* -------------------------------------------------------------------------------------------------------- aspect -- */

static struct stepimg_value as_text_or_number(const char *text, double ratio)
{
  return text != NULL ? string(text) : number(ratio);
}

static void an_aspect_chooses_the_nearest_size(void **state)
{
  static const struct {
    const char *text;
    double ratio;
    const char *size;
    bool warned;
  } aspects[] = {
      {"1:1", 0, "1024x1024", false},
      {"16:9", 0, "768x1360", false},
      {"9:16", 0, "1360x768", false},
      {"4:3", 0, "896x1184", false},
      {"3:4", 0, "1184x896", false},
      {"1360:768", 0, "768x1360", false},
      {"1.85:1", 0, "768x1360", false}, /* 4.5 % off */
      {"123456789:123456789.25", 0, "1024x1024", false},
      {"1000000.5:1000000.5", 0, "1024x1024", false},
      {"16:10", 0, "768x1360", true}, /* 10.7 % off; 896x1184 would be 21 % */
      {"3:2", 0, "896x1184", true},   /* 13.5 %; 18 */
      {"2:3", 0, "1184x896", true},
      {"21:9", 0, "768x1360", true},
      {"2.39:1", 0, "768x1360", true},
      {"1:100", 0, "1360x768", true},
      {"100:1", 0, "768x1360", true},
      {"5:4", 0, "896x1184", true},    /* 5.7 %; an even share of the difference would not choose otherwise */
      {"1.15:1", 0, "896x1184", true}, /* nearer by the logarithm: 14.9 %, and 1024x1024 is 15 % */
      {"1.149:1", 0, "1024x1024", true},
      {NULL, 1, "1024x1024", false},
      {NULL, 16.0 / 9, "768x1360", false},
      {NULL, 9.0 / 16, "1360x768", false},
      {NULL, 1.0499, "1024x1024", false}, /* on both sides of 5 % */
      {NULL, 1.0501, "1024x1024", true},
      {NULL, 1 / 1.0499, "1024x1024", false},
      {NULL, 1 / 1.0501, "1024x1024", true},
      {NULL, 0.01, "1360x768", true},
      {NULL, 100, "768x1360", true},
  };
  (void)state;
  for (size_t i = 0; i < COUNT_OF(aspects); i++) {
    struct stepimg_param params[] = {{"aspect", as_text_or_number(aspects[i].text, aspects[i].ratio)},
                                     {"prompt", string("a cat")}};
    if (validate(params, 2, true) != STEPIMG_OK)
      fail_msg("%s", error.message);
    if (strcmp(checked.size, aspects[i].size) != 0)
      fail_msg("%s %f: %s", aspects[i].text, aspects[i].ratio, checked.size);
    if (checked.warning_count != aspects[i].warned)
      fail_msg("%s %f: %s", aspects[i].text, aspects[i].ratio, checked.warnings[0].message);
    if (aspects[i].warned) {
      assert_string_equal(checked.warnings[0].field, "aspect");
      assert_contains(checked.warnings[0].message, "aspect ");
      assert_contains(checked.warnings[0].message, " % off");
    }
  }
  struct stepimg_param params[] = {{"prompt", string("a cat")}, {"aspect", string("16:10")}};
  assert_int_equal(validate(params, 2, true), STEPIMG_OK);
  assert_string_equal(checked.warnings[0].message,
                      "aspect \"16:10\" is not offered; the nearest size, width x height 1360 x 768, is 11 % off");
  params[1].value = integer(2);
  assert_int_equal(validate(params, 2, true), STEPIMG_OK);
  assert_contains(checked.warnings[0].message, "aspect 2 is not offered");
}

static void what_a_form_offers_as_aspects_has_no_warning(void **state)
{
  size_t count;
  const struct stepimg_model *model = stepimg_models(&count);
  const char *const *examples = NULL;
  (void)state;
  for (size_t i = 0; i < model->rule_count; i++)
    if (model->rules[i].type == STEPIMG_ASPECT)
      examples = model->rules[i].examples;
  if (examples == NULL) {
    fail();
    return;
  }
  for (count = 0; examples[count] != NULL; count++)
    assert_good("aspect", string(examples[count]));
  assert_int_equal(count, model->size_count); /* each size has one */
}

static void of_two_sizes_equally_near_the_larger_is_chosen(void **state)
{
  /* 2 and 1 / 2 are equally far from 1; 4:1 is there twice. */
  static const struct stepimg_size sizes[] = {
      {"20x10", 10, 20}, {"20x40", 40, 20}, {"10x40", 40, 10}, {"20x80", 80, 20}, {"5x20", 20, 5}};
  static const struct stepimg_model model = {.name = "even", .sizes = sizes, .size_count = COUNT_OF(sizes)};
  static const struct stepimg_model turned = {.name = "even", .sizes = sizes + 1, .size_count = 1};
  static const struct stepimg_model none = {.name = "none"};
  double off = 9;
  (void)state;
  assert_string_equal(size_nearest(&model, 1, &off)->name, "20x40");
  assert_true(fabs(off - 1) < 1e-9);
  assert_string_equal(size_nearest(&model, 4, &off)->name, "20x80");
  assert_true(fabs(off) < 1e-9);
  assert_string_equal(size_nearest(&model, 0.5, &off)->name, "20x10");
  assert_string_equal(size_nearest(&turned, 0.001, &off)->name, "20x40");
  assert_null(size_nearest(&none, 1, &off));
}

static void an_aspect_is_two_numbers_or_one(void **state)
{
  static const char *const none[] = {
      "",      "wide",  "16x9",      "16/9",   "16:",  ":9",    "16:9:1", "-16:9",  "16:-9",   "16 : 9",
      "16:9 ", " 16:9", "1e1:1",     "0x1:1",  "1.:1", ".5:1",  "1,5:1",  "1:1.",   "0:9",     "16:0",
      "0.0:1", ":",     "1024x1024", "16:9\n", "+1:1", "nan:1", "1:inf",  "1..5:1", "1.5.1:1", "1234567890:1234567890"};
  char text[201];
  (void)state;
  assert_bad("aspect", repeated(text, "1", 200), "\xe2\x80\xa6\" is no aspect");
  for (size_t i = 0; i < COUNT_OF(none); i++) {
    assert_bad("aspect", string(none[i]), "give width:height, as in \"16:9\"");
    assert_int_equal(error.reason, STEPIMG_REASON_CHOICE);
  }
  assert_bad("aspect", string("101:1"), "\"101:1\" is out of range; 0.01 to 100 is allowed");
  assert_bad("aspect", string("1:101"), "0.01 to 100 is allowed");
  assert_bad("aspect", integer(0), "0 is out of range; 0.01 to 100");
  assert_bad("aspect", number(-1.5), "-1.5 is out of range");
  assert_bad("aspect", number(INFINITY), "out of range");
  assert_bad("aspect", number(NAN), "nan");
  assert_int_equal(error.reason, STEPIMG_REASON_RANGE);
  assert_bad("aspect", string("16:\xff"), "UTF-8");
  assert_bad("aspect", string_of("16:9\0", 5), "NUL");
  assert_wrong_type("aspect", boolean(true), "string or number expected", "got boolean");
  assert_wrong_type("aspect", other("table"), "string or number expected", "got table");
}

static void an_aspect_stands_alone(void **state)
{
  static const struct {
    const char *size;
    bool width, height;
    const char *flaws;
  } cases[] = {
      {"1024x1024", false, false, "aspect pair"},
      {NULL, true, true, "aspect pair"},
      {NULL, true, false, "aspect pair"},
      {NULL, false, true, "aspect pair"},
      {"1024x1024", true, true, "aspect pair, width pair"},
  };
  (void)state;
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    struct stepimg_param params[5] = {{"prompt", string("a cat")}, {"aspect", string("16:9")}};
    size_t count = 2;
    if (cases[i].size != NULL)
      params[count++] = (struct stepimg_param){"size", string(cases[i].size)};
    if (cases[i].width)
      params[count++] = (struct stepimg_param){"width", integer(512)}; /* which is not offered, but that is no matter */
    if (cases[i].height)
      params[count++] = (struct stepimg_param){"height", integer(512)};
    assert_int_equal(validate(params, count, true), STEPIMG_INVALID);
    assert_string_equal(all_flaws(), cases[i].flaws);
    assert_contains(error.message,
                    cases[i].size != NULL ? "either aspect or size" : "either aspect or width and height");
  }
}

/* Of a model whose sizes are not known there is no nearest one. */
static void an_aspect_needs_a_model_whose_sizes_are_known(void **state)
{
  struct stepimg_param params[] = {
      {"prompt", string("a cat")}, {"aspect", string("16:9")}, {"model", string("step-image-edit-9")}};
  (void)state;
  assert_false(check(params, 3, NULL, false));
  assert_string_equal(all_flaws(), "aspect choice");
  assert_contains(flaws.all[0].message, "give size, or width and height");
  assert_false(check(params, 3, "step-image-edit-9", true));
  assert_string_equal(all_flaws(), "aspect choice");
  assert_false(check(params, 2, "step-image-edit-9", true));
  assert_string_equal(all_flaws(), "aspect choice");
  assert_false(check(params, 3, NULL, true)); /* the model is refused: the rest is checked as without it */
  assert_string_equal(all_flaws(), "model choice");
  params[1].value = string("wide");
  assert_false(check(params, 3, NULL, false)); /* what is none at all is told as that */
  assert_contains(flaws.all[0].message, "16:9");
}

static void pairs_that_are_not_offered_point_to_the_sizes(void **state)
{
  (void)state;
  assert_int_equal(validate_pair(512, 512, NULL), STEPIMG_INVALID);
  assert_string_equal(all_flaws(), "width choice");
  assert_string_equal(flaws.all[0].rule->name, "size");
  assert_int_equal(validate_pair(512, ABSENT, NULL), STEPIMG_INVALID);
  assert_string_equal(all_flaws(), "height pair");
  assert_string_equal(flaws.all[0].rule->name, "height");
  assert_int_equal(validate_pair(512, 512, "1x1"), STEPIMG_INVALID);
  assert_string_equal(all_flaws(), "size choice, width pair");
  assert_int_equal(validate_pair(0, 70000, NULL), STEPIMG_INVALID);
  assert_string_equal(all_flaws(), "width range, height range");
}

static void texts_are_told_to_be_sizes(void **state)
{
  static const char *const pairs[] = {"1x1", "65535x65535", "512x2048"};
  static const char *const none[] = {"",    "x",     "1x",   "x1",   "0x1",      "1x0",     "01x1", "65536x1", "1x1x",
                                     "1X1", "1 x 1", "-1x1", "1x1 ", "100000x1", "1x99999", "1024", "1.5x1"};
  (void)state;
  for (size_t i = 0; i < COUNT_OF(pairs); i++)
    assert_true(size_is_pair(pairs[i], strlen(pairs[i])));
  for (size_t i = 0; i < COUNT_OF(none); i++)
    if (size_is_pair(none[i], strlen(none[i])))
      fail_msg("%s", none[i]);
  assert_false(size_is_pair("1x1", 2)); /* it ends where its length says */
  assert_true(size_is_pair("1x123", 3));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_size_is_spelled_once),
      cmocka_unit_test(the_five_sizes_are_offered),
      cmocka_unit_test(a_size_the_wrong_way_round_is_told_so),
      cmocka_unit_test(width_and_height_stand_for_size),
      cmocka_unit_test(width_and_height_go_together),
      cmocka_unit_test(width_and_height_exclude_size),
      cmocka_unit_test(width_and_height_are_whole_numbers),
      cmocka_unit_test(an_aspect_chooses_the_nearest_size),
      cmocka_unit_test(what_a_form_offers_as_aspects_has_no_warning),
      cmocka_unit_test(of_two_sizes_equally_near_the_larger_is_chosen),
      cmocka_unit_test(an_aspect_is_two_numbers_or_one),
      cmocka_unit_test(an_aspect_stands_alone),
      cmocka_unit_test(an_aspect_needs_a_model_whose_sizes_are_known),
      cmocka_unit_test(pairs_that_are_not_offered_point_to_the_sizes),
      cmocka_unit_test(texts_are_told_to_be_sizes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
