/* Which paths are one where systems differ: by the case of their letters, and by what stands between their names. */
#include "check.h"

#include "base/path.h"

#if defined(_WIN32)
enum { ON_WINDOWS = true };
#else
enum { ON_WINDOWS = false };
#endif

static bool are_one(const char *path, const char *other)
{
  return stepimg_path_key(path) == stepimg_path_key(other);
}

static void the_case_of_letters_tells_files_apart_or_not(void **state)
{
  static const char *const pairs[][2] = {
      {"a.png", "A.png"},
      {"a.png", "A.PNG"},
      {"folder/a.png", "FOLDER/a.png"},
      {"b\xc3\xbc"
       "cher.png",
       "B\xc3\x9c"
       "CHER.PNG"},                                                         /* ü */
      {"\xd1\x8f.png", "\xd0\xaf.png"},                                     /* я */
      {"\xcf\x83.png", "\xce\xa3.png"},                                     /* sigma */
      {"\xe2\xb1\xa5.png", "\xc8\xba.png"},                                 /* U+2C65 and U+023A: of 3 bytes and of 2 */
      {"\xe7\x81\xaf\xe5\xa1\x94 a.png", "\xe7\x81\xaf\xe5\xa1\x94 A.png"}, /* beside what has no case */
  };
  (void)state;
  for (size_t i = 0; i < COUNT_OF(pairs); i++)
    assert_int_equal(ON_WINDOWS, are_one(pairs[i][0], pairs[i][1]));
}

static void no_language_makes_files_one(void **state)
{
  static const char *const different[][2] = {
      {"i.png", "\xc4\xb0.png"},                            /* with a dot, as in Turkish */
      {"I.png", "\xc4\xb1.png"},                            /* without one */
      {"ss.png", "\xc3\x9f.png"},                           /* sharp s */
      {"e.png", "\xc3\xa9.png"},  {"\xff.png", "\xfe.png"}, /* no UTF-8 */
      {"a.png", "b.png"},
  };
  (void)state;
  for (size_t i = 0; i < COUNT_OF(different); i++)
    assert_false(are_one(different[i][0], different[i][1]));
}

static void a_backslash_is_a_separator_or_a_letter(void **state)
{
  (void)state;
  assert_int_equal(ON_WINDOWS, are_one("folder\\a.png", "folder/a.png"));
  assert_int_equal(ON_WINDOWS, are_one("folder\\..\\a.png", "a.png"));
}

static void what_leads_nowhere_ends_a_path_too(void **state)
{
  static const char *const pairs[][2] = {
      {"a/b/.", "a/b"}, {"a/b/", "a/b"}, {"a/b//", "a/b"}, {"a/b/c/..", "a/b"}, {"/a/./", "/a"}};
  (void)state;
  for (size_t i = 0; i < COUNT_OF(pairs); i++)
    assert_true(are_one(pairs[i][0], pairs[i][1]));
  assert_false(are_one("c/ab", "bc/a"));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_leads_nowhere_ends_a_path_too),
      cmocka_unit_test(the_case_of_letters_tells_files_apart_or_not),
      cmocka_unit_test(no_language_makes_files_one),
      cmocka_unit_test(a_backslash_is_a_separator_or_a_letter),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
