/*
 * How many copies of its secrets a client leaves in the process's memory. A C program that uses the core without Lua.
 *
 *   secrets REQUESTS BASE_URL [CA_FILE]
 *
 * Prints the number of copies at each stage of a client's life, last after its end. The secret stands in here only in
 * disguise, so that the search does not find its own.
 */
#define _POSIX_C_SOURCE 200809L

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "quiet.h"
#include "stepimg.h"

/* What is looked for is the end of it: free() puts its own notes over a block's first bytes. */
enum { DISGUISE = 0x55, LENGTH = 48, END = 24, WINDOW = 1 << 16 };

/* A sanitizer's own memory is larger. */
static const unsigned long MOST = 1ul << 32;

static char hidden[LENGTH];

static void make_secret(void)
{
  static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  unsigned char chance[LENGTH];
  int file = open("/dev/urandom", O_RDONLY);
  if (file < 0 || read(file, chance, sizeof chance) != (ssize_t)sizeof chance)
    exit(2);
  close(file);
  for (size_t i = 0; i < LENGTH; i++)
    hidden[i] = (char)(digits[chance[i] % (sizeof digits - 1)] ^ DISGUISE);
}

static void wipe(void *memory, size_t size)
{
  for (volatile char *c = memory; size > 0; size--)
    *c++ = 0;
}

static bool is_secret(const char *text)
{
  for (size_t i = 0; i < END; i++)
    if ((char)(text[i] ^ DISGUISE) != hidden[LENGTH - END + i])
      return false;
  return true;
}

/* The copies between two addresses, read through a file: memory that is not to be touched is an error, and no crash. */
static int count_between(int memory, unsigned long from, unsigned long to)
{
  static char window[WINDOW];
  int found = 0;
  while (from + END <= to) {
    size_t want = to - from < WINDOW ? to - from : WINDOW;
    ssize_t got = pread(memory, window, want, (off_t)from);
    for (ssize_t i = 0; i + END <= got; i++)
      found += is_secret(window + i);
    wipe(window, sizeof window); /* it is searched too */
    from += want - END + 1;
  }
  return found;
}

static void report(const char *stage)
{
  int found = 0, memory = open("/proc/self/mem", O_RDONLY);
  FILE *maps = fopen("/proc/self/maps", "r");
  char line[512], access[5];
  unsigned long from, to;
  if (memory < 0 || maps == NULL)
    exit(2);
  while (fgets(line, sizeof line, maps) != NULL)
    if (sscanf(line, "%lx-%lx %4s", &from, &to, access) == 3 && access[1] == 'w' && to - from < MOST)
      found += count_between(memory, from, to);
  fclose(maps);
  close(memory);
  printf("%s=%d\n", stage, found);
}

static struct stepimg_value string(const char *text)
{
  struct stepimg_value value = {.type = STEPIMG_STRING};
  value.as.string.data = text;
  value.as.string.length = strlen(text);
  return value;
}

static void set(struct stepimg_options *options, const char *name, const char *text)
{
  struct stepimg_value value = string(text);
  struct stepimg_error error;
  if (stepimg_options_set(options, name, &value, &error) != STEPIMG_OK)
    exit(2);
}

/* With the secret as the key, and with more as a header's value and as the proxy's password. */
static void set_secrets(struct stepimg_options *options, bool more)
{
  char secret[LENGTH + 1], proxy[LENGTH + 64];
  struct stepimg_value value;
  struct stepimg_error error;
  for (size_t i = 0; i < LENGTH; i++)
    secret[i] = (char)(hidden[i] ^ DISGUISE);
  secret[LENGTH] = '\0';
  value = string(secret);
  stepimg_options_init(options);
  set(options, "api_key", secret);
  snprintf(proxy, sizeof proxy, "http://user:%s@127.0.0.1:1", secret);
  if (more)
    set(options, "proxy", proxy);
  if (more && stepimg_options_add_header(options, "X-Token", &value, &error) != STEPIMG_OK)
    exit(2);
  wipe(secret, sizeof secret);
  wipe(proxy, sizeof proxy);
}

static void ask(stepimg_client *client)
{
  static const char body[] = "{\"model\":\"step-image-edit-2\",\"prompt\":\"x\",\"response_format\":\"b64_json\"}";
  struct stepimg_request request = {.body = body, .length = sizeof body - 1};
  struct stepimg_error error;
  stepimg_job *job;
  request.call = *stepimg_client_call_defaults(client);
  request.queue = stepimg_client_queue(client);
  if (stepimg_submit(client, &request, &job, &error) != STEPIMG_OK)
    exit(2);
  stepimg_job_wait(job, 20);
  const struct stepimg_outcome *outcome = stepimg_job_outcome(job);
  if (outcome == NULL || outcome->error.kind != STEPIMG_OK)
    exit(2);
  stepimg_job_free(job);
}

/* A client that is asked for nothing. */
static void live(bool more, const char *name)
{
  struct stepimg_options options;
  struct stepimg_error error;
  stepimg_client *client;
  char stage[32];
  set_secrets(&options, more);
  if (stepimg_client_new(&options, &client, &error) != STEPIMG_OK)
    exit(2);
  report(name);
  stepimg_client_close(client);
  snprintf(stage, sizeof stage, "%s_closed", name);
  report(stage);
  stepimg_client_free(client);
}

int main(int count, char **words)
{
  struct stepimg_options options;
  struct stepimg_error error;
  stepimg_client *client;
  if (count < 3)
    return 2;
  make_secret();

  set_secrets(&options, true);
  report("options");
  stepimg_options_clear(&options);
  report("options_cleared");

  set_secrets(&options, true);
  set(&options, "base_url", "no URL");
  if (stepimg_client_new(&options, &client, &error) == STEPIMG_OK)
    return 2;
  report("client_refused");

  live(false, "key");
  live(true, "more");

  set_secrets(&options, false);
  set(&options, "base_url", words[2]);
  if (count > 3)
    set(&options, "ca_file", words[3]);
  if (stepimg_client_new(&options, &client, &error) != STEPIMG_OK)
    return 2;
  for (long left = strtol(words[1], NULL, 10); left > 0; left--)
    ask(client);
  report("asked");
  stepimg_client_close(client);
  if (!is_quiet())
    return 2;
  report("asked_and_closed");
  stepimg_client_free(client);
  return 0;
}
