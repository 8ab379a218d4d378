#include "policy.h"

#include <limits.h>

/* Source of the meanings: the service's reference, table of errors. Whether money may be lost: 429, 500 and 503 are the
   service's own word that it made nothing; a gateway that gave up (502, 504) does not know what the service did. The
   first row that fits counts. */
static const struct policy table[] = {
    {400, 400, STEPIMG_REQUEST, false, "a parameter is malformed or out of range, or the model is unknown"},
    {401, 401, STEPIMG_AUTH, false, "the key is not valid"},
    {402, 402, STEPIMG_BILLING, false, "the account's balance is too low"},
    {403, 403, STEPIMG_AUTH, false, "the key does not allow this"},
    {404, 404, STEPIMG_REQUEST, false, "there is nothing at this address; is base_url right?"},
    {429, 429, STEPIMG_RATE_LIMIT, false, "too many requests, or too many at once"},
    {451, 451, STEPIMG_MODERATION, false, "the request or the picture did not pass moderation"},
    {400, 499, STEPIMG_REQUEST, false, "the service refused the request"},
    {500, 500, STEPIMG_SERVER, false, "the service failed"},
    {502, 502, STEPIMG_SERVER, true, "a gateway got no answer from the service"},
    {503, 503, STEPIMG_SERVER, false, "the service is overloaded or down"},
    {504, 504, STEPIMG_SERVER, true, "a gateway gave up waiting for the service"},
    {500, 599, STEPIMG_SERVER, true, "the service failed"},
    {300, 399, STEPIMG_PROTOCOL, false, "the service sent the request elsewhere, and the key follows no redirect"},
    {INT_MIN, INT_MAX, STEPIMG_PROTOCOL, true, "the service answered in a way it does not promise"},
};

const struct policy *policy_of_status(int status)
{
  const struct policy *row = table;
  while (status < row->from || status > row->to)
    row++;
  return row;
}
