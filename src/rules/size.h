/* How large a picture is to be: the sizes that a model offers, found by their spelling, by width and height, or by an
   aspect. Pure functions; any thread. */
#ifndef STEPIMG_SIZE_H
#define STEPIMG_SIZE_H

#include "stepimg.h"

enum { SIZE_MAX_NAME = 32, SIZE_LIST_MAX = 384 };

/* "768x1360" of "1360x768"; false if the text is no pair, or a long one. */
bool size_transpose(char out[SIZE_MAX_NAME], const char *text, size_t length);

/* Whether a text is a pair of whole numbers from 1 to 65535, "768x1360". */
bool size_is_pair(const char *text, size_t length);

/* "HEIGHTxWIDTH", as the service wants it. */
void size_print(char out[SIZE_MAX_NAME], int64_t width, int64_t height);

/* The size of so many pixels; NULL: it is not offered. */
const struct stepimg_size *size_find(const struct stepimg_model *model, int64_t width, int64_t height);

/* "1024 x 1024, 1360 x 768", width x height. Returns out. */
const char *size_list(char out[SIZE_LIST_MAX], const struct stepimg_model *model);

/* Width / height of a value for a rule of STEPIMG_ASPECT: a number within the rule's bounds, or a text like "16:9". False:
   flaw is filled. */
bool size_ratio(const struct stepimg_rule *rule, const struct stepimg_value *value, double *ratio,
                struct stepimg_flaw *flaw);

/* The size nearest to a ratio, by the logarithm of both; the larger of two that are equally near. *off is how far it is
   off, as a part of the smaller ratio: 0.05 for 5 %. NULL: the model has no sizes. */
const struct stepimg_size *size_nearest(const struct stepimg_model *model, double ratio, double *off);

#endif
