/* The body of a request, for who has no JSON of his own. The scanner, which is strict, reads what is written. */
#include "params.h"

#include <math.h>
#include <stdlib.h>

#include "payload/scanner.h"

static const char *body_of(const struct stepimg_param *params, size_t count, bool strict)
{
  static char out[4096];
  assert_true(check(params, count, NULL, strict));
  memset(out, 0x55, sizeof out);
  size_t length = stepimg_body(params, count, &checked, out, sizeof out);
  assert_true(length < sizeof out);
  assert_int_equal(strlen(out), length);
  return out;
}

#define HEAD "{\"model\":\"step-image-edit-2\",\"response_format\":\"b64_json\","

static void has_what_was_given_and_what_was_checked(void **state)
{
  const struct stepimg_param all[] = {
      {"prompt", stepimg_string_value("a \"cat\"\\")}, {"seed", stepimg_integer_value(7)},
      {"cfg_scale", stepimg_number_value(1.5)},        {"steps", stepimg_number_value(8)},
      {"text_mode", stepimg_boolean_value(true)},      {"negative_prompt", stepimg_string_value("")},
      {"width", stepimg_integer_value(1360)},          {"height", stepimg_integer_value(768)},
  };
  const struct stepimg_param own[] = {
      {"prompt", stepimg_string_value(CAT)},
      {"size", stepimg_string_value("768x1360")},
      {"response_format", stepimg_string_value("url")},
      {"model", stepimg_string_value("step-image-edit-2")},
      {"text_mode", stepimg_boolean_value(false)},
  };
  (void)state;
  assert_string_equal(body_of(all, COUNT_OF(all), true),
                      HEAD "\"size\":\"768x1360\",\"prompt\":\"a \\\"cat\\\"\\\\\",\"seed\":7,\"cfg_scale\":1.5,"
                           "\"steps\":8,\"text_mode\":true,\"negative_prompt\":\"\"}");
  assert_string_equal(body_of(own, COUNT_OF(own), true),
                      "{\"model\":\"step-image-edit-2\",\"response_format\":\"url\",\"prompt\":\"" CAT
                      "\",\"size\":\"768x1360\",\"text_mode\":false}");
}

static void leaves_out_what_json_cannot_say(void **state)
{
  const struct stepimg_param odd[] = {
      {"prompt", stepimg_string_value("x")},           {"one", {.type = STEPIMG_OTHER, .as.type_name = "table"}},
      {"two", stepimg_number_value((double)INFINITY)}, {"three", stepimg_number_value((double)NAN)},
      {"fo\"ur", stepimg_integer_value(INT64_MIN)},
  };
  (void)state;
  assert_string_equal(body_of(odd, COUNT_OF(odd), false), HEAD "\"prompt\":\"x\",\"fo\\\"ur\":-9223372036854775808}");
}

static struct {
  char text[8];
  size_t length;
} read;

static bool take(void *context, enum scanner_event event, unsigned path, size_t index, const char *bytes, size_t length)
{
  (void)context, (void)path, (void)index;
  if (event == SCANNER_TEXT) {
    assert_true(read.length + length <= sizeof read.text);
    memcpy(read.text + read.length, bytes, length);
    read.length += length;
  }
  return true;
}

static void says_every_character_as_json_does(void **state)
{
  static const struct scanner_path paths[] = {{{"prompt"}, false}};
  (void)state;
  for (int byte = 1; byte < 0x80; byte++) {
    const char text[] = {'a', (char)byte, 'b', 0};
    const struct stepimg_param param = {"prompt", stepimg_string_value(text)};
    const char *body = body_of(&param, 1, true);
    struct scanner scanner;
    read.length = 0;
    scanner_init(&scanner, paths, 1, take, NULL, NULL);
    assert_true(scanner_feed(&scanner, body, strlen(body)) && scanner_end(&scanner));
    assert_int_equal(read.length, 3);
    assert_memory_equal(read.text, text, 3);
    for (const char *at = body; *at != '\0'; at++)
      assert_true((unsigned char)*at >= 0x20);
  }
}

static void is_cut_and_counted_where_there_is_no_room(void **state)
{
  const struct stepimg_param params[] = {{"prompt", stepimg_string_value(CAT "\n\"")},
                                         {"seed", stepimg_integer_value(7)}};
  char whole[512];
  (void)state;
  snprintf(whole, sizeof whole, "%s", body_of(params, 2, true));
  size_t length = strlen(whole);
  assert_int_equal(stepimg_body(params, 2, &checked, NULL, 0), length);
  for (size_t size = 1; size <= length + 2; size++) {
    char *out = malloc(size); /* a sanitizer knows its end */
    assert_non_null(out);
    assert_int_equal(stepimg_body(params, 2, &checked, out, size), length);
    assert_int_equal(strlen(out), size <= length ? size - 1 : length);
    assert_memory_equal(out, whole, strlen(out));
    free(out);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(has_what_was_given_and_what_was_checked),
      cmocka_unit_test(leaves_out_what_json_cannot_say),
      cmocka_unit_test(says_every_character_as_json_does),
      cmocka_unit_test(is_cut_and_counted_where_there_is_no_room),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
