/* Where unfinished jobs save to: which paths are one, and who is told so. */
#include "check.h"

#include <stdio.h>
#include <unistd.h>

#include "base/path.h"
#include "client/places.h"

static void paths_are_one_by_their_text(void **state)
{
  static const char *const same[][2] = {
      {"/a/b.png", "/a//b.png"},
      {"/a/b.png", "/a/./b.png"},
      {"/a/b.png", "/./a/b.png"},
      {"/a/b.png", "/a/c/../b.png"},
      {"/a/b.png", "/../a/b.png"},
      {"/a/b.png", "/x/y/../../a/b.png"},
      {"/a/b.png", "/a/x/./../b.png"},
      {"/a", "//a"},
      {"/a/b.png", "/x/..//a/y/..//b.png"},
      {"/a/...", "/a/b/../..."},
      {"/", ""},
  };
  static const char *const different[][2] = {
      {"/a/b.png", "/a/c.png"}, {"/a/b", "/ab"},      {"/c/ab", "/bc/a"},  {"/a/b", "/b/a"},
      {"/a/b", "/a/b/.../"},    {"/a", "/a/a"},       {"/a/b", "/a/.b"},   {"/a/..b", "/a/b"},
      {"/a/b/..", "/a/b"},      {"/a.png", "/A.png"}, {"/a/../b", "/a/b"},
  };
  (void)state;
  for (size_t i = 0; i < COUNT_OF(same); i++)
    assert_true(path_key(same[i][0]) == path_key(same[i][1]));
  for (size_t i = 0; i < COUNT_OF(different); i++)
    assert_false(path_key(different[i][0]) == path_key(different[i][1]));
}

static void a_path_is_one_of_the_working_directory(void **state)
{
  char here[4096], whole[8192];
  (void)state;
  assert_non_null(getcwd(here, sizeof here));
  snprintf(whole, sizeof whole, "%s/a.png", here);
  assert_true(stepimg_path_key("a.png") == stepimg_path_key(whole));
  assert_true(stepimg_path_key("./x/../a.png") == stepimg_path_key(whole));
  assert_false(stepimg_path_key("a.png") == stepimg_path_key("/a.png"));
}

static void a_path_keeps_its_meaning(void **state)
{
  char here[4096], whole[8192], cut[8];
  (void)state;
  assert_non_null(getcwd(here, sizeof here));
  size_t length = stepimg_whole_path("b/../a.png", NULL, 0);
  assert_int_equal(length, strlen(here) + strlen("/b/../a.png"));
  assert_int_equal(stepimg_whole_path("b/../a.png", whole, sizeof whole), length);
  assert_memory_equal(whole, here, strlen(here));
  assert_string_equal(whole + strlen(here), "/b/../a.png");
  assert_int_equal(stepimg_whole_path("/a.png", whole, sizeof whole), 6);
  assert_string_equal(whole, "/a.png");
  assert_int_equal(stepimg_whole_path("/a/b/c.png", cut, sizeof cut), 10);
  assert_string_equal(cut, "/a/b/c.");
  assert_int_equal(stepimg_whole_path("", whole, sizeof whole), 0);
  assert_string_equal(whole, "");
}

static void who_comes_second_is_told_until_the_first_has_left(void **state)
{
  enum { MANY = 3 * PLACES };
  static struct places places;
  static struct place many[MANY], again, other;
  (void)state;
  places_init(&places);
  for (size_t i = 0; i < MANY; i++) {
    many[i].key = i;
    assert_false(places_enter(&places, &many[i]));
  }
  again.key = other.key = PLACES + 1;
  assert_true(places_enter(&places, &again));
  place_leave(&many[PLACES + 1]);
  assert_true(places_enter(&places, &other));
  place_leave(&other);
  place_leave(&again);
  place_leave(&again);
  assert_false(places_enter(&places, &many[PLACES + 1]));
  place_leave(&(struct place){.key = 1});
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(paths_are_one_by_their_text),
      cmocka_unit_test(a_path_is_one_of_the_working_directory),
      cmocka_unit_test(a_path_keeps_its_meaning),
      cmocka_unit_test(who_comes_second_is_told_until_the_first_has_left),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
