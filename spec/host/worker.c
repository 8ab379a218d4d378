/*
 * What of the I/O thread no Lua spec can see. A C program that uses the core without Lua; its thread ends after 0.2 s
 * without anything to do (WORKER_IDLE), the clock can leap, and calls of libcurl can be held up (--wrap).
 *
 *   worker idle|successor|spares|deadline|ends URL
 *
 * Prints what the spec that starts it expects. Ends with 1, and a line that says why, where something is not true.
 */
#define _POSIX_C_SOURCE 200809L

#include <curl/curl.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/shared.h"
#include "quiet.h"
#include "stepimg.h"

#define MUST(condition) ((condition) ? (void)0 : fail(__LINE__, #condition))

_Noreturn static void fail(int line, const char *condition)
{
  printf("line %d: this is not true: %s\n", line, condition);
  exit(1);
}

/* ------------------------------------------------------------------------------------------------------- the clock -- */

/* The linker's --wrap gives these names. NOLINTBEGIN(bugprone-reserved-identifier) */
double __real_clock_now(void);
double __wrap_clock_now(void);
/* NOLINTEND(bugprone-reserved-identifier) */

static const int LEAP = 1000; /* seconds */
static atomic_int leap_at;    /* looks at the clock until it leaps; 0: it does not */
static atomic_int leapt;      /* how often it has */

double __wrap_clock_now(void)
{
  if (atomic_load(&leap_at) > 0 && atomic_fetch_sub(&leap_at, 1) == 1)
    atomic_fetch_add(&leapt, 1);
  return __real_clock_now() + LEAP * atomic_load(&leapt);
}

/* ------------------------------------------------------------------------------------------------------- the gates -- */

enum gate { CLEANUP, INIT, GATES };

static atomic_bool shut[GATES];
static atomic_int stopped[GATES]; /* threads that came to it when it was shut */

static void pass(enum gate gate)
{
  if (atomic_load(&shut[gate]))
    atomic_fetch_add(&stopped[gate], 1);
  while (atomic_load(&shut[gate]))
    pause_for(0.001);
}

static bool somebody_waits_at(enum gate gate)
{
  for (int i = 0; i < 20000 && atomic_load(&stopped[gate]) == 0; i++)
    pause_for(0.001);
  return atomic_load(&stopped[gate]) > 0;
}

/* NOLINTBEGIN(bugprone-reserved-identifier) */
CURLMcode __real_curl_multi_cleanup(CURLM *multi);
CURLMcode __wrap_curl_multi_cleanup(CURLM *multi);
CURL *__real_curl_easy_init(void);
CURL *__wrap_curl_easy_init(void);
/* NOLINTEND(bugprone-reserved-identifier) */

CURLMcode __wrap_curl_multi_cleanup(CURLM *multi)
{
  pass(CLEANUP);
  return __real_curl_multi_cleanup(multi);
}

CURL *__wrap_curl_easy_init(void)
{
  pass(INIT);
  return __real_curl_easy_init();
}

/* ------------------------------------------------------------------------------------------------------------ jobs -- */

static stepimg_client *new_client(const char *url)
{
  struct stepimg_options options;
  struct stepimg_value value = {.type = STEPIMG_STRING};
  struct stepimg_error error;
  stepimg_client *client;
  stepimg_options_init(&options);
  value.as.string.data = url;
  value.as.string.length = strlen(url);
  MUST(stepimg_options_set(&options, "base_url", &value, &error) == STEPIMG_OK);
  value.as.string.data = "sk-0123456789";
  value.as.string.length = strlen(value.as.string.data);
  MUST(stepimg_options_set(&options, "api_key", &value, &error) == STEPIMG_OK);
  MUST(stepimg_client_new(&options, &client, &error) == STEPIMG_OK);
  return client;
}

/* A job whose prompt steers the stand-in; knobs: its JSON, quotes escaped. */
static stepimg_job *submit(stepimg_client *client, const char *knobs, double deadline)
{
  char body[512];
  struct stepimg_error error;
  stepimg_job *job;
  snprintf(body, sizeof body,
           "{\"model\":\"step-image-edit-2\",\"prompt\":\"%s x\",\"response_format\":\"b64_json\",\"seed\":7}", knobs);
  struct stepimg_request request = {.body = body,
                                    .length = strlen(body),
                                    .queue = stepimg_client_queue(client),
                                    .call = *stepimg_client_call_defaults(client)};
  request.call.retries = 0;
  request.call.deadline = deadline;
  MUST(stepimg_submit(client, &request, &job, &error) == STEPIMG_OK);
  return job;
}

static const struct stepimg_outcome *wait_for(stepimg_job *job)
{
  for (int i = 0; i < 400 && !stepimg_job_wait(job, 0.05);)
    i++;
  const struct stepimg_outcome *outcome = stepimg_job_outcome(job);
  MUST(outcome != NULL);
  return outcome;
}

/* A thread without anything to do ends, and its connections with it; the next job has another one. */
static void idle(const char *url)
{
  stepimg_client *client = new_client(url);
  int threads = entries("/proc/self/task"), descriptors = entries("/proc/self/fd");
  for (int i = 0; i < 3; i++) {
    stepimg_job *job = submit(client, "{\\\"bytes\\\":1000}", 0);
    MUST(wait_for(job)->error.kind == STEPIMG_OK);
    MUST(entries("/proc/self/task") > threads);
    stepimg_job_free(job);
    MUST(threads_come_to(threads));
    MUST(comes_to("/proc/self/fd", descriptors));
  }
  stepimg_client_free(client);
  printf("3 threads came and went\n");
}

/* One thread is slow to end, and the client is closed while its successor works: the settings are still that one's. */
static void successor(const char *url)
{
  stepimg_client *client = new_client(url);
  int threads = entries("/proc/self/task");
  atomic_store(&shut[CLEANUP], true);
  stepimg_job *job = submit(client, "{\\\"bytes\\\":1000}", 0);
  MUST(wait_for(job)->error.kind == STEPIMG_OK);
  stepimg_job_free(job);
  MUST(somebody_waits_at(CLEANUP));
  atomic_store(&shut[INIT], true);
  job = submit(client, "{\\\"bytes\\\":1000}", 0);
  MUST(somebody_waits_at(INIT));
  stepimg_client_close(client);
  atomic_store(&shut[CLEANUP], false);
  MUST(threads_come_to(threads + 1));
  MUST(client->settings.endpoint != NULL);
  atomic_store(&shut[INIT], false);
  MUST(threads_come_to(threads));
  MUST(client->settings.endpoint == NULL);
  stepimg_job_free(job);
  stepimg_client_free(client);
  printf("they are the last one's to clear\n");
}

/* A picture that was let go of gives its memory to the next one of its size. */
static void spares(const char *url)
{
  stepimg_client *client = new_client(url);
  const unsigned char *last = NULL;
  int same = 0;
  for (int i = 0; i < 20; i++) {
    size_t length;
    stepimg_job *job = submit(client, "{\\\"bytes\\\":500000}", 0);
    const struct stepimg_outcome *outcome = wait_for(job);
    MUST(outcome->error.kind == STEPIMG_OK && outcome->images[0].payload != NULL);
    const unsigned char *bytes = stepimg_payload_bytes(outcome->images[0].payload, &length);
    same += bytes == last;
    last = bytes;
    stepimg_job_free(job);
  }
  MUST(same >= 15);
  printf("the same memory again and again\n");
  stepimg_client_free(client);
}

/* The deadline passes between any two looks at the clock: the job ends as what it is, and is told of the bill. */
static void deadline(const char *url)
{
  stepimg_client *client = new_client(url);
  int late = 0, done = 0;
  for (int n = 1; n <= 60; n++) {
    atomic_store(&leap_at, n);
    stepimg_job *job = submit(client, "{\\\"bytes\\\":1000}", 100);
    const struct stepimg_outcome *outcome = wait_for(job);
    atomic_store(&leap_at, 0);
    if (outcome->error.kind == STEPIMG_OK)
      done++;
    else {
      MUST(outcome->error.kind == STEPIMG_TIMEOUT);
      MUST(!outcome->error.maybe_billed || outcome->error.attempts == 1);
      late += strstr(outcome->error.message, "before the request could begin") != NULL;
    }
    stepimg_job_free(job);
  }
  MUST(late > 0 && done > 0);
  printf("%d were late before their start, %d were done\n", late, done);
  stepimg_client_free(client);
}

/* A client that is closed while its thread works leaves nothing behind, wherever each job was. */
static void ends(const char *url)
{
  enum { ROUNDS = 15, JOBS = 3000, MOST = 500 * 1024 };
  size_t before = 0;
  for (int round = 0; round <= ROUNDS; round++) {
    stepimg_client *client = new_client(url);
    stepimg_job *jobs[JOBS];
    for (int i = 0; i < JOBS; i++)
      jobs[i] = submit(client, "{\\\"bytes\\\":1000,\\\"stall\\\":\\\"request\\\"}", 0);
    pause_for(0.0005 * (round % 8));
    stepimg_client_close(client);
    for (int i = 0; i < JOBS; i++) {
      MUST(stepimg_job_outcome(jobs[i])->error.kind == STEPIMG_CANCELLED);
      stepimg_job_free(jobs[i]);
    }
    stepimg_client_free(client);
    MUST(is_quiet());
    if (round == 0)
      before = mallinfo2().uordblks;
  }
  MUST(mallinfo2().uordblks < before + MOST);
  printf("nothing was left\n");
}

int main(int argc, char **argv)
{
  static const struct {
    const char *name;
    void (*run)(const char *url);
  } parts[] = {{"idle", idle}, {"successor", successor}, {"spares", spares}, {"deadline", deadline}, {"ends", ends}};
  for (size_t i = 0; argc > 2 && i < sizeof parts / sizeof *parts; i++)
    if (strcmp(argv[1], parts[i].name) == 0) {
      parts[i].run(argv[2]);
      return 0;
    }
  fprintf(stderr, "usage: worker idle|successor|spares|deadline|ends URL\n");
  return 2;
}
