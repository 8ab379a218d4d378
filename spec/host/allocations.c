/*
 * The core's main path, from options to a picture, with its N-th allocation failing, for each N until none fails; then
 * the same for libcurl's, through its memory hooks. A C program that uses the core without Lua.
 *
 *   allocations core|libcurl SAVE CACHE URL [CA_FILE]
 *
 * Linked with --wrap, so that the core's malloc, calloc, realloc and its frees come here. Prints how many allocations
 * were failed. A crash, a leak (it counts), a hang or an answer that is neither right nor an error ends it badly.
 */
#define _POSIX_C_SOURCE 200809L

#include <curl/curl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quiet.h"
#include "stepimg.h"

/* The linker's --wrap gives these names. NOLINTBEGIN(bugprone-reserved-identifier) */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void __real_free(void *memory);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void __wrap_free(void *memory);
/* NOLINTEND(bugprone-reserved-identifier) */

static atomic_long until_failure; /* 0: none fails */
static atomic_bool failed;
static atomic_long living;

static bool fails(void)
{
  if (atomic_load(&until_failure) <= 0 || atomic_fetch_sub(&until_failure, 1) != 1)
    return false;
  atomic_store(&failed, true);
  return true;
}

static void *counted(void *memory)
{
  if (memory != NULL)
    atomic_fetch_add(&living, 1);
  return memory;
}

void *__wrap_malloc(size_t size)
{
  return fails() ? NULL : counted(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
  return fails() ? NULL : counted(__real_calloc(count, size));
}

void *__wrap_realloc(void *memory, size_t size)
{
  if (fails())
    return NULL;
  void *moved = __real_realloc(memory, size);
  return memory == NULL ? counted(moved) : moved;
}

void __wrap_free(void *memory)
{
  if (memory != NULL)
    atomic_fetch_sub(&living, 1);
  __real_free(memory);
}

static void *curl_calloc(size_t count, size_t size)
{
  return fails() ? NULL : __real_calloc(count, size);
}

static void *curl_malloc(size_t size)
{
  return fails() ? NULL : __real_malloc(size);
}

static void *curl_realloc(void *memory, size_t size)
{
  return fails() ? NULL : __real_realloc(memory, size);
}

static char *curl_strdup(const char *text)
{
  size_t size = strlen(text) + 1;
  char *copy = fails() ? NULL : __real_malloc(size);
  return copy != NULL ? memcpy(copy, text, size) : NULL;
}

static enum stepimg_kind set(struct stepimg_options *options, const char *name, const char *text,
                             struct stepimg_error *error)
{
  struct stepimg_value value = {.type = STEPIMG_STRING};
  value.as.string.data = text;
  value.as.string.length = strlen(text);
  return stepimg_options_set(options, name, &value, error);
}

/* The requests of a history; one that there was no memory for is counted. */
static size_t requests_of(const struct stepimg_outcome *outcome)
{
  size_t requests = outcome->left_out;
  for (const struct stepimg_exchange *exchange = outcome->history; exchange != NULL; exchange = exchange->next)
    requests++;
  return requests;
}

/* Whether nothing is counted twice, and nothing forgotten. */
static bool add_up(stepimg_client *client, int64_t submitted, int64_t done)
{
  struct stepimg_stats stats;
  stepimg_client_stats(client, &stats);
  return stats.submitted == submitted && stats.done == done && stats.failed + stats.cancelled == submitted - done &&
         stats.queued == 0 && stats.in_flight == 0 && stats.budget_left < 0;
}

/* Whether the outcome is a right one or a clean error. */
static bool is_sane(const struct stepimg_outcome *outcome)
{
  if (outcome == NULL)
    return false;
  if (outcome->error.kind != STEPIMG_OK)
    return outcome->error.message[0] != '\0';
  if (outcome->account != NULL)
    return strcmp(outcome->account->type, "prepaid") == 0 && outcome->account->balance > 25;
  if (outcome->model_count > 0)
    return outcome->model_count == 2 && strcmp(outcome->models[1], "step-2-mini") == 0;
  if (requests_of(outcome) != (outcome->cached ? 0 : outcome->images[0].url != NULL ? 2 : 1))
    return false;
  return outcome->image_count == 1 && (outcome->images[0].path != NULL || outcome->images[0].payload != NULL) &&
         outcome->images[0].format == STEPIMG_PNG && outcome->images[0].has_seed && outcome->id != NULL;
}

/* The beginning of a GIF, 16 wide and 8 high: the stand-in wants no more of a picture. */
static const char gif[] = "GIF89a\x10\0\x08\0\x81\0\0";

static bool run_jobs(stepimg_client *client, const char *save, const char *cache)
{
  static const struct stepimg_field fields[] = {
      {"model", "step-image-edit-2", 17}, {"prompt", "{\"bytes\":150000} x", 18}, {"response_format", "b64_json", 8}};
  enum { EDITS = 2, QUESTIONS = 2 };
  const struct stepimg_edit edits[EDITS] = {{.fields = fields, .field_count = 3, .bytes = gif, .length = sizeof gif},
                                            {.fields = fields, .field_count = 3, .path = save}};
  static const char *const bodies[] = {
      "{\"model\":\"step-image-edit-2\",\"prompt\":\"{\\\"bytes\\\":150000} x\",\"response_format\":\"b64_json\"}",
      "{\"model\":\"step-image-edit-2\",\"prompt\":\"{\\\"bytes\\\":150000} x\",\"response_format\":\"url\"}",
      "{\"model\":\"step-image-edit-2\",\"prompt\":\"{\\\"status\\\":503} x\",\"response_format\":\"url\"}",
      "{\"model\":\"step-image-edit-2\",\"prompt\":\"{\\\"bytes\\\":150000} "
      "x\",\"response_format\":\"b64_json\",\"seed\":7}",
  }; /* the last is in the cache once it was there without a failure */
  bool sane = true;
  int64_t submitted = 0, done = 0;
  const size_t count = sizeof bodies / sizeof *bodies;
  for (size_t i = 0; i < count + EDITS + QUESTIONS; i++) {
    struct stepimg_request request = {.save = i == 0 ? save : NULL};
    if (i < count) {
      request.body = bodies[i];
      request.length = strlen(bodies[i]);
    } else if (i < count + EDITS)
      request.edit = &edits[i - count];
    else
      request.question = i == count + EDITS ? STEPIMG_ACCOUNT : STEPIMG_MODELS;
    struct stepimg_error error;
    stepimg_job *job;
    request.call = *stepimg_client_call_defaults(client);
    request.call.retries = 0;
    request.call.deadline = 60;
    request.call.cache = i == count - 1 ? cache : NULL;
    request.queue = stepimg_client_queue(client);
    if (stepimg_submit(client, &request, &job, &error) != STEPIMG_OK) {
      sane = sane && (error.kind == STEPIMG_NOMEM || error.kind == STEPIMG_NETWORK); /* no thread, no connections */
      continue;
    }
    stepimg_job_wait(job, 20);
    const struct stepimg_outcome *outcome = stepimg_job_outcome(job);
    sane = sane && is_sane(outcome);
    submitted += request.question == STEPIMG_PICTURE;
    done += request.question == STEPIMG_PICTURE && outcome != NULL && outcome->error.kind == STEPIMG_OK;
    stepimg_job_free(job);
  }
  return sane && add_up(client, submitted, done);
}

static bool run(const char *url, const char *ca_file, const char *save, const char *cache)
{
  struct stepimg_options options;
  struct stepimg_error error = {.kind = STEPIMG_OK};
  const struct stepimg_value header = {.type = STEPIMG_STRING, .as.string = {.data = "allocations", .length = 11}};
  stepimg_client *client = NULL;
  bool sane = true;
  stepimg_options_init(&options);
  if (set(&options, "api_key", "sk-0123456789", &error) == STEPIMG_OK &&
      set(&options, "base_url", url, &error) == STEPIMG_OK &&
      (ca_file == NULL || set(&options, "ca_file", ca_file, &error) == STEPIMG_OK) &&
      stepimg_options_add_header(&options, "X-Host", &header, &error) == STEPIMG_OK &&
      stepimg_client_new(&options, &client, &error) == STEPIMG_OK)
    sane = run_jobs(client, save, cache);
  else
    sane = error.kind == STEPIMG_NOMEM;
  stepimg_options_clear(&options);
  stepimg_client_free(client);
  return is_quiet() && sane;
}

int main(int argc, char **argv)
{
  enum { MOST = 100000 };
  if (argc < 5) {
    fprintf(stderr, "usage: allocations core|libcurl SAVE CACHE URL [CA_FILE]\n");
    return 2;
  }
  bool of_libcurl = strcmp(argv[1], "libcurl") == 0;
  if (of_libcurl)
    curl_global_init_mem(CURL_GLOBAL_DEFAULT, curl_malloc, __real_free, curl_realloc, curl_strdup, curl_calloc);
  const char *ca_file = argc > 5 ? argv[5] : NULL;
  bool sane = run(argv[4], ca_file, argv[2], argv[3]);
  long before = atomic_load(&living), n = 0;
  do {
    n++;
    atomic_store(&failed, false);
    atomic_store(&until_failure, n);
    sane = run(argv[4], ca_file, argv[2], argv[3]) && sane;
    if (!sane || atomic_load(&living) != before)
      fprintf(stderr, "allocation %ld: %s, %ld blocks left\n", n, sane ? "sane" : "NOT SANE",
              atomic_load(&living) - before);
    sane = sane && atomic_load(&living) == before;
  } while (sane && atomic_load(&failed) && n < MOST);
  atomic_store(&until_failure, 0);
  printf("%ld\n", n - 1);
  return sane ? 0 : 1;
}
