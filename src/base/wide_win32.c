#include "base/wide.h"

#include <stdlib.h>
#include <windows.h>

wchar_t *wide_of(const char *path)
{
  int count = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, NULL, 0);
  if (count <= 0)
    return NULL;
  wchar_t *wide = malloc((size_t)count * sizeof *wide);
  if (wide == NULL)
    SetLastError(ERROR_NOT_ENOUGH_MEMORY);
  else
    MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, wide, count);
  return wide;
}

char *wide_to_utf8(const wchar_t *wide)
{
  int count = WideCharToMultiByte(CP_UTF8, 0, wide, -1, NULL, 0, NULL, NULL);
  if (count <= 0)
    return NULL;
  char *text = malloc((size_t)count);
  if (text == NULL)
    SetLastError(ERROR_NOT_ENOUGH_MEMORY);
  else
    WideCharToMultiByte(CP_UTF8, 0, wide, -1, text, count, NULL, NULL);
  return text;
}
