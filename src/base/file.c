#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/path.h"
#include "base/source.h"

enum { BLOCK = 64 * 1024 /* of a copy */ };

/* Of a path; a reason that follows it still fits into the little that an answer keeps of one (answer.h). */
enum { REASON_MAX = 128, SHOWN_MAX = 112, SHOWN_WHOLE_MAX = 384 };

enum stepimg_kind file_refuse(struct stepimg_error *error, const char *path, const char *reason)
{
  char shown[SHOWN_MAX];
  error_set(error, STEPIMG_IO, NULL, "%s cannot be written: %s", path_show(shown, sizeof shown, path), reason);
  return STEPIMG_IO;
}

enum stepimg_kind file_fail(struct stepimg_error *error, const char *path, int number)
{
  char reason[REASON_MAX];
  if (number == path_no_memory)
    return error_nomem(error);
  return file_refuse(error, path, path_reason(reason, sizeof reason, number));
}

enum stepimg_kind file_fail_folder(struct stepimg_error *error, const char *path, int number)
{
  char reason[2 * REASON_MAX], why[REASON_MAX];
  if (number == path_no_memory)
    return error_nomem(error);
  snprintf(reason, sizeof reason, "no file can be made in its folder: %s", path_reason(why, sizeof why, number));
  return file_refuse(error, path, reason);
}

void file_forget(struct file *file)
{
  free(file->path);
  free(file->temporary);
  *file = FILE_NONE;
}

enum stepimg_kind file_commit(struct file *file, char **kept, struct stepimg_error *error)
{
  char shown[SHOWN_MAX], shown_kept[SHOWN_WHOLE_MAX], reason[REASON_MAX];
  CHECK(file->temporary != NULL && file->descriptor == -1);
  if (kept != NULL)
    *kept = NULL;
  int number = file_put_in_place(file);
  if (number != 0 && !file_is_there(file->temporary)) /* somebody has taken it away */
    file_fail(error, file->path, number);
  else if (number != 0) {
    error_set(error, STEPIMG_IO, NULL, "the picture could not be put in its place %s (%s); it lies whole in %s",
              path_show(shown, sizeof shown, file->path), path_reason(reason, sizeof reason, number),
              path_show(shown_kept, sizeof shown_kept, file->temporary));
    if (kept != NULL) {
      *kept = file->temporary;
      file->temporary = NULL;
    }
  }
  file_forget(file);
  return number == 0 ? STEPIMG_OK : error->kind;
}

enum stepimg_kind file_complete(struct file *file, enum stepimg_kind kind, struct stepimg_error *error)
{
  if (kind == STEPIMG_OK)
    kind = file_close(file, error);
  int number = kind == STEPIMG_OK ? file_put_in_place(file) : 0;
  if (number != 0)
    kind = file_fail(error, file->path, number);
  if (kind == STEPIMG_OK)
    file_forget(file);
  else
    file_abort(file);
  return kind;
}

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

size_t stepimg_whole_path(const char *path, char *out, size_t size)
{
  char *whole;
  struct stepimg_error error;
  file_resolve(path, &whole, &error);
  size_t length = whole != NULL ? strlen(whole) : 0;
  if (size > 0)
    snprintf(out, size, "%s", whole != NULL ? whole : "");
  free(whole);
  return length;
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
