#define _POSIX_C_SOURCE 200809L
#if defined(__APPLE__)
#define _DARWIN_C_SOURCE /* O_NOFOLLOW */
#endif

#include "base/source.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_AT_ONCE = 1 << 30 /* that every system's read takes */ };

static enum stepimg_kind open_with(int flags, struct source *source, const char *path, struct stepimg_error *error)
{
  struct stat there;
  enum stepimg_kind kind = STEPIMG_OK;
  source->path = path;
  source->descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | flags); /* else a pipe's open would wait */
  if (source->descriptor < 0)
    return source_fail(error, path, errno);
  if (fstat(source->descriptor, &there) != 0)
    kind = source_fail(error, path, errno);
  else if (!S_ISREG(there.st_mode))
    kind =
        S_ISDIR(there.st_mode) ? source_fail(error, path, EISDIR) : source_refuse(error, path, "it is no regular file");
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
    return source_fail(error, source->path, errno);
  *length = (size_t)got;
  return STEPIMG_OK;
}

void source_close(struct source *source)
{
  close(source->descriptor);
  source->descriptor = -1;
}
