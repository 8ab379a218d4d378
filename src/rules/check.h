/* One check of a request's parameters while it goes on: what was given, whose rules hold, what was found. */
#ifndef STEPIMG_RULES_CHECK_H
#define STEPIMG_RULES_CHECK_H

#include "stepimg.h"

/* How much is known of the model. */
enum knowledge {
  ALL,     /* it is in the catalogue */
  MOST,    /* the client's own: the first model's rules, but not its sizes */
  NOTHING, /* lax: only what stepimg itself makes of the parameters */
};

struct check {
  const struct stepimg_param *params;
  size_t count;
  const struct stepimg_model *models;
  size_t model_count;
  const char *default_model; /* the client's; NULL: none */
  bool strict;
  enum knowledge knowledge;
  const struct stepimg_model *rules;
  struct stepimg_checked *checked;
  struct stepimg_flaws *flaws;
};

/* The value of a parameter; NULL: it was not given. */
const struct stepimg_value *check_find(const struct check *check, const char *name);
/* A model's row of that name, and the model of that name, which may be NULL; NULL: there is none. */
const struct stepimg_rule *check_rule_of(const struct stepimg_model *model, const char *name);
const struct stepimg_model *check_model_of(const struct check *check, const char *name);
bool check_is(const struct stepimg_rule *rule, const char *name);

/* Room for the next flaw; the last one's, where there is no more. */
struct stepimg_flaw *check_next_flaw(struct check *check);
/* The next warning, its field set and its message the caller's to write; the last one, where there is no more. */
struct stepimg_warning *check_warn(struct check *check, const char *field);

#endif
