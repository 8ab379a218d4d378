/* The money rule, over every status and every mark, against the promises in words. */
#include "check.h"

#include <stdio.h>

#include "http/policy.h"

/* All that was sent, to a status that is complete, on a new connection. */
static struct policy_verdict judged(bool get, int status, unsigned marks)
{
  struct policy_facts facts = {.get = get, .status = status, .marks = marks, .body_left = !get, .complete = true};
  return policy_judge(&facts);
}

static bool is_one_of(int status, const int *list)
{
  while (*list != 0 && *list != status)
    list++;
  return *list != 0;
}

/* The service's own word that it made nothing, or the certainty that it never had the request. */
static bool is_free_to_repeat(int status, unsigned marks)
{
  static const int own_word[] = {500, 503, 0}, never_reached[] = {521, 523, 525, 526, 0};
  if (status == 429)
    return (marks & POLICY_NO_QUOTA) == 0;
  if (status == 408)
    return (marks & POLICY_KEPT) != 0;
  if (is_one_of(status, own_word))
    return (marks & POLICY_PAGE) == 0;
  if (is_one_of(status, never_reached))
    return (marks & POLICY_CLOUDFLARE) != 0;
  return status == 421;
}

static enum stepimg_kind kind_of_answer(int status, unsigned marks)
{
  switch (status) {
  case 401:
    return STEPIMG_AUTH;
  case 402:
    return STEPIMG_BILLING;
  case 403:
    return marks & POLICY_PAGE ? STEPIMG_PROTOCOL : STEPIMG_AUTH;
  case 407:
    return marks & POLICY_FORWARDED ? STEPIMG_NETWORK : STEPIMG_REQUEST;
  case 429:
    return marks & POLICY_NO_QUOTA ? STEPIMG_BILLING : STEPIMG_RATE_LIMIT;
  case 451:
    return STEPIMG_MODERATION;
  default:
    return status >= 200 && status <= 299   ? STEPIMG_OK
           : status >= 400 && status <= 499 ? STEPIMG_REQUEST
           : status >= 500 && status <= 599 ? STEPIMG_SERVER
                                            : STEPIMG_PROTOCOL;
  }
}

static void judges_every_answer_to_a_post(void **state)
{
  (void)state;
  for (int status = 101; status <= 1000; status++)
    for (unsigned marks = 0; marks <= POLICY_ALL_MARKS; marks++) {
      struct policy_verdict verdict = judged(false, status, marks);
      bool success = status >= 200 && status <= 299, again = is_free_to_repeat(status, marks);
      bool refusal = status >= 300 && status <= 499;
      if (verdict.kind != kind_of_answer(status, marks) || (verdict.again != POLICY_NEVER) != again ||
          verdict.maybe_billed != (!success && !refusal && !again))
        fail_msg("%d with marks %u: kind %s, again %d, maybe billed %d", status, marks, stepimg_kind_name(verdict.kind),
                 verdict.again, verdict.maybe_billed);
      assert_int_equal(verdict.rest, verdict.kind == STEPIMG_RATE_LIMIT);
      assert_int_equal(verdict.meaning == NULL, success);
      if (again)
        assert_int_equal(verdict.again == POLICY_ELSEWHERE, status == 408 || status == 421);
    }
}

static void judges_every_answer_to_a_download(void **state)
{
  static const int here[] = {200, 201, 203, 0}, later[] = {408, 429, 0}, patiently[] = {202, 403, 404, 425, 0};
  (void)state;
  for (int status = 101; status <= 1000; status++)
    for (unsigned marks = 0; marks <= POLICY_ALL_MARKS; marks++) {
      struct policy_verdict verdict = judged(true, status, marks);
      bool proxys = status == 407 && (marks & POLICY_FORWARDED) != 0;
      enum stepimg_kind kind = proxys                           ? STEPIMG_NETWORK
                               : is_one_of(status, here)        ? STEPIMG_OK
                               : status == 429                  ? STEPIMG_RATE_LIMIT
                               : status >= 400 && status <= 499 ? STEPIMG_REQUEST
                               : status >= 500 && status <= 599 ? STEPIMG_SERVER
                                                                : STEPIMG_PROTOCOL;
      enum policy_again again = is_one_of(status, patiently)                                   ? POLICY_PATIENTLY
                                : is_one_of(status, later) || (status >= 500 && status <= 599) ? POLICY_LATER
                                : status == 421                                                ? POLICY_ELSEWHERE
                                                                                               : POLICY_NEVER;
      if (verdict.kind != kind || verdict.again != again || verdict.maybe_billed != (kind != STEPIMG_OK))
        fail_msg("%d with marks %u: kind %s, again %d", status, marks, stepimg_kind_name(verdict.kind), verdict.again);
      assert_false(verdict.rest);
    }
}

/* What a lost transfer means hangs on what had left and on whether the service had said that it made a picture. */
static void judges_every_failure_of_a_post(void **state)
{
  static const int statuses[] = {0, 100, 103, 200, 201, 299};
  static const enum stepimg_kind kinds[] = {STEPIMG_NETWORK, STEPIMG_TIMEOUT, STEPIMG_PROTOCOL, STEPIMG_IO,
                                            STEPIMG_NOMEM};
  (void)state;
  for (size_t i = 0; i < COUNT_OF(statuses); i++)
    for (size_t j = 0; j < COUNT_OF(kinds); j++)
      for (unsigned bits = 0; bits < 8; bits++) {
        struct policy_facts facts = {
            .status = statuses[i], .failure = kinds[j], .body_left = bits & 1, .passing = bits & 2, .coded = bits & 4};
        struct policy_verdict verdict = policy_judge(&facts);
        bool billed = facts.body_left || facts.status >= 200;
        assert_int_equal(verdict.kind, kinds[j]);
        assert_int_equal(verdict.maybe_billed, billed);
        assert_int_equal(verdict.again, !billed && facts.passing ? POLICY_LATER : POLICY_NEVER);
        assert_false(verdict.rest);
        assert_null(verdict.meaning);
      }
}

static void judges_every_failure_of_a_download(void **state)
{
  static const int statuses[] = {0, 100, 200, 203};
  (void)state;
  for (size_t i = 0; i < COUNT_OF(statuses); i++)
    for (unsigned bits = 0; bits < 4; bits++) {
      struct policy_facts facts = {
          .get = true, .status = statuses[i], .failure = STEPIMG_NETWORK, .passing = bits & 1, .coded = bits & 2};
      struct policy_verdict verdict = policy_judge(&facts);
      assert_int_equal(verdict.kind, STEPIMG_NETWORK);
      assert_true(verdict.maybe_billed);
      assert_int_equal(verdict.again, facts.coded ? POLICY_UNDECODED : facts.passing ? POLICY_LATER : POLICY_NEVER);
    }
}

/* A refusal whose rest is lost is that refusal; half an interim answer is none. */
static void believes_a_status_without_its_body(void **state)
{
  struct policy_facts facts = {.status = 402, .body_left = true, .failure = STEPIMG_NETWORK, .passing = true};
  (void)state;
  assert_int_equal(policy_judge(&facts).kind, STEPIMG_BILLING);
  facts.status = 500;
  assert_int_equal(policy_judge(&facts).again, POLICY_LATER);
  facts.status = 101;
  assert_int_equal(policy_judge(&facts).kind, STEPIMG_NETWORK);
  facts.complete = true;
  assert_int_equal(policy_judge(&facts).kind, STEPIMG_PROTOCOL);
}

static void knows_that_a_proxy_that_refuses_sends_nothing(void **state)
{
  static const int later[] = {408, 429, 0};
  (void)state;
  for (int get = 0; get <= 1; get++)
    for (int status = 300; status <= 700; status++) {
      struct policy_facts facts = {.get = get, .tunnel = status, .failure = STEPIMG_NETWORK, .passing = true};
      struct policy_verdict verdict = policy_judge(&facts);
      bool again = is_one_of(status, later) || (status >= 500 && status <= 599);
      assert_int_equal(verdict.kind, STEPIMG_NETWORK);
      assert_int_equal(verdict.maybe_billed, get);
      assert_int_equal(verdict.again, again ? POLICY_LATER : POLICY_NEVER);
      assert_non_null(strstr(verdict.meaning, "proxy"));
    }
}

/* What is asked for nothing is never billed, and repeated where that may help; the key and a rest are those of a POST. */
static void repeats_a_question_freely(void **state)
{
  static const enum stepimg_kind failures[] = {STEPIMG_NETWORK, STEPIMG_TIMEOUT, STEPIMG_PROTOCOL};
  (void)state;
  for (int status = 100; status <= 700; status++)
    for (unsigned marks = 0; marks <= POLICY_ALL_MARKS; marks++) {
      struct policy_facts facts = {.free = true, .status = status, .marks = marks, .complete = true};
      struct policy_verdict verdict = policy_judge(&facts), of_post = judged(false, status, marks);
      assert_false(verdict.maybe_billed);
      assert_int_equal(verdict.kind, of_post.kind);
      assert_int_equal(verdict.rest, of_post.rest);
      assert_true(verdict.again == of_post.again || (status >= 500 && verdict.again == POLICY_LATER));
      assert_true(status < 500 || verdict.again == POLICY_LATER);
    }
  for (size_t i = 0; i < COUNT_OF(failures); i++)
    for (int passing = 0; passing <= 1; passing++)
      for (int status = 0; status <= 200; status += 200) {
        struct policy_facts facts = {.free = true, .status = status, .failure = failures[i], .passing = passing};
        struct policy_verdict verdict = policy_judge(&facts);
        assert_false(verdict.maybe_billed);
        assert_int_equal(verdict.kind, failures[i]);
        assert_int_equal(verdict.again, passing ? POLICY_LATER : POLICY_NEVER);
      }
}

static void says_what_a_status_means(void **state)
{
  static const struct {
    int status;
    unsigned marks;
    const char *part;
  } cases[] = {
      {400, 0, "parameter"},
      {401, 0, "key is not valid"},
      {402, 0, "balance is too low"},
      {403, 0, "key does not allow"},
      {403, POLICY_PAGE, "web page"},
      {404, 0, "base_url"},
      {407, 0, "refused"},
      {407, POLICY_FORWARDED, "proxy"},
      {408, 0, "refused"},
      {408, POLICY_KEPT, "idle"},
      {429, 0, "too many"},
      {429, POLICY_NO_QUOTA, "balance"},
      {451, 0, "moderation"},
      {499, 0, "refused"},
      {500, 0, "failed"},
      {502, 0, "got no answer"},
      {503, 0, "overloaded"},
      {503, POLICY_PAGE, "web page"},
      {504, 0, "gave up waiting"},
      {521, POLICY_CLOUDFLARE, "could not connect"},
      {521, 0, "failed"},
      {300, 0, "elsewhere"},
      {399, 0, "elsewhere"},
      {101, 0, "does not promise"},
      {600, 0, "does not promise"},
  };
  static const struct {
    int status;
    const char *part;
  } tunnels[] = {
      {407, "user name"}, {403, "does not allow"}, {404, "refused"}, {429, "fewer"}, {502, "could not connect"}};
  (void)state;
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    struct policy_verdict verdict = judged(false, cases[i].status, cases[i].marks);
    assert_true(verdict.refused);
    assert_contains(verdict.meaning, cases[i].part);
  }
  for (size_t i = 0; i < COUNT_OF(tunnels); i++) {
    struct policy_facts facts = {.tunnel = tunnels[i].status, .failure = STEPIMG_NETWORK};
    assert_contains(policy_judge(&facts).meaning, tunnels[i].part);
  }
  assert_true(judged(true, 404, 0).refused);
  assert_false(judged(false, 200, 0).refused);
  struct policy_facts part = {.get = true, .status = 202, .failure = STEPIMG_NETWORK}; /* the rest of it was lost */
  assert_true(policy_judge(&part).refused);
}

/* ------------------------------------------------------------------------------------------------------- when -- */

static const double FOREVER = 1e9;

static struct policy_plan planned(enum policy_again again, bool rest, int tries, double retry_after, double chance)
{
  struct policy_verdict verdict = {.kind = STEPIMG_SERVER, .again = again, .rest = rest};
  return policy_plan(&verdict, tries, 100, retry_after, FOREVER, chance);
}

static void backs_off_with_full_jitter(void **state)
{
  (void)state;
  for (int tries = 1; tries <= 20; tries++) {
    double ceiling = tries <= 6 ? 0.5 * (1 << (tries - 1)) : 30;
    assert_true(planned(POLICY_LATER, false, tries, -1, 1).wait == ceiling);
    assert_true(planned(POLICY_LATER, false, tries, -1, 0).wait == 0);
    assert_true(planned(POLICY_LATER, false, tries, -1, 0.5).wait == ceiling / 2);
  }
}

/* A link that leads to nothing yet is given more than the second that one was seen to take. */
static void waits_for_what_is_not_there_yet(void **state)
{
  (void)state;
  assert_true(planned(POLICY_PATIENTLY, false, 1, -1, 0).wait >= 1);
  assert_true(planned(POLICY_PATIENTLY, false, 2, -1, 0).wait >= 2);
}

static void goes_elsewhere_at_once_and_then_backs_off(void **state)
{
  (void)state;
  assert_true(planned(POLICY_ELSEWHERE, false, 1, -1, 1).wait == 0);
  assert_true(planned(POLICY_ELSEWHERE, false, 2, -1, 1).wait > 0);
}

static void waits_as_long_as_the_server_says_within_reason(void **state)
{
  static const double waits[] = {0, 0.25, 7, POLICY_LONGEST_WAIT};
  (void)state;
  for (size_t i = 0; i < COUNT_OF(waits); i++) {
    struct policy_plan plan = planned(POLICY_LATER, true, 1, waits[i], 1);
    assert_true(plan.again);
    assert_true(plan.wait == waits[i]);
    assert_true(plan.rest == waits[i]);
  }
  struct policy_plan plan = planned(POLICY_LATER, true, 1, POLICY_LONGEST_WAIT + 1, 1);
  assert_false(plan.again);
  assert_true(plan.rest == 0.5); /* as if it had said nothing: the others are not held for longer */
}

/* The others rest whether or not this one is repeated. */
static void lets_all_rest_only_for_a_429(void **state)
{
  struct policy_verdict limited = judged(false, 429, 0), empty = judged(false, 429, POLICY_NO_QUOTA);
  struct policy_verdict busy = judged(false, 503, 0), link = judged(true, 429, 0);
  (void)state;
  assert_true(policy_plan(&limited, 1, 0, 7, FOREVER, 1).rest == 7);
  assert_false(policy_plan(&limited, 1, 0, 7, FOREVER, 1).again);
  assert_true(policy_plan(&empty, 1, 5, 7, FOREVER, 1).rest == 0);
  assert_true(policy_plan(&busy, 1, 5, 7, FOREVER, 1).rest == 0);
  assert_true(policy_plan(&link, 1, 5, 7, FOREVER, 1).rest == 0);
}

static void repeats_as_often_as_it_may_and_in_time(void **state)
{
  struct policy_verdict busy = judged(false, 503, 0), lost = judged(false, 502, 0);
  (void)state;
  for (int retries = 0; retries <= 3; retries++)
    for (int tries = 1; tries <= 5; tries++) {
      assert_int_equal(policy_plan(&busy, tries, retries, -1, FOREVER, 1).again, tries <= retries);
      assert_false(policy_plan(&lost, tries, retries, -1, FOREVER, 1).again);
    }
  assert_true(policy_plan(&busy, 1, 1, 3, 3.5, 1).again);
  assert_false(policy_plan(&busy, 1, 1, 3, 3, 1).again);
  struct policy_verdict coded = {.kind = STEPIMG_NETWORK, .again = POLICY_UNDECODED};
  assert_true(policy_plan(&coded, 1, 0, 7, FOREVER, 1).again);
  assert_true(policy_plan(&coded, 1, 0, 7, FOREVER, 1).wait == 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(judges_every_answer_to_a_post),
      cmocka_unit_test(judges_every_answer_to_a_download),
      cmocka_unit_test(judges_every_failure_of_a_post),
      cmocka_unit_test(judges_every_failure_of_a_download),
      cmocka_unit_test(believes_a_status_without_its_body),
      cmocka_unit_test(knows_that_a_proxy_that_refuses_sends_nothing),
      cmocka_unit_test(repeats_a_question_freely),
      cmocka_unit_test(says_what_a_status_means),
      cmocka_unit_test(backs_off_with_full_jitter),
      cmocka_unit_test(waits_for_what_is_not_there_yet),
      cmocka_unit_test(goes_elsewhere_at_once_and_then_backs_off),
      cmocka_unit_test(waits_as_long_as_the_server_says_within_reason),
      cmocka_unit_test(lets_all_rest_only_for_a_429),
      cmocka_unit_test(repeats_as_often_as_it_may_and_in_time),
  };
  return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
