/* The paths of files: their parts, links, and how they are shown. */
#ifndef STEPIMG_PATH_H
#define STEPIMG_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool path_is_separator(char c)
{
#if defined(_WIN32)
  return c == '/' || c == '\\';
#else
  return c == '/';
#endif
}

/* How much of path is its folder, with the slash behind it. */
size_t path_folder_length(const char *path);

/* Replaces *path, from malloc, by what it links to in the end, whether that is there or not. Returns 0 or the system's number
   of what went wrong: errno, or GetLastError, where a link that leads to nothing is an error. Waits for the disk. */
int path_follow(char **path);

/* Whether it is a regular file or a folder, as far as the system opens one, and can be opened. Waits for the disk. */
bool path_can_be_read(const char *path);

/* A number that two paths share where they are one by their text: doubled slashes and "." are nothing, and so are "a/.." and
   "..", at the root. On Windows the case of letters is nothing either, if there is memory for a copy. No link is followed.
   Paths that differ share it by a chance of 1 in 2^64. */
uint64_t path_key(const char *path);

/* For path_key. Where files are one whatever the case of their letters, a copy of path with all in the same case, from
   malloc. NULL: they are not, or it cannot be made; path serves as it is then. */
char *path_fold(const char *path);

/* path in quotes, in size bytes, of which it wants a dozen; where it is too long, with an ellipsis in the middle. Returns
   out. */
const char *path_show(char *out, size_t size, const char *path);

/* The system's numbers of what goes wrong alike on all: no memory; a file that is too large, and one that ended early. */
extern const int path_no_memory, path_too_large, path_ended;

/* What the system's number says, in English whatever the host's locale, as far as the system can. Returns out. */
const char *path_reason(char *out, size_t size, int number);

#endif
