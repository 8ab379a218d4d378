/* Descriptors of the core's own: none is inherited by a program that the host starts. */
#define _GNU_SOURCE /* poll and fcntl with -std=c11 */

#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/signal.h"
#include "base/socket.h"

static bool closes_on_exec(int descriptor)
{
  return (fcntl(descriptor, F_GETFD) & FD_CLOEXEC) != 0;
}

static bool is_readable(const struct signal *signal)
{
  struct pollfd look = {.fd = signal->read, .events = POLLIN};
  return poll(&look, 1, 0) == 1;
}

/* The process can open no other descriptor, or all that it could before. */
static void leave_none(bool none)
{
  static struct rlimit before;
  struct rlimit limit;
  if (!none) {
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    return;
  }
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
  int lowest = open("/", O_RDONLY);
  assert_true(lowest >= 0);
  close(lowest);
  limit = before;
  limit.rlim_cur = (rlim_t)lowest;
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void sockets_are_closed_on_exec(void **state)
{
  static const int families[] = {AF_INET, AF_INET6, AF_UNIX};
  (void)state;
  for (size_t i = 0; i < COUNT_OF(families); i++) {
    int descriptor = (int)socket_open(families[i], SOCK_STREAM, 0), type = 0;
    socklen_t size = sizeof type;
    if (descriptor < 0 && errno == EAFNOSUPPORT)
      continue; /* a system without IPv6 */
    assert_true(descriptor >= 0);
    assert_true(closes_on_exec(descriptor));
    assert_int_equal(getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size), 0);
    assert_int_equal(type, SOCK_STREAM);
    close(descriptor);
  }
}

static void a_socket_that_cannot_be_had_says_why(void **state)
{
  (void)state;
  errno = 0;
  assert_int_equal(socket_open(-1, SOCK_STREAM, 0), -1);
  assert_int_equal(errno, EAFNOSUPPORT);
  leave_none(true);
  intptr_t descriptor = socket_open(AF_INET, SOCK_STREAM, 0);
  int number = errno;
  leave_none(false);
  assert_int_equal(descriptor, -1);
  assert_int_equal(number, EMFILE);
}

static void a_signal_is_readable_while_it_is_set(void **state)
{
  struct signal signal = SIGNAL_NONE;
  (void)state;
  signal_set(&signal); /* none is open: without harm */
  signal_clear(&signal);
  assert_true(signal_open(&signal));
  assert_true(closes_on_exec(signal.read) && closes_on_exec(signal.write));
  for (int i = 0; i < 3; i++) {
    assert_false(is_readable(&signal));
    signal_set(&signal);
    assert_true(is_readable(&signal));
    assert_true(is_readable(&signal));
    signal_clear(&signal);
  }
  assert_false(is_readable(&signal));
  int descriptor = signal.read;
  signal_close(&signal);
  signal_close(&signal);
  assert_int_equal(signal.read, -1);
  assert_int_equal(fcntl(descriptor, F_GETFD), -1);
}

static void a_signal_that_cannot_be_had_is_none(void **state)
{
  struct signal signal = SIGNAL_NONE;
  (void)state;
  leave_none(true);
  bool opened = signal_open(&signal);
  leave_none(false);
  assert_false(opened);
  assert_int_equal(signal.read, -1);
  assert_true(signal_open(&signal)); /* later there may be one */
  signal_close(&signal);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sockets_are_closed_on_exec),
      cmocka_unit_test(a_socket_that_cannot_be_had_says_why),
      cmocka_unit_test(a_signal_is_readable_while_it_is_set),
      cmocka_unit_test(a_signal_that_cannot_be_had_is_none),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
