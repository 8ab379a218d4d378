/*
 * The JSON beside a picture that is kept: what the service said of it, and how to know it again. It is read as strictly as
 * an answer: anybody may have written into that folder. Pure functions.
 */
#ifndef STEPIMG_ENTRY_H
#define STEPIMG_ENTRY_H

#include <stddef.h>

#include "base/check.h"
#include "base/sha256.h"
#include "payload/envelope.h"
#include "stepimg.h"

enum { ENTRY_MAX = 4 * 1024 /* bytes of one */ };

struct entry {
  char key[SHA256_HEX];    /* what it was asked for with */
  char digest[SHA256_HEX]; /* of the picture's bytes */
  size_t size;             /* how many they are */
};

/* envelope, as at first, gets id, created and one image with seed and finish_reason; it is to be freed in any case. Fails
   with STEPIMG_PROTOCOL (it is damaged, or was never an entry) or STEPIMG_NOMEM. */
MUST_USE enum stepimg_kind entry_read(struct entry *entry, struct envelope *envelope, const char *json, size_t length);
/* Writes the entry, of the envelope's first image, which is all it has. Returns its length. */
size_t entry_write(char out[ENTRY_MAX], const struct entry *entry, const struct envelope *envelope);

#endif
