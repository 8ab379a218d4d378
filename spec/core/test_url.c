/* Which addresses may be used: what is this machine and what only looks like it. */
#include "check.h"

#include <stdio.h>

#include "http/url.h"

/* Where a link leads, until the next one is asked for; NULL: nowhere. */
static const char *followed(const char *from, const char *link)
{
  static char place[2048];
  size_t length = strlen(link);
  char *exact = exact_copy(link, length), *url;
  const char *why = NULL;
  assert_true(url_follow(from, exact, length, &url, &why));
  assert_int_equal(url != NULL, why == NULL);
  snprintf(place, sizeof place, "%s", url != NULL ? url : "");
  free(exact);
  bool leads = url != NULL;
  free(url);
  return leads ? place : NULL;
}

static bool is_plain(const char *url)
{
  return url != NULL && strncmp(url, "http:", 5) == 0;
}

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
    snprintf(url, sizeof url, "http://%s/v1", names[i]);
    if (url_is_loopback(url))
      fail_msg("%s is taken for this machine", url);
    assert_int_equal(url_endpoint(url, false, &endpoint, &error), STEPIMG_INVALID);
    assert_null(endpoint);
    assert_false(is_plain(followed("http://127.0.0.1/v1", url)));
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
  (void)state;
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    size_t length = strlen(cases[i][0]);
    char *location = exact_copy(cases[i][0], length); /* a header's value is no string */
    assert_true(url_resolve("https://a.example/p/x.png", location, length, &to));
    assert_string_equal(to, cases[i][1]);
    assert_int_equal(followed("https://a.example/p/x.png", to) != NULL, i < 6);
    free(location);
    free(to);
  }
  assert_true(url_resolve("https://a.example/", "", 0, &to));
  assert_null(to);
  assert_true(url_resolve("https://a.example/", "/y\0z", 4, &to));
  assert_null(to);
}

static const char service[] = "https://api.example/v1/images/generations";

static void follows_links_as_services_write_them(void **state)
{
  static const char *const cases[][2] = {
      {"https://b.example/x.png?a=1&b=%2B#top", "https://b.example/x.png?a=1&b=%2B#top"},
      {" \t\r\nhttps://b.example/x.png\r\n ", "https://b.example/x.png"},
      {"//b.example/x.png?a=1", "https://b.example/x.png?a=1"},
      {"/x.png?a=1", "https://api.example/x.png?a=1"},
      {" /x.png ", "https://api.example/x.png"},
      {"http://b.example/x.png?a=1&b=%2B", "https://b.example/x.png?a=1&b=%2B"},
      {"HTTP://B.example/x.png", "https://B.example/x.png"},
      {"http://b.example:80/x.png", "https://b.example/x.png"},
      {"http://b.example:8080/x.png", "https://b.example:8080/x.png"},
      {"https://127.0.0.1/x.png", "https://127.0.0.1/x.png"},
      {"https://b.example/a b.png?c=d e", "https://b.example/a%20b.png?c=d%20e"},
      {"http://b.example/a b.png", "https://b.example/a%20b.png"},
      {"https://b.example?c=d e", "https://b.example?c=d%20e"},
      {"https://b.example/\xe7\x81\xaf.png?\xe7\x81\xaf", "https://b.example/%E7%81%AF.png?%E7%81%AF"},
  };
  (void)state;
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    const char *to = followed(service, cases[i][0]);
    assert_non_null(to);
    assert_string_equal(to, cases[i][1]);
  }
}

static void follows_no_link_that_leads_astray(void **state)
{
  static const char *const links[] = {
      "",
      " ",
      "//",
      "x.png",
      "?x",
      "#x",
      "./x.png",
      "not a link",
      "https://",
      "http://",
      "https://a b.example/",
      "http://127.0.0.1/x.png",
      "http://localhost/x.png",
      "http://[::1]/x.png",
      "http://10.0.0.1/x.png",
      "http://0.0.0.0/x.png",
      "http://[::ffff:127.0.0.1]/x.png",
      "http://intranet/x.png",
      "http://intranet./x.png",
      "ftp://b.example/x.png",
      "file:///etc/hostname",
      "file://b.example/x",
      "data:image/png;base64,iVBORw0KGgo=",
      "javascript:alert(1)",
      "https://user@b.example/x.png",
      "https://user:secret@b.example/x.png",
      "http://user:secret@b.example/x.png",
      "//user@b.example/x.png",
      "https://b.example/\x01x.png",
      "https://b.example/x\n.png",
      "https://b.example/x.png\x7f",
      "\x7fhttps://b.example/x.png",
      "https://b.example/\tx.png",
      "https://b .example/x.png",
      "https://user@b.example /x.png",
      "https:// user@b.example/x.png",
      "no link at all",
  };
  (void)state;
  for (size_t i = 0; i < COUNT_OF(links); i++)
    if (followed(service, links[i]) != NULL)
      fail_msg("\"%s\" is followed", links[i]);
}

/* A NUL does not end it: what stands behind may be all that matters. */
static void follows_no_link_with_a_nul(void **state)
{
  static const char links[][26] = {"https://b.example/x\0.png", "https://b.example/x.png\0",
                                   "\0https://b.example/x.pn"};
  char *url;
  const char *why = NULL;
  (void)state;
  for (size_t i = 0; i < COUNT_OF(links); i++) {
    assert_true(url_follow(service, links[i], sizeof links[i] - 2, &url, &why));
    assert_null(url);
    assert_non_null(why);
  }
}

static void stays_on_this_machine_in_plain_text(void **state)
{
  (void)state;
  assert_string_equal(followed("http://127.0.0.1:8080/v1/images", "/x.png"), "http://127.0.0.1:8080/x.png");
  assert_string_equal(followed("http://127.0.0.1:8080/v1", "//localhost:81/x"), "http://localhost:81/x");
  assert_string_equal(followed("http://127.0.0.1:8080/v1", "http://[::1]/x"), "http://[::1]/x");
  assert_null(followed("https://127.0.0.1:8080/v1", "//10.0.0.1"
                                                    "\x1b/x"));
  assert_null(followed("http://127.0.0.1/v1", "//10.0.0.1/x"));
  assert_string_equal(followed("http://127.0.0.1/v1", "//b.example/x"), "https://b.example/x");
}

static void takes_http_beyond_this_machine_where_it_is_allowed(void **state)
{
  struct stepimg_error error;
  char *endpoint;
  (void)state;
  assert_int_equal(url_endpoint("http://gateway.example:8080/v1", false, &endpoint, &error), STEPIMG_INVALID);
  assert_contains(error.message, "allow_http");
  assert_int_equal(url_endpoint("http://gateway.example:8080/v1", true, &endpoint, &error), STEPIMG_OK);
  assert_string_equal(endpoint, "http://gateway.example:8080/v1/images/generations");
  memset(&error, 0, sizeof error);
  static const char *const schemes[] = {"http", "https", "socks4", "socks4a", "socks5", "socks5h"};
  for (size_t i = 0; i < COUNT_OF(schemes); i++) {
    char proxy[64];
    snprintf(proxy, sizeof proxy, "%s://proxy.example:1", schemes[i]);
    assert_int_equal(url_check_proxy(proxy, endpoint, &error), STEPIMG_OK);
  }
  assert_int_equal(url_check_proxy("socks6://proxy.example:1", endpoint, &error), STEPIMG_INVALID);
  assert_int_equal(url_check_proxy("http://proxy.example:1", "http://127.0.0.1/v1", &error), STEPIMG_INVALID);
  free(endpoint);
  assert_int_equal(url_endpoint("ftp://gateway.example/v1", true, &endpoint, &error), STEPIMG_INVALID);
  assert_int_equal(url_endpoint("http://user@gateway.example/v1", true, &endpoint, &error), STEPIMG_INVALID);
}

static void makes_the_endpoint_of_a_base_url(void **state)
{
  static const char *const cases[][2] = {
      {"https://a.example/v1", "https://a.example/v1/images/generations"},
      {"https://a.example/v1//", "https://a.example/v1/images/generations"},
      {"https://a.example", "https://a.example/images/generations"},
      {"https://a.example/v1/images/generations", "https://a.example/v1/images/generations"},
      {"https://a.example/v1/images/generations/", "https://a.example/v1/images/generations"},
      {"https://a.example/v1/images/edits", "https://a.example/v1/images/generations"},
      {"https://a.example/images/generations", "https://a.example/images/generations"},
      {"https://images/generations", "https://images/generations/images/generations"},
      {"https://a.example/my/images", "https://a.example/my/images/images/generations"},
  };
  (void)state;
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    struct stepimg_error error;
    char *endpoint;
    assert_int_equal(url_endpoint(cases[i][0], false, &endpoint, &error), STEPIMG_OK);
    assert_string_equal(endpoint, cases[i][1]);
    free(endpoint);
  }
}

/* A gateway in one's own network; all else is refused as ever. */
static void allow_http_lets_http_through_and_nothing_else(void **state)
{
  static const char *const bases[] = {"http://10.0.0.1/v1", "http://gateway:8080", "http://127.0.0.1/v1",
                                      "https://a.example/v1"};
  static const char *const none[] = {"ftp://10.0.0.1/v1", "http://user@10.0.0.1/v1", "http://10.0.0.1/v1?key=1",
                                     "http://", "10.0.0.1"};
  (void)state;
  for (size_t i = 0; i < COUNT_OF(bases); i++) {
    struct stepimg_error error;
    char *endpoint;
    assert_int_equal(url_endpoint(bases[i], true, &endpoint, &error), STEPIMG_OK);
    assert_int_equal(strncmp(endpoint, bases[i], strlen(bases[i])), 0);
    free(endpoint);
    if (i < 2) {
      assert_int_equal(url_endpoint(bases[i], false, &endpoint, &error), STEPIMG_INVALID);
      assert_contains(error.message, "allow_http");
    }
  }
  for (size_t i = 0; i < COUNT_OF(none); i++) {
    struct stepimg_error error;
    char *endpoint;
    assert_int_equal(url_endpoint(none[i], true, &endpoint, &error), STEPIMG_INVALID);
    assert_null(endpoint);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(knows_this_machine),
      cmocka_unit_test(takes_no_name_for_this_machine),
      cmocka_unit_test(sees_a_host_as_libcurl_does),
      cmocka_unit_test(resolves_redirects),
      cmocka_unit_test(follows_links_as_services_write_them),
      cmocka_unit_test(follows_no_link_that_leads_astray),
      cmocka_unit_test(follows_no_link_with_a_nul),
      cmocka_unit_test(stays_on_this_machine_in_plain_text),
      cmocka_unit_test(takes_http_beyond_this_machine_where_it_is_allowed),
      cmocka_unit_test(makes_the_endpoint_of_a_base_url),
      cmocka_unit_test(allow_http_lets_http_through_and_nothing_else),
  };
  return cmocka_run_group_tests_name("url", tests, NULL, NULL);
}
