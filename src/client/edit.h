/*
 * What a job sends to edit a picture: texts, and the picture from where it lies. Made on the host's thread; the I/O
 * thread's after that.
 */
#ifndef STEPIMG_EDIT_H
#define STEPIMG_EDIT_H

#include "base/check.h"
#include "http/form.h"
#include "stepimg.h"

struct edit {
  struct form form;           /* its read and context are the job's to set */
  const unsigned char *bytes; /* the picture's; NULL: they are in the file, and not read yet */
  stepimg_payload *payload;   /* that holds them, held; NULL: they are the host's */
  char *path;                 /* owned; NULL: none */
  struct stepimg_field fields[];
};

/* Copies the texts, in one block with the edit. NULL: error says why (STEPIMG_INVALID, STEPIMG_IO, STEPIMG_NOMEM). */
struct edit *edit_new(const struct stepimg_edit *given, struct stepimg_error *error);
void edit_free(struct edit *edit); /* NULL is fine */
/* Whether the bytes are the host's own. */
bool edit_borrows(const struct edit *edit);
/* Reads the file, if there is one, of at most max bytes. Fails with STEPIMG_IO, STEPIMG_INVALID (it holds no picture that
   the model can edit) or STEPIMG_NOMEM. */
MUST_USE enum stepimg_kind edit_read(struct edit *edit, size_t max, struct stepimg_error *error);

#endif
