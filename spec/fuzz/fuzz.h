/* What the fuzz targets share. A target gets bytes and aborts where a promise does not hold; what it found goes to
   corpus/, which every run starts from. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A copy in a block of exactly its size, so that the sanitizer sees the first byte read beyond. */
static inline void *exact_copy(const void *bytes, size_t length)
{
  void *copy = malloc(length > 0 ? length : 1);
  CHECK(copy != NULL);
  if (length > 0)
    memcpy(copy, bytes, length);
  return copy;
}

static inline uint32_t next_random(uint32_t *state)
{
  *state = *state * 1664525u + 1013904223u;
  return *state >> 8;
}

/* The input is read from its front: how it is to be torn, and what else a target wants to know, stands there. */
struct input {
  const uint8_t *bytes;
  size_t length;
};

static inline unsigned take_byte(struct input *input)
{
  if (input->length == 0)
    return 0;
  input->length--;
  return *input->bytes++;
}

/* How long the next piece of a text is: mostly short, at times long. */
static inline size_t next_piece(uint32_t *random, size_t left)
{
  uint32_t any = next_random(random);
  size_t piece = any % 8 < 5 ? 1 + any / 8 % 4 : any % 8 < 7 ? 1 + any / 8 % 70 : 1 + any / 8 % 5000;
  return piece < left ? piece : left;
}

#endif
