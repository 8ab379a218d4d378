/* Whole numbers as JSON writes them. */
#include "check.h"

#include <math.h>
#include <stdio.h>

#include "payload/number.h"

static void reads_whole_numbers_however_they_are_written(void **state)
{
  static const struct {
    const char *text;
    int64_t number;
  } wholes[] = {
      {"0", 0},
      {"-0", 0},
      {"0.0", 0},
      {"-0.0e5", 0},
      {"0e999999", 0},
      {"0e-999999", 0},
      {"7", 7},
      {"-7", -7},
      {"7.0", 7},
      {"7.000000000000000000000000000000000000000000000000", 7},
      {"70e-1", 7},
      {"0.7e1", 7},
      {"0.07E+2", 7},
      {"700e-2", 7},
      {"7e0", 7},
      {"7e00000000000000000000", 7},
      {"1589478378", 1589478378},
      {"1.589478378e9", 1589478378},
      {"15894783780000e-4", 1589478378},
      {"2147483647", 2147483647},
      {"9007199254740992", 9007199254740992},
      {"-9007199254740992", -9007199254740992},
      {"9007199254740992.0", 9007199254740992},
      {"9.007199254740992e15", 9007199254740992},
      {"90071992547409920000e-4", 9007199254740992},
      {"9e15", 9000000000000000},
      {"100000000000000000000e-20", 1},
  };
  (void)state;
  for (size_t i = 0; i < COUNT_OF(wholes); i++) {
    int64_t number = 77;
    if (!number_integer(wholes[i].text, strlen(wholes[i].text), &number) || number != wholes[i].number)
      fail_msg("%s is %lld", wholes[i].text, (long long)number);
  }
}

static void knows_those_that_are_not(void **state)
{
  static const char *const others[] = {
      "0.5",
      "7.5",
      "-0.1",
      "7e-1",
      "71e-1",
      "7.00000000000000000001",
      "1e-999999999999999999999",
      "9007199254740993",
      "-9007199254740993",
      "9007199254740992.5",
      "9007199254740991.5",
      "10000000000000000",
      "1e16",
      "1e999",
      "-1e999999999999999999999",
      "123456789012345678901234567890",
      "9999999999999999999999999999999999999999999999999999999999999999",
      "0.0000000000000000000000000000000000000000000000000000000000001",
  };
  int64_t number;
  (void)state;
  for (size_t i = 0; i < COUNT_OF(others); i++)
    if (number_integer(others[i], strlen(others[i]), &number))
      fail_msg("%s is %lld", others[i], (long long)number);
}

/* Every number of so few digits, with its point and its exponent at every place, against a twin that counts in another
   way. */
static void agrees_with_a_twin(void **state)
{
  (void)state;
  for (int digits = 0; digits < 1000; digits++)
    for (int point = 0; point <= 3; point++)
      for (int exponent = -4; exponent <= 4; exponent++) {
        char text[32];
        int64_t number, scaled = digits;
        int power = exponent - point;
        int divisor = 1;
        for (; power > 0; power--)
          scaled *= 10;
        for (; power < 0; power++)
          divisor *= 10;
        int unit = point == 0 ? 1 : point == 1 ? 10 : point == 2 ? 100 : 1000;
        if (point == 0)
          snprintf(text, sizeof text, "%de%d", digits, exponent);
        else
          snprintf(text, sizeof text, "%d.%0*de%d", digits / unit, point, digits % unit, exponent);
        bool whole = scaled % divisor == 0;
        if (number_integer(text, strlen(text), &number) != whole || (whole && number != scaled / divisor))
          fail_msg("%s is %lld", text, (long long)number);
      }
}

static void reads_numbers_with_a_fraction(void **state)
{
  static const struct {
    const char *text;
    double number;
  } cases[] = {
      {"0", 0},
      {"26.00", 26},
      {"-0.5", -0.5},
      {"0.1", 0.1},
      {"12345.67", 12345.67},
      {"1e2", 100},
      {"1.5E+3", 1500},
      {"25e-1", 2.5},
      {"0.003", 0.003},
      {"-1.5e1", -15},
      {"1e400", HUGE_VAL},
      {"1e-400", 0},
      {"0e400", 0},
      {"-0.0E+999", 0},
      {"999999999.99", 999999999.99},
      {"100000000000000000000", 1e20},
      {"0.000000000000000000001", 1e-21},
  };
  (void)state;
  for (size_t i = 0; i < COUNT_OF(cases); i++)
    if (!(fabs(number_real(cases[i].text, strlen(cases[i].text)) - cases[i].number) <= fabs(cases[i].number) * 1e-15) &&
        number_real(cases[i].text, strlen(cases[i].text)) != cases[i].number)
      fail_msg("%s: %.17g", cases[i].text, number_real(cases[i].text, strlen(cases[i].text)));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_whole_numbers_however_they_are_written),
      cmocka_unit_test(knows_those_that_are_not),
      cmocka_unit_test(agrees_with_a_twin),
      cmocka_unit_test(reads_numbers_with_a_fraction),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
