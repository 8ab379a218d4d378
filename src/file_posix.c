/* Files written whole or not at all. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "error.h"
#include "stepimg.h"
#include "text.h"

enum { TRIES = 100, SUFFIX_MAX = 48 };

static enum stepimg_kind fail(struct stepimg_error *error, const char *path, const char *what, int number)
{
  char quoted[TEXT_QUOTE_MAX], reason[128];
  if (strerror_r(number, reason, sizeof reason) != 0)
    snprintf(reason, sizeof reason, "error %d", number);
  return error_set(error, STEPIMG_IO, NULL, "%s %s: %s", text_quote(quoted, path, strlen(path)), what, reason);
}

/* A new file beside path, so that the rename stays on one file system. Its name goes to temporary, which has room for
   path and SUFFIX_MAX more. */
static int create_beside(const char *path, char *temporary, size_t size)
{
  struct timespec now;
  int file = -1;
  for (int i = 0; i < TRIES; i++) {
    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(temporary, size, "%s.%ld-%lx.part", path, (long)getpid(), (unsigned long)now.tv_nsec);
    file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file >= 0 || errno != EEXIST)
      break;
  }
  return file;
}

static bool write_all(int file, const char *bytes, size_t length)
{
  while (length > 0) {
    ssize_t written = write(file, bytes, length);
    if (written < 0) {
      if (errno == EINTR)
        continue;
      return false;
    }
    bytes += written;
    length -= (size_t)written;
  }
  return true;
}

enum stepimg_kind stepimg_write_file(const char *path, const void *bytes, size_t length, struct stepimg_error *error)
{
  error_clear(error);
  size_t size = strlen(path) + SUFFIX_MAX;
  char *temporary = malloc(size);
  if (temporary == NULL)
    return error_nomem(error);
  int file = create_beside(path, temporary, size);
  if (file < 0) {
    fail(error, path, "cannot be written", errno);
    free(temporary);
    return error->kind;
  }
  int number = write_all(file, bytes, length) ? 0 : errno;
  if (close(file) != 0 && number == 0) /* a full disk may show only here */
    number = errno;
  if (number == 0 && rename(temporary, path) != 0)
    number = errno;
  if (number != 0) {
    unlink(temporary);
    fail(error, path, "cannot be written", number);
  }
  free(temporary);
  return error->kind;
}
