/* The picture to edit: is it one, is it small enough, what has no effect beside it. */
#include "params.h"

#include "rules/image.h"

static const char png[] = "\x89PNG\r\n\x1a\n";

static struct stepimg_value a_png(uint32_t width, uint32_t height)
{
  return picture(png, sizeof png - 1, STEPIMG_PNG, width, height);
}

/* What no sniffer knows. */
static struct stepimg_value no_picture(const char *bytes, size_t length)
{
  return picture(bytes, length, STEPIMG_UNKNOWN, 0, 0);
}

static void the_usual_formats_can_be_edited(void **state)
{
  static const enum stepimg_format formats[] = {STEPIMG_PNG, STEPIMG_JPEG, STEPIMG_WEBP, STEPIMG_GIF};
  (void)state;
  for (size_t i = 0; i < COUNT_OF(formats); i++) {
    assert_good("image", picture("x", 1, formats[i], 10, 10));
    assert_true(checked.edits);
  }
  assert_good("seed", integer(1));
  assert_false(checked.edits);
  assert_bad("image", picture("x", 1, (enum stepimg_format)17, 10, 10), "no PNG, JPEG, WebP or GIF");
  assert_bad("image", picture(NULL, 0, (enum stepimg_format)17, 10, 10), "no PNG, JPEG, WebP or GIF");
}

static void its_sides_are_bounded(void **state)
{
  (void)state;
  assert_good("image", a_png(4096, 4096));
  assert_good("image", a_png(1, 1));
  assert_good("image", a_png(0, 0)); /* its bytes do not tell */
  assert_bad("image", a_png(4097, 1), "4097 x 1 pixels; at most 4096 x 4096");
  assert_bad("image", a_png(1, 4097), "1 x 4097 pixels; at most 4096 x 4096");
  assert_bad("image", a_png(UINT32_MAX, UINT32_MAX), "4294967295 x 4294967295");
  assert_int_equal(error.reason, STEPIMG_REASON_IMAGE);
}

/* An image of a result that was saved: the other thread reads it. */
static void a_picture_in_a_file_is_checked_by_what_is_known(void **state)
{
  (void)state;
  assert_good("image", picture(NULL, 0, STEPIMG_UNKNOWN, 0, 0));
  assert_good("image", picture(NULL, 0, STEPIMG_PNG, 4096, 4096));
  assert_bad("image", picture(NULL, 0, STEPIMG_PNG, 4097, 4096), "4097 x 4096");
}

static void what_was_given_instead_is_told(void **state)
{
  static const struct {
    const char *text, *advice;
  } cases[] = {
      {"face.png", "not a path; read the file first"},
      {"FACE.PNG", "not a path"},
      {"a/b c/face.jpeg", "not a path"},
      {"C:\\face.JpG", "not a path"},
      {"x.webp", "not a path"},
      {"x.gif", "not a path"},
      {"x.tiff", "not a path"},
      {".png", "no PNG"}, /* an ending alone */
      {"face.png\n", "no PNG"},
      {"face", "no PNG"},
      {"png", "no PNG"},
      {"", "it is empty"},
      {"http:/", "no PNG"}, /* the beginning of a beginning */
      {"data", "no PNG"},
      {"/9j", "no PNG"},
      {"https://example.org/face.png", "not its link; fetch it first"},
      {"HTTP://example.org/", "not its link"},
      {"data:image/png;base64,iVBORw0KGgo=", "not base64; decode it first"},
      {"iVBORw0KGgoAAAANSUhEUg", "not base64"},
      {"/9j/4AAQSkZJRg", "not base64"},
  };
  (void)state;
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    char *bytes = exact_copy(cases[i].text, strlen(cases[i].text)); /* with no NUL behind it */
    assert_bad("image", no_picture(bytes, strlen(cases[i].text)), cases[i].advice);
    assert_int_equal(error.reason, STEPIMG_REASON_IMAGE);
    free(bytes);
  }
  assert_bad("image", no_picture("\0.png", 5), "no PNG"); /* no name has a NUL in it */
  char *large = malloc(5000);
  assert_non_null(large);
  memset(large, 'x', 5000);
  memcpy(large + 4996, ".png", 4);
  assert_bad("image", no_picture(large, 5000), "no PNG"); /* no name is so long */
  assert_bad("image", no_picture(large + 904, 4096), "not a path");
  free(large);
  assert_good("image", picture("face.png", 8, STEPIMG_GIF, 1, 1)); /* a picture is one whatever its bytes spell */
}

static void it_is_no_other_value(void **state)
{
  (void)state;
  assert_wrong_type("image", string("face.png"), "image expected", "got string");
  assert_wrong_type("image", integer(1), "image expected", "got number");
  assert_wrong_type("image", other("table"), "image expected", "got table");
}

static void a_shape_beside_it_has_no_effect(void **state)
{
  const struct stepimg_param shapes[] = {
      {"size", string("768x1360")}, {"aspect", string("16:9")}, {"width", integer(512)}, {"height", integer(512)}};
  struct stepimg_param params[7] = {{"prompt", string("a cat")}, {"image", a_png(16, 8)}};
  (void)state;
  for (size_t i = 0; i < COUNT_OF(shapes); i++) {
    params[2] = shapes[i];
    assert_int_equal(validate(params, 3, true), STEPIMG_OK);
    assert_int_equal(checked.warning_count, 1);
    assert_string_equal(checked.warnings[0].field, shapes[i].name);
    assert_contains(checked.warnings[0].message, "has no effect when a picture is edited");
    assert_int_equal(strncmp(checked.warnings[0].message, shapes[i].name, strlen(shapes[i].name)), 0);
    assert_string_equal(checked.size, "");
  }
  memcpy(params + 2, shapes, sizeof shapes);
  params[6] = (struct stepimg_param){"negative_prompt", string("fog")};
  assert_int_equal(validate(params, 7, true), STEPIMG_OK); /* nor do they contradict each other */
  assert_int_equal(checked.warning_count, 5);
  for (size_t i = 0; i < COUNT_OF(shapes); i++)
    assert_string_equal(checked.warnings[i].field, shapes[i].name);
  assert_string_equal(checked.warnings[4].field, "negative_prompt");
  params[2] = (struct stepimg_param){"size", string("16x8")};
  assert_int_equal(validate(params, 3, true), STEPIMG_OK); /* whatever they say */
  params[1].value = no_picture("x", 1);
  assert_int_equal(validate(params, 3, true), STEPIMG_INVALID); /* it is meant as an edit */
  assert_string_equal(all_flaws(), "image image");
}

static void the_other_parameters_are_checked_as_usual(void **state)
{
  struct stepimg_param params[] = {
      {"image", a_png(16, 8)}, {"prompt", string("a cat")}, {"n", integer(1)}, {"quality", integer(1)}};
  (void)state;
  assert_int_equal(validate(params, 1, true), STEPIMG_INVALID);
  assert_string_equal(all_flaws(), "prompt missing");
  assert_int_equal(validate(params, 3, true), STEPIMG_OK);
  assert_int_equal(checked.warning_count, 0);
  assert_false(stepimg_is_sent(&checked, "n"));
  params[2].value = integer(2);
  assert_int_equal(validate(params, 3, true), STEPIMG_INVALID);
  assert_string_equal(all_flaws(), "n range");
  params[2].value = integer(1);
  assert_int_equal(validate(params, 4, true), STEPIMG_INVALID);
  assert_string_equal(all_flaws(), "quality unknown");
  assert_int_equal(validate(params, 4, false), STEPIMG_OK);
  assert_true(stepimg_is_sent(&checked, "quality"));
}

static void an_unknown_model_may_take_a_larger_one(void **state)
{
  struct stepimg_param params[] = {
      {"prompt", string("a cat")}, {"image", a_png(9000, 9000)}, {"model", string("step-image-edit-9")}};
  (void)state;
  assert_int_equal(validate(params, 3, false), STEPIMG_OK);
  assert_true(checked.edits);
  assert_int_equal(validate(params, 2, false), STEPIMG_INVALID);
  assert_string_equal(all_flaws(), "image image");
  params[1].value = no_picture("face.png", 8); /* but a picture it is */
  assert_int_equal(validate(params, 3, false), STEPIMG_INVALID);
  assert_string_equal(all_flaws(), "image image");
  assert_string_equal(flaws.all[0].rule->name, "image");
  assert_true(flaws.all[0].rule->max > 0); /* the catalogue's row, which outlives the call */
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_usual_formats_can_be_edited),
      cmocka_unit_test(its_sides_are_bounded),
      cmocka_unit_test(a_picture_in_a_file_is_checked_by_what_is_known),
      cmocka_unit_test(what_was_given_instead_is_told),
      cmocka_unit_test(it_is_no_other_value),
      cmocka_unit_test(a_shape_beside_it_has_no_effect),
      cmocka_unit_test(the_other_parameters_are_checked_as_usual),
      cmocka_unit_test(an_unknown_model_may_take_a_larger_one),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
