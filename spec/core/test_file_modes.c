/* Who may read and write a file after it has been replaced. */
#define _GNU_SOURCE /* what -std=c11 hides */
#include "folder.h"

#include <unistd.h>

static void a_file_keeps_its_mode(void **state)
{
  static const mode_t modes[] = {0600, 0644, 0640, 0666, 0755, 0400};
  const char *path = in_folder("picture.png");
  (void)state;
  for (size_t i = 0; i < COUNT_OF(modes); i++) {
    write_plainly(path, "old", modes[i]);
    struct file file = open_good(path);
    assert_int_equal(mode_of(file.temporary) & ~modes[i], 0);
    write_good(&file, "new");
    commit_good(&file);
    assert_int_equal(mode_of(path), modes[i]);
    assert_int_equal(unlink(path), 0);
  }
  write_plainly(path, "old", 04755); /* what a picture holds is not to run as its owner */
  save(path, "new");
  assert_int_equal(mode_of(path), 0755);
}

static void a_new_file_is_as_open_as_all_new_ones(void **state)
{
  (void)state;
  umask(027);
  save(in_folder("one"), "new");
  umask(0);
  save(in_folder("other"), "new");
  umask(022);
  assert_int_equal(mode_of(in_folder("one")), 0640);
  assert_int_equal(mode_of(in_folder("other")), 0666);
}

static void root_leaves_a_file_to_its_owner(void **state)
{
  const char *path = in_folder("picture.png");
  (void)state;
  if (geteuid() != 0)
    skip();
  write_plainly(path, "old", 0600);
  assert_int_equal(chown(path, SOMEBODY, SOMEBODY_ELSE), 0);
  save(path, "new");
  struct stat there = look_at(path);
  assert_int_equal(there.st_uid, SOMEBODY);
  assert_int_equal(there.st_gid, SOMEBODY_ELSE);
  assert_int_equal(there.st_mode & 07777, 0600);
}

/* The file belongs to a group that this user is not in: whoever shares the user's group gains nothing. */
static bool another_group(void)
{
  const char *path = in_folder("picture.png");
  if (geteuid() != 0 || chown(folder, SOMEBODY, SOMEBODY) != 0 || chown(path, SOMEBODY, SOMEBODY_ELSE) != 0 ||
      setegid(SOMEBODY) != 0 || seteuid(SOMEBODY) != 0)
    return false;
  save(path, "new");
  struct stat there = look_at(path);
  WANT(there.st_uid == SOMEBODY && there.st_gid == SOMEBODY);
  WANT((there.st_mode & 07777) == 0644); /* what all others may */
  return true;
}

static void another_group_gains_no_right(void **state)
{
  (void)state;
  write_plainly(in_folder("picture.png"), "old", 0664);
  apart(another_group);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      IN_A_FOLDER(a_file_keeps_its_mode),
      IN_A_FOLDER(a_new_file_is_as_open_as_all_new_ones),
      IN_A_FOLDER(root_leaves_a_file_to_its_owner),
      IN_A_FOLDER(another_group_gains_no_right),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
