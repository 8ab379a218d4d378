#include "http/policy.h"

#include <limits.h>

/* Source of the meanings: the service's reference, table of errors. 429, 500 and 503 are the service's own word that it
   made nothing; a gateway that gave up (502, 504) does not know what the service did. The first row that fits counts. */
static const struct policy statuses[] = {
    /* from, to, kind, maybe billed, repeat, meaning */
    {400, 400, STEPIMG_REQUEST, false, false, "a parameter is malformed or out of range, or the model is unknown"},
    {401, 401, STEPIMG_AUTH, false, false, "the key is not valid"},
    {402, 402, STEPIMG_BILLING, false, false, "the account's balance is too low"},
    {403, 403, STEPIMG_AUTH, false, false, "the key does not allow this"},
    {404, 404, STEPIMG_REQUEST, false, false, "there is nothing at this address; is base_url right?"},
    {429, 429, STEPIMG_RATE_LIMIT, false, true, "too many requests, or too many at once"},
    {451, 451, STEPIMG_MODERATION, false, false, "the request or the picture did not pass moderation"},
    {400, 499, STEPIMG_REQUEST, false, false, "the service refused the request"},
    {500, 500, STEPIMG_SERVER, false, true, "the service failed"},
    {502, 502, STEPIMG_SERVER, true, false, "a gateway got no answer from the service"},
    {503, 503, STEPIMG_SERVER, false, true, "the service is overloaded or down"},
    {504, 504, STEPIMG_SERVER, true, false, "a gateway gave up waiting for the service"},
    {500, 599, STEPIMG_SERVER, true, false, "the service failed"},
    {300, 399, STEPIMG_PROTOCOL, false, false,
     "the service sent the request elsewhere, and the key follows no redirect"},
    {INT_MIN, INT_MAX, STEPIMG_PROTOCOL, true, false, "the service answered in a way it does not promise"},
};

/* A body that is missing on the other side cannot have been accepted; one that left may have been. */
static const struct policy not_sent = {.maybe_billed = false, .repeat = true};
static const struct policy sent = {.maybe_billed = true, .repeat = false};

const struct policy *policy_of_status(int status)
{
  const struct policy *row = statuses;
  while (status < row->from || status > row->to)
    row++;
  return row;
}

const struct policy *policy_of_no_answer(bool body_left)
{
  return body_left ? &sent : &not_sent;
}

double policy_wait(int attempts, double retry_after, double chance)
{
  static const double FIRST = 0.5, LONGEST = 30; /* seconds */
  double ceiling = FIRST;
  if (retry_after >= 0)
    return retry_after;
  while (--attempts > 0 && ceiling < LONGEST)
    ceiling *= 2;
  return chance * (ceiling < LONGEST ? ceiling : LONGEST);
}
