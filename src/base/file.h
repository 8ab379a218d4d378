/* A file that is written whole or not at all: a temporary one beside it, then a rename. No thread of its own: written on
   the I/O thread, committed on the host's. */
#ifndef STEPIMG_FILE_H
#define STEPIMG_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "stepimg.h"

struct file {
  char *path, *temporary; /* owned; NULL: none is open or waits for its commit */
  int descriptor;         /* -1: closed */
};

#define FILE_NONE ((struct file){NULL, NULL, -1})

/* Makes the temporary file. Fails with STEPIMG_IO or STEPIMG_NOMEM, as do the next four. */
enum stepimg_kind file_open(struct file *file, const char *path, struct stepimg_error *error);
enum stepimg_kind file_write(struct file *file, const void *bytes, size_t length, struct stepimg_error *error);
/* Empties it, to be written anew. */
enum stepimg_kind file_restart(struct file *file, struct stepimg_error *error);
/* All is written: a full disk may show only here. */
enum stepimg_kind file_close(struct file *file, struct stepimg_error *error);
/* Puts it in its place. On failure nothing is left. */
enum stepimg_kind file_commit(struct file *file, struct stepimg_error *error);
/* Leaves nothing behind. Idempotent; after a commit too. */
void file_abort(struct file *file);

#endif
