/*
 * A file that is written whole or not at all: a temporary one beside it, then a rename. What was there before stays until
 * then. A link is followed: the file it names is replaced, and the link stays. A file that was there keeps its mode.
 * What is no regular file is refused.
 *
 * A process that is killed leaves the old file, if there was one, and at most the temporary one, stepimg-*.part. Nothing
 * is forced to the disk: that would hold all other pictures of the I/O thread for as long as a disk takes. So after a
 * loss of power, which the system's own cache does not survive, a file of the last seconds may be missing, or empty.
 * On Windows the temporary file goes with the process that made it, unless it was whole.
 *
 * No thread of its own: one at a time. All but file_resolve wait for the disk.
 */
#ifndef STEPIMG_FILE_H
#define STEPIMG_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/check.h"
#include "stepimg.h"

struct file {
  char *path;      /* what it is to replace, links followed. Owned; NULL: none is open or waits for its commit */
  char *temporary; /* owned */
  int descriptor;  /* of the temporary one, on Windows its handle; -1: closed */
  bool plain;      /* a link in its place is replaced, and not followed */
};

#define FILE_NONE ((struct file){NULL, NULL, -1, false})

/* What path means now, whatever becomes the working directory: *resolved is the caller's to free, NULL where it fails
   (STEPIMG_IO: there is no working directory; STEPIMG_NOMEM). Looks at no file. */
enum stepimg_kind file_resolve(const char *path, char **resolved, struct stepimg_error *error);

/* Makes the temporary file, if path is one that can be written: all that can be known before. Fails with STEPIMG_IO or
   STEPIMG_NOMEM, as do all below that return a kind; path may be gone afterwards. */
MUST_USE enum stepimg_kind file_open(struct file *file, const char *path, struct stepimg_error *error);
/* The same for a file of our own, in a folder that others may write into: a link in its place is replaced, not followed,
   and no mode is kept. */
MUST_USE enum stepimg_kind file_open_plain(struct file *file, const char *path, struct stepimg_error *error);
MUST_USE enum stepimg_kind file_write(struct file *file, const void *bytes, size_t length, struct stepimg_error *error);
/* Empties it, to be written anew. */
MUST_USE enum stepimg_kind file_restart(struct file *file, struct stepimg_error *error);
/* All is written: a full disk may show only here. */
MUST_USE enum stepimg_kind file_close(struct file *file, struct stepimg_error *error);
/* Puts the closed file in its place. Where that fails, the whole file stays under its temporary name, which the message
   says too: *kept is the caller's to free; else NULL. kept may be NULL. */
MUST_USE enum stepimg_kind file_commit(struct file *file, char **kept, struct stepimg_error *error);
/* Closes what was written into the file, if kind says that it was, and puts it in its place. Where that fails nothing is
   left: whoever asks for this has the bytes still. */
MUST_USE enum stepimg_kind file_complete(struct file *file, enum stepimg_kind kind, struct stepimg_error *error);
/* Leaves nothing behind. Idempotent; after a commit too. */
void file_abort(struct file *file);

/* Writes a whole file with what is in another one, or none. They may be the same. */
MUST_USE enum stepimg_kind file_copy(const char *from, const char *to, struct stepimg_error *error);

/* For the systems' own files. The first three set the error that says why path cannot be written, in words, by the
   system's number, or by that for a file beside it; they return its kind. */
enum stepimg_kind file_refuse(struct stepimg_error *error, const char *path, const char *reason);
enum stepimg_kind file_fail(struct stepimg_error *error, const char *path, int number);
enum stepimg_kind file_fail_folder(struct stepimg_error *error, const char *path, int number);
void file_forget(struct file *file); /* it holds nothing then; what it had open is closed already */
/* What each has of its own: puts the closed file in its place and returns 0 or the system's number; whether it is there. */
int file_put_in_place(const struct file *file);
bool file_is_there(const char *path);

#endif
