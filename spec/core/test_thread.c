/* Threads and the process's end. What happens at an end is tried in processes of its own. */
#define _GNU_SOURCE /* SIGALRM, WIFEXITED and such with -std=c11 */

#include "check.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/thread.h"

#if defined(__SANITIZE_ADDRESS__)
#define HAS_ADDRESS_SANITIZER true
#else
#define HAS_ADDRESS_SANITIZER false
#endif
#if defined(__SANITIZE_THREAD__)
#define HAS_THREAD_SANITIZER true /* which does not let a child of a process with threads start one */
#else
#define HAS_THREAD_SANITIZER false
#endif

enum { GOOD = 42, HANG = 60 /* seconds that no test takes */ };
static const double PATIENCE = 60, IMPATIENCE = 0.05;

/* What a thread works on. It frees itself when it is released: a sanitizer sees a touch after that. */
struct work {
  struct lock lock;
  bool stopping;
};

static atomic_int running, stopped, released;
static atomic_bool signals_are_blocked;

static void run_until_stopped(void *context)
{
  struct work *work = context;
  sigset_t blocked;
  pthread_sigmask(SIG_SETMASK, NULL, &blocked);
  atomic_store(&signals_are_blocked, sigismember(&blocked, SIGINT) == 1 && sigismember(&blocked, SIGXFSZ) == 1);
  lock_acquire(&work->lock);
  atomic_fetch_add(&running, 1);
  while (!work->stopping)
    lock_wait(&work->lock, clock_now() + CLOCK_FOREVER);
  atomic_fetch_sub(&running, 1);
  lock_release(&work->lock);
}

static void run_at_once(void *context)
{
  (void)context;
}

static void run_for_ever(void *context)
{
  (void)context;
  atomic_fetch_add(&running, 1);
  for (;;)
    pause();
}

static void stop_work(void *context)
{
  struct work *work = context;
  lock_acquire(&work->lock);
  work->stopping = true;
  lock_release(&work->lock);
  lock_wake(&work->lock);
  atomic_fetch_add(&stopped, 1);
}

static void release(void *context)
{
  struct work *work = context;
  lock_destroy(&work->lock);
  free(work);
  atomic_fetch_add(&released, 1);
}

static struct work *start(void (*run)(void *))
{
  struct work *work = calloc(1, sizeof *work);
  struct thread_task task = {.run = run, .stop = stop_work, .release = release, .context = work};
  assert_non_null(work);
  assert_true(lock_init(&work->lock));
  assert_int_equal(thread_start(&task), THREAD_STARTED);
  return work;
}

static void wait_for(atomic_int *count, int wanted)
{
  while (atomic_load(count) != wanted)
    usleep(100);
}

/* How a child that was to end by exit has ended; -1: otherwise. */
static int code_of(pid_t child)
{
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

enum { ANY = -1 };
static int wanted_stopped, wanted_released;
static bool forked_off; /* what its parent's threads were just at is lost, as a search for leaks would find */

/* At the very end of a scenario's process: its threads are over, and no other one is started. */
static void judge(void)
{
  struct thread_task task = {.run = run_at_once, .stop = stop_work, .release = release};
  bool counted = (wanted_stopped == ANY || atomic_load(&stopped) == wanted_stopped) &&
                 (wanted_released == ANY || atomic_load(&released) == wanted_released);
  if (counted && thread_start(&task) == THREAD_NONE_LEFT && forked_off)
    execl("/bin/sh", "sh", "-c", "exit 42", (char *)NULL); /* before that search */
  if (counted && thread_start(&task) == THREAD_NONE_LEFT)
    return;
  fprintf(stderr, "stopped %d, released %d\n", atomic_load(&stopped), atomic_load(&released));
  _exit(2);
}

/* Runs a scenario in a process whose end waits so long for its threads. Returns the code that it ended with: GOOD, if it
   ended by exit and so many contexts were stopped and released. */
static int end_of(void (*scenario)(void), double seconds, int stops, int releases)
{
  pid_t child = fork();
  assert_true(child >= 0);
  if (child > 0)
    return code_of(child);
  alarm(HANG);
  wanted_stopped = stops;
  wanted_released = releases;
  if (atexit(judge) != 0 || !thread_end_at_exit(seconds)) /* judge runs after that of the threads */
    _exit(3);
  scenario();
  exit(GOOD);
}

static void want(bool truth, int code)
{
  if (!truth)
    _exit(code);
}

/* ------------------------------------------------------------------------------------------------------ the end -- */

static void three_live(void)
{
  for (int i = 0; i < 3; i++)
    start(run_until_stopped);
  wait_for(&running, 3);
}

static void the_end_stops_what_lives_and_waits_for_it(void **state)
{
  (void)state;
  assert_int_equal(end_of(three_live, PATIENCE, 3, 3), GOOD);
}

static void one_hangs(void)
{
  start(run_for_ever);
  start(run_until_stopped);
  wait_for(&running, 2);
}

static void the_end_waits_no_longer_than_it_was_told_for_one_that_hangs(void **state)
{
  (void)state;
  assert_int_equal(end_of(one_hangs, IMPATIENCE, 2, 1), GOOD);
}

static void all_are_over(void)
{
  for (int i = 0; i < 20; i++)
    start(run_at_once);
  wait_for(&released, 20);
}

static void the_end_does_not_stop_what_is_over(void **state)
{
  (void)state;
  assert_int_equal(end_of(all_are_over, PATIENCE, 0, 20), GOOD);
}

/* They end by themselves while the process's end looks for them. */
static void some_are_just_ending(void)
{
  for (int i = 0; i < 16; i++)
    start(run_at_once);
}

static void a_context_is_released_once_whoever_is_last(void **state)
{
  (void)state;
  for (int i = 0; i < 50; i++)
    assert_int_equal(end_of(some_are_just_ending, PATIENCE, ANY, 16), GOOD);
}

/* -------------------------------------------------------------------------------------------------------- start -- */

static void signals(void)
{
  start(run_until_stopped);
  wait_for(&running, 1);
  want(atomic_load(&signals_are_blocked), 4);
  sigset_t blocked;
  pthread_sigmask(SIG_SETMASK, NULL, &blocked);
  want(sigismember(&blocked, SIGINT) == 0, 5);
}

static void signals_stay_on_the_threads_of_the_host(void **state)
{
  (void)state;
  assert_int_equal(end_of(signals, PATIENCE, 1, 1), GOOD);
}

/* The process's memory in bytes, its threads' stacks with it. */
static double size(void)
{
  double pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  want(file != NULL && fscanf(file, "%lf", &pages) == 1, 6);
  fclose(file);
  return pages * (double)sysconf(_SC_PAGESIZE);
}

/* A stack that nobody has joined takes 8 MB of addresses. */
static void one_after_the_other(void)
{
  double before = 0;
  for (int i = 1; i <= 300; i++) {
    start(run_at_once);
    wait_for(&released, i);
    if (i == 100)
      before = size();
  }
  want(size() - before < 400e6, 7);
}

static void what_is_over_takes_nothing(void **state)
{
  (void)state;
  if (access("/proc/self/statm", R_OK) != 0)
    skip();
  assert_int_equal(end_of(one_after_the_other, PATIENCE, 0, 300), GOOD);
}

/* By qemu (spec/arch.sh), which does not do all that a kernel does. */
static bool is_emulated(void)
{
  return getenv("STEPIMG_EMULATED") != NULL;
}

static void limited(void)
{
  struct rlimit before = {0, 0}, limit;
  struct work *work = calloc(1, sizeof *work);
  struct thread_task task = {.run = run_until_stopped, .stop = stop_work, .release = release, .context = work};
  want(work != NULL && lock_init(&work->lock) && getrlimit(RLIMIT_AS, &before) == 0, 4);
  limit = before;
  limit.rlim_cur = (rlim_t)size() + (1 << 20); /* no room for a stack */
  want(setrlimit(RLIMIT_AS, &limit) == 0, 5);
  want(thread_start(&task) == THREAD_NONE_LEFT, 6);
  want(setrlimit(RLIMIT_AS, &before) == 0, 7);
  want(thread_start(&task) == THREAD_STARTED, 8);
}

static void that_none_is_left_passes(void **state)
{
  (void)state;
  if (HAS_ADDRESS_SANITIZER || HAS_THREAD_SANITIZER || is_emulated() || access("/proc/self/statm", R_OK) != 0)
    skip(); /* they take all addresses there are; qemu knows no such limit */
  assert_int_equal(end_of(limited, PATIENCE, 1, 1), GOOD);
}

/* --------------------------------------------------------------------------------------------------------- fork -- */

static void start_and_end_one(void)
{
  if (HAS_THREAD_SANITIZER)
    return;
  start(run_until_stopped);
  wanted_stopped = wanted_released = 1;
}

static void forked(void)
{
  start(run_at_once); /* is to be joined by its process alone */
  wait_for(&released, 1);
  start(run_until_stopped);
  start(run_for_ever);
  wait_for(&running, 2);
  unsigned generation = thread_generation();
  pid_t child = fork();
  want(child >= 0, 4);
  if (child == 0) {
    alarm(HANG);
    forked_off = true;
    atomic_store(&released, 0);
    wanted_stopped = wanted_released = 0;
    want(thread_generation() != generation, 5);
    start_and_end_one();
    exit(GOOD); /* by the way of all ends: it waits for its own, and not for its parent's */
  }
  want(code_of(child) == GOOD, 6);
  want(thread_generation() == generation, 7);
  want(atomic_load(&running) == 2, 8);
}

static void a_child_has_none_of_its_parents_threads_and_the_parent_all(void **state)
{
  (void)state;
  assert_int_equal(end_of(forked, IMPATIENCE, 2, 2), GOOD);
}

static atomic_bool enough;

static void run_and_start_others(void *context)
{
  (void)context;
  while (!atomic_load(&enough)) {
    struct thread_task task = {.run = run_at_once, .stop = stop_work, .release = release, .context = NULL};
    task.context = calloc(1, sizeof(struct work));
    if (task.context == NULL || !lock_init(&((struct work *)task.context)->lock) ||
        thread_start(&task) != THREAD_STARTED)
      abort();
    usleep(50);
  }
}

static void forked_at_any_moment(void)
{
  start(run_and_start_others);
  for (int i = 0; i < 200; i++) {
    pid_t child = fork();
    want(child >= 0, 4);
    if (child == 0) {
      alarm(HANG);
      forked_off = true;
      atomic_store(&stopped, 0);
      atomic_store(&released, 0);
      wanted_stopped = wanted_released = 0;
      start_and_end_one();
      exit(GOOD);
    }
    want(code_of(child) == GOOD, 5);
  }
  atomic_store(&enough, true);
  wanted_released = ANY;
}

static void a_child_is_made_whole_whatever_the_threads_are_doing(void **state)
{
  (void)state;
  if (HAS_ADDRESS_SANITIZER || HAS_THREAD_SANITIZER || is_emulated())
    skip(); /* their own locks are not made for such a fork, nor are qemu's */
  assert_int_equal(end_of(forked_at_any_moment, PATIENCE, ANY, 0), GOOD);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_end_stops_what_lives_and_waits_for_it),
      cmocka_unit_test(the_end_waits_no_longer_than_it_was_told_for_one_that_hangs),
      cmocka_unit_test(the_end_does_not_stop_what_is_over),
      cmocka_unit_test(a_context_is_released_once_whoever_is_last),
      cmocka_unit_test(signals_stay_on_the_threads_of_the_host),
      cmocka_unit_test(what_is_over_takes_nothing),
      cmocka_unit_test(that_none_is_left_passes),
      cmocka_unit_test(a_child_has_none_of_its_parents_threads_and_the_parent_all),
      cmocka_unit_test(a_child_is_made_whole_whatever_the_threads_are_doing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
