#define _POSIX_C_SOURCE 200809L

#include "base/path.h"

#include <errno.h>
#include <locale.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

enum {
  LINKS = 40, /* one after the other, as Linux follows them */
  TARGET_MAX = 4096
};

size_t path_folder_length(const char *path)
{
  const char *slash = strrchr(path, '/');
  return slash != NULL ? (size_t)(slash - path) + 1 : 0;
}

/* From the end to the beginning, where it is known of each name whether a ".." behind it takes it away. */
uint64_t path_key(const char *path)
{
  uint64_t key = 0xcbf29ce484222325u; /* FNV-1a */
  size_t end = strlen(path), taken_away = 0;
  while (end > 0) {
    size_t begin = end;
    while (begin > 0 && path[begin - 1] != '/')
      begin--;
    size_t length = end - begin;
    bool is_nothing = length == 0 || (length == 1 && path[begin] == '.');
    if (length == 2 && memcmp(path + begin, "..", 2) == 0)
      taken_away++;
    else if (!is_nothing && taken_away > 0)
      taken_away--;
    else if (!is_nothing)
      for (size_t i = begin; i <= end; i++) /* with what ends it: "c/ab" is not "bc/a" */
        key = (key ^ (i < end ? (unsigned char)path[i] : '/')) * 0x100000001b3u;
    end = begin > 0 ? begin - 1 : 0;
  }
  return key;
}

const char *path_show(char *out, size_t size, const char *path)
{
  size_t length = strlen(path), room = size - sizeof "\"...\"";
  if (length <= room) {
    snprintf(out, size, "\"%s\"", path);
    return out;
  }
  size_t head = text_cut(path, length, room / 4);
  const char *tail = path + length - (room - head);
  while (((unsigned char)*tail & 0xc0) == 0x80) /* in the midst of a character */
    tail++;
  snprintf(out, size, "\"%.*s...%s\"", (int)head, path, tail);
  return out;
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
