#include "base/source.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/path.h"

enum { REASON_MAX = 128, SHOWN_MAX = 112 };

enum stepimg_kind source_refuse(struct stepimg_error *error, const char *path, const char *reason)
{
  char shown[SHOWN_MAX];
  error_set(error, STEPIMG_IO, NULL, "%s cannot be read: %s", path_show(shown, sizeof shown, path), reason);
  return STEPIMG_IO;
}

enum stepimg_kind source_fail(struct stepimg_error *error, const char *path, int number)
{
  char reason[REASON_MAX];
  return source_refuse(error, path, path_reason(reason, sizeof reason, number));
}

/* As large as it was when it was opened. One that became shorter is not whole. */
static enum stepimg_kind load(struct source *source, unsigned char *bytes, size_t size, struct stepimg_error *error)
{
  for (size_t done = 0, length; done < size; done += length) {
    if (source_read(source, bytes + done, size - done, &length, error) != STEPIMG_OK)
      return error->kind;
    if (length == 0)
      return source_fail(error, source->path, path_ended);
  }
  return STEPIMG_OK;
}

enum stepimg_kind source_load(const char *path, size_t max, unsigned char **bytes, size_t *length,
                              struct stepimg_error *error)
{
  struct source source;
  enum stepimg_kind kind;
  *bytes = NULL;
  *length = 0;
  if (source_open(&source, path, error) != STEPIMG_OK)
    return error->kind;
  if (source.size > max)
    kind = source_fail(error, path, path_too_large);
  else if ((*bytes = malloc((size_t)source.size + 1)) == NULL)
    kind = error_nomem(error);
  else
    kind = load(&source, *bytes, (size_t)source.size, error);
  source_close(&source);
  if (kind == STEPIMG_OK)
    *length = (size_t)source.size;
  else {
    free(*bytes);
    *bytes = NULL;
  }
  return kind;
}
