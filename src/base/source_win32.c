#include "base/source.h"

#include <stdlib.h>
#include <windows.h>

#include "base/wide.h"

enum { MOST_AT_ONCE = 1 << 30 };

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
    return source_fail(error, path, (int)number);
  if (GetFileType(handle) != FILE_TYPE_DISK)
    kind = source_refuse(error, path, "it is no regular file");
  else if (!GetFileInformationByHandle(handle, &there) || !GetFileSizeEx(handle, &size))
    kind = source_fail(error, path, (int)GetLastError());
  else if ((there.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0)
    kind = source_refuse(error, path, "it is a directory");
  else if (flags != 0 && (there.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0)
    kind = source_refuse(error, path, "it is a link");
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
    return source_fail(error, source->path, (int)GetLastError());
  *length = got;
  return STEPIMG_OK;
}

void source_close(struct source *source)
{
  CloseHandle(handle_of(source));
  source->descriptor = -1;
}
