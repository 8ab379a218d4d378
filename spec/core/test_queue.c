/* The queue of finished jobs: first in, first out, from any place, and its descriptor. */
#include "check.h"

#include <poll.h>

#include "client/queue.h"

enum { JOBS = 4 };

struct item {
  struct list_link link;
};

static const struct item *first(const struct stepimg_queue *queue)
{
  return LIST_ITEM(list_first(&queue->finished), struct item, link);
}

static bool is_readable(int descriptor)
{
  struct pollfd polled = {.fd = descriptor, .events = POLLIN};
  return poll(&polled, 1, 0) == 1;
}

static void hands_out_in_the_order_of_arrival(void **state)
{
  struct item items[JOBS] = {{{NULL, NULL}}};
  struct stepimg_queue *queue = queue_new();
  (void)state;
  assert_non_null(queue);
  assert_null(first(queue));
  for (int i = 0; i < JOBS; i++)
    queue_push(queue, &items[i].link);
  assert_int_equal(queue->count, JOBS);
  queue_remove(queue, &items[2].link); /* asked for by its handle */
  static const int order[] = {0, 1, 3};
  for (size_t i = 0; i < COUNT_OF(order); i++) {
    assert_ptr_equal(first(queue), &items[order[i]]);
    queue_remove(queue, &items[order[i]].link);
  }
  assert_null(first(queue));
  assert_int_equal(queue->count, 0);
  queue_release(queue);
}

static void is_readable_while_it_holds_something(void **state)
{
  struct item items[2] = {{{NULL, NULL}}};
  struct stepimg_queue *queue = queue_new();
  (void)state;
  queue_push(queue, &items[0].link);
  int descriptor = queue_descriptor(queue); /* opened late */
  assert_true(descriptor >= 0);
  assert_int_equal(queue_descriptor(queue), descriptor);
  assert_true(is_readable(descriptor));
  queue_push(queue, &items[1].link);
  queue_remove(queue, &items[0].link);
  assert_true(is_readable(descriptor));
  queue_remove(queue, &items[1].link);
  assert_false(is_readable(descriptor));
  queue_push(queue, &items[0].link);
  assert_true(is_readable(descriptor));
  queue_remove(queue, &items[0].link);
  assert_ptr_equal(queue_hold(queue), queue);
  queue_release(queue);
  assert_false(is_readable(descriptor)); /* there is another holder */
  queue_release(queue);
  queue_release(NULL);
  assert_null(queue_hold(NULL));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(hands_out_in_the_order_of_arrival),
      cmocka_unit_test(is_readable_while_it_holds_something),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
