/* The clock, and the lock's waits by it. */
#define _GNU_SOURCE /* unshare */

#include "check.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined(__linux__)
#include <sched.h>
#endif

#include "base/clock.h"
#include "base/lock.h"

enum { GOOD = 42, SKIPPED, SUSPENDED = 3600 /* seconds */ };

static void the_clock_goes_on(void **state)
{
  double before = clock_now();
  (void)state;
  for (int i = 0; i < 1000; i++) {
    double now = clock_now();
    assert_true(now >= before);
    before = now;
  }
  double began = clock_now();
  usleep(20000);
  assert_true(clock_now() - began >= 0.02);
}

static void what_was_no_suspend_changes_nothing(void **state)
{
  double before = clock_suspended();
  (void)state;
  assert_true(before >= 0);
  usleep(20000);
  double after = clock_suspended();
  assert_true(after - before < 0.5 && before - after < 0.5);
}

/* A name space of clocks, in which the machine was once suspended, as it seems. */
static int in_another_time(double before)
{
#if defined(__linux__) && defined(CLONE_NEWTIME)
  char line[64];
  int length = snprintf(line, sizeof line, "boottime %d 0\n", SUSPENDED);
  if (unshare(CLONE_NEWTIME) != 0)
    return SKIPPED;
  int file = open("/proc/self/timens_offsets", O_WRONLY);
  if (file < 0 || write(file, line, (size_t)length) != length)
    return SKIPPED;
  close(file);
  int status;
  pid_t child = fork(); /* this process stays in the old one */
  if (child == 0) {
    double grown = clock_suspended() - before;
    _exit(grown > SUSPENDED - 1 && grown < SUSPENDED + 1 ? GOOD : 1);
  }
  return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
#else
  (void)before;
  return SKIPPED;
#endif
}

static void a_suspend_is_seen(void **state)
{
  double before = clock_suspended();
  pid_t child = fork();
  int status;
  (void)state;
  assert_true(child >= 0);
  if (child == 0)
    _exit(in_another_time(before));
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  if (WEXITSTATUS(status) == SKIPPED)
    skip();
  assert_int_equal(WEXITSTATUS(status), GOOD);
}

/* A condition that went by another clock would wake at once, again and again, or not for years. */
static void a_wait_ends_at_its_moment(void **state)
{
  struct lock lock;
  int wakes = 0;
  (void)state;
  assert_true(lock_init(&lock));
  lock_acquire(&lock);
  double until = clock_now() + 0.1;
  for (; clock_now() < until; wakes++)
    lock_wait(&lock, until);
  lock_wait(&lock, until); /* it is past: at once */
  lock_release(&lock);
  lock_destroy(&lock);
  assert_true(wakes < 20);
}

struct shared {
  struct lock lock;
  bool rung;
};

static void *ring(void *context)
{
  struct shared *shared = context;
  lock_acquire(&shared->lock);
  shared->rung = true;
  lock_release(&shared->lock);
  lock_wake(&shared->lock);
  return NULL;
}

static void a_wait_ends_when_it_is_woken(void **state)
{
  struct shared shared = {.rung = false};
  pthread_t thread;
  (void)state;
  assert_true(lock_init(&shared.lock));
  double until = clock_now() + CLOCK_FOREVER;
  lock_acquire(&shared.lock);
  assert_int_equal(pthread_create(&thread, NULL, ring, &shared), 0);
  while (!shared.rung)
    lock_wait(&shared.lock, until);
  lock_release(&shared.lock);
  pthread_join(thread, NULL);
  lock_destroy(&shared.lock);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_clock_goes_on),
      cmocka_unit_test(what_was_no_suspend_changes_nothing),
      cmocka_unit_test(a_suspend_is_seen),
      cmocka_unit_test(a_wait_ends_at_its_moment),
      cmocka_unit_test(a_wait_ends_when_it_is_woken),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
