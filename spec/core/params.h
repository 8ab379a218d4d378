/* What the tests of the rules share: a request's parameters, checked in both ways at once. */
#ifndef PARAMS_H
#define PARAMS_H

#include "check.h"

#include <stdio.h>

#define CAT "\xe7\x8c\xab"          /* three bytes */
#define CAT_FACE "\xf0\x9f\x90\xb1" /* four */

static struct stepimg_checked checked;
static struct stepimg_flaws flaws;
static struct stepimg_error error;

/* What holds of every list of flaws. */
static inline void look_at_flaws(bool good)
{
  assert_int_equal(flaws.count == 0, good);
  assert_true(flaws.count <= STEPIMG_MAX_FLAWS);
  for (size_t i = 0; i < flaws.count; i++) {
    const struct stepimg_flaw *flaw = &flaws.all[i];
    size_t length = strlen(flaw->field);
    assert_true(flaw->reason > STEPIMG_REASON_NONE && flaw->reason <= STEPIMG_REASON_IMAGE);
    assert_true(strlen(flaw->message) < sizeof flaw->message);
    if (length > 0)
      assert_string_equal(flaw->message + length, strstr(flaw->message + length, ": "));
    for (size_t k = 0; k < i; k++) /* one a parameter */
      assert_true(length == 0 || length == sizeof flaw->field - 1 || strcmp(flaw->field, flaws.all[k].field) != 0);
  }
}

static inline bool check(const struct stepimg_param *params, size_t count, const char *model, bool strict)
{
  memset(&checked, 0x55, sizeof checked); /* what a caller has on its stack */
  memset(&flaws, 0x55, sizeof flaws);
  bool good = stepimg_check(params, count, model, strict, &checked, &flaws);
  look_at_flaws(good);
  return good;
}

static inline enum stepimg_kind validate(const struct stepimg_param *params, size_t count, bool strict)
{
  bool good = check(params, count, NULL, strict);
  memset(&checked, 0x55, sizeof checked);
  memset(&error, 0x55, sizeof error);
  enum stepimg_kind kind = stepimg_validate(params, count, strict, &checked, &error);
  assert_int_equal(error.kind, kind);
  assert_true(error.retry_after < 0);
  assert_int_equal(error.status, 0);
  assert_int_equal(error.maybe_billed, false);
  assert_int_equal(kind == STEPIMG_OK, good);
  assert_string_equal(error.field, good ? "" : flaws.all[0].field);
  assert_string_equal(error.message, good ? "" : flaws.all[0].message);
  assert_int_equal(error.reason, good ? STEPIMG_REASON_NONE : flaws.all[0].reason);
  return kind;
}

/* A request that is good except for this one value. */
static inline enum stepimg_kind validate_one(const char *name, struct stepimg_value value)
{
  struct stepimg_param params[] = {{name, value}, {"prompt", string("a cat")}};
  return validate(params, strcmp(name, "prompt") == 0 ? 1 : 2, true);
}

static inline void assert_good(const char *name, struct stepimg_value value)
{
  if (validate_one(name, value) != STEPIMG_OK)
    fail_msg("%s: refused: %s", name, error.message);
  assert_string_equal(error.message, "");
  assert_string_equal(error.field, "");
  assert_int_equal(checked.warning_count, 0);
}

static inline void assert_bad(const char *name, struct stepimg_value value, const char *reason)
{
  if (validate_one(name, value) == STEPIMG_OK)
    fail_msg("%s: let through; \"%s\" was to come", name, reason);
  assert_invalid(&error, name, false);
  assert_contains(error.message, reason);
}

static inline void assert_wrong_type(const char *name, struct stepimg_value value, const char *wanted,
                                     const char *given)
{
  if (validate_one(name, value) == STEPIMG_OK)
    fail_msg("%s: let through; %s was to come", name, wanted);
  assert_invalid(&error, name, true);
  assert_contains(error.message, wanted);
  assert_contains(error.message, given);
}

/* A text of so many of one character. */
static inline struct stepimg_value repeated(char *out, const char *character, size_t count)
{
  size_t size = strlen(character);
  for (size_t i = 0; i < count; i++)
    memcpy(out + i * size, character, size);
  out[count * size] = '\0';
  return string_of(out, count * size);
}

/* A picture as its sniffer would tell of it. */
static inline struct stepimg_value picture(const char *bytes, size_t length, enum stepimg_format format, uint32_t width,
                                           uint32_t height)
{
  struct stepimg_value value = {.type = STEPIMG_IMAGE};
  value.as.image.bytes = bytes;
  value.as.image.length = length;
  value.as.image.format = format;
  value.as.image.width = width;
  value.as.image.height = height;
  return value;
}

/* The flaw of a field; fails where there is none. */
static inline const struct stepimg_flaw *flaw_of(const char *field)
{
  for (size_t i = 0; i < flaws.count; i++)
    if (strcmp(flaws.all[i].field, field) == 0)
      return &flaws.all[i];
  fail_msg("%s has no flaw", field);
  return NULL;
}

/* The flaws, as "field reason, field reason". */
static inline const char *all_flaws(void)
{
  static char text[4096];
  size_t used = 0;
  text[0] = '\0';
  for (size_t i = 0; i < flaws.count; i++)
    used += (size_t)snprintf(text + used, sizeof text - used, "%s%s %s", i > 0 ? ", " : "", flaws.all[i].field,
                             stepimg_reason_name(flaws.all[i].reason));
  return text;
}

#endif
