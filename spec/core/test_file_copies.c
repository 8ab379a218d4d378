/* Copies of files: whole or not at all. */
#define _GNU_SOURCE /* what -std=c11 hides */
#include "folder.h"

#include <unistd.h>

static char block[300 * 1000];

static void copy_good(const char *from, const char *to)
{
  struct stepimg_error error;
  if (stepimg_copy_file(from, to, &error) != STEPIMG_OK)
    fail_msg("%s", error.message);
  assert_int_equal(error.kind, STEPIMG_OK);
}

static void a_copy_is_whole(void **state)
{
  static char copied[sizeof block + 1];
  struct stepimg_error error;
  (void)state;
  for (size_t i = 0; i < sizeof block; i++)
    block[i] = (char)(i * 7 % 253);
  assert_int_equal(stepimg_write_file(in_folder("one"), block, sizeof block, &error), STEPIMG_OK);
  write_plainly(in_folder("other"), "old", 0600);
  copy_good(in_folder("one"), in_folder("other"));
  copy_good(in_folder("one"), in_folder("one"));
  int descriptor = open(in_folder("other"), O_RDONLY);
  assert_int_equal(read(descriptor, copied, sizeof copied), sizeof block);
  close(descriptor);
  assert_memory_equal(copied, block, sizeof block);
  assert_int_equal(look_at(in_folder("one")).st_size, sizeof block);
  assert_int_equal(mode_of(in_folder("other")), 0600);
  write_plainly(in_folder("empty"), "", 0600);
  copy_good(in_folder("empty"), in_folder("one"));
  assert_holds(in_folder("one"), "");
  assert_int_equal(count_names(folder), 3);
}

static void assert_no_copy(const char *from, const char *to, const char *reason)
{
  struct stepimg_error error;
  size_t count = count_names(folder);
  assert_int_equal(stepimg_copy_file(from, to, &error), STEPIMG_IO);
  assert_int_equal(error.kind, STEPIMG_IO);
  assert_contains(error.message, reason);
  assert_int_equal(count_names(folder), count);
}

static void a_copy_that_cannot_be_made_leaves_nothing(void **state)
{
  (void)state;
  write_plainly(in_folder("one"), "new", 0600);
  write_plainly(in_folder("other"), "old", 0600);
  assert_int_equal(mkfifo(in_folder("pipe"), 0600), 0);
  assert_no_copy(in_folder("none"), in_folder("other"), "none\" cannot be read: No such file or directory");
  assert_no_copy(folder, in_folder("other"), "cannot be read: Is a directory");
  assert_no_copy(in_folder("pipe"), in_folder("other"), "pipe\" cannot be read: it is no regular file");
  assert_no_copy(in_folder("one"), in_folder("none/x"), "cannot be written: no file can be made in its folder");
  assert_no_copy(in_folder("one"), folder, "it is a directory");
  assert_holds(in_folder("other"), "old");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      IN_A_FOLDER(a_copy_is_whole),
      IN_A_FOLDER(a_copy_that_cannot_be_made_leaves_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
