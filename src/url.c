#include "url.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "text.h"

/* NULL if url is none. */
static CURLU *parse_with(const char *url, unsigned flags)
{
  CURLU *parsed = curl_url();
  if (parsed != NULL && curl_url_set(parsed, CURLUPART_URL, url, flags) != CURLUE_OK) {
    curl_url_cleanup(parsed);
    parsed = NULL;
  }
  return parsed;
}

static CURLU *parse(const char *url)
{
  return parse_with(url, 0);
}

static CURLU *parse_proxy(const char *proxy)
{
  return parse_with(proxy, CURLU_GUESS_SCHEME | CURLU_NON_SUPPORT_SCHEME);
}

/* Copies a part into out; "" where it is missing. True if it is there. */
static bool part(CURLU *url, CURLUPart what, char *out, size_t size)
{
  char *text = NULL;
  out[0] = '\0';
  bool there = url != NULL && curl_url_get(url, what, &text, 0) == CURLUE_OK && text != NULL;
  if (there)
    text_copy(out, size, text, strlen(text));
  curl_free(text);
  return there;
}

static bool has(CURLU *url, CURLUPart what)
{
  char ignored[8];
  return part(url, what, ignored, sizeof ignored);
}

static bool is_scheme(CURLU *url, const char *scheme)
{
  char text[16];
  return part(url, CURLUPART_SCHEME, text, sizeof text) && strcmp(text, scheme) == 0;
}

static bool is_loopback(CURLU *url)
{
  char host[URL_HOST_MAX];
  unsigned a, b, c, d;
  char more;
  if (!part(url, CURLUPART_HOST, host, sizeof host))
    return false;
  if (text_distance(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
    return true;
  return sscanf(host, "%3u.%3u.%3u.%3u%c", &a, &b, &c, &d, &more) == 4 && a == 127 && b < 256 && c < 256 && d < 256;
}

bool url_is_loopback(const char *url)
{
  CURLU *parsed = parse(url);
  bool loopback = is_loopback(parsed);
  curl_url_cleanup(parsed);
  return loopback;
}

bool url_is_http(const char *url)
{
  CURLU *parsed = parse(url);
  bool http = is_scheme(parsed, "http");
  curl_url_cleanup(parsed);
  return http;
}

const char *url_host(char out[URL_HOST_MAX], const char *url)
{
  CURLU *parsed = parse(url);
  part(parsed, CURLUPART_HOST, out, URL_HOST_MAX);
  curl_url_cleanup(parsed);
  return out;
}

bool url_is_proxy(const char *proxy)
{
  CURLU *parsed = parse_proxy(proxy);
  curl_url_cleanup(parsed);
  return parsed != NULL;
}

bool url_is_loopback_proxy(const char *proxy)
{
  CURLU *parsed = parse_proxy(proxy);
  bool loopback = is_loopback(parsed);
  curl_url_cleanup(parsed);
  return loopback;
}

bool url_may_follow(const char *from, const char *url, const char **why)
{
  CURLU *parsed = parse(url);
  bool http = is_scheme(parsed, "http");
  *why = NULL;
  if (parsed == NULL)
    *why = "it is no URL";
  else if (has(parsed, CURLUPART_USER) || has(parsed, CURLUPART_PASSWORD))
    *why = "it has a user name or password in it";
  else if (http && !(is_loopback(parsed) && url_is_loopback(from)))
    *why = "it is not https";
  else if (!http && !is_scheme(parsed, "https"))
    *why = "it is not https";
  curl_url_cleanup(parsed);
  return *why == NULL;
}

static enum stepimg_kind check_base(CURLU *url, const char *text, struct stepimg_error *error)
{
  char host[URL_HOST_MAX];
  bool http = is_scheme(url, "http");
  if (url == NULL)
    return error_set(error, STEPIMG_INVALID, "base_url", "it is no URL; https://host/path is wanted");
  if (!http && !is_scheme(url, "https"))
    return error_set(error, STEPIMG_INVALID, "base_url", "it is neither https nor http");
  if (has(url, CURLUPART_USER) || has(url, CURLUPART_PASSWORD))
    return error_set(error, STEPIMG_INVALID, "base_url", "a user name or password has no place in it; use api_key");
  if (strpbrk(text, "?#") != NULL) /* libcurl says nothing of empty ones */
    return error_set(error, STEPIMG_INVALID, "base_url", "a query (?) or fragment (#) has no place in it");
  if (http && !is_loopback(url)) {
    part(url, CURLUPART_HOST, host, sizeof host);
    return error_set(error, STEPIMG_INVALID, "base_url",
                     "http to %s would show the key to everyone on the way; only https is allowed but for this machine",
                     host);
  }
  return STEPIMG_OK;
}

enum stepimg_kind url_endpoint(const char *base, char **endpoint, struct stepimg_error *error)
{
  static const char path[] = "/images/generations";
  CURLU *url = parse(base);
  enum stepimg_kind kind = check_base(url, base, error);
  curl_url_cleanup(url);
  *endpoint = NULL;
  if (kind != STEPIMG_OK)
    return kind;
  size_t length = strlen(base);
  while (length > 0 && base[length - 1] == '/')
    length--;
  *endpoint = malloc(length + sizeof path);
  if (*endpoint == NULL)
    return error_nomem(error);
  memcpy(*endpoint, base, length);
  memcpy(*endpoint + length, path, sizeof path);
  return STEPIMG_OK;
}
