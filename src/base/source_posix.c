#define _POSIX_C_SOURCE 200809L
#if defined(__APPLE__)
#define _DARWIN_C_SOURCE /* O_NOFOLLOW */
#endif

#include "base/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/path.h"

enum { MOST_AT_ONCE = 1 << 30 /* that every system's read takes */ };

static enum stepimg_kind fail(struct stepimg_error *error, const char *path, int number)
{
  enum { REASON_MAX = 128, SHOWN_MAX = 112 };
  char shown[SHOWN_MAX], reason[REASON_MAX];
  error_set(error, STEPIMG_IO, NULL, "%s cannot be read: %s", path_show(shown, sizeof shown, path),
            number != 0 ? path_reason(reason, sizeof reason, number) : "it is no regular file");
  return STEPIMG_IO;
}

static enum stepimg_kind open_with(int flags, struct source *source, const char *path, struct stepimg_error *error)
{
  struct stat there;
  enum stepimg_kind kind = STEPIMG_OK;
  source->path = path;
  source->descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | flags); /* else a pipe's open would wait */
  if (source->descriptor < 0)
    return fail(error, path, errno);
  if (fstat(source->descriptor, &there) != 0)
    kind = fail(error, path, errno);
  else if (!S_ISREG(there.st_mode))
    kind = fail(error, path, S_ISDIR(there.st_mode) ? EISDIR : 0);
  if (kind != STEPIMG_OK)
    source_close(source);
  else
    source->size = there.st_size > 0 ? (uint64_t)there.st_size : 0;
  return kind;
}

enum stepimg_kind source_open(struct source *source, const char *path, struct stepimg_error *error)
{
  return open_with(0, source, path, error);
}

enum stepimg_kind source_open_plain(struct source *source, const char *path, struct stepimg_error *error)
{
  return open_with(O_NOFOLLOW, source, path, error);
}

enum stepimg_kind source_read(struct source *source, void *out, size_t size, size_t *length,
                              struct stepimg_error *error)
{
  ssize_t got;
  *length = 0;
  do
    got = read(source->descriptor, out, size < MOST_AT_ONCE ? size : MOST_AT_ONCE);
  while (got < 0 && errno == EINTR);
  if (got < 0)
    return fail(error, source->path, errno);
  *length = (size_t)got;
  return STEPIMG_OK;
}

void source_close(struct source *source)
{
  close(source->descriptor);
  source->descriptor = -1;
}

/* As large as it was when it was opened. One that became shorter is not whole. */
static enum stepimg_kind load(struct source *source, unsigned char *bytes, size_t size, struct stepimg_error *error)
{
  for (size_t done = 0, length; done < size; done += length) {
    if (source_read(source, bytes + done, size - done, &length, error) != STEPIMG_OK)
      return error->kind;
    if (length == 0)
      return fail(error, source->path, EIO);
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
    kind = fail(error, path, EFBIG);
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
