/* A request's parameters, all together: who excludes whom, which names there are, what goes on the wire. Pure functions;
   any thread. */
#ifndef STEPIMG_PARAMS_H
#define STEPIMG_PARAMS_H

#include "stepimg.h"

/* stepimg_check with a catalogue of the caller's, which has at least one model. */
bool params_check(const struct stepimg_model *models, size_t model_count, const struct stepimg_param *params,
                  size_t count, const char *default_model, bool strict, struct stepimg_checked *checked,
                  struct stepimg_flaws *flaws);

/* stepimg_validate with a catalogue of the caller's. */
enum stepimg_kind params_validate(const struct stepimg_model *models, size_t model_count,
                                  const struct stepimg_param *params, size_t count, bool strict,
                                  struct stepimg_checked *checked, struct stepimg_error *error);

#endif
