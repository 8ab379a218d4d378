/* The door between a job's states: its lists, its count in flight, its timer; and that there is no other way. */
#include "check.h"

#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/state.h"

enum { STATES = JOB_ENDED + 1 };

/* The way to each state from JOB_NEW, JOB_ENDED being the way's end. */
static const enum job_state ways[STATES][5] = {
    [JOB_NEW] = {JOB_ENDED},
    [JOB_LOOKING] = {JOB_LOOKING, JOB_ENDED},
    [JOB_QUEUED] = {JOB_QUEUED, JOB_ENDED},
    [JOB_POSTING] = {JOB_QUEUED, JOB_POSTING, JOB_ENDED},
    [JOB_ASKING] = {JOB_ASKING, JOB_ENDED},
    [JOB_FETCHING] = {JOB_QUEUED, JOB_POSTING, JOB_FETCHING, JOB_ENDED},
    [JOB_PAUSED] = {JOB_QUEUED, JOB_POSTING, JOB_PAUSED, JOB_ENDED},
    [JOB_STORING] = {JOB_QUEUED, JOB_POSTING, JOB_STORING, JOB_ENDED},
};

static struct stepimg_client client;

static void begin(struct jobs *jobs, struct stepimg_job *job)
{
  jobs_init(jobs);
  memset(job, 0, sizeof *job);
  job->client = &client;
}

static void go(struct jobs *jobs, struct stepimg_job *job, enum job_state state)
{
  for (const enum job_state *step = ways[state]; *step != JOB_ENDED; step++)
    job_enter(jobs, job, *step, "test");
}

static void each_state_has_its_list(void **unused)
{
  (void)unused;
  for (int state = JOB_NEW; state < JOB_ENDED; state++) {
    struct jobs jobs;
    struct stepimg_job job;
    begin(&jobs, &job);
    go(&jobs, &job, (enum job_state)state);
    bool flies = state == JOB_POSTING || state == JOB_FETCHING || state == JOB_STORING;
    assert_int_equal(atomic_load(&job.state), state);
    assert_int_equal(jobs.in_flight, flies);
    assert_int_equal(jobs_first(&jobs.flight) == &job, flies);
    assert_int_equal(jobs_first(&jobs.looking) == &job, state == JOB_LOOKING);
    assert_int_equal(jobs_first(&jobs.queued) == &job, state == JOB_QUEUED);
    assert_int_equal(jobs_first(&jobs.asking) == &job, state == JOB_ASKING);
    assert_int_equal(jobs_first(&jobs.paused) == &job, state == JOB_PAUSED);
    job_enter(&jobs, &job, JOB_ENDED, "test");
    assert_int_equal(jobs.in_flight, 0);
    assert_true(list_is_empty(&jobs.flight) && list_is_empty(&jobs.queued) && list_is_empty(&jobs.asking) &&
                list_is_empty(&jobs.paused) && list_is_empty(&jobs.looking));
    jobs_free(&jobs);
  }
}

static void first_come_first_served_and_after_a_pause_before_all(void **unused)
{
  struct jobs jobs;
  struct stepimg_job job[3];
  (void)unused;
  begin(&jobs, &job[0]);
  for (size_t i = 0; i < COUNT_OF(job); i++) {
    struct jobs ignored;
    begin(&ignored, &job[i]);
    job_enter(&jobs, &job[i], JOB_QUEUED, "test");
  }
  assert_ptr_equal(jobs_first(&jobs.queued), &job[0]);
  job_enter(&jobs, &job[0], JOB_POSTING, "test");
  job_enter(&jobs, &job[0], JOB_PAUSED, "test");
  assert_ptr_equal(jobs_first(&jobs.queued), &job[1]);
  job_enter_first(&jobs, &job[0], "test");
  assert_ptr_equal(jobs_first(&jobs.queued), &job[0]);
  jobs_free(&jobs);
}

static void the_timer_stops_at_the_door(void **unused)
{
  struct jobs jobs;
  struct stepimg_job job;
  (void)unused;
  begin(&jobs, &job);
  go(&jobs, &job, JOB_PAUSED);
  assert_true(job_set_timer(&jobs, &job, INFINITY));
  assert_true(jobs_next_moment(&jobs) == INFINITY);
  assert_true(job_set_timer(&jobs, &job, 7));
  assert_true(jobs_next_moment(&jobs) == 7);
  assert_null(jobs_due(&jobs, 6.999));
  assert_ptr_equal(jobs_due(&jobs, 7), &job);
  job_enter_first(&jobs, &job, "test");
  assert_true(jobs_next_moment(&jobs) == INFINITY);
  jobs_free(&jobs);
}

static void a_deadline_counts_from_submit(void **unused)
{
  struct stepimg_job job = {.submitted = 100};
  (void)unused;
  assert_true(job_deadline(&job) == INFINITY);
  job.call.deadline = 5;
  assert_true(job_deadline(&job) == 105);
}

/* The I/O thread hears of it later, and notes until then what happens on its way. */
static void what_has_ended_is_done_whatever_is_noted(void **unused)
{
  struct stepimg_job job;
  struct jobs jobs;
  struct stepimg_outcome outcome = {.error = {.kind = STEPIMG_CANCELLED}};
  struct stepimg_progress progress;
  (void)unused;
  begin(&jobs, &job);
  assert_true(lock_init(&client.lock));
  atomic_store(&job.progress.phase, STEPIMG_RECEIVING);
  stepimg_job_progress(&job, &progress);
  assert_int_equal(progress.phase, STEPIMG_RECEIVING);
  job.outcome = &outcome;
  stepimg_job_progress(&job, &progress);
  assert_int_equal(progress.state, STEPIMG_STATE_FINISHED);
  assert_int_equal(progress.phase, STEPIMG_DONE);
  lock_destroy(&client.lock);
}

#if defined(STEPIMG_DEBUG)
/* In a child, which is to end by itself in a debug build. */
static bool is_refused(enum job_state from, enum job_state to)
{
  int status;
  pid_t child = fork();
  if (child == 0) {
    struct jobs jobs;
    struct stepimg_job job;
    signal(SIGABRT, SIG_DFL);
    fclose(stderr);
    begin(&jobs, &job);
    go(&jobs, &job, from);
    job_enter(&jobs, &job, to, "test");
    _exit(0);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void there_is_no_other_way(void **unused)
{
  static const char *const legal[STATES] = {
      /* by the first letters of new, looking, queued, posting, asking, fetching, paused (z), storing, ended */
      [JOB_NEW] = "lqaze",  [JOB_LOOKING] = "qse",   [JOB_QUEUED] = "pfe",  [JOB_POSTING] = "pfzse",
      [JOB_ASKING] = "aze", [JOB_FETCHING] = "fzse", [JOB_PAUSED] = "qaze", [JOB_STORING] = "e",
  };
  (void)unused;
  for (int from = JOB_NEW; from < JOB_ENDED; from++)
    for (int to = JOB_NEW; to < STATES; to++)
      assert_int_equal(is_refused((enum job_state)from, (enum job_state)to),
                       strchr(legal[from], "nlqpafzse"[to]) == NULL);
}
#else
static void there_is_no_other_way(void **unused)
{
  (void)unused;
  skip(); /* nothing looks at it there */
}
#endif

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_state_has_its_list),
      cmocka_unit_test(first_come_first_served_and_after_a_pause_before_all),
      cmocka_unit_test(the_timer_stops_at_the_door),
      cmocka_unit_test(a_deadline_counts_from_submit),
      cmocka_unit_test(what_has_ended_is_done_whatever_is_noted),
      cmocka_unit_test(there_is_no_other_way),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
