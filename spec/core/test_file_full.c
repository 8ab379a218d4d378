/* Files that find no room: a limit of their size, and a full disk. */
#define _GNU_SOURCE /* unshare, and what -std=c11 hides */
#include "folder.h"

#include <signal.h>
#include <sys/resource.h>
#if defined(__linux__)
#include <sched.h>
#include <sys/mount.h>
#endif

enum { SIZE_LIMIT = 100 * 1000 };
static char block[300 * 1000];

/* Fails to write a large file in the folder, and leaves nothing there. */
static void fail_to_write(const char *reason)
{
  struct stepimg_error error;
  struct file file = open_good(in_folder("picture.png"));
  sigset_t pending, blocked;
  error_clear(&error);
  WANT(file_write(&file, block, sizeof block, &error) == STEPIMG_IO);
  WANT(strstr(error.message, reason) != NULL && strstr(error.message, "picture.png\" cannot be written") != NULL);
  file_abort(&file);
  WANT(stepimg_write_file(in_folder("picture.png"), block, sizeof block, &error) == STEPIMG_IO);
  WANT(count_names(folder) == 0);
  sigpending(&pending);
  pthread_sigmask(SIG_SETMASK, NULL, &blocked);
  WANT(sigismember(&pending, SIGXFSZ) == 0 && sigismember(&blocked, SIGXFSZ) == 0);
}

static bool limited(void)
{
  struct rlimit limit = {SIZE_LIMIT, SIZE_LIMIT};
  WANT(setrlimit(RLIMIT_FSIZE, &limit) == 0);
  WANT(signal(SIGXFSZ, SIG_DFL) != SIG_ERR); /* it would end the process */
  fail_to_write("File too large");
  WANT(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
  fail_to_write("File too large");
  struct stepimg_error error;
  WANT(stepimg_write_file(in_folder("small"), "new", 3, &error) == STEPIMG_OK);
  return true;
}

static void beyond_the_limit_of_a_files_size_is_an_error_and_no_signal(void **state)
{
  (void)state;
  apart(limited);
}

/* A host that waits for the signal itself still finds it. */
static bool pending_before(void)
{
  struct rlimit limit = {SIZE_LIMIT, SIZE_LIMIT};
  struct stepimg_error error;
  sigset_t limits, pending;
  sigemptyset(&limits);
  sigaddset(&limits, SIGXFSZ);
  WANT(setrlimit(RLIMIT_FSIZE, &limit) == 0);
  WANT(pthread_sigmask(SIG_BLOCK, &limits, NULL) == 0 && raise(SIGXFSZ) == 0);
  WANT(stepimg_write_file(in_folder("picture.png"), block, sizeof block, &error) == STEPIMG_IO);
  sigpending(&pending);
  WANT(sigismember(&pending, SIGXFSZ) == 1);
  return true;
}

static void a_signal_of_the_hosts_own_stays(void **state)
{
  (void)state;
  apart(pending_before);
}

static bool small_disk(void)
{
#if defined(__linux__)
  if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, "") != 0 ||
      mount("tmpfs", folder, "tmpfs", 0, "size=128k") != 0)
    return false;
  fail_to_write("No space left on device");
  struct stepimg_error error;
  WANT(stepimg_write_file(in_folder("small"), "new", 3, &error) == STEPIMG_OK); /* the room is free again */
  return true;
#else
  return false;
#endif
}

static void a_full_disk_is_an_error_that_leaves_nothing(void **state)
{
  (void)state;
  apart(small_disk);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      IN_A_FOLDER(beyond_the_limit_of_a_files_size_is_an_error_and_no_signal),
      IN_A_FOLDER(a_signal_of_the_hosts_own_stays),
      IN_A_FOLDER(a_full_disk_is_an_error_that_leaves_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
