/* Paths and texts as Windows has them, in UTF-16. Only for this folder's files of Windows. */
#ifndef STEPIMG_WIDE_H
#define STEPIMG_WIDE_H

#include <wchar.h>

/* Both are the caller's to free. NULL: no memory, or no UTF-8; GetLastError says which. */
wchar_t *wide_of(const char *path);
char *wide_to_utf8(const wchar_t *wide);

#endif
