/*
 * Runs a fuzz target without a fuzzer, where there is none: on each file that is named, and on many inputs that are made of
 * their bytes, the same in every run.
 *
 *   replay ROUNDS FILE…
 */
#include "../fuzz/fuzz.h"

enum { LONGEST = 4096 };

static uint8_t bytes[LONGEST];

static size_t read_file(const char *path)
{
  FILE *file = fopen(path, "rb");
  CHECK(file != NULL);
  size_t length = file != NULL ? fread(bytes, 1, sizeof bytes, file) : 0;
  if (file != NULL)
    fclose(file);
  return length;
}

/* Repeats a part of the input, as long texts are what the fast ways are for, and changes a byte or two. */
static size_t change(size_t length, uint32_t *random)
{
  size_t wanted = 1 + next_random(random) % (next_random(random) % 4 == 0 ? LONGEST : 400);
  for (size_t i = length; i < wanted; i++)
    bytes[i] = length > 0 ? bytes[i - length] : (uint8_t)('A' + i % 26);
  for (uint32_t i = next_random(random) % 3; i > 0; i--)
    bytes[next_random(random) % wanted] = (uint8_t)next_random(random);
  return wanted;
}

int main(int count, char **arguments)
{
  uint32_t random = 7;
  long rounds = count > 1 ? strtol(arguments[1], NULL, 10) : 0, runs = 0;
  for (int i = 2; i < count; i++) {
    LLVMFuzzerTestOneInput(bytes, read_file(arguments[i]));
    for (long round = 0; round < rounds; round++, runs++)
      LLVMFuzzerTestOneInput(bytes, change(read_file(arguments[i]), &random));
  }
  printf("replay: %ld inputs of %d files, none broke a promise\n", runs, count - 2);
  return runs > 0 ? 0 : 1;
}
