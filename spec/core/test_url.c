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
      "127.-0.0.1",          "127.0.0.-0",        "127.0.088.10",
      "127.0.0.0x1.example", "127.0.0.1.example", "127.0.0.256",
      "127.0.0.1.",          "localhost.example", "localhos",
      "localhost.",          "128.0.0.1",         "27.0.0.1",
      "127.0.0.1a",          "0.0.0.0",           "[::2]",
      "[::ffff:8.8.8.8]",    "10.127.0.1",        "127-0-0-1.home",
      "127.0.0.1-example",
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

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(knows_this_machine),
      cmocka_unit_test(takes_no_name_for_this_machine),
  };
  return cmocka_run_group_tests_name("url", tests, NULL, NULL);
}
