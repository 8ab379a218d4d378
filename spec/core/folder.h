/* What the tests of files share: a folder for each test, and what is asked of a file in it. Its user asks for POSIX. */
#ifndef FOLDER_H
#define FOLDER_H

#include "check.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"

enum { GOOD = 42, SOMEBODY = 4321, SOMEBODY_ELSE = 4322 /* users and groups */ };

/* ------------------------------------------------------------------------------------------- a folder for each test -- */

static char folder[512], before[512];

static inline int make_folder(void **state)
{
  const char *base = getenv("TMPDIR");
  (void)state;
  umask(022);
  snprintf(folder, sizeof folder, "%s/stepimg.XXXXXX", base != NULL && base[0] == '/' ? base : "/tmp");
  return mkdtemp(folder) != NULL && getcwd(before, sizeof before) != NULL && chmod(folder, 0755) == 0 ? 0 : -1;
}

static inline int remove_one(const char *path, const struct stat *status, int type, struct FTW *place)
{
  (void)status;
  (void)type;
  (void)place;
  return remove(path);
}

static inline int remove_folder(void **state)
{
  (void)state;
  return chdir(before) == 0 ? nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS) : -1;
}

/* A path in the folder; good for the next seven. */
static inline const char *in_folder(const char *name)
{
  static char paths[8][sizeof folder + 300];
  static size_t next;
  char *path = paths[next++ % COUNT_OF(paths)];
  snprintf(path, sizeof paths[0], "%s/%s", folder, name);
  return path;
}

static inline void write_plainly(const char *path, const char *text, mode_t mode)
{
  int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  assert_true(descriptor >= 0);
  assert_int_equal(write(descriptor, text, strlen(text)), strlen(text));
  assert_int_equal(fchmod(descriptor, mode), 0);
  close(descriptor);
}

static inline void assert_holds(const char *path, const char *text)
{
  char found[256];
  int descriptor = open(path, O_RDONLY);
  assert_true(descriptor >= 0);
  ssize_t length = read(descriptor, found, sizeof found - 1);
  assert_true(length >= 0);
  close(descriptor);
  found[length] = '\0';
  assert_string_equal(found, text);
}

static inline struct stat look_at(const char *path)
{
  struct stat there;
  assert_int_equal(lstat(path, &there), 0);
  return there;
}

static inline mode_t mode_of(const char *path)
{
  return look_at(path).st_mode & 07777;
}

static inline size_t count_names(const char *path)
{
  size_t count = 0;
  DIR *directory = opendir(path);
  assert_non_null(directory);
  for (const struct dirent *entry; (entry = readdir(directory)) != NULL;)
    count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
  closedir(directory);
  return count;
}

/* ----------------------------------------------------------------------------------------- what is asked of a file -- */

static inline struct file open_good(const char *path)
{
  struct file file;
  struct stepimg_error error;
  error_clear(&error);
  if (file_open(&file, path, &error) != STEPIMG_OK)
    fail_msg("%s", error.message);
  return file;
}

static inline void write_good(struct file *file, const char *text)
{
  struct stepimg_error error;
  error_clear(&error);
  assert_int_equal(file_write(file, text, strlen(text), &error), STEPIMG_OK);
}

static inline void close_good(struct file *file)
{
  struct stepimg_error error;
  error_clear(&error);
  assert_int_equal(file_close(file, &error), STEPIMG_OK);
}

static inline void commit_good(struct file *file)
{
  struct stepimg_error error;
  char *kept = file->path;
  error_clear(&error);
  close_good(file);
  if (file_commit(file, &kept, &error) != STEPIMG_OK)
    fail_msg("%s", error.message);
  assert_null(kept);
  assert_null(file->path);
}

static inline void save(const char *path, const char *text)
{
  struct file file = open_good(path);
  write_good(&file, text);
  commit_good(&file);
}

static inline void assert_refused(const char *path, const char *reason)
{
  struct file file;
  struct stepimg_error error;
  error_clear(&error);
  assert_int_equal(file_open(&file, path, &error), STEPIMG_IO);
  assert_int_equal(error.kind, STEPIMG_IO);
  assert_contains(error.message, "cannot be written: ");
  assert_contains(error.message, reason);
  assert_null(file.path);
  assert_int_equal(file.descriptor, -1);
  file_abort(&file);
}

/* Runs a part of a test in a process of its own, which may change what all others share; skipped where it may not. */
static inline void apart(bool (*part)(void))
{
  pid_t child = fork();
  int status;
  assert_true(child >= 0);
  if (child == 0) {
    alarm(60);
    bool ran = part(); /* a failed assertion ends it otherwise */
    _exit(ran ? GOOD : GOOD + 1);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  if (WEXITSTATUS(status) == GOOD + 1)
    skip();
  assert_int_equal(WEXITSTATUS(status), GOOD);
}

/* Instead of an assertion in a process of its own. */
static inline void want(bool truth, const char *file, int line)
{
  if (truth)
    return;
  fprintf(stderr, "%s:%d: it is not so\n", file, line);
  _exit(1);
}
#define WANT(truth) want((truth), __FILE__, __LINE__)

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

#endif
