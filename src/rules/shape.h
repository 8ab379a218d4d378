/* The ways to say how large a picture is to be, beside each other: size, aspect, width with height. */
#ifndef STEPIMG_SHAPE_H
#define STEPIMG_SHAPE_H

#include "rules/check.h"

/* Whether a shape, given or not, goes with the others: it excludes some, or wants its other half. False: flaw is filled. */
bool shape_check(const struct check *check, const struct stepimg_rule *rule, struct stepimg_flaw *flaw);

/* Chooses the size that goes on the wire, or adds a flaw or a warning. The value keeps its own rule, and shape_check holds
   for it. */
void shape_choose(struct check *check, const struct stepimg_rule *rule, const struct stepimg_value *value);

#endif
