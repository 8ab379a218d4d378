#define _POSIX_C_SOURCE 200809L

#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

const int path_no_memory = ENOMEM, path_too_large = EFBIG, path_ended = EIO;

enum {
  LINKS = 40, /* one after the other, as Linux follows them */
  TARGET_MAX = 4096
};

size_t path_folder_length(const char *path)
{
  const char *slash = strrchr(path, '/');
  return slash != NULL ? (size_t)(slash - path) + 1 : 0;
}

/* Not even on macOS: there a volume has its own way, which the text of a path does not tell. */
char *path_fold(const char *path)
{
  (void)path;
  return NULL;
}

bool path_can_be_read(const char *path)
{
  struct stat there;
  int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* else a pipe's open would wait */
  if (descriptor < 0)
    return false;
  bool good = fstat(descriptor, &there) == 0 && (S_ISREG(there.st_mode) || S_ISDIR(there.st_mode));
  close(descriptor);
  return good;
}

const char *path_reason(char *out, size_t size, int number)
{
#if defined(__APPLE__)
  if (strerror_r(number, out, size) != 0)
    snprintf(out, size, "error %d", number);
#else
  locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  snprintf(out, size, "%s", plain != (locale_t)0 ? strerror_l(number, plain) : "");
  if (out[0] == '\0')
    snprintf(out, size, "error %d", number);
  if (plain != (locale_t)0)
    freelocale(plain);
#endif
  return out;
}

int path_follow(char **path)
{
  char target[TARGET_MAX];
  for (int i = 0; i < LINKS; i++) {
    ssize_t length = readlink(*path, target, sizeof target);
    if (length < 0)
      return errno == EINVAL || errno == ENOENT ? 0 : errno; /* it is no link, or is not there yet */
    if ((size_t)length == sizeof target)
      return ENAMETOOLONG;
    target[length] = '\0';
    char *next = text_join(*path, target[0] == '/' ? 0 : path_folder_length(*path), target);
    if (next == NULL)
      return ENOMEM;
    free(*path);
    *path = next;
  }
  return ELOOP;
}
