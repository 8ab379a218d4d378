/* Checks values against rules, for parameters and options alike. Pure functions; any thread. */
#ifndef STEPIMG_RULES_H
#define STEPIMG_RULES_H

#include "stepimg.h"

/* One value against one rule. STEPIMG_INVALID with the field's name, what was given and what is allowed;
   error->wrong_type where the type is at fault. */
enum stepimg_kind rules_check_value(const struct stepimg_rule *rule, const struct stepimg_value *value,
                                    struct stepimg_error *error);

/* The value as a whole number or as a number; false if it is none. */
bool rules_integer(const struct stepimg_value *value, int64_t *integer);
bool rules_number(const struct stepimg_value *value, double *number);

/* stepimg_validate with a catalogue of the caller's. */
enum stepimg_kind rules_validate(const struct stepimg_model *models, size_t model_count,
                                 const struct stepimg_param *params, size_t count, bool strict,
                                 struct stepimg_checked *checked, struct stepimg_error *error);

/* Says that a name is unknown, with the nearest of names (NULL-terminated) if one is near; what is "parameter" or
   "option". Sets wrong_type. */
enum stepimg_kind rules_unknown_name(const char *what, const char *name, const char *const *names,
                                     struct stepimg_error *error);

/* Where an option of that name belongs, as a sentence for who gave it among the parameters; NULL: it is none. */
const char *rules_place_of_option(const char *name);

#endif
