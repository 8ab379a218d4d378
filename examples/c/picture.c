/*
 * Makes a picture without Lua and saves it as picture.png:
 *
 *   cc -o picture picture.c $(pkg-config --cflags --libs stepimg)
 *   STEP_API_KEY=… ./picture "a lighthouse on a cliff at dusk"
 *
 * stepimg.h tells of each function what it takes, owns and returns.
 */
#include <stdio.h>
#include <stdlib.h>

#include <stepimg.h>

enum { BODY_MAX = 16384 }; /* a prompt of 512 characters is the longest part of it */

static int complain(const struct stepimg_error *error)
{
  fprintf(stderr, "No picture. %s: %s\n", stepimg_kind_name(error->kind), error->message);
  return EXIT_FAILURE;
}

static int tell(const struct stepimg_outcome *outcome)
{
  if (outcome->error.kind != STEPIMG_OK)
    return complain(&outcome->error);
  const struct stepimg_image *image = &outcome->images[0];
  if (image->path == NULL) {
    fprintf(stderr, "No picture. The service's filter stopped it; try another prompt.\n");
    return EXIT_FAILURE;
  }
  const char *format = stepimg_format_name(image->format);
  printf("%s: %s, %u x %u, seed %lld, %.2f s\n", image->path, format != NULL ? format : "of no known format",
         (unsigned)image->width, (unsigned)image->height, (long long)image->seed, outcome->timing.total);
  return EXIT_SUCCESS;
}

/* Hands the request over and waits for its end. A program with a loop of its own, such as a game, looks once a frame
   instead whether stepimg_queue_first has a finished job. */
static int ask(stepimg_client *client, const char *body, size_t length)
{
  struct stepimg_error error;
  struct stepimg_request request = {.body = body, .length = length, .save = "picture.png"};
  stepimg_job *job;
  request.call = *stepimg_client_call_defaults(client);
  request.queue = stepimg_client_queue(client);
  if (stepimg_submit(client, &request, &job, &error) != STEPIMG_OK)
    return complain(&error);
  while (!stepimg_job_wait(job, 60))
    fprintf(stderr, "Still waiting.\n");
  int status = tell(stepimg_job_outcome(job));
  stepimg_job_free(job);
  return status;
}

int main(int argc, char **argv)
{
  struct stepimg_param params[] = {
      {"prompt", stepimg_string_value(argc > 1 ? argv[1] : "a lighthouse on a cliff at dusk, oil painting")},
      {"width", stepimg_integer_value(1360)},
      {"height", stepimg_integer_value(768)},
  };
  const size_t count = sizeof params / sizeof *params;
  struct stepimg_checked checked;
  struct stepimg_error error;
  static char body[BODY_MAX];
  if (stepimg_validate(params, count, true, &checked, &error) != STEPIMG_OK)
    return complain(&error);
  size_t length = stepimg_body(params, count, &checked, body, sizeof body);
  if (length >= sizeof body) {
    fprintf(stderr, "No picture. The prompt is too long.\n");
    return EXIT_FAILURE;
  }

  struct stepimg_options options;
  stepimg_client *client = NULL;
  stepimg_options_init(&options);
  if (stepimg_options_from_environment(&options, &error) != STEPIMG_OK ||
      stepimg_client_new(&options, &client, &error) != STEPIMG_OK) {
    stepimg_options_clear(&options);
    return complain(&error);
  }
  int status = ask(client, body, length);
  stepimg_client_free(client);
  return status;
}
