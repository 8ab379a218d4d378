/* decode BYTES: how long base64 of so many characters takes to decode, over a memcpy of the same; both into memory that
   was touched before, in turns, the median of each. Prints the ratio and both in seconds. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "payload/base64.h"

enum { ROUNDS = 201 };

static double now(void)
{
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int compare(const void *one, const void *other)
{
  double difference = *(const double *)one - *(const double *)other;
  return (difference > 0) - (difference < 0);
}

static bool run(size_t length, char *text, char *copy, unsigned char *bytes)
{
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  static double copying[ROUNDS], decoding[ROUNDS];
  size_t written = 0;
  uint64_t state = 88172645463325252;
  for (size_t i = 0; i < length; i++) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    text[i] = alphabet[state >> 58];
  }
  memset(copy, 1, length);
  memset(bytes, 1, base64_bound(length));
  for (int i = 0; i < ROUNDS; i++) {
    struct base64 decoder;
    double start = now();
    memcpy(copy, text, length);
    __asm__ volatile("" : : "r"(copy) : "memory"); /* somebody might read it */
    copying[i] = now() - start;
    base64_init(&decoder);
    start = now();
    if (!base64_update(&decoder, text, length, bytes, &written))
      return false;
    decoding[i] = now() - start;
  }
  qsort(copying, ROUNDS, sizeof *copying, compare);
  qsort(decoding, ROUNDS, sizeof *decoding, compare);
  printf("%.3f %.9f %.9f\n", decoding[ROUNDS / 2] / copying[ROUNDS / 2], decoding[ROUNDS / 2], copying[ROUNDS / 2]);
  return true;
}

int main(int words, char **word)
{
  size_t length = words > 1 ? strtoul(word[1], NULL, 10) / 4 * 4 : 0;
  char *text = malloc(length + 1), *copy = malloc(length + 1);
  unsigned char *bytes = malloc(base64_bound(length));
  bool good = length > 0 && text != NULL && copy != NULL && bytes != NULL && run(length, text, copy, bytes);
  free(text);
  free(copy);
  free(bytes);
  return good ? 0 : 1;
}
