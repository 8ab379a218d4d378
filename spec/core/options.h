/* What the tests of options share: one set of them, made and released around each test. Its user asks for POSIX. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "check.h"

#include <math.h>
#include <stdio.h>

static struct stepimg_options options;
static struct stepimg_error error;

static inline int set_up(void **state)
{
  (void)state;
  unsetenv("STEP_API_KEY");
  unsetenv("STEP_BASE_URL");
  stepimg_options_init(&options);
  return 0;
}

static inline int tear_down(void **state)
{
  (void)state;
  stepimg_options_clear(&options);
  return 0;
}

static inline enum stepimg_kind set(const char *name, struct stepimg_value value)
{
  memset(&error, 0x55, sizeof error);
  enum stepimg_kind kind = stepimg_options_set(&options, name, &value, &error);
  assert_int_equal(error.kind, kind);
  return kind;
}

static inline enum stepimg_kind add_header(const char *name, struct stepimg_value value)
{
  memset(&error, 0x55, sizeof error);
  enum stepimg_kind kind = stepimg_options_add_header(&options, name, &value, &error);
  assert_int_equal(error.kind, kind);
  return kind;
}

static inline void assert_good(const char *name, struct stepimg_value value)
{
  if (set(name, value) != STEPIMG_OK)
    fail_msg("%s: refused: %s", name, error.message);
  assert_string_equal(error.message, "");
  assert_string_equal(error.field, "");
}

/* Refused, and the option keeps the value it had. */
static inline void assert_bad(const char *name, struct stepimg_value value, bool wrong_type)
{
  struct stepimg_options before = options;
  if (set(name, value) == STEPIMG_OK)
    fail_msg("%s: let through", name);
  assert_invalid(&error, name, wrong_type);
  assert_memory_equal(&options, &before, sizeof options);
}

static inline void assert_is(double value, double expected)
{
  assert_true(fabs(value - expected) < 1e-9);
}

#define WITH_OPTIONS(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

#endif
