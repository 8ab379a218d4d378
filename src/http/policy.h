/*
 * The money rule, once: what the way an attempt ended means. Its kind, whether a picture may have been billed although
 * the caller does not get it, and whether it is repeated. No idempotency key exists: the same POST sent twice is two
 * pictures on the bill.
 */
#ifndef STEPIMG_POLICY_H
#define STEPIMG_POLICY_H

#include "stepimg.h"

struct policy {
  int from, to; /* HTTP statuses, both inclusive */
  enum stepimg_kind kind;
  bool maybe_billed;
  bool repeat;
  const char *meaning; /* for the error's text */
};

/* What an HTTP status means, as the answer to a POST. Never NULL. */
const struct policy *policy_of_status(int status);
/* What a POST that got no answer means, by whether some of its body had left. Kind and meaning are not set. */
const struct policy *policy_of_no_answer(bool sent);

/* The longest wait that a server's Retry-After is obeyed for, in seconds; a job told to wait longer fails at once. */
#define POLICY_LONGEST_WAIT 600.0

/* Seconds to wait before the attempt after that many: what the server asked for (negative: nothing), or exponential
   back-off with full jitter; chance is from 0 to 1. */
double policy_wait(int attempts, double retry_after, double chance);

#endif
