/*
 * What is asked without a picture: an account, and the models that a key may use. Read from the whole answer, which is
 * small.
 */
#ifndef STEPIMG_FACTS_H
#define STEPIMG_FACTS_H

#include "base/buffer.h"
#include "base/check.h"
#include "stepimg.h"

enum {
  FACTS_MAX_BODY = 256 * 1024, /* bytes of such an answer */
  FACTS_MAX_TEXT = 256,        /* of a model's name, and of the account's type */
  FACTS_MAX_MODELS = 4096
};

/* Owned; what was not told is NULL, NAN or 0. */
struct facts {
  struct stepimg_account *account;
  char **models;
  size_t model_count;
};

/* Whether a body begins as an object does. */
bool facts_is_object(const struct buffer *body);
/* Reads an account, or else models. Texts are UTF-8 without control characters, with the key (NULL: none) hidden. Fails
   with STEPIMG_PROTOCOL or STEPIMG_NOMEM; *why, static, says what is wrong. */
MUST_USE enum stepimg_kind facts_read(struct facts *facts, bool account, const struct buffer *body, const char *key,
                                      const char **why);
void facts_free(struct facts *facts); /* idempotent */
/* Moves what was read into the outcome. */
void facts_give(struct facts *facts, struct stepimg_outcome *outcome);
/* Frees what facts_give put into the outcome. */
void facts_take_back(struct stepimg_outcome *outcome);

#endif
