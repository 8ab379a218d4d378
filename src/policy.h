/* What the way a request ended means: the kind of its error, and whether it may have cost money. One table. */
#ifndef STEPIMG_POLICY_H
#define STEPIMG_POLICY_H

#include "stepimg.h"

struct policy {
  int from, to; /* HTTP statuses, both inclusive */
  enum stepimg_kind kind;
  bool maybe_billed;   /* the request may have been accepted all the same */
  const char *meaning; /* for the error's text */
};

/* Never NULL. */
const struct policy *policy_of_status(int status);

#endif
