/* Numbers in messages and on the wire, in a locale that writes 1.5 as 1,5: one that the test makes itself. */
#define _POSIX_C_SOURCE 200809L

#include "params.h"

#include <fcntl.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"

extern char **environ;

static char folder[] = "/tmp/stepimg-locale-XXXXXX";
static bool is_foreign;

static void run(char *const arguments[])
{
  posix_spawn_file_actions_t quiet;
  pid_t process;
  int status;
  posix_spawn_file_actions_init(&quiet);
  posix_spawn_file_actions_addopen(&quiet, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  if (posix_spawnp(&process, arguments[0], &quiet, NULL, arguments, environ) == 0)
    waitpid(process, &status, 0);
  posix_spawn_file_actions_destroy(&quiet);
}

/* LC_NUMERIC alone: localedef then warns of the others, and -c makes it go on. It needs no package of locales. */
static bool make_locale(const char *name, const char *charmap, const char *point)
{
  char source[128], place[128];
  snprintf(source, sizeof source, "%s/%s.source", folder, name);
  snprintf(place, sizeof place, "%s/%s", folder, name);
  FILE *file = fopen(source, "w");
  if (file == NULL)
    return false;
  fprintf(file, "LC_NUMERIC\ndecimal_point \"%s\"\nthousands_sep \".\"\ngrouping 3;3\nEND LC_NUMERIC\n", point);
  fclose(file);
  run((char *[]){"localedef", "--quiet", "--no-archive", "-c", "-i", source, "-f", (char *)charmap, place, NULL});
  return setlocale(LC_NUMERIC, name) != NULL;
}

static int set_up(void **state)
{
  (void)state;
  if (mkdtemp(folder) == NULL || setenv("LOCPATH", folder, 1) != 0)
    return -1;
  is_foreign = make_locale("comma", "ANSI_X3.4-1968", ",");
  return 0;
}

static int tear_down(void **state)
{
  (void)state;
  setlocale(LC_NUMERIC, "C");
  run((char *[]){"rm", "-rf", folder, NULL});
  return 0;
}

static bool writes(const char *expected)
{
  char text[32];
  snprintf(text, sizeof text, "%.1f", 1.5);
  return strcmp(text, expected) == 0;
}

/* musl has no locale but C's, and no localedef. */
static void the_locale_is_foreign(void **state)
{
  (void)state;
#if defined(__GLIBC__)
  if (getenv("STEPIMG_EMULATED") != NULL && !is_foreign)
    skip(); /* localedef made it for this machine's own processor */
  assert_true(is_foreign);
  assert_true(writes("1,5"));
#else
  if (!is_foreign)
    skip();
#endif
}

static void numbers_are_written_with_a_point(void **state)
{
  static const struct {
    double number;
    const char *text;
  } numbers[] = {
      {0, "0"},
      {-0.0, "0"},
      {1, "1"},
      {1.5, "1.5"},
      {-7.25, "-7.25"},
      {0.1, "0.1"},
      {0.30000000000000004, "0.30000000000000004"},
      {1e15, "1000000000000000"},
      {9007199254740992.0, "9007199254740992"},
      {1e300, "1e+300"},
      {1.5e-7, "1.5e-07"},
      {12345.678, "12345.678"}, /* no thousands are parted */
      {DBL_MAX, "1.7976931348623157e+308"},
      {DBL_MIN, "2.2250738585072014e-308"},
  };
  char text[TEXT_NUMBER_MAX];
  (void)state;
  for (size_t i = 0; i < COUNT_OF(numbers); i++) {
    assert_string_equal(text_number(text, numbers[i].number, 0), numbers[i].text);
    assert_string_equal(stepimg_number(text, numbers[i].number), numbers[i].text);
  }
  assert_string_equal(text_number(text, 1.0 / 3, 3), "0.333");
  assert_string_equal(text_number(text, INFINITY, 0), "inf");
  assert_string_equal(text_number(text, -INFINITY, 3), "-inf");
  assert_non_null(strstr(text_number(text, NAN, 0), "nan"));
}

/* Each number reads back as itself. */
static void numbers_read_back_as_themselves(void **state)
{
  uint32_t seed = 7;
  (void)state;
  for (int i = 0; i < 20000; i++) {
    double number =
        ldexp((double)next_random(&seed) * 16777216.0 + next_random(&seed), (int)(next_random(&seed) % 200) - 150);
    char text[TEXT_NUMBER_MAX], *end;
    text_number(text, number, 0);
    assert_true(strspn(text, "-+0123456789.e") == strlen(text));
    char *point = strchr(text, '.');
    if (point != NULL && is_foreign)
      *point = ','; /* as strtod wants it here */
    if (strtod(text, &end) < number || strtod(text, &end) > number || *end != '\0')
      fail_msg("%.17g became %s", number, text);
  }
}

static void messages_have_a_point(void **state)
{
  struct stepimg_options options;
  struct stepimg_value value = number(0.0005);
  struct stepimg_param params[] = {{"prompt", string("a cat")}, {"aspect", number(1.25)}};
  (void)state;
  assert_bad("cfg_scale", number(0.5), "cfg_scale: 0.5 is out of range; 1 to 10 is allowed");
  assert_bad("steps", number(8.5), "steps: 8.5 is not a whole number; 1 to 50 is allowed");
  assert_bad("aspect", number(0.001), "aspect: 0.001 is out of range; 0.01 to 100 is allowed");
  stepimg_options_init(&options);
  assert_int_equal(stepimg_options_set(&options, "timeout", &value, &error), STEPIMG_INVALID);
  assert_string_equal(error.message, "timeout: 0.0005 is out of range; 0.001 to 2000000 is allowed");
  stepimg_options_clear(&options);
  assert_int_equal(validate(params, 2, true), STEPIMG_OK);
  assert_contains(checked.warnings[0].message, "aspect 1.25 is not offered");
}

static void an_aspect_is_read_with_a_point(void **state)
{
  (void)state;
  assert_good("aspect", string("1.85:1"));
  assert_string_equal(checked.size, "768x1360");
  assert_bad("aspect", string("1,85:1"), "is no aspect");
}

/* U+066B, as Persian and Pashto have it; made only where the system has the charmap. */
static void a_point_of_several_bytes_becomes_one(void **state)
{
  char text[TEXT_NUMBER_MAX];
  (void)state;
  if (!make_locale("momayyez", "UTF-8", "<U066B>") || !writes("1\xd9\xab"
                                                              "5"))
    skip();
  assert_string_equal(text_number(text, -12.5, 0), "-12.5");
  assert_string_equal(text_number(text, 1.5e-7, 0), "1.5e-07");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_locale_is_foreign),           cmocka_unit_test(numbers_are_written_with_a_point),
      cmocka_unit_test(numbers_read_back_as_themselves), cmocka_unit_test(messages_have_a_point),
      cmocka_unit_test(an_aspect_is_read_with_a_point),  cmocka_unit_test(a_point_of_several_bytes_becomes_one),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
