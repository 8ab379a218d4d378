#define _POSIX_C_SOURCE 200809L

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/path.h"
#include "base/text.h"

enum {
  TRIES = 100,           /* at a name that nobody has */
  MOST_AT_ONCE = 1 << 30 /* that every system's write takes */
};

/* -------------------------------------------------------------------------------------------------------- paths -- */

/* The working directory, with a slash behind it. NULL: errno says why. */
static char *working_directory(void)
{
  for (size_t size = 256; size <= SIZE_MAX / 2; size *= 2) {
    char *path = malloc(size);
    if (path == NULL)
      return NULL;
    if (getcwd(path, size - 1) != NULL) {
      size_t length = strlen(path);
      if (path[length - 1] != '/') /* the root ends in one */
        memcpy(path + length, "/", 2);
      return path;
    }
    int number = errno;
    free(path);
    errno = number;
    if (number != ERANGE)
      return NULL;
  }
  errno = ENOMEM;
  return NULL;
}

enum stepimg_kind file_resolve(const char *path, char **resolved, struct stepimg_error *error)
{
  *resolved = NULL;
  if (path[0] == '/' || path[0] == '\0') { /* the empty path names nothing wherever one is */
    *resolved = text_join(path, strlen(path), "");
    return *resolved != NULL ? STEPIMG_OK : error_nomem(error);
  }
  char *folder = working_directory();
  if (folder == NULL)
    return file_fail(error, path, errno);
  *resolved = text_join(folder, strlen(folder), path);
  free(folder);
  return *resolved != NULL ? STEPIMG_OK : error_nomem(error);
}

/* ------------------------------------------------------------------------------------------------------ writing -- */

/* A new file beside the path, so that the rename stays on one file system. Its name is short: the other's may be as long
   as names can be. Returns 0 or errno. */
static int create_beside(struct file *file, mode_t mode)
{
  char name[sizeof "stepimg-.part" + 16];
  for (int i = 0; i < TRIES; i++) {
    uint64_t chance = ((uint64_t)(clock_now() * 1e9) ^ (uint64_t)(uintptr_t)file) * 0x9e3779b97f4a7c15u;
    chance ^= (uint64_t)getpid() << 32;
    snprintf(name, sizeof name, "stepimg-%016llx.part", (unsigned long long)chance);
    free(file->temporary);
    file->temporary = text_join(file->path, path_folder_length(file->path), name);
    if (file->temporary == NULL)
      return ENOMEM;
    file->descriptor = open(file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (file->descriptor >= 0)
      return 0;
    if (errno != EEXIST && errno != EINTR)
      return errno;
  }
  return EEXIST;
}

/* Makes a new file as open to others as the old one was, and no more. What a file system does not know it refuses, and
   then it is as it is there. */
static void keep_mode(int descriptor, const struct stat *old)
{
  struct stat own;
  mode_t mode = old->st_mode & 0777;
  bool is_own = fstat(descriptor, &own) == 0 && own.st_uid == old->st_uid && own.st_gid == old->st_gid;
  if (!is_own && fchown(descriptor, old->st_uid, old->st_gid) != 0 && fchown(descriptor, (uid_t)-1, old->st_gid) != 0)
    mode = (mode_t)((mode & 0707) | (mode & 07) << 3); /* it is another group */
  fchmod(descriptor, mode);
}

/* Makes the temporary file. old: what is there, or NULL. */
static enum stepimg_kind make_temporary(struct file *file, const struct stat *old, struct stepimg_error *error)
{
  int number = create_beside(file, old != NULL ? 0600 : 0666);
  if (number != 0)
    return file_fail_folder(error, file->path, number);
  if (old != NULL)
    keep_mode(file->descriptor, old);
  return STEPIMG_OK;
}

/* Finds out what the path means, and makes the temporary file. */
static enum stepimg_kind open_beside(struct file *file, struct stepimg_error *error)
{
  struct stat old, target;
  bool is_there = stat(file->path, &old) == 0;
  if (!is_there && errno != ENOENT)
    return file_fail(error, file->path, errno);
  if (is_there && !S_ISREG(old.st_mode))
    return file_refuse(error, file->path, S_ISDIR(old.st_mode) ? "it is a directory" : "it is no regular file");
  int number = file->path[0] != '\0' ? path_follow(&file->path) : ENOENT;
  if (number != 0)
    return file_fail(error, file->path, number);
  /* Some links in /proc lead elsewhere than they say. */
  if (is_there && (lstat(file->path, &target) != 0 || target.st_dev != old.st_dev || target.st_ino != old.st_ino))
    return file_refuse(error, file->path, "the link to it cannot be followed");
  return make_temporary(file, is_there ? &old : NULL, error);
}

static enum stepimg_kind open_plain(struct file *file, struct stepimg_error *error)
{
  file->plain = true;
  return make_temporary(file, NULL, error);
}

/* Whose path is a copy of path. */
static enum stepimg_kind open_by(enum stepimg_kind (*way)(struct file *file, struct stepimg_error *error),
                                 struct file *file, const char *path, struct stepimg_error *error)
{
  *file = FILE_NONE;
  file->path = text_join(path, strlen(path), "");
  enum stepimg_kind kind = file->path != NULL ? way(file, error) : error_nomem(error);
  if (kind != STEPIMG_OK)
    file_forget(file);
  return kind;
}

enum stepimg_kind file_open(struct file *file, const char *path, struct stepimg_error *error)
{
  return open_by(open_beside, file, path, error);
}

enum stepimg_kind file_open_plain(struct file *file, const char *path, struct stepimg_error *error)
{
  return open_by(open_plain, file, path, error);
}

/* Returns 0 or errno. */
static int write_all(int descriptor, const char *bytes, size_t length)
{
  while (length > 0) {
    ssize_t written = write(descriptor, bytes, length < MOST_AT_ONCE ? length : MOST_AT_ONCE);
    if (written == 0)
      return EIO; /* no system does that */
    if (written < 0 && errno != EINTR)
      return errno;
    if (written > 0) {
      bytes += written;
      length -= (size_t)written;
    }
  }
  return 0;
}

/* Beyond the process's limit of a file's size, a write also brings a signal to its thread, by which a program ends that
   has never thought of it. This may be a thread of the host's: it is to see the error alone. */
static int write_quietly(int descriptor, const void *bytes, size_t length)
{
  sigset_t limit, before, pending;
  sigemptyset(&limit);
  sigaddset(&limit, SIGXFSZ);
  sigpending(&pending);
  bool was_pending = sigismember(&pending, SIGXFSZ) == 1;
  int number = pthread_sigmask(SIG_BLOCK, &limit, &before);
  if (number != 0)
    return number;
  number = write_all(descriptor, bytes, length);
  sigpending(&pending);
  if (number == EFBIG && !was_pending && sigismember(&pending, SIGXFSZ) == 1) {
    int taken;
    sigwait(&limit, &taken);
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return number;
}

enum stepimg_kind file_write(struct file *file, const void *bytes, size_t length, struct stepimg_error *error)
{
  int number = write_quietly(file->descriptor, bytes, length);
  return number == 0 ? STEPIMG_OK : file_fail(error, file->path, number);
}

enum stepimg_kind file_restart(struct file *file, struct stepimg_error *error)
{
  if (lseek(file->descriptor, 0, SEEK_SET) != 0 || ftruncate(file->descriptor, 0) != 0)
    return file_fail(error, file->path, errno);
  return STEPIMG_OK;
}

enum stepimg_kind file_close(struct file *file, struct stepimg_error *error)
{
  int descriptor = file->descriptor;
  file->descriptor = -1;
  if (descriptor >= 0 && close(descriptor) != 0 && errno != EINTR) /* a signal says nothing of what was written */
    return file_fail(error, file->path, errno);
  return STEPIMG_OK;
}

/* ---------------------------------------------------------------------------------------------------- the place -- */

int file_put_in_place(const struct file *file)
{
  struct stat there;
  /* A rename would replace a device or a link that came meanwhile as gladly as a file. */
  if (lstat(file->path, &there) == 0 && !S_ISREG(there.st_mode) && !(file->plain && S_ISLNK(there.st_mode)))
    return S_ISDIR(there.st_mode) ? EISDIR : EEXIST;
  return rename(file->temporary, file->path) == 0 ? 0 : errno;
}

bool file_is_there(const char *path)
{
  return access(path, F_OK) == 0;
}

void file_abort(struct file *file)
{
  if (file->descriptor >= 0)
    close(file->descriptor);
  if (file->temporary != NULL)
    unlink(file->temporary);
  file_forget(file);
}
