#include "base/file.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

#include "base/error.h"
#include "base/path.h"
#include "base/text.h"
#include "base/wide.h"

enum { TRIES = 100 /* at a name that nobody has */, MOST_AT_ONCE = 1 << 30 };

/* -------------------------------------------------------------------------------------------------------- paths -- */

/* Returns NULL: GetLastError says why. */
static char *absolute(const wchar_t *wide)
{
  DWORD size = GetFullPathNameW(wide, 0, NULL, NULL);
  wchar_t *whole = size > 0 ? malloc(size * sizeof *whole) : NULL;
  if (whole == NULL)
    return NULL;
  DWORD length = GetFullPathNameW(wide, size, whole, NULL);
  char *path = length > 0 && length < size ? wide_to_utf8(whole) : NULL;
  free(whole);
  return path;
}

enum stepimg_kind file_resolve(const char *path, char **resolved, struct stepimg_error *error)
{
  *resolved = NULL;
  if (path[0] == '\0') { /* the empty path names nothing wherever one is */
    *resolved = text_join(path, 0, "");
    return *resolved != NULL ? STEPIMG_OK : error_nomem(error);
  }
  wchar_t *wide = wide_of(path);
  *resolved = wide != NULL ? absolute(wide) : NULL;
  DWORD number = GetLastError();
  free(wide);
  return *resolved != NULL ? STEPIMG_OK : file_fail(error, path, (int)number);
}

/* What GetFileAttributesW says; INVALID_FILE_ATTRIBUTES and *number: it is not there, or why that is not known. */
static DWORD attributes_of(const char *path, DWORD *number)
{
  wchar_t *wide = wide_of(path);
  DWORD attributes = wide != NULL ? GetFileAttributesW(wide) : INVALID_FILE_ATTRIBUTES;
  *number = attributes == INVALID_FILE_ATTRIBUTES ? GetLastError() : 0;
  free(wide);
  return attributes;
}

/* ------------------------------------------------------------------------------------------------------ writing -- */

static HANDLE handle_of(const struct file *file)
{
  return (HANDLE)(intptr_t)file->descriptor;
}

/* Whether the file goes when its handle is closed, by whomever: so it also goes with the process. */
static bool set_passing(HANDLE handle, bool passing)
{
  FILE_DISPOSITION_INFO info = {.DeleteFile = passing};
  return SetFileInformationByHandle(handle, FileDispositionInfo, &info, sizeof info);
}

/* A new file beside the path, under a short name. Returns 0 or GetLastError. */
static DWORD create_beside(struct file *file)
{
  char name[sizeof "stepimg-.part" + 16];
  for (int i = 0; i < TRIES; i++) {
    LARGE_INTEGER now;
    QueryPerformanceCounter(&now);
    uint64_t chance = ((uint64_t)now.QuadPart ^ (uint64_t)(uintptr_t)file) * 0x9e3779b97f4a7c15u;
    chance ^= (uint64_t)GetCurrentProcessId() << 32;
    snprintf(name, sizeof name, "stepimg-%016llx.part", (unsigned long long)chance);
    free(file->temporary);
    file->temporary = text_join(file->path, path_folder_length(file->path), name);
    wchar_t *wide = file->temporary != NULL ? wide_of(file->temporary) : NULL;
    if (wide == NULL)
      return file->temporary == NULL ? ERROR_NOT_ENOUGH_MEMORY : GetLastError();
    HANDLE handle = CreateFileW(wide, GENERIC_WRITE | DELETE, FILE_SHARE_READ | FILE_SHARE_DELETE, NULL, CREATE_NEW,
                                FILE_ATTRIBUTE_NORMAL, NULL);
    DWORD number = GetLastError();
    free(wide);
    if (handle != INVALID_HANDLE_VALUE) {
      file->descriptor = (int)(intptr_t)handle;
      set_passing(handle, true); /* where the file system knows no such thing, file_abort removes it */
      return 0;
    }
    if (number != ERROR_FILE_EXISTS)
      return number;
  }
  return ERROR_FILE_EXISTS;
}

static enum stepimg_kind make_temporary(struct file *file, struct stepimg_error *error)
{
  DWORD number = create_beside(file);
  return number == 0 ? STEPIMG_OK : file_fail_folder(error, file->path, (int)number);
}

static enum stepimg_kind open_beside(struct file *file, struct stepimg_error *error)
{
  DWORD number, attributes = attributes_of(file->path, &number);
  if (attributes == INVALID_FILE_ATTRIBUTES && number != ERROR_FILE_NOT_FOUND)
    return file_fail(error, file->path, (int)number);
  if (attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0)
    return file_refuse(error, file->path, "it is a directory");
  if (attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DEVICE) != 0)
    return file_refuse(error, file->path, "it is no regular file");
  number = (DWORD)path_follow(&file->path);
  return number == 0 ? make_temporary(file, error) : file_fail(error, file->path, (int)number);
}

/* MoveFileExW replaces a link. */
static enum stepimg_kind open_plain(struct file *file, struct stepimg_error *error)
{
  file->plain = true;
  return make_temporary(file, error);
}

/* Whose path is a copy of path. */
static enum stepimg_kind open_by(enum stepimg_kind (*way)(struct file *file, struct stepimg_error *error),
                                 struct file *file, const char *path, struct stepimg_error *error)
{
  enum stepimg_kind kind;
  *file = FILE_NONE;
  file->path = text_join(path, strlen(path), "");
  if (file->path == NULL)
    kind = error_nomem(error);
  else
    kind = path[0] != '\0' ? way(file, error) : file_fail(error, path, (int)ERROR_PATH_NOT_FOUND);
  if (kind != STEPIMG_OK)
    file_forget(file);
  return kind;
}

enum stepimg_kind file_open(struct file *file, const char *path, struct stepimg_error *error)
{
  return open_by(open_beside, file, path, error);
}

enum stepimg_kind file_open_plain(struct file *file, const char *path, struct stepimg_error *error)
{
  return open_by(open_plain, file, path, error);
}

enum stepimg_kind file_write(struct file *file, const void *bytes, size_t length, struct stepimg_error *error)
{
  for (const char *next = bytes; length > 0;) {
    DWORD written = 0;
    if (!WriteFile(handle_of(file), next, length < MOST_AT_ONCE ? (DWORD)length : MOST_AT_ONCE, &written, NULL))
      return file_fail(error, file->path, (int)GetLastError());
    next += written;
    length -= written;
  }
  return STEPIMG_OK;
}

enum stepimg_kind file_restart(struct file *file, struct stepimg_error *error)
{
  LARGE_INTEGER start = {.QuadPart = 0};
  if (!SetFilePointerEx(handle_of(file), start, NULL, FILE_BEGIN) || !SetEndOfFile(handle_of(file)))
    return file_fail(error, file->path, (int)GetLastError());
  return STEPIMG_OK;
}

enum stepimg_kind file_close(struct file *file, struct stepimg_error *error)
{
  HANDLE handle = handle_of(file);
  file->descriptor = -1;
  if (handle == INVALID_HANDLE_VALUE)
    return STEPIMG_OK;
  set_passing(handle, false);
  return CloseHandle(handle) ? STEPIMG_OK : file_fail(error, file->path, (int)GetLastError());
}

/* ---------------------------------------------------------------------------------------------------- the place -- */

/* What is no file MoveFileExW does not replace. */
int file_put_in_place(const struct file *file)
{
  wchar_t *from = wide_of(file->temporary), *to = wide_of(file->path);
  bool good = from != NULL && to != NULL && MoveFileExW(from, to, MOVEFILE_REPLACE_EXISTING);
  DWORD number = good ? 0 : GetLastError();
  free(from);
  free(to);
  return (int)number;
}

bool file_is_there(const char *path)
{
  DWORD missing;
  return attributes_of(path, &missing) != INVALID_FILE_ATTRIBUTES;
}

void file_abort(struct file *file)
{
  if (file->descriptor != -1)
    CloseHandle(handle_of(file));
  wchar_t *wide = file->temporary != NULL ? wide_of(file->temporary) : NULL;
  if (wide != NULL)
    DeleteFileW(wide);
  free(wide);
  file_forget(file);
}
