#include "base/source.h"

#include <stdlib.h>
#include <windows.h>

#include "base/error.h"
#include "base/path.h"
#include "base/wide.h"

enum { MOST_AT_ONCE = 1 << 30 };

static enum stepimg_kind fail_with(struct stepimg_error *error, const char *path, const char *reason)
{
  enum { SHOWN_MAX = 112 };
  char shown[SHOWN_MAX];
  error_set(error, STEPIMG_IO, NULL, "%s cannot be read: %s", path_show(shown, sizeof shown, path), reason);
  return STEPIMG_IO;
}

static enum stepimg_kind fail(struct stepimg_error *error, const char *path, DWORD number)
{
  enum { REASON_MAX = 128 };
  char reason[REASON_MAX];
  return fail_with(error, path, path_reason(reason, sizeof reason, (int)number));
}

static HANDLE handle_of(const struct source *source)
{
  return (HANDLE)(intptr_t)source->descriptor;
}

static enum stepimg_kind open_with(DWORD flags, struct source *source, const char *path, struct stepimg_error *error)
{
  LARGE_INTEGER size;
  BY_HANDLE_FILE_INFORMATION there;
  enum stepimg_kind kind = STEPIMG_OK;
  source->path = path;
  wchar_t *wide = wide_of(path);
  HANDLE handle = wide == NULL ? INVALID_HANDLE_VALUE
                               : CreateFileW(wide, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                                             NULL, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS | flags, NULL);
  DWORD number = GetLastError();
  free(wide);
  source->descriptor = (int)(intptr_t)handle;
  if (handle == INVALID_HANDLE_VALUE)
    return fail(error, path, number);
  if (GetFileType(handle) != FILE_TYPE_DISK)
    kind = fail_with(error, path, "it is no regular file");
  else if (!GetFileInformationByHandle(handle, &there) || !GetFileSizeEx(handle, &size))
    kind = fail(error, path, GetLastError());
  else if ((there.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0)
    kind = fail_with(error, path, "it is a directory");
  else if (flags != 0 && (there.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0)
    kind = fail_with(error, path, "it is a link");
  if (kind != STEPIMG_OK)
    source_close(source);
  else
    source->size = (uint64_t)size.QuadPart;
  return kind;
}

enum stepimg_kind source_open(struct source *source, const char *path, struct stepimg_error *error)
{
  return open_with(0, source, path, error);
}

enum stepimg_kind source_open_plain(struct source *source, const char *path, struct stepimg_error *error)
{
  return open_with(FILE_FLAG_OPEN_REPARSE_POINT, source, path, error);
}

enum stepimg_kind source_read(struct source *source, void *out, size_t size, size_t *length,
                              struct stepimg_error *error)
{
  DWORD got = 0;
  *length = 0;
  if (!ReadFile(handle_of(source), out, size < MOST_AT_ONCE ? (DWORD)size : MOST_AT_ONCE, &got, NULL))
    return fail(error, source->path, GetLastError());
  *length = got;
  return STEPIMG_OK;
}

void source_close(struct source *source)
{
  CloseHandle(handle_of(source));
  source->descriptor = -1;
}

/* As large as it was when it was opened. One that became shorter is not whole. */
static enum stepimg_kind load(struct source *source, unsigned char *bytes, size_t size, struct stepimg_error *error)
{
  for (size_t done = 0, length; done < size; done += length) {
    if (source_read(source, bytes + done, size - done, &length, error) != STEPIMG_OK)
      return error->kind;
    if (length == 0)
      return fail(error, source->path, ERROR_HANDLE_EOF);
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
    kind = fail(error, path, ERROR_FILE_TOO_LARGE);
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
