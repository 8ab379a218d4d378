/* Whose word counts: which of the sources is taken, and what libcurl can be used at all. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

#include <curl/curl.h>
#include <stdio.h>
#include <unistd.h>

#include "http/authorities.h"
#include "http/settings.h"

static struct authorities chosen;
static struct stepimg_error error;
static char option[] = "/tmp/stepimg_authorities_XXXXXX", built_in[] = "/tmp/stepimg_authorities_XXXXXX";
static const char none[] = "/nonexistent/authorities.pem";

static enum stepimg_kind choose(const struct authorities_sources *sources)
{
  authorities_clear(&chosen);
  memset(&error, 0, sizeof error);
  return authorities_choose(&chosen, sources, &error);
}

static void assert_chosen(const char *file, const char *folder)
{
  if (file != NULL)
    assert_string_equal(chosen.file, file);
  else
    assert_null(chosen.file);
  if (folder != NULL)
    assert_string_equal(chosen.folder, folder);
  else
    assert_null(chosen.folder);
  assert_int_equal(chosen.own, file == NULL && folder == NULL);
}

static void takes_the_option_before_all(void **state)
{
  struct authorities_sources sources = {
      .option = option, .env_file = none, .env_folder = "/", .built_file = built_in, .built_folder = "/"};
  (void)state;
  assert_int_equal(choose(&sources), STEPIMG_OK);
  assert_chosen(option, NULL);
  sources.system_store = true;
  assert_int_equal(choose(&sources), STEPIMG_OK);
  assert_chosen(option, NULL);
}

static void takes_the_environment_before_what_is_built_in(void **state)
{
  struct authorities_sources sources = {.env_file = option, .built_file = built_in, .built_folder = "/"};
  (void)state;
  assert_int_equal(choose(&sources), STEPIMG_OK);
  assert_chosen(option, NULL);
  sources.env_folder = "/tmp:/nonexistent";
  assert_int_equal(choose(&sources), STEPIMG_OK);
  assert_chosen(option, "/tmp:/nonexistent");
  sources.env_file = NULL;
  assert_int_equal(choose(&sources), STEPIMG_OK);
  assert_chosen(NULL, "/tmp:/nonexistent");
}

static void keeps_what_relative_folders_meant(void **state)
{
  struct authorities_sources sources = {.env_folder = "certs:/nonexistent::other/certs:"};
  (void)state;
  assert_int_equal(chdir("/tmp"), 0);
  assert_int_equal(choose(&sources), STEPIMG_OK);
  assert_int_equal(chdir("/"), 0);
  assert_chosen(NULL, "/tmp/certs:/nonexistent:/tmp/other/certs");
}

static void takes_what_is_built_in_where_it_is_there(void **state)
{
  struct authorities_sources sources = {.built_file = built_in, .built_folder = "/"};
  (void)state;
  assert_int_equal(choose(&sources), STEPIMG_OK);
  assert_chosen(built_in, NULL); /* a folder beside it has libcurl parse the file for each connection */
  sources.built_file = none;
  assert_int_equal(choose(&sources), STEPIMG_OK);
  assert_chosen(NULL, "/");
}

static bool can_be_read(const char *path)
{
  return access(path, R_OK) == 0;
}

/* As a libcurl does that was built for another distribution. */
static void looks_where_other_distributions_have_them(void **state)
{
  struct authorities_sources sources = {.built_file = none, .built_folder = "/nonexistent"};
  (void)state;
  assert_int_equal(choose(&sources), STEPIMG_OK);
  if (can_be_read("/etc/ssl/certs/ca-certificates.crt"))
    assert_chosen("/etc/ssl/certs/ca-certificates.crt", NULL);
  else if (chosen.file != NULL)
    assert_true(can_be_read(chosen.file));
  else
    assert_true(chosen.own);
  sources.built_file = sources.built_folder = NULL;
  assert_int_equal(choose(&sources), STEPIMG_OK);
  assert_true(chosen.own || can_be_read(chosen.file));
  sources.system_store = true;
  assert_int_equal(choose(&sources), STEPIMG_OK);
  assert_chosen(NULL, NULL);
}

static void says_what_cannot_be_read(void **state)
{
  struct authorities_sources sources = {.option = none};
  (void)state;
  assert_int_equal(choose(&sources), STEPIMG_INVALID);
  assert_invalid(&error, "ca_file", false);
  assert_contains(error.message, none);
  sources = (struct authorities_sources){.env_file = none};
  assert_int_equal(choose(&sources), STEPIMG_INVALID);
  assert_invalid(&error, "ca_file", false);
  assert_contains(error.message, "SSL_CERT_FILE");
  authorities_clear(&chosen);
  authorities_clear(&chosen);
}

static enum stepimg_kind usable(int features, const char *tls)
{
  memset(&error, 0, sizeof error);
  return settings_check_library(features, tls, &error);
}

static void refuses_a_libcurl_that_cannot_be_used(void **state)
{
  static const char *const good[] = {
      "OpenSSL/3.0.17",         "GnuTLS/3.7.9", "mbedTLS/3.6.0", "Schannel", "OpenSSL/3.0.17 (NSS/3.87)",
      "(NSS/3.87) GnuTLS/3.7.9"};
  (void)state;
  for (size_t i = 0; i < COUNT_OF(good); i++)
    assert_int_equal(usable(CURL_VERSION_SSL | CURL_VERSION_HTTP2, good[i]), STEPIMG_OK);
  assert_int_equal(usable(CURL_VERSION_HTTP2, NULL), STEPIMG_NETWORK);
  assert_contains(error.message, "TLS");
  assert_int_equal(usable(CURL_VERSION_SSL, NULL), STEPIMG_NETWORK);
  assert_int_equal(usable(CURL_VERSION_SSL, "NSS/3.87"), STEPIMG_NETWORK);
  assert_contains(error.message, "NSS");
  assert_int_equal(usable(CURL_VERSION_SSL, "(OpenSSL/3.0.17) NSS/3.87"), STEPIMG_NETWORK);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(takes_the_option_before_all),
      cmocka_unit_test(takes_the_environment_before_what_is_built_in),
      cmocka_unit_test(keeps_what_relative_folders_meant),
      cmocka_unit_test(takes_what_is_built_in_where_it_is_there),
      cmocka_unit_test(looks_where_other_distributions_have_them),
      cmocka_unit_test(says_what_cannot_be_read),
      cmocka_unit_test(refuses_a_libcurl_that_cannot_be_used),
  };
  close(mkstemp(option));
  close(mkstemp(built_in));
  int failed = cmocka_run_group_tests_name("authorities", tests, NULL, NULL);
  authorities_clear(&chosen);
  unlink(option);
  unlink(built_in);
  return failed;
}
