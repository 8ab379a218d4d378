#include "base/path.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

#include "base/text.h"
#include "base/wide.h"

const int path_no_memory = ERROR_NOT_ENOUGH_MEMORY, path_too_large = ERROR_FILE_TOO_LARGE,
          path_ended = ERROR_HANDLE_EOF;

size_t path_folder_length(const char *path)
{
  size_t length = strlen(path);
  while (length > 0 && strchr("/\\:", path[length - 1]) == NULL)
    length--;
  return length;
}

/* By the rules of file systems, which are those of no language (no LCMAP_LINGUISTIC_CASING). In place: the length stays. */
char *path_fold(const char *path)
{
  wchar_t *wide = wide_of(path);
  if (wide == NULL)
    return NULL;
  size_t length = wcslen(wide);
  char *folded = NULL;
  if (length > 0 && length <= INT_MAX &&
      LCMapStringEx(LOCALE_NAME_INVARIANT, LCMAP_UPPERCASE, wide, (int)length, wide, (int)length, NULL, NULL, 0) > 0)
    folded = wide_to_utf8(wide);
  free(wide);
  return folded;
}

static HANDLE open_to_look(const wchar_t *wide, DWORD access)
{
  return CreateFileW(wide, access, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, OPEN_EXISTING,
                     FILE_FLAG_BACKUP_SEMANTICS, NULL);
}

bool path_can_be_read(const char *path)
{
  wchar_t *wide = wide_of(path);
  HANDLE handle = wide != NULL ? open_to_look(wide, GENERIC_READ) : INVALID_HANDLE_VALUE;
  free(wide);
  if (handle == INVALID_HANDLE_VALUE)
    return false;
  CloseHandle(handle);
  return true;
}

/* In English, which not every Windows has; else in its own language. */
const char *path_reason(char *out, size_t size, int number)
{
  enum { MOST = 256 };
  static const DWORD languages[] = {MAKELANGID(LANG_ENGLISH, SUBLANG_ENGLISH_US), 0};
  wchar_t wide[MOST];
  char *text = NULL;
  for (size_t i = 0; text == NULL && i < sizeof languages / sizeof *languages; i++) {
    DWORD length = FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL, (DWORD)number,
                                  languages[i], wide, MOST, NULL);
    while (length > 0 && (wide[length - 1] <= L' ' || wide[length - 1] == L'.')) /* it is a part of a sentence */
      length--;
    wide[length < MOST ? length : MOST - 1] = L'\0';
    text = length > 0 ? wide_to_utf8(wide) : NULL;
  }
  if (text != NULL)
    snprintf(out, size, "%.*s", (int)text_cut(text, strlen(text), size - 1), text);
  else
    snprintf(out, size, "error %d", number);
  free(text);
  return out;
}

/* What the handle is of, in place of *path. Returns 0 or GetLastError. */
static DWORD name_of(HANDLE handle, char **path)
{
  enum { LONGEST = 32768 };
  wchar_t *wide = malloc(LONGEST * sizeof *wide);
  DWORD length = wide != NULL ? GetFinalPathNameByHandleW(handle, wide, LONGEST, FILE_NAME_NORMALIZED) : 0;
  DWORD number = wide == NULL ? ERROR_NOT_ENOUGH_MEMORY : length == 0 ? GetLastError() : 0;
  char *name = number == 0 ? wide_to_utf8(wide) : NULL;
  if (number == 0 && name == NULL)
    number = GetLastError();
  free(wide);
  if (number == 0) {
    free(*path);
    *path = name;
  }
  return number;
}

int path_follow(char **path)
{
  wchar_t *wide = wide_of(*path);
  if (wide == NULL)
    return (int)GetLastError();
  DWORD number = 0, attributes = GetFileAttributesW(wide);
  if (attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0) {
    HANDLE handle = open_to_look(wide, 0);
    number = handle != INVALID_HANDLE_VALUE ? name_of(handle, path) : GetLastError();
    if (handle != INVALID_HANDLE_VALUE)
      CloseHandle(handle);
  }
  free(wide);
  return (int)number;
}
