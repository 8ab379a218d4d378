/*
 * Pictures that are edited and given up while they are sent: once a job has ended nobody reads the host's bytes any more,
 * which it overwrites and frees at once. A C program that uses the core without Lua.
 *
 *   edits URL ROUNDS
 *
 * Prints how many jobs were given up in the midst of it. For a sanitizer to look at.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stepimg.h"

enum { SIZE = 4 * 1024 * 1024 };

/* The beginning of a GIF, 16 wide and 8 high: the stand-in wants no more of a picture. */
static const char gif[] = "GIF89a\x10\0\x08\0\x81\0\0";

static const struct stepimg_field fields[] = {{"model", "step-image-edit-2", 17}, {"prompt", "{\"bytes\":0} x", 13}};

static void set(struct stepimg_options *options, const char *name, const char *text)
{
  struct stepimg_error error;
  struct stepimg_value value = {.type = STEPIMG_STRING, .as.string = {.data = text, .length = strlen(text)}};
  if (stepimg_options_set(options, name, &value, &error) != STEPIMG_OK)
    exit(2);
}

/* How the host ends a job: in each of the ways that leave it without reading. */
static bool give_up(stepimg_client **client, stepimg_job *job, int round)
{
  if (round % 2 == 0)
    return stepimg_job_cancel(job);
  bool going = stepimg_job_outcome(job) == NULL;
  stepimg_client_free(*client);
  *client = NULL;
  return going;
}

static bool run(const char *url, int round)
{
  struct stepimg_options options;
  struct stepimg_error error;
  stepimg_client *client;
  stepimg_job *job;
  struct stepimg_progress progress;
  char *bytes = calloc(1, SIZE);
  stepimg_options_init(&options);
  set(&options, "api_key", "sk-0123456789");
  set(&options, "base_url", url);
  if (bytes == NULL || stepimg_client_new(&options, &client, &error) != STEPIMG_OK)
    exit(2);
  memcpy(bytes, gif, sizeof gif);
  const struct stepimg_edit edit = {.fields = fields, .field_count = 2, .bytes = bytes, .length = SIZE};
  struct stepimg_request request = {.edit = &edit, .call = *stepimg_client_call_defaults(client)};
  if (stepimg_submit(client, &request, &job, &error) != STEPIMG_OK)
    exit(2);
  do
    stepimg_job_progress(job, &progress);
  while (progress.phase != STEPIMG_DONE && progress.sent <= (int64_t)round % 8 * SIZE / 16);
  bool given_up = give_up(&client, job, round);
  memset(bytes, 0x55, SIZE);
  free(bytes);
  const struct stepimg_outcome *outcome = stepimg_job_outcome(job);
  bool sane =
      outcome != NULL && (!given_up || (outcome->error.kind == STEPIMG_CANCELLED && outcome->error.maybe_billed));
  if (!sane) {
    fprintf(stderr, "round %d: %s\n", round, outcome != NULL ? outcome->error.message : "no outcome");
    exit(1);
  }
  stepimg_job_free(job);
  stepimg_client_free(client);
  return given_up;
}

int main(int argc, char **argv)
{
  if (argc < 3) {
    fprintf(stderr, "usage: edits URL ROUNDS\n");
    return 2;
  }
  int given_up = 0;
  for (int round = 0; round < atoi(argv[2]); round++)
    given_up += run(argv[1], round);
  printf("%d\n", given_up);
  return 0;
}
