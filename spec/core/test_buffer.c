/* The growing buffer: its bound, handing over, release. */
#include "check.h"

#include "base/buffer.h"

static void is_empty_at_birth(void **state)
{
  struct buffer buffer;
  (void)state;
  buffer_init(&buffer, 100);
  assert_null(buffer.bytes);
  assert_int_equal(buffer.length, 0);
  assert_int_equal(buffer.max, 100);
  buffer_free(&buffer);
}

static void keeps_what_is_appended(void **state)
{
  struct buffer buffer;
  (void)state;
  buffer_init(&buffer, 1 << 20);
  for (size_t i = 0; i < 100000; i++) {
    unsigned char byte = (unsigned char)(i * 7 % 251);
    assert_int_equal(buffer_append(&buffer, &byte, 1), STEPIMG_OK);
    assert_int_equal(buffer.length, i + 1);
  }
  for (size_t i = 0; i < 100000; i++)
    assert_int_equal(buffer.bytes[i], i * 7 % 251);
  buffer_free(&buffer);
}

static void the_bound_is_reached_and_not_exceeded(void **state)
{
  static const size_t bounds[] = {1, 2, 511, 512, 513, 1000, 1023, 1024, 1025, 5000};
  unsigned char piece[5000];
  (void)state;
  memset(piece, 'x', sizeof piece);
  for (size_t i = 0; i < COUNT_OF(bounds); i++)
    for (size_t step = 1; step <= bounds[i]; step = step * 3 + 1) {
      struct buffer buffer;
      buffer_init(&buffer, bounds[i]);
      while (buffer.length + step <= bounds[i])
        assert_int_equal(buffer_append(&buffer, piece, step), STEPIMG_OK);
      size_t left = bounds[i] - buffer.length;
      unsigned char *before = buffer.bytes;
      assert_int_equal(buffer_append(&buffer, piece, left + 1), STEPIMG_PROTOCOL);
      assert_int_equal(buffer_reserve(&buffer, left + 1), STEPIMG_PROTOCOL);
      /* it stays as it was, and still takes what fits */
      assert_int_equal(buffer.length, bounds[i] - left);
      assert_ptr_equal(buffer.bytes, before);
      assert_int_equal(buffer_append(&buffer, piece, left), STEPIMG_OK);
      assert_int_equal(buffer.length, bounds[i]);
      assert_int_equal(buffer_append(&buffer, piece, 1), STEPIMG_PROTOCOL);
      assert_int_equal(buffer_append(&buffer, piece, 0), STEPIMG_OK);
      for (size_t at = 0; at < bounds[i]; at++)
        assert_int_equal(buffer.bytes[at], 'x');
      buffer_free(&buffer);
    }
}

static void lengths_that_would_overflow_are_over_the_bound(void **state)
{
  struct buffer buffer;
  (void)state;
  buffer_init(&buffer, 1000);
  assert_int_equal(buffer_append(&buffer, "0123456789", 10), STEPIMG_OK);
  for (size_t more = SIZE_MAX; more > SIZE_MAX - 20; more--)
    assert_int_equal(buffer_reserve(&buffer, more), STEPIMG_PROTOCOL);
  assert_int_equal(buffer.length, 10);
  assert_memory_equal(buffer.bytes, "0123456789", 10);
  buffer_free(&buffer);
}

static void a_bound_of_nothing_takes_nothing(void **state)
{
  struct buffer buffer;
  (void)state;
  buffer_init(&buffer, 0);
  assert_int_equal(buffer_append(&buffer, "x", 1), STEPIMG_PROTOCOL);
  assert_int_equal(buffer_append(&buffer, "x", 0), STEPIMG_OK);
  assert_null(buffer.bytes);
  buffer_free(&buffer);
}

static void reserved_room_can_be_written(void **state)
{
  struct buffer buffer;
  (void)state;
  buffer_init(&buffer, 10000);
  for (size_t more = 1; buffer.length + more <= 10000; more = more * 2 + 3) {
    assert_int_equal(buffer_reserve(&buffer, more), STEPIMG_OK);
    memset(buffer.bytes + buffer.length, 'r', more);
    buffer.length += more;
  }
  assert_int_equal(buffer_reserve(&buffer, 10000 - buffer.length), STEPIMG_OK);
  memset(buffer.bytes + buffer.length, 'r', 10000 - buffer.length);
  buffer_free(&buffer);
}

static void taken_bytes_are_the_callers(void **state)
{
  struct buffer buffer;
  size_t length = 99;
  (void)state;
  buffer_init(&buffer, 100);
  assert_null(buffer_take(&buffer, &length));
  assert_int_equal(length, 0);

  assert_int_equal(buffer_append(&buffer, "picture", 7), STEPIMG_OK);
  unsigned char *bytes = buffer_take(&buffer, &length);
  assert_int_equal(length, 7);
  assert_memory_equal(bytes, "picture", 7);
  assert_null(buffer.bytes);
  assert_int_equal(buffer.length, 0);

  /* it is as good as new, with the bound it was born with */
  assert_int_equal(buffer.max, 100);
  assert_int_equal(buffer_append(&buffer, "another", 7), STEPIMG_OK);
  assert_memory_equal(bytes, "picture", 7);
  assert_int_equal(buffer_reserve(&buffer, 94), STEPIMG_PROTOCOL);
  buffer_free(&buffer);
  free(bytes);
}

static void room_never_used_is_no_leak_when_taken(void **state)
{
  struct buffer buffer;
  size_t length = 99;
  (void)state;
  buffer_init(&buffer, 100);
  assert_int_equal(buffer_reserve(&buffer, 50), STEPIMG_OK);
  free(buffer_take(&buffer, &length));
  assert_int_equal(length, 0);
  buffer_free(&buffer);
}

static void may_be_freed_twice_and_used_again(void **state)
{
  struct buffer buffer;
  (void)state;
  buffer_init(&buffer, 100);
  buffer_free(&buffer);
  assert_int_equal(buffer_append(&buffer, "once", 4), STEPIMG_OK);
  buffer_free(&buffer);
  buffer_free(&buffer);
  assert_null(buffer.bytes);
  assert_int_equal(buffer.length, 0);
  assert_int_equal(buffer_append(&buffer, "more", 4), STEPIMG_OK);
  assert_memory_equal(buffer.bytes, "more", 4);
  buffer_free(&buffer);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(is_empty_at_birth),
      cmocka_unit_test(keeps_what_is_appended),
      cmocka_unit_test(the_bound_is_reached_and_not_exceeded),
      cmocka_unit_test(lengths_that_would_overflow_are_over_the_bound),
      cmocka_unit_test(a_bound_of_nothing_takes_nothing),
      cmocka_unit_test(reserved_room_can_be_written),
      cmocka_unit_test(taken_bytes_are_the_callers),
      cmocka_unit_test(room_never_used_is_no_leak_when_taken),
      cmocka_unit_test(may_be_freed_twice_and_used_again),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
