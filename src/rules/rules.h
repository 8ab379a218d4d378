/* One value against one rule, of a parameter or an option. Pure functions; any thread. */
#ifndef STEPIMG_RULES_H
#define STEPIMG_RULES_H

#include "stepimg.h"

/* False: flaw is filled, with what was given and what is allowed. */
bool rules_check_value(const struct stepimg_rule *rule, const struct stepimg_value *value, struct stepimg_flaw *flaw);

/* Whether a flaw is a slip of the programmer's: a name that is none, or a value of a type that never fits. 8.5 for an
   integer is none, since a player may type it. value is what the flaw is about; NULL: nothing was given. */
bool rules_is_slip(const struct stepimg_flaw *flaw, const struct stepimg_value *value);

#endif
