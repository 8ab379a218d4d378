/*
 * A picture that is arriving: its bytes go to memory, or to a file as they come. What it is, is read from them on the
 * way. Lives on the I/O thread.
 */
#ifndef STEPIMG_PICTURE_H
#define STEPIMG_PICTURE_H

#include "base/buffer.h"
#include "base/file.h"
#include "payload/sniff.h"
#include "payload/spares.h"
#include "stepimg.h"

enum {
  PICTURE_BLOCK = 64 * 1024 /* bytes gathered before they are written to a file */
};

/* Zeroed: none. */
struct picture {
  struct file *file;   /* where it goes; NULL: memory */
  struct buffer bytes; /* what came, or what of it was not yet written */
  size_t length;       /* all that came */
  struct sniff sniff;
  bool looked; /* sniff knows all of it */
};

/* One begins, of about so many bytes (0: not known) and at most max. file is open, and written anew; NULL: memory, from
   spares where there are some. Fails with STEPIMG_IO. */
enum stepimg_kind picture_begin(struct picture *picture, struct file *file, struct spares *spares, size_t expected,
                                size_t max, struct stepimg_error *error);
/* Room for so many more bytes at *room, of which picture_add takes those that were written. Fails with STEPIMG_PROTOCOL
   (more than max, no message), STEPIMG_NOMEM or STEPIMG_IO. */
enum stepimg_kind picture_room(struct picture *picture, size_t more, unsigned char **room, struct stepimg_error *error);
void picture_add(struct picture *picture, size_t length);
/* All of it has come: sniff then says what it is. Idempotent. */
void picture_look(struct picture *picture);
/* Whether its last bytes are the end of its format. Between picture_look and picture_end. */
bool picture_has_end(const struct picture *picture);
/* Writes the rest, and closes the file. Fails with STEPIMG_IO. */
enum stepimg_kind picture_end(struct picture *picture, struct stepimg_error *error);
/* Its bytes, the caller's to free; NULL: there are none, or they are in the file. */
unsigned char *picture_take(struct picture *picture, size_t *length);
void picture_free(struct picture *picture); /* idempotent; leaves the file alone */

#endif
