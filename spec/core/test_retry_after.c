/* How long an answer asks to wait: both forms of Retry-After, by whose clock, and what nobody can mean. */
#include "check.h"

#include <math.h>
#include <stdio.h>

#include "http/retry_after.h"

static const time_t NOW = 784111777; /* Sun, 06 Nov 1994 08:49:37 GMT, of RFC 9110 */

static double asked(const char *wait, const char *milliseconds, const char *date)
{
  struct retry_after said;
  snprintf(said.wait, sizeof said.wait, "%s", wait);
  snprintf(said.milliseconds, sizeof said.milliseconds, "%s", milliseconds);
  snprintf(said.date, sizeof said.date, "%s", date);
  return retry_after(&said, NOW);
}

static void check(double seconds, double expected, const char *text)
{
  if (fabs(seconds - expected) > 1e-9)
    fail_msg("\"%s\" asks for %g s, not %g", text, seconds, expected);
}

static void reads_seconds(void **state)
{
  static const struct {
    const char *text;
    double seconds;
  } cases[] = {{"1", 1},  {"7", 7},         {"007", 7},       {"1.5", 1.5},         {"0.25", 0.25},
               {"3.", 3}, {"21600", 21600}, {"21601", 21601}, {"86399.5", 86399.5}, {"86400", 86400}};
  (void)state;
  for (size_t i = 0; i < COUNT_OF(cases); i++)
    check(asked(cases[i].text, "", ""), cases[i].seconds, cases[i].text);
}

/* The second form, in all three ways that RFC 9110 has a date written in. */
static void reads_dates_by_the_clock_of_the_server(void **state)
{
  static const char *const dates[] = {"Sun, 06 Nov 1994 08:50:37 GMT", "Sunday, 06-Nov-94 08:50:37 GMT",
                                      "Sun Nov  6 08:50:37 1994"};
  (void)state;
  for (size_t i = 0; i < COUNT_OF(dates); i++) {
    check(asked(dates[i], "", ""), 60, dates[i]);
    check(asked(dates[i], "", "when the time comes"), 60, dates[i]);
    check(asked(dates[i], "", "Sun, 06 Nov 1994 08:50:07 GMT"), 30, dates[i]);
    check(asked(dates[i], "", "Sun, 06 Nov 1994 06:50:37 GMT"), 7200, dates[i]);
    check(asked(dates[i], "", "Sun, 06 Nov 1994 08:50:37 GMT"), -1, dates[i]);
    check(asked(dates[i], "", "Sun, 06 Nov 1994 08:50:38 GMT"), -1, dates[i]);
    if (sizeof(time_t) > 4) /* a smaller one knows no such year */
      check(asked(dates[i], "", "Fri, 31 Dec 9999 23:59:59 GMT"), -1, dates[i]);
  }
  check(asked("Mon, 07 Nov 1994 08:49:37 GMT", "", ""), 86400, "a day");
  check(asked("Mon, 07 Nov 1994 08:49:38 GMT", "", ""), -1, "a day and a second");
}

static void takes_no_value_that_nobody_can_mean(void **state)
{
  static const char *const values[] = {
      "",
      "0",
      "0.0",
      "-1",
      "-5",
      "+5",
      "86401",
      "86400.1",
      "1784111777",
      "2147483648",
      "1e3",
      "0x10",
      "1,5",
      "5s",
      "5 seconds",
      "5, 5",
      ".5",
      ".",
      "nan",
      "inf",
      "soon",
      "later",
      "\xff\xfe",
      "99999999999999999999999999999999999999999999999",
      "9223372036854775808",
      "Fri, 31 Dec 9999 23:59:59 GMT",
      "Thu, 01 Jan 1970 00:00:00 GMT",
      "Thu, 99 Zzz 2020 99:99:99 GMT",
  };
  (void)state;
  for (size_t i = 0; i < COUNT_OF(values); i++) {
    check(asked(values[i], "", ""), -1, values[i]);
    check(asked(values[i], "-1", values[i]), -1, values[i]);
    check(asked(values[i], "500", ""), 0.5, values[i]);
  }
}

static void reads_milliseconds_first(void **state)
{
  (void)state;
  check(asked("7", "1250", ""), 1.25, "1250");
  check(asked("7", "0.5", ""), 0.0005, "0.5");
  check(asked("7", "0", ""), 7, "0");
  check(asked("7", "soon", ""), 7, "soon");
  check(asked("", "86400000", ""), 86400, "86400000");
  check(asked("7", "86400001", ""), 7, "86400001");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_seconds),
      cmocka_unit_test(reads_dates_by_the_clock_of_the_server),
      cmocka_unit_test(takes_no_value_that_nobody_can_mean),
      cmocka_unit_test(reads_milliseconds_first),
  };
  return cmocka_run_group_tests_name("retry_after", tests, NULL, NULL);
}
