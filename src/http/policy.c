#include "http/policy.h"

#include <limits.h>

/* Source of the meanings: the service's reference, table of errors. 429, 500 and 503 are the service's own word that it
   made nothing, where they are its word. A gateway that gave up (502, 504) does not know what the service did; Cloudflare's
   521, 523, 525 and 526 say that the service was never reached, its 520, 522 and 524 do not. */
struct row {
  int from, to;           /* statuses, both inclusive */
  unsigned with, without; /* marks */
  enum stepimg_kind kind;
  bool maybe_billed;
  enum policy_again again;
  const char *meaning;
};

#define NO_CONNECTION "the gateway could not connect to the service"
#define NO_PASSWORD "the proxy wants a user name and password; the option proxy has room for both, before an @"
#define ANY INT_MIN, INT_MAX

/* Of the answer to a POST. The first row that fits counts. */
static const struct row answers[] = {
    {407, 407, POLICY_FORWARDED, 0, STEPIMG_NETWORK, false, POLICY_NEVER, NO_PASSWORD},
    {400, 400, 0, 0, STEPIMG_REQUEST, false, POLICY_NEVER,
     "a parameter is malformed or out of range, or the model is unknown"},
    {401, 401, 0, 0, STEPIMG_AUTH, false, POLICY_NEVER, "the key is not valid"},
    {402, 402, 0, 0, STEPIMG_BILLING, false, POLICY_NEVER, "the account's balance is too low"},
    {403, 403, POLICY_PAGE, 0, STEPIMG_PROTOCOL, false, POLICY_NEVER,
     "a web page came instead of the service's answer; does a firewall, a proxy or a sign-in page stand between?"},
    {403, 403, 0, 0, STEPIMG_AUTH, false, POLICY_NEVER, "the key does not allow this"},
    {404, 404, 0, 0, STEPIMG_REQUEST, false, POLICY_NEVER, "there is nothing at this address; is base_url right?"},
    {408, 408, POLICY_KEPT, 0, STEPIMG_REQUEST, false, POLICY_ELSEWHERE, "the connection had been idle for too long"},
    {421, 421, 0, 0, STEPIMG_REQUEST, false, POLICY_ELSEWHERE, "the connection leads to another server"},
    {429, 429, POLICY_NO_QUOTA, 0, STEPIMG_BILLING, false, POLICY_NEVER, "the account's balance is used up"},
    {429, 429, 0, 0, STEPIMG_RATE_LIMIT, false, POLICY_LATER, "too many requests, or too many at once"},
    {451, 451, 0, 0, STEPIMG_MODERATION, false, POLICY_NEVER, "the request or the picture did not pass moderation"},
    {400, 499, 0, 0, STEPIMG_REQUEST, false, POLICY_NEVER, "the service refused the request"},
    {500, 500, 0, POLICY_PAGE, STEPIMG_SERVER, false, POLICY_LATER, "the service failed"},
    {502, 502, 0, 0, STEPIMG_SERVER, true, POLICY_NEVER, "a gateway got no answer from the service"},
    {503, 503, 0, POLICY_PAGE, STEPIMG_SERVER, false, POLICY_LATER, "the service is overloaded or down"},
    {503, 503, POLICY_PAGE, 0, STEPIMG_SERVER, true, POLICY_NEVER, "a web page says that the service is not available"},
    {504, 504, 0, 0, STEPIMG_SERVER, true, POLICY_NEVER, "a gateway gave up waiting for the service"},
    {521, 521, POLICY_CLOUDFLARE, 0, STEPIMG_SERVER, false, POLICY_LATER, NO_CONNECTION},
    {523, 523, POLICY_CLOUDFLARE, 0, STEPIMG_SERVER, false, POLICY_LATER, NO_CONNECTION},
    {525, 526, POLICY_CLOUDFLARE, 0, STEPIMG_SERVER, false, POLICY_LATER, NO_CONNECTION},
    {500, 599, 0, 0, STEPIMG_SERVER, true, POLICY_NEVER, "the service failed"},
    {300, 399, 0, 0, STEPIMG_PROTOCOL, false, POLICY_NEVER, "the service sent the request elsewhere"},
    {ANY, 0, 0, STEPIMG_PROTOCOL, true, POLICY_NEVER, "the service answered in a way it does not promise"},
};

/* Of a picture's host, which knows no keys and no balance: its refusals say nothing about them. All were paid for. A 403 is
   what some say of a file that is not there yet; a 202 and a 425 say just that. */
static const struct row downloads[] = {
    {407, 407, POLICY_FORWARDED, 0, STEPIMG_NETWORK, true, POLICY_NEVER, NO_PASSWORD},
    {202, 202, 0, 0, STEPIMG_PROTOCOL, true, POLICY_PATIENTLY, NULL},
    {403, 404, 0, 0, STEPIMG_REQUEST, true, POLICY_PATIENTLY, NULL},
    {408, 408, 0, 0, STEPIMG_REQUEST, true, POLICY_LATER, NULL},
    {421, 421, 0, 0, STEPIMG_REQUEST, true, POLICY_ELSEWHERE, NULL},
    {425, 425, 0, 0, STEPIMG_REQUEST, true, POLICY_PATIENTLY, NULL},
    {429, 429, 0, 0, STEPIMG_RATE_LIMIT, true, POLICY_LATER, NULL},
    {400, 499, 0, 0, STEPIMG_REQUEST, true, POLICY_NEVER, NULL},
    {500, 599, 0, 0, STEPIMG_SERVER, true, POLICY_LATER, NULL},
    {ANY, 0, 0, STEPIMG_PROTOCOL, true, POLICY_NEVER, NULL},
};

/* Of a proxy that was asked to lead the way and did not: nothing was sent to anyone. */
static const struct row tunnels[] = {
    {407, 407, 0, 0, STEPIMG_NETWORK, false, POLICY_NEVER, NO_PASSWORD},
    {403, 403, 0, 0, STEPIMG_NETWORK, false, POLICY_NEVER, "the proxy does not allow this"},
    {408, 408, 0, 0, STEPIMG_NETWORK, false, POLICY_LATER, "the proxy could not connect to the service"},
    {429, 429, 0, 0, STEPIMG_NETWORK, false, POLICY_LATER, "the proxy wants fewer requests"},
    {500, 599, 0, 0, STEPIMG_NETWORK, false, POLICY_LATER, "the proxy could not connect to the service"},
    {ANY, 0, 0, STEPIMG_NETWORK, false, POLICY_NEVER, "the proxy refused"},
};

bool policy_is_success(bool get, int status)
{
  if (get) /* 204 and 205 have no body, 206 has a part of one, and 202 promises one */
    return status == 200 || status == 201 || status == 203;
  return status >= 200 && status <= 299;
}

static struct policy_verdict judge_status(const struct row *row, int status, unsigned marks)
{
  while (status < row->from || status > row->to || (row->with & ~marks) != 0 || (row->without & marks) != 0)
    row++;
  return (struct policy_verdict){.kind = row->kind,
                                 .maybe_billed = row->maybe_billed,
                                 .again = row->again,
                                 .refused = true,
                                 .meaning = row->meaning};
}

/* No answer, half of one, or one that is not what the service promises. */
static struct policy_verdict judge_failure(const struct policy_facts *facts)
{
  struct policy_verdict verdict = {.kind = facts->failure, .again = POLICY_NEVER};
  if (facts->get) { /* it is paid for, and fetching it costs nothing */
    verdict.maybe_billed = true;
    if (facts->coded)
      verdict.again = POLICY_UNDECODED;
    else if (facts->passing)
      verdict.again = POLICY_LATER;
    return verdict;
  }
  /* A body that is missing on the other side cannot have been accepted; HTTP/2 may answer before all of it has left. */
  verdict.maybe_billed = facts->body_left || policy_is_success(false, facts->status);
  if (!verdict.maybe_billed && facts->passing)
    verdict.again = POLICY_LATER;
  return verdict;
}

/* What costs nothing is repeated where it may help. */
static struct policy_verdict judge_free(const struct policy_facts *facts, bool refused, struct policy_verdict verdict)
{
  bool passing = refused ? facts->status >= 500 : facts->passing;
  verdict.maybe_billed = false;
  if (verdict.again == POLICY_NEVER && passing && facts->tunnel == 0 && verdict.kind != STEPIMG_OK)
    verdict.again = POLICY_LATER;
  return verdict;
}

struct policy_verdict policy_judge(const struct policy_facts *facts)
{
  int status = facts->status;
  struct policy_verdict verdict = {.kind = STEPIMG_OK};
  /* A refusal says it all, also where its rest is lost. Below 200 only 101 is an answer, if a complete one. */
  bool refused = !policy_is_success(facts->get, status) && (status >= 200 || (status > 0 && facts->complete));
  if (facts->tunnel != 0) {
    verdict = judge_status(tunnels, facts->tunnel, 0);
    verdict.maybe_billed = facts->get;
  } else if (refused) {
    verdict = judge_status(facts->get ? downloads : answers, status, facts->marks);
    verdict.rest = !facts->get && verdict.kind == STEPIMG_RATE_LIMIT;
  } else if (facts->failure != STEPIMG_OK)
    verdict = judge_failure(facts);
  return facts->free ? judge_free(facts, refused, verdict) : verdict;
}

/* Exponential back-off. Full jitter spreads those that were refused together; what may not be there yet is given time. */
static double back_off(enum policy_again again, int attempts, double chance)
{
  static const double FIRST = 0.5, LONGEST = 30; /* seconds */
  double ceiling = FIRST;
  if (again == POLICY_ELSEWHERE && attempts == 1)
    return 0;
  while (--attempts > 0 && ceiling < LONGEST)
    ceiling *= 2;
  if (ceiling > LONGEST)
    ceiling = LONGEST;
  return again == POLICY_PATIENTLY ? (2 + chance) * ceiling : chance * ceiling;
}

struct policy_plan policy_plan(const struct policy_verdict *verdict, int attempts, int retries, double retry_after,
                               double left, double chance)
{
  bool obeyed = retry_after >= 0 && retry_after <= POLICY_LONGEST_WAIT, too_long = retry_after > POLICY_LONGEST_WAIT;
  double own = back_off(verdict->again, attempts, chance);
  struct policy_plan plan = {.wait = obeyed ? retry_after : own};
  plan.rest = verdict->rest ? plan.wait : 0;
  if (verdict->again == POLICY_UNDECODED) /* no repeat: what had come is asked for in another way */
    return (struct policy_plan){.again = true};
  plan.again = verdict->again != POLICY_NEVER && !too_long && attempts <= retries && plan.wait < left;
  return plan;
}
