/* The limit on requests per minute, and the rests that the service asks for. */
#include "check.h"

#include "client/pace.h"

static void no_limit_is_no_brake(void **state)
{
  struct pace pace;
  (void)state;
  assert_true(pace_init(&pace, 0));
  for (int i = 0; i < 1000; i++) {
    assert_true(pace_next(&pace) <= 5);
    pace_begin(&pace, 5);
  }
  pace_free(&pace);
}

/* Requests that begin as soon as they may, or later: never more than the limit in any minute, and no later than it asks. */
static void no_minute_has_more_than_the_limit(void **state)
{
  enum { STARTS = 2000 };
  static double begun[STARTS];
  static const size_t limits[] = {1, 2, 3, 10, 100};
  uint32_t random = 1;
  (void)state;
  for (size_t l = 0; l < COUNT_OF(limits); l++) {
    size_t limit = limits[l];
    struct pace pace;
    double now = 1000;
    assert_true(pace_init(&pace, limit));
    for (size_t i = 0; i < STARTS; i++) {
      double next = pace_next(&pace);
      if (i < limit || begun[i - limit] < now - 61)
        assert_true(next <= now);
      else
        assert_true(next > begun[i - limit] + 60 && next < begun[i - limit] + 61);
      now = next > now ? next : now;
      if (next_random(&random) % 4 == 0)
        now += next_random(&random) % 1000 / 10.0;
      begun[i] = now;
      pace_begin(&pace, now);
    }
    pace_free(&pace);
    pace_free(&pace);
  }
}

static void the_longest_rest_counts(void **state)
{
  struct pace pace;
  (void)state;
  for (size_t limit = 0; limit < 2; limit++) {
    assert_true(pace_init(&pace, limit));
    pace_rest(&pace, 20);
    pace_rest(&pace, 10);
    assert_true(pace_next(&pace) == 20);
    pace_begin(&pace, 20);
    assert_true(pace_rested(&pace) == 20); /* whatever the limit says */
    pace_rest(&pace, 200);
    assert_true(pace_next(&pace) == 200);
    pace_free(&pace);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(no_limit_is_no_brake),
      cmocka_unit_test(no_minute_has_more_than_the_limit),
      cmocka_unit_test(the_longest_rest_counts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
