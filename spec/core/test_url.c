/* Which addresses may be used: what is this machine and what only looks like it. */
#include "check.h"

#include <stdio.h>

#include "http/url.h"

static void knows_this_machine(void **state)
{
  static const char *const here[] = {"http://localhost/v1",     "http://LocalHost:8080", "http://127.0.0.1",
                                     "http://127.255.255.254/", "https://127.1.2.3",     "http://[::1]:80/v1"};
  (void)state;
  for (size_t i = 0; i < COUNT_OF(here); i++)
    assert_true(url_is_loopback(here[i]));
}

/* Such a host is a name to libcurl, which looks it up; whoever answers would get the key in plain text. */
static void takes_no_name_for_this_machine(void **state)
{
  static const char *const names[] = {
      "127.-0.0.1",        "127.0.0.-0",
      "127.0.088.10",      "127.0.0.0x1.example",
      "127.0.0.1.example", "127.0.0.256",
      "localhost.example", "localhos",
      "localhost.",        "128.0.0.1",
      "27.0.0.1",          "127.0.0.1a",
      "0.0.0.0",           "[::2]",
      "[::ffff:8.8.8.8]",  "10.127.0.1",
      "127-0-0-1.home",    "127.0.0.1-example",
  };
  (void)state;
  for (size_t i = 0; i < COUNT_OF(names); i++) {
    struct stepimg_error error;
    char url[64], *endpoint;
    const char *why;
    snprintf(url, sizeof url, "http://%s/v1", names[i]);
    if (url_is_loopback(url))
      fail_msg("%s is taken for this machine", url);
    assert_int_equal(url_endpoint(url, &endpoint, &error), STEPIMG_INVALID);
    assert_null(endpoint);
    assert_false(url_may_follow("http://127.0.0.1/v1", url, &why));
  }
}

/* A number with a dot behind it is a name to an older libcurl, and a number to a newer: what it connects to counts. */
static void sees_a_host_as_libcurl_does(void **state)
{
  char host[URL_HOST_MAX];
  (void)state;
  url_host(host, "http://127.0.0.1./v1");
  assert_int_equal(url_is_loopback("http://127.0.0.1./v1"), strcmp(host, "127.0.0.1") == 0);
}

/* Where a Location leads, whatever a libcurl of its time would say: a name or password in it is there to be seen. */
static void resolves_redirects(void **state)
{
  static const char *const cases[][2] = {
      {"https://b.example/y.png?z=1", "https://b.example/y.png?z=1"},
      {"/y.png", "https://a.example/y.png"},
      {"y.png", "https://a.example/p/y.png"},
      {"../y.png", "https://a.example/y.png"},
      {"?q", "https://a.example/p/x.png?q"},
      {"//b.example/y", "https://b.example/y"},
      {"https://user:secret@b.example/y", "https://user:secret@b.example/y"},
      {"//user@b.example/y", "https://user@b.example/y"},
      {"ftp://b.example/y", "ftp://b.example/y"},
      {"http://b.example:99999/y", "http://b.example:99999/y"},
      {"https://[::1/y", "https://[::1/y"},
  };
  char *to;
  const char *why;
  (void)state;
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    size_t length = strlen(cases[i][0]);
    char *location = exact_copy(cases[i][0], length); /* a header's value is no string */
    assert_true(url_resolve("https://a.example/p/x.png", location, length, &to));
    assert_string_equal(to, cases[i][1]);
    assert_int_equal(url_may_follow("https://a.example/p/x.png", to, &why), i < 6);
    free(location);
    free(to);
  }
  assert_true(url_resolve("https://a.example/", "", 0, &to));
  assert_null(to);
  assert_true(url_resolve("https://a.example/", "/y\0z", 4, &to));
  assert_null(to);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(knows_this_machine),
      cmocka_unit_test(takes_no_name_for_this_machine),
      cmocka_unit_test(sees_a_host_as_libcurl_does),
      cmocka_unit_test(resolves_redirects),
  };
  return cmocka_run_group_tests_name("url", tests, NULL, NULL);
}
