#define _POSIX_C_SOURCE 200809L

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"

enum { TRIES = 100, SUFFIX_MAX = 48 };

static enum stepimg_kind fail(struct stepimg_error *error, const char *path, int number)
{
  char quoted[TEXT_QUOTE_MAX], reason[128];
  if (strerror_r(number, reason, sizeof reason) != 0)
    snprintf(reason, sizeof reason, "error %d", number);
  return error_set(error, STEPIMG_IO, NULL, "%s cannot be written: %s", text_quote(quoted, path, strlen(path)), reason);
}

/* A new file beside path, so that the rename stays on one file system. */
static int create_beside(const char *path, char *temporary, size_t size)
{
  struct timespec now;
  int descriptor = -1;
  for (int i = 0; i < TRIES; i++) {
    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(temporary, size, "%s.%ld-%lx.part", path, (long)getpid(), (unsigned long)now.tv_nsec);
    descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor >= 0 || errno != EEXIST)
      break;
  }
  return descriptor;
}

static void forget(struct file *file)
{
  free(file->path);
  free(file->temporary);
  *file = FILE_NONE;
}

enum stepimg_kind file_open(struct file *file, const char *path, struct stepimg_error *error)
{
  size_t length = strlen(path);
  struct stat there;
  *file = FILE_NONE;
  file->path = malloc(length + 1);
  file->temporary = malloc(length + SUFFIX_MAX);
  if (file->path == NULL || file->temporary == NULL) {
    forget(file);
    error_nomem(error);
    return STEPIMG_NOMEM;
  }
  memcpy(file->path, path, length + 1);
  int number = 0;
  if (length == 0)
    number = ENOENT; /* this and the next, the rename would say only when all is paid for */
  else if (stat(path, &there) == 0 && S_ISDIR(there.st_mode))
    number = EISDIR;
  else
    file->descriptor = create_beside(path, file->temporary, length + SUFFIX_MAX);
  if (number == 0 && file->descriptor < 0)
    number = errno;
  if (number == 0)
    return STEPIMG_OK;
  fail(error, path, number);
  forget(file);
  return STEPIMG_IO;
}

enum stepimg_kind file_write(struct file *file, const void *bytes, size_t length, struct stepimg_error *error)
{
  const char *next = bytes;
  while (length > 0) {
    ssize_t written = write(file->descriptor, next, length);
    if (written < 0 && errno != EINTR)
      return fail(error, file->path, errno);
    if (written > 0) {
      next += written;
      length -= (size_t)written;
    }
  }
  return STEPIMG_OK;
}

enum stepimg_kind file_restart(struct file *file, struct stepimg_error *error)
{
  if (lseek(file->descriptor, 0, SEEK_SET) != 0 || ftruncate(file->descriptor, 0) != 0)
    return fail(error, file->path, errno);
  return STEPIMG_OK;
}

enum stepimg_kind file_close(struct file *file, struct stepimg_error *error)
{
  int descriptor = file->descriptor;
  file->descriptor = -1;
  if (descriptor >= 0 && close(descriptor) != 0)
    return fail(error, file->path, errno);
  return STEPIMG_OK;
}

enum stepimg_kind file_commit(struct file *file, struct stepimg_error *error)
{
  if (rename(file->temporary, file->path) != 0) {
    fail(error, file->path, errno);
    file_abort(file);
    return error->kind;
  }
  forget(file);
  return STEPIMG_OK;
}

void file_abort(struct file *file)
{
  if (file->descriptor >= 0)
    close(file->descriptor);
  if (file->temporary != NULL)
    unlink(file->temporary);
  forget(file);
}

enum stepimg_kind stepimg_write_file(const char *path, const void *bytes, size_t length, struct stepimg_error *error)
{
  struct file file;
  error_clear(error);
  if (file_open(&file, path, error) != STEPIMG_OK)
    return error->kind;
  if (file_write(&file, bytes, length, error) == STEPIMG_OK && file_close(&file, error) == STEPIMG_OK)
    file_commit(&file, error);
  file_abort(&file);
  return error->kind;
}
