/* A secret: found however it is written, and nothing else with it. */
#include "check.h"

#include "base/secret.h"

#define SECRET "sk-Ab/9+\\u~7"
#define STARS "************"

static void hides(const char *text, const char *secret, const char *hidden)
{
  char copy[256];
  size_t length = strlen(text);
  memcpy(copy, text, length + 1);
  secret_hide(copy, length, secret);
  assert_string_equal(copy, hidden);
}

static void is_hidden_however_it_is_written(void **state)
{
  static const struct {
    const char *text, *hidden;
  } cases[] = {
      {SECRET, STARS},
      {"<" SECRET "> and (" SECRET ") end", "<" STARS "> and (" STARS ") end"},
      {"SK-AB/9+\\U~7......", STARS "......"},       /* another case */
      {"sk-Ab\\/9+\\\\u~7......", STARS "**......"}, /* JSON's escapes */
      {"sk-Ab\\u002f9\\u002B\\u005cu~7......", STARS "***************......"},
      {"sk-Ab%2F9%2b%5Cu~7......", STARS "******......"}, /* a URL's */
      {"the rest is cut: sk-Ab/9+", "the rest is cut: ********"},
      {"the rest is cut: sk-Ab/9+\\", "the rest is cut: ********\\"},
      {"too little of it: sk-Ab/9", "too little of it: sk-Ab/9"},
      {"sk-Ab/9+ is not all of it", "sk-Ab/9+ is not all of it"},
      {"sk-sk-" SECRET, "sk-sk-" STARS},
      {"", ""},
  };
  (void)state;
  for (size_t i = 0; i < COUNT_OF(cases); i++)
    hides(cases[i].text, SECRET, cases[i].hidden);
}

static void is_none_where_it_is_short_or_missing(void **state)
{
  (void)state;
  hides("the key is 1234567", "1234567", "the key is 1234567");
  hides("the key is 12345678", "12345678", "the key is ********");
  hides("the key is \"\"", "", "the key is \"\"");
  hides("the key is NULL", NULL, "the key is NULL");
  secret_hide(NULL, 0, SECRET);
}

static void is_overwritten(void **state)
{
  char secret[] = "sk-secret\0behind";
  (void)state;
  secret_wipe(NULL);
  secret_wipe(secret);
  for (size_t i = 0; i < 9; i++)
    assert_int_equal(secret[i], 0);
  assert_string_equal(secret + 10, "behind");
  secret_wipe(secret);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(is_hidden_however_it_is_written),
      cmocka_unit_test(is_none_where_it_is_short_or_missing),
      cmocka_unit_test(is_overwritten),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
