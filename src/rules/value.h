/* Values as callers give them: what they are, and the plain checks that all kinds of rules share. Pure functions; any
   thread. */
#ifndef STEPIMG_VALUE_H
#define STEPIMG_VALUE_H

#include "stepimg.h"

/* The value as a whole number or as a number; false if it is none. */
bool value_integer(const struct stepimg_value *value, int64_t *integer);
bool value_number(const struct stepimg_value *value, double *number);

/* Whether a NULL-terminated list holds the text. */
bool value_is_one_of(const char *const *names, const char *text, size_t length);

/* The checks return false with flaw filled: what was given, what is allowed. */

/* What its type is called where another is expected: "string", "number", or as the host calls it. */
const char *value_given(const struct stepimg_value *value);

/* "integer expected, got string": false always. */
bool value_wrong_type(const struct stepimg_rule *rule, const struct stepimg_value *value, struct stepimg_flaw *flaw);

/* "1 to 50 is allowed", "only 1 is allowed" … Returns out. */
enum { VALUE_RANGE_MAX = 96 };
const char *value_range(char out[VALUE_RANGE_MAX], const struct stepimg_rule *rule);

/* A number within the rule's bounds; shown is how a message writes it. */
bool value_check_range(const struct stepimg_rule *rule, double number, const char *shown, struct stepimg_flaw *flaw);

/* A string that is UTF-8, without NUL, and of the length that a rule of STEPIMG_STRING allows. */
bool value_check_text(const struct stepimg_rule *rule, const struct stepimg_value *value, struct stepimg_flaw *flaw);

#endif
