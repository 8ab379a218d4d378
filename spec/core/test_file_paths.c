/* Where a file is written: paths, links, and what is refused. */
#define _GNU_SOURCE /* what -std=c11 hides */
#include "folder.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/path.h"
#include "base/text.h"

/* -------------------------------------------------------------------------------------------------------- paths -- */

static void assert_resolved(const char *path, const char *wanted)
{
  struct stepimg_error error;
  char *resolved;
  error_clear(&error);
  assert_int_equal(file_resolve(path, &resolved, &error), STEPIMG_OK);
  assert_string_equal(resolved, wanted);
  free(resolved);
}

static void a_path_means_what_it_meant_when_it_was_given(void **state)
{
  char here[sizeof folder], wanted[2 * sizeof folder], *resolved;
  struct stepimg_error error;
  (void)state;
  error_clear(&error);
  assert_int_equal(chdir(folder), 0);
  assert_non_null(getcwd(here, sizeof here)); /* the folder's name may lead over a link */
  snprintf(wanted, sizeof wanted, "%s/picture.png", here);
  assert_int_equal(file_resolve("picture.png", &resolved, &error), STEPIMG_OK);
  assert_int_equal(chdir("/"), 0);
  save(resolved, "new");
  assert_holds(in_folder("picture.png"), "new");
  assert_string_equal(resolved, wanted);
  free(resolved);
  assert_resolved("a/../b", "/a/../b");
  assert_resolved("/picture.png", "/picture.png");
  assert_resolved("", "");
}

static void a_deep_working_directory_is_one_too(void **state)
{
  char name[201], here[1024 + sizeof folder], wanted[sizeof here + 2];
  (void)state;
  memset(name, 'x', sizeof name - 1);
  name[sizeof name - 1] = '\0';
  assert_int_equal(chdir(folder), 0);
  for (int i = 0; i < 4; i++) {
    assert_int_equal(mkdir(name, 0700), 0);
    assert_int_equal(chdir(name), 0);
  }
  assert_non_null(getcwd(here, sizeof here));
  assert_true(strlen(here) > 800);
  snprintf(wanted, sizeof wanted, "%s/y", here);
  assert_resolved("y", wanted);
}

static void a_working_directory_that_is_gone_is_an_error(void **state)
{
  struct stepimg_error error;
  char *resolved = folder;
  (void)state;
  error_clear(&error);
  assert_int_equal(mkdir(in_folder("gone"), 0700), 0);
  assert_int_equal(chdir(in_folder("gone")), 0);
  assert_int_equal(rmdir(in_folder("gone")), 0);
  assert_int_equal(file_resolve("picture.png", &resolved, &error), STEPIMG_IO);
  assert_null(resolved);
  assert_contains(error.message, "\"picture.png\" cannot be written: ");
  assert_resolved("/picture.png", "/picture.png");
}

static void names_may_be_as_long_as_the_system_takes_them(void **state)
{
  char name[257];
  (void)state;
  memset(name, 'x', sizeof name - 1);
  name[255] = '\0';
  save(in_folder(name), "new");
  assert_holds(in_folder(name), "new");
  assert_int_equal(count_names(folder), 1);
  name[255] = 'x';
  name[256] = '\0';
  assert_refused(in_folder(name), "File name too long");
}

static void of_a_long_path_both_ends_are_shown(void **state)
{
  char shown[320], path[1000];
  (void)state;
  for (size_t cut = 0; cut < 4; cut++) {
    size_t characters, at;
    memcpy(path, "/homes/", 7);
    for (size_t i = 6 + cut / 2; i + 2 < sizeof path; i += 2)
      memcpy(path + i, "\xc3\xa4", 3);
    snprintf(path + 900 + cut / 2, 32, "%s/tower.png", cut % 2 == 0 ? "" : "x");
    path_show(shown, sizeof shown, path);
    assert_int_equal(strncmp(shown, "\"/homes", 7), 0);
    assert_contains(shown, "...\xc3\xa4");
    assert_contains(shown, "/tower.png\"");
    assert_true(strlen(shown) < sizeof shown && text_count(shown, strlen(shown), &characters, &at));
  }
  assert_string_equal(path_show(shown, sizeof shown, "/a/b"), "\"/a/b\"");
  assert_string_equal(path_show(shown, 16, "/abcdefgh"), "\"/abcdefgh\"");
  assert_string_equal(path_show(shown, 16, "/abcdefghijklmn"), "\"/a...ghijklmn\"");
}

/* -------------------------------------------------------------------------------------------------------- links -- */

static void assert_link(const char *path)
{
  assert_true(S_ISLNK(look_at(path).st_mode));
}

static void a_link_is_followed_and_stays(void **state)
{
  (void)state;
  assert_int_equal(mkdir(in_folder("there"), 0700), 0);
  write_plainly(in_folder("there/picture.png"), "old", 0640);
  assert_int_equal(symlink("there/picture.png", in_folder("relative")), 0);
  assert_int_equal(symlink(in_folder("there/picture.png"), in_folder("absolute")), 0);
  assert_int_equal(symlink("../relative", in_folder("there/chain")), 0);
  assert_int_equal(symlink("there", in_folder("way")), 0);
  static const char *const names[] = {"relative", "absolute", "there/chain", "way/chain", "way/picture.png"};
  for (size_t i = 0; i < COUNT_OF(names); i++) {
    save(in_folder(names[i]), names[i]);
    assert_holds(in_folder("there/picture.png"), names[i]);
    assert_int_equal(mode_of(in_folder("there/picture.png")), 0640);
    assert_true(S_ISREG(look_at(in_folder("there/picture.png")).st_mode));
  }
  assert_link(in_folder("relative"));
  assert_link(in_folder("absolute"));
  assert_link(in_folder("there/chain"));
  assert_int_equal(count_names(in_folder("there")), 2);
  assert_int_equal(count_names(folder), 4);
}

static void a_link_to_nothing_names_a_new_file(void **state)
{
  (void)state;
  assert_int_equal(mkdir(in_folder("there"), 0700), 0);
  assert_int_equal(symlink("there/new.png", in_folder("link")), 0);
  assert_int_equal(symlink("nowhere/new.png", in_folder("lost")), 0);
  save(in_folder("link"), "new");
  assert_link(in_folder("link"));
  assert_holds(in_folder("there/new.png"), "new");
  assert_refused(in_folder("lost"), "no file can be made in its folder: No such file or directory");
}

static void links_are_followed_as_far_as_the_system_does(void **state)
{
  char name[16], target[16];
  (void)state;
  for (int i = 1; i <= 50; i++) {
    snprintf(name, sizeof name, "%d", i);
    snprintf(target, sizeof target, "%d", i - 1);
    assert_int_equal(symlink(target, in_folder(name)), 0);
  }
  save(in_folder("30"), "new");
  assert_holds(in_folder("0"), "new");
  assert_refused(in_folder("50"), "");
  assert_int_equal(unlink(in_folder("0")), 0);
  save(in_folder("30"), "newer"); /* to a file that is not there yet */
  assert_holds(in_folder("0"), "newer");
  assert_int_equal(symlink("round", in_folder("round")), 0);
  assert_refused(in_folder("round"), "");
}

/* ----------------------------------------------------------------------------------------------- what is refused -- */

static void make_socket(const char *path)
{
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);
  assert_true(descriptor >= 0);
  assert_true(strlen(path) < sizeof address.sun_path);
  memcpy(address.sun_path, path, strlen(path));
  assert_int_equal(bind(descriptor, (struct sockaddr *)&address, sizeof address), 0);
  close(descriptor);
}

static void what_is_no_regular_file_is_refused(void **state)
{
  (void)state;
  assert_int_equal(mkdir(in_folder("directory"), 0700), 0);
  assert_int_equal(mkfifo(in_folder("pipe"), 0600), 0);
  make_socket(in_folder("socket"));
  assert_int_equal(symlink("/dev/null", in_folder("link")), 0);
  assert_refused("/dev/null", "\"/dev/null\" cannot be written: it is no regular file");
  assert_refused(in_folder("pipe"), "it is no regular file");
  assert_refused(in_folder("socket"), "it is no regular file");
  assert_refused(in_folder("link"), "it is no regular file");
  assert_refused(folder, "it is a directory");
  assert_refused(in_folder("directory/"), "it is a directory");
  assert_refused("/", "it is a directory");
  assert_int_equal(count_names(folder), 4);
  assert_int_equal(count_names(in_folder("directory")), 0);
}

static void what_has_no_folder_is_refused(void **state)
{
  (void)state;
  write_plainly(in_folder("file"), "old", 0644);
  assert_refused("", "No such file or directory");
  assert_refused(in_folder("none/picture.png"), "no file can be made in its folder: No such file or directory");
  assert_refused(in_folder("none/"), "No such file or directory");
  assert_refused(in_folder("file/picture.png"), "Not a directory");
  assert_refused(in_folder("file/"), "Not a directory");
  assert_int_equal(count_names(folder), 1);
}

static bool folder_without_a_right(void)
{
  if (geteuid() == 0 && seteuid(SOMEBODY) != 0)
    return false;
  assert_refused(in_folder("picture.png"), "no file can be made in its folder: Permission denied");
  return true;
}

static void a_folder_that_may_not_be_written_is_an_error(void **state)
{
  (void)state;
  assert_int_equal(chmod(folder, 0555), 0);
  apart(folder_without_a_right);
  assert_int_equal(chmod(folder, 0755), 0);
}

/* A link in /proc that says less than it does: the file has no name any more. */
static void a_link_that_does_not_lead_to_its_file_is_refused(void **state)
{
  char path[64];
  (void)state;
  if (access("/proc/self/fd", X_OK) != 0)
    skip();
  int descriptor = open(in_folder("gone"), O_RDWR | O_CREAT, 0600);
  assert_true(descriptor >= 0);
  assert_int_equal(unlink(in_folder("gone")), 0);
  snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
  assert_refused(path, "the link to it cannot be followed");
  write_plainly(in_folder("gone (deleted)"), "another", 0600); /* as the link says */
  assert_refused(path, "the link to it cannot be followed");
  close(descriptor);
  assert_int_equal(count_names(folder), 1);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      IN_A_FOLDER(a_path_means_what_it_meant_when_it_was_given),
      IN_A_FOLDER(a_deep_working_directory_is_one_too),
      IN_A_FOLDER(a_working_directory_that_is_gone_is_an_error),
      IN_A_FOLDER(names_may_be_as_long_as_the_system_takes_them),
      cmocka_unit_test(of_a_long_path_both_ends_are_shown),
      IN_A_FOLDER(a_link_is_followed_and_stays),
      IN_A_FOLDER(a_link_to_nothing_names_a_new_file),
      IN_A_FOLDER(links_are_followed_as_far_as_the_system_does),
      IN_A_FOLDER(what_is_no_regular_file_is_refused),
      IN_A_FOLDER(what_has_no_folder_is_refused),
      IN_A_FOLDER(a_folder_that_may_not_be_written_is_an_error),
      IN_A_FOLDER(a_link_that_does_not_lead_to_its_file_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
