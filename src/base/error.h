/* Filling struct stepimg_error. Formats are static; what a user or a server gave goes through text_quote first. Any thread. */
#ifndef STEPIMG_ERROR_H
#define STEPIMG_ERROR_H

#include "stepimg.h"

#if defined(__GNUC__) && !defined(_WIN32) /* where gcc knows another printf than the one that is used */
#define ERROR_PRINTF(string, first) __attribute__((format(printf, string, first)))
#else
#define ERROR_PRINTF(string, first)
#endif

void error_clear(struct stepimg_error *error);

/* Sets kind and message and returns kind. What else the error holds stays. field may be NULL; else it is remembered and
   "field: " stands before the message. */
enum stepimg_kind error_set(struct stepimg_error *error, enum stepimg_kind kind, const char *field, const char *format,
                            ...) ERROR_PRINTF(4, 5);

/* Says in the message of an error, which has a field, that its value is that of a variable. Returns its kind. */
enum stepimg_kind error_of_environment(struct stepimg_error *error, const char *variable);

/* Here, so that a compiler and an analyzer see that it never returns STEPIMG_OK. */
static inline enum stepimg_kind error_nomem(struct stepimg_error *error)
{
  error_set(error, STEPIMG_NOMEM, NULL, "not enough memory");
  return STEPIMG_NOMEM;
}

#endif
