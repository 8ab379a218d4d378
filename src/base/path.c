#include "base/path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* From the end to the beginning, where it is known of each name whether a ".." behind it takes it away. */
static uint64_t key_of(const char *path)
{
  uint64_t key = 0xcbf29ce484222325u; /* FNV-1a */
  size_t end = strlen(path), taken_away = 0;
  while (end > 0) {
    size_t begin = end;
    while (begin > 0 && !path_is_separator(path[begin - 1]))
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

uint64_t path_key(const char *path)
{
  char *folded = path_fold(path);
  uint64_t key = key_of(folded != NULL ? folded : path);
  free(folded);
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
