/* The heap of timers, against a search through all of them. */
#include "check.h"

#include <math.h>

#include "client/timers.h"

enum { TIMERS = 300, STEPS = 20000 };

static double earliest(const struct timer *all)
{
  double moment = INFINITY;
  for (size_t i = 0; i < TIMERS; i++)
    if (all[i].place > 0 && all[i].moment < moment)
      moment = all[i].moment;
  return moment;
}

static void the_earliest_is_first_whatever_is_set_moved_and_cleared(void **state)
{
  static struct timer all[TIMERS];
  struct timers timers = {.heap = NULL};
  uint32_t random = 1;
  (void)state;
  assert_null(timers_first(&timers));
  for (int step = 0; step < STEPS; step++) {
    struct timer *timer = &all[next_random(&random) % TIMERS];
    bool fills = step / 1000 % 2 == 0; /* and empties by turns */
    if (next_random(&random) % 4 == 0 ? fills : !fills)
      timers_clear(&timers, timer);
    else
      assert_true(timers_set(&timers, timer, next_random(&random) % 100)); /* many are equal */
    const struct timer *first = timers_first(&timers);
    assert_true((first != NULL ? first->moment : INFINITY) == earliest(all));
  }
  double before = -1;
  for (struct timer *first; (first = timers_first(&timers)) != NULL; timers_clear(&timers, first)) {
    assert_true(first->moment >= before);
    before = first->moment;
  }
  for (size_t i = 0; i < TIMERS; i++)
    assert_int_equal(all[i].place, 0);
  timers_free(&timers);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_earliest_is_first_whatever_is_set_moved_and_cleared),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
