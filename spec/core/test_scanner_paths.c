/* What the scanner reports at paths of every kind. */
#include "record.h"

#include <stdio.h>

/* What a sink is told, as text: "path@index: what". */
struct story {
  char text[RECORD_MAX];
  size_t length;
};

static bool tell(void *context, enum scanner_event event, unsigned path, size_t index, const char *bytes, size_t length)
{
  static const char *const names[] = {"{", "[", "true", "false", "null", "\"", "\"", "", "#"};
  struct story *story = context;
  if (event == SCANNER_ENVELOPE)
    return true;
  if (event != SCANNER_TEXT && event != SCANNER_TEXT_END)
    story->length += (size_t)snprintf(story->text + story->length, 64, " %u@%zu:", path, index);
  story->length += (size_t)snprintf(story->text + story->length, 256, "%s%.*s", names[event], (int)length, bytes);
  return true;
}

static void check_story(const struct scanner_path *given, unsigned path_count, const char *in, const char *expected)
{
  size_t length = strlen(in);
  for (size_t chunk = 1; chunk <= length; chunk++) {
    struct scanner scanner;
    struct story story = {.length = 0};
    scanner_init(&scanner, given, path_count, tell, NULL, &story);
    for (size_t at = 0; at < length; at += chunk)
      assert_true(scanner_feed(&scanner, in + at, at + chunk < length ? chunk : length - at));
    assert_true(scanner_end(&scanner));
    assert_string_equal(story.text, expected);
  }
}

static void reports_values_of_every_kind_at_paths_of_every_kind(void **state)
{
  static const struct scanner_path given[] = {
      {{NULL}, false},           {{"a"}, false},      {{"l", "[]"}, false},
      {{"l", "[]", "x"}, false}, {{"*", "b"}, false}, {{"deep", "[]", "*", "[]", "z"}, false},
  };
  (void)state;
  check_story(given, COUNT_OF(given),
              "{\"a\":1,\"a\":\"\\u0041b\",\"a\":true,\"a\":false,\"a\":null,\"a\":{},\"a\":[],\"b\":2}",
              " 0@0:{ 1@0:#1 1@0:\"Ab\" 1@0:true 1@0:false 1@0:null 1@0:{ 1@0:[");
  check_story(given, COUNT_OF(given), "{\"l\":[1,{\"x\":2},[{\"x\":3}],\"s\",{\"x\":{\"x\":4}}],\"l\":{\"x\":5}}",
              " 0@0:{ 2@0:#1 2@1:{ 3@1:#2 2@2:[ 2@3:\"s\" 2@4:{ 3@4:{");
  check_story(given, COUNT_OF(given), "{\"b\":0,\"c\":{\"b\":1,\"d\":{\"b\":2}},\"a\":{\"b\":3},\"l\":[{\"b\":4}]}",
              " 0@0:{ 4@0:#1 1@0:{ 4@0:#3 2@0:{");
  check_story(given, COUNT_OF(given), "{\"deep\":[{\"q\":[{\"z\":1},{\"z\":2}]},[[{\"z\":3}]]]}",
              " 0@0:{ 5@0:#1 5@0:#2 5@1:#3");
  check_story(given, COUNT_OF(given), "[{\"a\":1,\"b\":2},[],{\"b\":\"\"}]", " 0@0:[ 4@0:#2 4@2:\"\"");
  check_story(given, COUNT_OF(given), "7", " 0@0:#7");
  check_story(given, COUNT_OF(given), "-0.5E+1 ", " 0@0:#-0.5E+1");
  check_story(given, COUNT_OF(given), "\"x\"", " 0@0:\"x\"");
}

/* Of a number that is too long for its place nothing is told but that it is one. */
static void numbers_are_reported_up_to_a_length(void **state)
{
  static const struct scanner_path given[] = {{{"a"}, false}};
  (void)state;
  for (size_t digits = SCANNER_MAX_NUMBER - 2; digits < SCANNER_MAX_NUMBER + 3; digits++) {
    char in[2 * SCANNER_MAX_NUMBER], expected[2 * SCANNER_MAX_NUMBER], nines[SCANNER_MAX_NUMBER + 4] = "";
    memset(nines, '9', digits);
    snprintf(in, sizeof in, "{\"a\":%s}", nines);
    snprintf(expected, sizeof expected, " 0@0:#%s", digits <= SCANNER_MAX_NUMBER ? nines : "");
    check_story(given, 1, in, expected);
  }
}

/* As many paths as there may be, of which the last one fits. */
static void has_room_for_many_paths(void **state)
{
  struct scanner_path given[SCANNER_MAX_PATHS];
  (void)state;
  for (unsigned i = 0; i < SCANNER_MAX_PATHS; i++)
    given[i] = (struct scanner_path){{i + 1 < SCANNER_MAX_PATHS ? "other" : "a", "b"}, false};
  check_story(given, SCANNER_MAX_PATHS, "{\"a\":{\"b\":1},\"other\":{\"b\":2}}", " 63@0:#1 0@0:#2");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reports_values_of_every_kind_at_paths_of_every_kind),
      cmocka_unit_test(numbers_are_reported_up_to_a_length),
      cmocka_unit_test(has_room_for_many_paths),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
