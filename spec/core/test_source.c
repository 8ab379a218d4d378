/* Files that are read: whole, bounded, and regular ones alone. */
#define _POSIX_C_SOURCE 200809L

#include "check.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/source.h"

enum { SIZE = 200000 };

static char path[64];

static int make(void **state)
{
  (void)state;
  snprintf(path, sizeof path, "/tmp/stepimg.XXXXXX");
  int descriptor = mkstemp(path);
  for (int i = 0; i < SIZE / 4; i++)
    if (write(descriptor, &i, 4) != 4)
      return -1;
  return close(descriptor);
}

static int drop(void **state)
{
  (void)state;
  return remove(path);
}

static enum stepimg_kind load(const char *from, size_t max, unsigned char **bytes, size_t *length, const char *word)
{
  struct stepimg_error error;
  error_clear(&error);
  *bytes = (unsigned char *)path;
  *length = 7;
  enum stepimg_kind kind = source_load(from, max, bytes, length, &error);
  assert_int_equal(kind, error.kind);
  assert_true(kind != STEPIMG_OK || *bytes != NULL);
  assert_true(kind == STEPIMG_OK || (*bytes == NULL && *length == 0));
  if (word != NULL && strstr(error.message, word) == NULL)
    fail_msg("%s", error.message);
  return kind;
}

static void is_read_whole(void **state)
{
  unsigned char *bytes;
  size_t length;
  (void)state;
  assert_int_equal(load(path, SIZE, &bytes, &length, NULL), STEPIMG_OK);
  assert_int_equal(length, SIZE);
  for (int i = 0; i < SIZE / 4; i++)
    assert_memory_equal(bytes + (size_t)i * 4, &i, 4);
  free(bytes);
  assert_int_equal(truncate(path, 0), 0);
  assert_int_equal(load(path, 0, &bytes, &length, NULL), STEPIMG_OK);
  assert_int_equal(length, 0);
  free(bytes);
}

static void is_refused_where_it_is_too_large_or_none(void **state)
{
  unsigned char *bytes;
  size_t length;
  char pipe[80];
  (void)state;
  assert_int_equal(load(path, SIZE - 1, &bytes, &length, "cannot be read: File too large"), STEPIMG_IO);
  assert_int_equal(load("/nowhere/at/all", SIZE, &bytes, &length, "No such file"), STEPIMG_IO);
  assert_int_equal(load("/tmp", SIZE, &bytes, &length, "Is a directory"), STEPIMG_IO);
  snprintf(pipe, sizeof pipe, "%s.pipe", path);
  assert_int_equal(mkfifo(pipe, 0600), 0);
  assert_int_equal(load(pipe, SIZE, &bytes, &length, "no regular file"), STEPIMG_IO); /* and nobody waits */
  assert_int_equal(remove(pipe), 0);
}

/* What becomes shorter while it is read is not whole, and there may be nothing to read. */
static void ends_where_the_file_does(void **state)
{
  struct source source;
  struct stepimg_error error;
  char out[SIZE];
  size_t length;
  (void)state;
  error_clear(&error);
  assert_int_equal(source_open(&source, path, &error), STEPIMG_OK);
  assert_int_equal(source.size, SIZE);
  assert_int_equal(source_read(&source, out, 100, &length, &error), STEPIMG_OK);
  assert_int_equal(length, 100);
  assert_int_equal(truncate(path, 100), 0);
  assert_int_equal(source_read(&source, out, 100, &length, &error), STEPIMG_OK);
  assert_int_equal(length, 0);
  source_close(&source);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(is_read_whole, make, drop),
      cmocka_unit_test_setup_teardown(is_refused_where_it_is_too_large_or_none, make, drop),
      cmocka_unit_test_setup_teardown(ends_where_the_file_does, make, drop),
  };
  return cmocka_run_group_tests_name("source", tests, NULL, NULL);
}
