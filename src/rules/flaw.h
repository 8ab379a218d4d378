/* What is wrong with a value, in words: filling struct stepimg_flaw. */
#ifndef STEPIMG_FLAW_H
#define STEPIMG_FLAW_H

#include "base/error.h"
#include "stepimg.h"

/* Fills a flaw of the field that rule is about, or, with no rule, of field; "field: " stands before the message. Static
   texts only in formats. Returns false, as the checks do that end with it. */
bool flaw_set(struct stepimg_flaw *flaw, const struct stepimg_rule *rule, enum stepimg_reason reason,
              const char *format, ...) ERROR_PRINTF(4, 5);
bool flaw_set_field(struct stepimg_flaw *flaw, const char *field, enum stepimg_reason reason, const char *format, ...)
    ERROR_PRINTF(4, 5);

/* The flaw as an error of STEPIMG_INVALID, which it returns. wrong_type is the caller's to tell. */
enum stepimg_kind flaw_to_error(const struct stepimg_flaw *flaw, struct stepimg_error *error);

/* Says that a name is unknown, with the nearest of names (NULL-terminated) if one is near; what is "parameter" or
   "option". Returns false. */
bool flaw_unknown_name(struct stepimg_flaw *flaw, const char *what, const char *name, const char *const *names);

enum { FLAW_LIST_MAX = 384 };

/* "a, b, c" of a NULL-terminated list, cut where it is too long. Returns out. */
const char *flaw_list(char out[FLAW_LIST_MAX], const char *const *names);

#endif
