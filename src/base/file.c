#include "base/file.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/path.h"
#include "base/source.h"

enum { BLOCK = 64 * 1024 /* of a copy */ };

/* Writes all of source into file. block is of BLOCK bytes. */
static enum stepimg_kind pour(struct source *source, char *block, struct file *file, struct stepimg_error *error)
{
  for (;;) {
    size_t length;
    enum stepimg_kind kind = source_read(source, block, BLOCK, &length, error);
    if (kind != STEPIMG_OK || length == 0)
      return kind;
    if (file_write(file, block, length, error) != STEPIMG_OK)
      return error->kind;
  }
}

enum stepimg_kind file_copy(const char *from, const char *to, struct stepimg_error *error)
{
  struct file file;
  struct source source;
  if (source_open(&source, from, error) != STEPIMG_OK)
    return error->kind;
  char *block = malloc(BLOCK);
  enum stepimg_kind kind = block != NULL ? file_open(&file, to, error) : error_nomem(error);
  if (kind == STEPIMG_OK)
    kind = file_complete(&file, pour(&source, block, &file, error), error);
  free(block);
  source_close(&source);
  return kind;
}

uint64_t stepimg_path_key(const char *path)
{
  char *whole;
  struct stepimg_error error;
  file_resolve(path, &whole, &error);
  uint64_t key = path_key(whole != NULL ? whole : path);
  free(whole);
  return key;
}

enum stepimg_kind stepimg_write_file(const char *path, const void *bytes, size_t length, struct stepimg_error *error)
{
  struct file file;
  error_clear(error);
  enum stepimg_kind kind = file_open(&file, path, error);
  return kind == STEPIMG_OK ? file_complete(&file, file_write(&file, bytes, length, error), error) : kind;
}

enum stepimg_kind stepimg_copy_file(const char *from, const char *to, struct stepimg_error *error)
{
  error_clear(error);
  return file_copy(from, to, error);
}
