/* What a job keeps of its requests: which of very many, whose times and whose id, and what is left without memory. */
#include "check.h"

#include <stdio.h>

#include "client/history.h"

static char *copy(const char *text)
{
  return text != NULL ? exact_copy(text, strlen(text) + 1) : NULL;
}

static void begin(struct history *history, bool asks, double now)
{
  history_begin(history, history_new(asks ? "POST" : "GET"), asks, now);
}

static void end(struct history *history, int status, const char *id, const char *message, double now)
{
  struct stepimg_exchange facts = {
      .status = status, .request_id = copy(id), .message = copy(message), .method = "PUT", .waited = 99};
  bool taken = history->open;
  history_end(history, &facts, now);
  assert_int_equal(taken, facts.request_id == NULL && facts.message == NULL);
  free((char *)facts.request_id);
  free((char *)facts.message);
}

static size_t count(const struct stepimg_exchange *entry)
{
  size_t entries = 0;
  for (; entry != NULL; entry = entry->next)
    entries++;
  return entries;
}

static void entries_come_in_their_order_with_their_times(void **state)
{
  struct history history;
  struct stepimg_outcome outcome = {.error.request_id = "of another"};
  (void)state;
  history_init(&history, 100);
  assert_true(history.timing.queued < 0 && history.timing.connect < 0);
  begin(&history, true, 103);
  end(&history, 503, "one", "too much", 104);
  begin(&history, true, 106);
  end(&history, 200, "two", NULL, 110);
  begin(&history, false, 110.5);
  end(&history, 404, "three", "nothing there", 111);
  history_give(&history, &outcome);
  const struct stepimg_exchange *entry = outcome.history;
  assert_int_equal(count(entry), 3);
  assert_string_equal(entry->method, "POST");
  assert_string_equal(entry->request_id, "one");
  assert_string_equal(entry->message, "too much");
  assert_true(entry->status == 503 && entry->waited == 3 && entry->seconds == 1);
  entry = entry->next;
  assert_true(entry->status == 200 && entry->waited == 2 && entry->seconds == 4 && entry->message == NULL);
  entry = entry->next;
  assert_string_equal(entry->method, "GET");
  assert_true(entry->status == 404 && entry->waited == 0.5 && entry->seconds == 0.5);
  assert_true(outcome.timing.queued == 3 && outcome.left_out == 0);
  assert_string_equal(outcome.error.request_id, "two");
  history_free(outcome.history);
}

/* What is given away is not in it any more, and what is noted after that is of no outcome. */
static void what_was_given_is_gone(void **state)
{
  struct history history;
  struct stepimg_outcome outcome = {.left_out = 0}, other = {.left_out = 0};
  (void)state;
  history_init(&history, 1);
  begin(&history, true, 2);
  history_give(&history, &outcome);
  assert_int_equal(count(outcome.history), 1);
  end(&history, 200, "late", "late", 3);
  assert_true(outcome.history->status == 0 && outcome.history->request_id == NULL);
  history_give(&history, &other);
  assert_null(other.history);
  assert_string_equal(other.error.request_id, "");
  history_free(outcome.history);
  history_free(NULL);
}

static void the_times_are_those_of_the_last_request_to_the_service(void **state)
{
  static const struct stepimg_timing first = {.queued = 77, .connect = 1, .tls = 2, .first_byte = 3};
  struct history history;
  struct stepimg_outcome outcome = {.left_out = 0};
  (void)state;
  history_init(&history, 0);
  begin(&history, true, 5);
  history_time(&history, &first);
  end(&history, 500, NULL, NULL, 6);
  begin(&history, false, 7);
  assert_true(history.timing.connect == 1 && history.timing.tls == 2 && history.timing.first_byte == 3);
  end(&history, 500, NULL, NULL, 8);
  assert_true(history.timing.queued == 5);
  begin(&history, true, 9);
  history_give(&history, &outcome);
  assert_true(outcome.timing.connect < 0 && outcome.timing.tls < 0 && outcome.timing.first_byte < 0);
  assert_true(outcome.timing.queued == 5);
  history_free(outcome.history);
}

/* Of many, the first half and the last ones stay, and of those between the last to the service. */
static void the_middle_of_very_many_is_left_out(void **state)
{
  enum { HALF = STEPIMG_MAX_HISTORY / 2, MANY = 1000 };
  (void)state;
  for (int asked = 0; asked < MANY; asked += asked < 2 * STEPIMG_MAX_HISTORY ? 1 : 100) {
    struct history history;
    struct stepimg_outcome outcome = {.left_out = 0};
    int place = 0;
    history_init(&history, 0);
    for (int i = 0; i < MANY; i++) {
      char id[16];
      snprintf(id, sizeof id, "%d", i);
      begin(&history, i <= asked, i);
      end(&history, i + 1, id, id, i);
      assert_int_equal(count(history.first), i < STEPIMG_MAX_HISTORY ? i + 1 : STEPIMG_MAX_HISTORY);
    }
    history_give(&history, &outcome);
    assert_int_equal(outcome.left_out, MANY - STEPIMG_MAX_HISTORY);
    assert_int_equal(atoi(outcome.error.request_id), asked);
    bool between = asked >= HALF && asked < MANY - HALF;
    for (const struct stepimg_exchange *entry = outcome.history; entry != NULL; entry = entry->next, place++) {
      int wanted = place < HALF ? place : MANY - STEPIMG_MAX_HISTORY + place;
      if (between && place == HALF)
        wanted = asked;
      assert_int_equal(entry->status, wanted + 1);
      assert_int_equal(atoi(entry->message), wanted);
    }
    history_free(outcome.history);
  }
}

static void without_memory_an_entry_is_left_out_and_told(void **state)
{
  struct history history;
  struct stepimg_outcome outcome = {.error.request_id = "of the answer"};
  (void)state;
  history_init(&history, 10);
  history_begin(&history, NULL, true, 12);
  end(&history, 200, "id", "message", 13);
  begin(&history, false, 15);
  end(&history, 404, NULL, NULL, 16);
  history_begin(&history, NULL, false, 17);
  history_give(&history, &outcome);
  assert_int_equal(count(outcome.history), 1);
  assert_int_equal(outcome.left_out, 2);
  assert_true(outcome.history->waited == 2 && outcome.timing.queued == 2);
  assert_string_equal(outcome.error.request_id, "of the answer");
  history_free(outcome.history);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(entries_come_in_their_order_with_their_times),
      cmocka_unit_test(what_was_given_is_gone),
      cmocka_unit_test(the_times_are_those_of_the_last_request_to_the_service),
      cmocka_unit_test(the_middle_of_very_many_is_left_out),
      cmocka_unit_test(without_memory_an_entry_is_left_out_and_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
