/*
 * What fork does to a process with a client that is at work. A C program that uses the core without Lua.
 *
 *   fork CHILDREN BODY BASE_URL [CA_FILE]
 *
 * Gets a picture with that body, submits another such request and forks so many children while its answer arrives, with the
 * client's lock held, as a thread may hold it. Each child does with the client, the job and the picture all that one can do
 * with them, or makes a client of its own, and ends by exit(). Then the parent's answer must be whole. Prints how many
 * children ended as they should, and the bytes of the parent's picture.
 */
#define _POSIX_C_SOURCE 200809L

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "client/shared.h"
#include "stepimg.h"

enum { GOOD = 42, HANG = 60 /* seconds that no child takes */, PAUSE = 10 * 1000 * 1000 /* nanoseconds */ };

#if defined(__SANITIZE_THREAD__)
#define MAY_START_THREADS false /* in a child: it says that it does not support that */
#else
#define MAY_START_THREADS true
#endif

static const char *body, *base_url, *ca_file;
static bool is_child;

/* The last of a child's exit: what its parent's threads held is lost, and no tool is to search for that. */
static void leave(void)
{
  if (is_child)
    execl("/bin/sh", "sh", "-c", "exit 42", (char *)NULL);
}

/* Leaves without the end of all programs, which would look like a good one. */
static void want(bool truth, int line)
{
  if (truth)
    return;
  fprintf(stderr, "%s:%d: it is not so\n", __FILE__, line);
  _exit(2);
}
#define WANT(truth) want((truth), __LINE__)

static void set(struct stepimg_options *options, const char *name, const char *text)
{
  struct stepimg_value value = {.type = STEPIMG_STRING};
  struct stepimg_error error;
  value.as.string.data = text;
  value.as.string.length = strlen(text);
  WANT(text == NULL || stepimg_options_set(options, name, &value, &error) == STEPIMG_OK);
}

static stepimg_client *new_client(void)
{
  struct stepimg_options options;
  struct stepimg_error error;
  stepimg_client *client;
  stepimg_options_init(&options);
  set(&options, "api_key", "k");
  set(&options, "base_url", base_url);
  if (ca_file != NULL)
    set(&options, "ca_file", ca_file);
  WANT(stepimg_client_new(&options, &client, &error) == STEPIMG_OK);
  return client;
}

static enum stepimg_kind submit(stepimg_client *client, stepimg_job **job)
{
  struct stepimg_request request = {.body = body, .length = strlen(body)};
  struct stepimg_error error;
  request.call = *stepimg_client_call_defaults(client);
  request.queue = stepimg_client_queue(client);
  return stepimg_submit(client, &request, job, &error);
}

/* All that a child may try with what is its parent's: nothing of it waits, and nothing of it ends the job. */
static void use(stepimg_client *client, stepimg_job *job, stepimg_payload *picture)
{
  stepimg_job *other;
  struct stepimg_progress progress;
  struct stepimg_stats stats;
  stepimg_queue *queue = stepimg_client_queue(client);
  WANT(submit(client, &other) == STEPIMG_CANCELLED);
  stepimg_job_progress(job, &progress);
  stepimg_job_wait(job, 3600);
  WANT(stepimg_job_outcome(job) != NULL);
  WANT(!stepimg_job_cancel(job));
  WANT(!stepimg_job_fetch(job));
  WANT(stepimg_queue_first(client, queue) == NULL);
  WANT(!stepimg_queue_wait(client, queue, 3600));
  stepimg_queue_pending(client, queue);
  stepimg_client_stats(client, &stats);
  WANT(stats.submitted == 0 && stats.budget_left < 0);
  stepimg_queue_fd(client, queue);
  stepimg_payload_release(picture);
  stepimg_job_free(job);
  stepimg_client_close(client);
  stepimg_client_free(client);
}

static void ask_anew(void)
{
  stepimg_client *client = new_client();
  stepimg_job *job;
  WANT(submit(client, &job) == STEPIMG_OK);
  WANT(stepimg_job_wait(job, HANG));
  WANT(stepimg_job_outcome(job)->error.kind == STEPIMG_OK);
  stepimg_job_free(job);
  WANT(submit(client, &job) == STEPIMG_OK); /* it is under way when the process ends */
}

static void live(int number, stepimg_client *client, stepimg_job *job, stepimg_payload *picture)
{
  is_child = true;
  alarm(HANG);
  if (number % 3 == 0)
    use(client, job, picture);
  else if (number % 3 == 1 && MAY_START_THREADS)
    ask_anew();
  exit(0); /* see leave */
}

/* One that is kept, and large enough to go back to the I/O thread. */
static stepimg_payload *get_picture(stepimg_client *client)
{
  stepimg_job *job;
  WANT(submit(client, &job) == STEPIMG_OK && stepimg_job_wait(job, HANG));
  const struct stepimg_outcome *outcome = stepimg_job_outcome(job);
  WANT(outcome->image_count == 1 && outcome->images[0].payload != NULL);
  stepimg_payload *picture = stepimg_payload_hold(outcome->images[0].payload);
  stepimg_job_free(job);
  return picture;
}

static bool ends_well(pid_t child)
{
  int status;
  WANT(waitpid(child, &status, 0) == child);
  if (WIFSIGNALED(status))
    fprintf(stderr, "a child ended by signal %d\n", WTERMSIG(status));
  return WIFEXITED(status) && WEXITSTATUS(status) == GOOD;
}

int main(int count, char **words)
{
  enum { MOST = 100 };
  pid_t children[MOST];
  struct timespec moment = {0, PAUSE};
  struct stepimg_progress progress = {.received = 0};
  stepimg_job *job;
  int good = 0, wanted = count > 3 ? atoi(words[1]) : 0;
  if (wanted < 1 || wanted > MOST)
    return 2;
  body = words[2];
  base_url = words[3];
  ca_file = words[4];
  WANT(atexit(leave) == 0); /* before all others, which then come first */
  stepimg_client *client = new_client();
  stepimg_payload *picture = get_picture(client);
  WANT(submit(client, &job) == STEPIMG_OK);
  while (progress.received == 0) {
    nanosleep(&moment, NULL);
    stepimg_job_progress(job, &progress);
  }
  for (int i = 0; i < wanted; i++) {
    lock_acquire(&client->lock);
    WANT((children[i] = fork()) >= 0);
    if (children[i] != 0)
      lock_release(&client->lock);
    else
      live(i, client, job, picture);
    nanosleep(&moment, NULL);
  }
  for (int i = 0; i < wanted; i++)
    good += ends_well(children[i]);
  WANT(stepimg_job_wait(job, HANG));
  const struct stepimg_outcome *outcome = stepimg_job_outcome(job);
  if (outcome->error.kind != STEPIMG_OK)
    fprintf(stderr, "%s\n", outcome->error.message);
  size_t length = 0;
  if (outcome->image_count > 0 && outcome->images[0].payload != NULL)
    stepimg_payload_bytes(outcome->images[0].payload, &length);
  printf("%d %zu\n", good, length);
  stepimg_payload_release(picture);
  stepimg_job_free(job);
  stepimg_client_free(client);
  return 0;
}
