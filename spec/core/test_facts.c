/* What is asked without a picture: an account and models, as servers may write them. */
#include "check.h"

#include <math.h>
#include <stdio.h>

#include "payload/answer.h"
#include "payload/facts.h"

#define KEY "sk-0123456789abcdef"

static enum stepimg_kind read_as(struct facts *facts, bool account, const char *text, size_t length)
{
  const char *why = NULL;
  struct buffer body;
  buffer_init(&body, FACTS_MAX_BODY);
  assert_int_equal(buffer_append(&body, text, length), STEPIMG_OK);
  enum stepimg_kind kind = facts_read(facts, account, &body, KEY, &why);
  assert_true(kind != STEPIMG_OK || facts_is_object(&body));
  assert_true((kind == STEPIMG_OK) == (why == NULL));
  assert_true(kind != STEPIMG_OK || (facts->account != NULL) == account);
  buffer_free(&body);
  return kind;
}

static void reads_an_account(void **state)
{
  static const struct {
    const char *body, *type;
    double balance, cash;
  } cases[] = {
      {"{\"object\":\"account\",\"type\":\"prepaid\",\"balance\":26.00,\"total_cash_balance\":0.00}", "prepaid", 26, 0},
      {"\xef\xbb\xbf \r\n{\"balance\":1}", NULL, 1, NAN},
      {"{\"balance\":-0.5,\"total_cash_balance\":\"1\",\"type\":7}", NULL, -0.5, NAN},
      {"{\"balance\":1,\"balance\":2,\"type\":\"a\\nb\",\"type\":\"c\"}", "a?b", 2, NAN},
      {"{\"balance\":0.1,\"total_cash_balance\":1e2,\"type\":\"x" KEY "y\"}", NULL, 0.1, 100},
  };
  struct facts facts = {NULL, NULL, 0};
  (void)state;
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    assert_int_equal(read_as(&facts, true, cases[i].body, strlen(cases[i].body)), STEPIMG_OK);
    assert_true(facts.account->balance == cases[i].balance);
    assert_true(facts.account->total_cash_balance == cases[i].cash || isnan(cases[i].cash));
    assert_true(isnan(facts.account->total_voucher_balance));
    if (cases[i].type != NULL && i != 3)
      assert_string_equal(facts.account->type, cases[i].type);
    assert_true(facts.account->type == NULL || strstr(facts.account->type, KEY) == NULL);
  }
  facts_free(&facts);
  facts_free(&facts);
}

static void reads_models(void **state)
{
  static const char body[] = "{\"data\":[{\"id\":\"a\",\"owned_by\":\"x\"},{\"id\":\"\"},{\"id\":7},{},{\"id\":"
                             "\"\\u706f\"}],\"object\":\"list\"}";
  struct facts facts = {NULL, NULL, 0};
  (void)state;
  assert_int_equal(read_as(&facts, false, body, sizeof body - 1), STEPIMG_OK);
  assert_int_equal(facts.model_count, 2);
  assert_string_equal(facts.models[0], "a");
  assert_string_equal(facts.models[1], "\xe7\x81\xaf");
  assert_int_equal(read_as(&facts, false, "{\"data\":[]}", 11), STEPIMG_OK);
  assert_int_equal(facts.model_count, 0);
  facts_free(&facts);
}

static void is_bounded(void **state)
{
  enum { MANY = FACTS_MAX_MODELS + 10 };
  struct facts facts = {NULL, NULL, 0};
  char *body = malloc(20 + MANY * 12 + 4000);
  (void)state;
  assert_non_null(body);
  size_t length = (size_t)sprintf(body, "{\"data\":[{\"id\":\"");
  for (int i = 0; i < 300; i++)
    length +=
        (size_t)sprintf(body + length, i % 7 == 0 ? "\\u706f" : "\xe7\x81\xaf"); /* an escape begins a new piece */
  length += (size_t)sprintf(body + length, "\"}");
  for (int i = 0; i < MANY; i++)
    length += (size_t)sprintf(body + length, ",{\"id\":\"x\"}");
  length += (size_t)sprintf(body + length, "]}");
  assert_int_equal(read_as(&facts, false, body, length), STEPIMG_OK);
  assert_int_equal(facts.model_count, FACTS_MAX_MODELS);
  assert_int_equal(strlen(facts.models[0]), FACTS_MAX_TEXT / 3 * 3); /* no character is cut in two */
  facts_free(&facts);
  free(body);
}

static void refuses_what_is_neither(void **state)
{
  static const char *const bodies[] = {"",
                                       "{",
                                       "[]",
                                       "{\"balance\":1",
                                       "true",
                                       "{\"data\":1}",
                                       "{\"data\":{}}",
                                       "{\"balance\":\"1\"}",
                                       "{\"data\":[{\"id\":\"a\"}",
                                       "\xff"};
  struct facts facts = {NULL, NULL, 0};
  (void)state;
  for (size_t i = 0; i < COUNT_OF(bodies); i++)
    for (int account = 0; account <= 1; account++)
      assert_int_equal(read_as(&facts, account, bodies[i], strlen(bodies[i])), STEPIMG_PROTOCOL);
  facts_free(&facts);
}

/* As an answer: torn anywhere, and too large. */
static void arrives_in_pieces(void **state)
{
  static const char body[] = "{\"type\":\"prepaid\",\"balance\":26.5}";
  (void)state;
  for (size_t piece = 1; piece < sizeof body; piece++) {
    struct answer answer;
    struct stepimg_outcome outcome = {.error = {.kind = STEPIMG_OK}};
    answer_init(&answer, 1000, KEY, NULL);
    assert_true(answer_begin(&answer, ANSWER_ACCOUNT, -1, NULL));
    for (size_t at = 0; at < sizeof body - 1; at += piece)
      assert_true(answer_write(&answer, body + at, sizeof body - 1 - at < piece ? sizeof body - 1 - at : piece));
    assert_true(answer_end(&answer, true, ""));
    answer_take(&answer, &outcome);
    answer_free(&answer);
    assert_string_equal(outcome.account->type, "prepaid");
    assert_true(outcome.account->balance == 26.5);
    answer_release(&outcome);
  }
}

static void is_never_too_large(void **state)
{
  static char piece[64 * 1024];
  struct answer answer;
  int pieces = 0;
  (void)state;
  memset(piece, ' ', sizeof piece);
  answer_init(&answer, (size_t)1 << 30, NULL, NULL);
  assert_true(answer_begin(&answer, ANSWER_MODELS, -1, NULL));
  while (answer_write(&answer, piece, sizeof piece))
    pieces++;
  assert_int_equal(pieces, FACTS_MAX_BODY / (int)sizeof piece);
  assert_int_equal(answer.kind, STEPIMG_PROTOCOL);
  answer_free(&answer);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_an_account),  cmocka_unit_test(reads_models),
      cmocka_unit_test(is_bounded),        cmocka_unit_test(refuses_what_is_neither),
      cmocka_unit_test(arrives_in_pieces), cmocka_unit_test(is_never_too_large),
  };
  return cmocka_run_group_tests_name("facts", tests, NULL, NULL);
}
