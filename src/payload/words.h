/*
 * What a server says in its own words: in an error's body, in an answer without a picture, in a page that stands in its
 * stead. Services, frameworks and gateways each have a form of their own for it.
 */
#ifndef STEPIMG_WORDS_H
#define STEPIMG_WORDS_H

#include <stdbool.h>
#include <stddef.h>

enum words_source {
  WORDS_NONE,   /* it says nothing */
  WORDS_SAID,   /* in a place that is made for it */
  WORDS_QUOTED, /* the beginning of whatever it is */
  WORDS_PAGE    /* a web page's title or headline */
};

enum { WORDS_MAX = 512 };

/* UTF-8 without control characters, the key hidden; "" where there is none. */
struct words {
  enum words_source source; /* of message */
  char message[WORDS_MAX + 1];
  char type[64], code[64];
};

/* Reads a body, which may have been cut. key may be NULL. */
void words_read(struct words *words, const char *body, size_t length, const char *key);

/* Whether they say that there is no such model, or none any more. */
bool words_miss_model(const struct words *words);

/* Whether they say that a balance is used up. */
bool words_miss_balance(const struct words *words);

/* Whether a body is a web page: not the service's word, but that of something in between. */
bool words_is_page(const char *body, size_t length);

#endif
