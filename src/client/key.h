/*
 * Which requests ask for the same picture: a digest of all that shapes it. Those are the endpoint, the model, each
 * parameter as it was given, the seed, and the picture that is edited; neither the host nor how the picture travels
 * (response_format) is among them. The order of members, nested ones too, says nothing, nor do escapes in a text; another
 * spelling of a number is another number.
 */
#ifndef STEPIMG_KEY_H
#define STEPIMG_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/check.h"
#include "base/sha256.h"
#include "stepimg.h"

struct key {
  bool edits;                      /* the endpoint */
  bool has_seed;                   /* a whole number was asked for */
  int64_t seed;                    /* that */
  unsigned char rest[SHA256_SIZE]; /* digest of the other parameters */
};

/* Of a body, which is to be a JSON object. Any thread. Fails with STEPIMG_INVALID or STEPIMG_NOMEM. */
MUST_USE enum stepimg_kind key_of_body(struct key *key, const char *body, size_t length, struct stepimg_error *error);
/* Of a form's texts. Fails with STEPIMG_NOMEM. */
MUST_USE enum stepimg_kind key_of_fields(struct key *key, const struct stepimg_field *fields, size_t count,
                                         struct stepimg_error *error);
/* The whole: with that seed, and the digest of the picture that is edited, NULL where none is. Returns out. */
const char *key_name(char out[SHA256_HEX], const struct key *key, int64_t seed, const unsigned char *picture);

#endif
