/* The picture to edit: is it one, and not too large. */
#ifndef STEPIMG_RULES_IMAGE_H
#define STEPIMG_RULES_IMAGE_H

#include "stepimg.h"

/* rules_check_value for a rule of STEPIMG_IMAGE. Looks at no more than what a picture's sniffer has told, and at the
   bytes of what is none: what it might be instead. */
bool image_check(const struct stepimg_rule *rule, const struct stepimg_value *value, struct stepimg_flaw *flaw);

#endif
