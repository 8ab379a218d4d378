/* Files that are written whole or not at all, on a real disk. */
#define _GNU_SOURCE /* what -std=c11 hides */
#include "folder.h"

#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/source.h"

static char block[300 * 1000];

/* -------------------------------------------------------------------------------------------------------- whole -- */

static void the_old_file_stays_until_the_new_one_is_whole(void **state)
{
  const char *path = in_folder("picture.png");
  (void)state;
  write_plainly(path, "old", 0644);
  struct file file = open_good(path);
  assert_true((fcntl(file.descriptor, F_GETFD) & FD_CLOEXEC) != 0);
  assert_string_equal(strrchr(file.temporary, '.'), ".part");
  assert_int_equal(count_names(folder), 2);
  write_good(&file, "ne");
  write_good(&file, "w");
  assert_holds(path, "old");
  assert_holds(file.temporary, "new");
  commit_good(&file);
  assert_holds(path, "new");
  assert_int_equal(count_names(folder), 1);
  file_abort(&file);
  assert_holds(path, "new");
}

static void what_is_aborted_leaves_nothing(void **state)
{
  const char *path = in_folder("picture.png");
  (void)state;
  for (int closed = 0; closed < 2; closed++) {
    struct file file = open_good(path);
    write_good(&file, "new");
    if (closed)
      close_good(&file);
    assert_int_equal(count_names(folder), 1);
    file_abort(&file);
    file_abort(&file);
    assert_int_equal(count_names(folder), 0);
  }
}

static void it_can_be_written_anew(void **state)
{
  struct stepimg_error error;
  struct file file = open_good(in_folder("picture.png"));
  (void)state;
  error_clear(&error);
  write_good(&file, "a long beginning");
  assert_int_equal(file_restart(&file, &error), STEPIMG_OK);
  write_good(&file, "short");
  commit_good(&file);
  assert_holds(in_folder("picture.png"), "short");
}

static void many_at_once_do_not_meet(void **state)
{
  struct file files[50];
  (void)state;
  for (size_t i = 0; i < COUNT_OF(files); i++)
    files[i] = open_good(in_folder("picture.png"));
  assert_int_equal(count_names(folder), COUNT_OF(files));
  for (size_t i = 0; i < COUNT_OF(files); i++) {
    write_good(&files[i], i + 1 < COUNT_OF(files) ? "one" : "last");
    commit_good(&files[i]);
  }
  assert_holds(in_folder("picture.png"), "last");
  assert_int_equal(count_names(folder), 1);
}

/* ------------------------------------------------------------------------------------------- what a system may do -- */

static void ring(int number)
{
  (void)number;
}

/* The file's descriptor is a pipe that somebody reads slowly, and signals come all the time: writes that are cut short
   and such that wrote nothing. */
static void every_byte_is_written_whatever_interrupts(void **state)
{
  struct sigaction action = {.sa_handler = ring};
  struct itimerval often = {{0, 2000}, {0, 2000}}, never = {{0, 0}, {0, 0}};
  struct stepimg_error error;
  struct file file = open_good(in_folder("picture.png"));
  int ends[2], status;
  (void)state;
  error_clear(&error);
  for (size_t i = 0; i < sizeof block; i++)
    block[i] = (char)(i % 251);
  assert_int_equal(pipe(ends), 0);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    size_t count = 0;
    unsigned char byte[4096];
    close(ends[1]);
    for (ssize_t length; (length = read(ends[0], byte, sizeof byte)) > 0; usleep(3000))
      for (ssize_t i = 0; i < length; i++, count++)
        if (byte[i] != count % 251)
          _exit(1);
    _exit(count == sizeof block ? GOOD : 2);
  }
  close(ends[0]);
  close(file.descriptor);
  file.descriptor = ends[1];
  /* Without SA_RESTART. It stays, as one that came last may still be on its way. */
  assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
  assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
  enum stepimg_kind kind = file_write(&file, block, sizeof block, &error);
  assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
  assert_int_equal(kind, STEPIMG_OK);
  file_abort(&file);
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status) && WEXITSTATUS(status) == GOOD);
}

static void what_close_says_counts(void **state)
{
  struct stepimg_error error;
  struct file file = open_good(in_folder("picture.png"));
  (void)state;
  error_clear(&error);
  close(file.descriptor); /* by somebody who mistook it for one of its own */
  assert_int_equal(file_write(&file, "new", 3, &error), STEPIMG_IO);
  assert_int_equal(file_restart(&file, &error), STEPIMG_IO);
  error_clear(&error);
  assert_int_equal(file_close(&file, &error), STEPIMG_IO);
  assert_contains(error.message, "Bad file descriptor");
  file_abort(&file);
  assert_int_equal(count_names(folder), 0);
}

/* --------------------------------------------------------------------------------------------------- no place left -- */

/* The file that could not be put in its place is whole, and named. */
static void assert_kept(struct file *file, const char *reason)
{
  struct stepimg_error error;
  char *kept = NULL;
  error_clear(&error);
  close_good(file);
  assert_int_equal(file_commit(file, &kept, &error), STEPIMG_IO);
  assert_int_equal(error.kind, STEPIMG_IO);
  assert_non_null(kept);
  assert_contains(error.message, "picture.png");
  assert_contains(error.message, reason);
  assert_contains(error.message, kept);
  file_abort(file);
  assert_holds(kept, "new");
  assert_int_equal(unlink(kept), 0);
  free(kept);
}

static void a_file_that_finds_no_place_is_kept_and_named(void **state)
{
  const char *path = in_folder("picture.png");
  (void)state;
  struct file file = open_good(path);
  write_good(&file, "new");
  assert_int_equal(mkdir(path, 0700), 0);
  assert_kept(&file, "Is a directory");
  assert_int_equal(rmdir(path), 0);

  file = open_good(path);
  write_good(&file, "new");
  assert_int_equal(mkfifo(path, 0600), 0);
  assert_kept(&file, "File exists");
  assert_true(S_ISFIFO(look_at(path).st_mode));
}

static void so_it_is_where_nobody_asks_for_its_name(void **state)
{
  struct stepimg_error error;
  const char *path = in_folder("picture.png");
  struct file file = open_good(path);
  (void)state;
  error_clear(&error);
  write_good(&file, "new");
  close_good(&file);
  assert_int_equal(mkdir(path, 0700), 0);
  assert_int_equal(file_commit(&file, NULL, &error), STEPIMG_IO);
  assert_int_equal(count_names(folder), 2);
}

static void a_file_that_somebody_took_away_is_not_promised(void **state)
{
  struct stepimg_error error;
  char *kept = folder;
  struct file file = open_good(in_folder("picture.png"));
  (void)state;
  error_clear(&error);
  write_good(&file, "new");
  close_good(&file);
  assert_int_equal(unlink(file.temporary), 0);
  assert_int_equal(file_commit(&file, &kept, &error), STEPIMG_IO);
  assert_null(kept);
  assert_contains(error.message, "cannot be written: No such file or directory");
}

/* --------------------------------------------------------------------------------------------- files of our own -- */

static void save_plainly(const char *path, const char *text, enum stepimg_kind wanted)
{
  struct file file;
  struct stepimg_error error;
  error_clear(&error);
  assert_int_equal(file_open_plain(&file, path, &error), STEPIMG_OK);
  enum stepimg_kind kind = file_write(&file, text, strlen(text), &error);
  assert_int_equal(file_complete(&file, kind, &error), wanted);
  assert_null(file.path);
}

static void a_plain_file_takes_the_place_of_a_link(void **state)
{
  struct stepimg_error error;
  (void)state;
  write_plainly(in_folder("other"), "other", 0600);
  assert_int_equal(symlink("other", in_folder("one")), 0);
  save_plainly(in_folder("one"), "new", STEPIMG_OK);
  assert_true(S_ISREG(look_at(in_folder("one")).st_mode));
  assert_int_equal(mode_of(in_folder("one")), 0644);
  assert_holds(in_folder("one"), "new");
  assert_holds(in_folder("other"), "other");
  write_plainly(in_folder("one"), "old", 0);
  save_plainly(in_folder("one"), "new", STEPIMG_OK); /* nobody could read it otherwise */
  assert_int_equal(mode_of(in_folder("one")), 0644);
  assert_int_equal(mkdir(in_folder("folder"), 0700), 0);
  save_plainly(in_folder("folder"), "new", STEPIMG_IO);
  assert_int_equal(count_names(folder), 3);
  struct file file;
  error_clear(&error);
  assert_int_equal(file_open_plain(&file, in_folder("none/x"), &error), STEPIMG_IO);
  assert_contains(error.message, "no file can be made in its folder");
}

static void a_plain_source_is_no_link(void **state)
{
  struct source source;
  struct stepimg_error error;
  (void)state;
  write_plainly(in_folder("one"), "text", 0600);
  assert_int_equal(symlink("one", in_folder("link")), 0);
  assert_int_equal(mkfifo(in_folder("pipe"), 0600), 0);
  error_clear(&error);
  assert_int_equal(source_open(&source, in_folder("link"), &error), STEPIMG_OK);
  source_close(&source);
  assert_int_equal(source_open_plain(&source, in_folder("one"), &error), STEPIMG_OK);
  assert_int_equal(source.size, 4);
  source_close(&source);
  assert_int_equal(source_open_plain(&source, in_folder("link"), &error), STEPIMG_IO);
  assert_int_equal(source_open_plain(&source, in_folder("pipe"), &error), STEPIMG_IO);
  assert_int_equal(source_open_plain(&source, folder, &error), STEPIMG_IO);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      IN_A_FOLDER(the_old_file_stays_until_the_new_one_is_whole),
      IN_A_FOLDER(what_is_aborted_leaves_nothing),
      IN_A_FOLDER(it_can_be_written_anew),
      IN_A_FOLDER(many_at_once_do_not_meet),
      IN_A_FOLDER(every_byte_is_written_whatever_interrupts),
      IN_A_FOLDER(what_close_says_counts),
      IN_A_FOLDER(a_file_that_finds_no_place_is_kept_and_named),
      IN_A_FOLDER(so_it_is_where_nobody_asks_for_its_name),
      IN_A_FOLDER(a_file_that_somebody_took_away_is_not_promised),
      IN_A_FOLDER(a_plain_file_takes_the_place_of_a_link),
      IN_A_FOLDER(a_plain_source_is_no_link),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
