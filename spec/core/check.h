/* What the tests of the core share: cmocka with the headers it wants first, and values as a host would pass them. */
#ifndef CHECK_H
#define CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* cmocka tells no analyzer that a failed assertion does not return. */
#if defined(__clang_analyzer__)
#undef assert_true
#undef assert_non_null
#define assert_true(condition) ((condition) ? (void)0 : abort())
#define assert_non_null(pointer) assert_true((pointer) != NULL)
#endif

#include "stepimg.h"

#if defined(_WIN32)
static inline int setenv(const char *name, const char *value, int replace)
{
  (void)replace;
  return _putenv_s(name, value);
}

static inline int unsetenv(const char *name)
{
  return _putenv_s(name, "");
}
#endif

/* Longest piece in which a stream is fed, and so every way a token can be torn. */
enum { CHUNK_MAX = 64 };

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

/* A copy in a block of exactly its size, so that a sanitizer sees the first byte read beyond. Never NULL. */
static inline void *exact_copy(const void *bytes, size_t length)
{
  void *copy = malloc(length > 0 ? length : 1);
  assert_non_null(copy);
  if (length > 0)
    memcpy(copy, bytes, length);
  return copy;
}

/* The same numbers in every run: a failure can be run again. */
static inline uint32_t next_random(uint32_t *state)
{
  *state = *state * 1664525u + 1013904223u;
  return *state >> 8;
}

static inline struct stepimg_value string_of(const char *text, size_t length)
{
  struct stepimg_value value = {.type = STEPIMG_STRING};
  value.as.string.data = text;
  value.as.string.length = length;
  return value;
}

static inline struct stepimg_value string(const char *text)
{
  return string_of(text, strlen(text));
}

static inline struct stepimg_value integer(int64_t number)
{
  return (struct stepimg_value){.type = STEPIMG_INTEGER, .as.integer = number};
}

static inline struct stepimg_value number(double number)
{
  return (struct stepimg_value){.type = STEPIMG_NUMBER, .as.number = number};
}

static inline struct stepimg_value boolean(bool truth)
{
  return (struct stepimg_value){.type = STEPIMG_BOOLEAN, .as.boolean = truth};
}

static inline struct stepimg_value other(const char *type_name)
{
  return (struct stepimg_value){.type = STEPIMG_OTHER, .as.type_name = type_name};
}

static inline void assert_contains(const char *text, const char *part)
{
  if (strstr(text, part) == NULL)
    fail_msg("\"%s\" does not hold \"%s\"", text, part);
}

static inline void assert_lacks(const char *text, const char *part)
{
  if (strstr(text, part) != NULL)
    fail_msg("\"%s\" holds \"%s\"", text, part);
}

/* The one error a bad value gives: its kind, its field, and a message that starts with the field. */
static inline void assert_invalid(const struct stepimg_error *error, const char *field, bool wrong_type)
{
  size_t length = strlen(field);
  assert_int_equal(error->kind, STEPIMG_INVALID);
  assert_string_equal(error->field, field);
  if (strncmp(error->message, field, length) != 0 || strncmp(error->message + length, ": ", 2) != 0)
    fail_msg("\"%s\" does not start with \"%s: \"", error->message, field);
  assert_int_equal(error->message[length + 2] != '\0', true);
  if (error->wrong_type != wrong_type)
    fail_msg("\"%s\": wrong_type is %d", error->message, error->wrong_type);
}

#endif
