#include "base/path.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

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
