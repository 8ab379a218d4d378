/* A regular file that is read, from its beginning on. What is none, as a pipe or a folder, is refused. Waits for the disk. */
#ifndef STEPIMG_SOURCE_H
#define STEPIMG_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "stepimg.h"

struct source {
  const char *path; /* borrowed */
  int descriptor;   /* on Windows a handle */
  uint64_t size;    /* when it was opened */
};

/* All fail with STEPIMG_IO or STEPIMG_NOMEM. Where opening fails, there is nothing to close. */
MUST_USE enum stepimg_kind source_open(struct source *source, const char *path, struct stepimg_error *error);
/* The same, but a link is refused as well. */
MUST_USE enum stepimg_kind source_open_plain(struct source *source, const char *path, struct stepimg_error *error);
/* The next of it, at most size bytes; *length is 0 at its end. */
MUST_USE enum stepimg_kind source_read(struct source *source, void *out, size_t size, size_t *length,
                                       struct stepimg_error *error);
void source_close(struct source *source);

/* All of a file of at most max bytes, at once: *bytes is the caller's to free, NULL where it fails. */
MUST_USE enum stepimg_kind source_load(const char *path, size_t max, unsigned char **bytes, size_t *length,
                                       struct stepimg_error *error);

/* For the systems' own files: sets the error that says why path cannot be read, in words or by the system's number. Return
   STEPIMG_IO. */
enum stepimg_kind source_refuse(struct stepimg_error *error, const char *path, const char *reason);
enum stepimg_kind source_fail(struct stepimg_error *error, const char *path, int number);

#endif
