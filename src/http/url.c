#include "http/url.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"

/* A URL that was taken apart. What is asked of one that is none, or for which there was no memory, is answered no. */
struct address {
  CURLU *parsed;  /* NULL: it is none */
  bool no_memory; /* so no answer counts */
};

static struct address open_address(const char *text, unsigned flags)
{
  struct address address = {.parsed = curl_url()};
  CURLUcode code =
      address.parsed != NULL ? curl_url_set(address.parsed, CURLUPART_URL, text, flags) : CURLUE_OUT_OF_MEMORY;
  address.no_memory = code == CURLUE_OUT_OF_MEMORY;
  if (code != CURLUE_OK) {
    curl_url_cleanup(address.parsed);
    address.parsed = NULL;
  }
  return address;
}

static struct address open_proxy(const char *proxy)
{
  return open_address(proxy, CURLU_GUESS_SCHEME | CURLU_NON_SUPPORT_SCHEME);
}

static void close_address(struct address *address)
{
  curl_url_cleanup(address->parsed);
  address->parsed = NULL;
}

/* Copies a part into out; "" where it is missing. True if it is there. */
static bool part(struct address *address, CURLUPart what, char *out, size_t size)
{
  char *text = NULL;
  out[0] = '\0';
  CURLUcode code = address->parsed != NULL ? curl_url_get(address->parsed, what, &text, 0) : CURLUE_NO_HOST;
  if (code == CURLUE_OUT_OF_MEMORY)
    address->no_memory = true;
  bool there = code == CURLUE_OK && text != NULL;
  if (there)
    text_copy(out, size, text, strlen(text));
  curl_free(text);
  return there;
}

static bool has_credentials(struct address *address)
{
  char ignored[8];
  bool user = part(address, CURLUPART_USER, ignored, sizeof ignored);
  return part(address, CURLUPART_PASSWORD, ignored, sizeof ignored) || user;
}

static bool is_scheme(struct address *address, const char *scheme)
{
  char text[16];
  return part(address, CURLUPART_SCHEME, text, sizeof text) && strcmp(text, scheme) == 0;
}

static bool is_loopback(struct address *address)
{
  char host[URL_HOST_MAX], number[16];
  unsigned b, c, d;
  if (!part(address, CURLUPART_HOST, host, sizeof host))
    return false;
  if (text_distance(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
    return true;
  if (sscanf(host, "127.%3u.%3u.%3u", &b, &c, &d) != 3 || b > 255 || c > 255 || d > 255)
    return false;
  /* Written in any other way (127.-0.0.1, 127.0.088.1) it is a name, which anyone may own. */
  snprintf(number, sizeof number, "127.%u.%u.%u", b, c, d);
  return strcmp(host, number) == 0;
}

bool url_is_loopback(const char *url)
{
  struct address address = open_address(url, 0);
  bool loopback = is_loopback(&address);
  close_address(&address);
  return loopback;
}

const char *url_host(char out[URL_HOST_MAX], const char *url)
{
  struct address address = open_address(url, 0);
  part(&address, CURLUPART_HOST, out, URL_HOST_MAX);
  close_address(&address);
  return out;
}

bool url_may_follow(const char *from, const char *url, const char **why)
{
  struct address address = open_address(url, 0);
  bool http = is_scheme(&address, "http"), https = is_scheme(&address, "https");
  *why = NULL;
  if (address.parsed == NULL)
    *why = "it is no URL";
  else if (has_credentials(&address))
    *why = "it has a user name or password in it";
  else if (!https && !(http && is_loopback(&address) && url_is_loopback(from)))
    *why = "it is not https";
  if (address.no_memory)
    *why = "there is not enough memory";
  close_address(&address);
  return *why == NULL;
}

/* The address that text is from address from, which curl_free frees. NULL: it is none, or *no_memory. */
static char *combine(const char *from, const char *text, bool *no_memory)
{
  char *whole = NULL;
  struct address address = open_address(from, CURLU_NON_SUPPORT_SCHEME);
  CURLUcode code = CURLUE_OK;
  if (address.parsed != NULL)
    code = curl_url_set(address.parsed, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME);
  if (address.parsed != NULL && code == CURLUE_OK)
    code = curl_url_get(address.parsed, CURLUPART_URL, &whole, 0);
  *no_memory = address.no_memory || code == CURLUE_OUT_OF_MEMORY;
  close_address(&address);
  return code == CURLUE_OK ? whole : NULL;
}

static char *copy_of(const char *text, size_t length)
{
  char *copy = malloc(length + 1);
  if (copy != NULL) {
    memcpy(copy, text, length);
    copy[length] = '\0';
  }
  return copy;
}

bool url_resolve(const char *from, const char *location, size_t length, char **out)
{
  bool no_memory = false;
  *out = NULL;
  if (length == 0 || memchr(location, '\0', length) != NULL)
    return true;
  char *text = copy_of(location, length);
  char *whole = text != NULL ? combine(from, text, &no_memory) : NULL;
  if (whole != NULL) { /* curl_free need not be free */
    free(text);
    text = copy_of(whole, strlen(whole));
  } else if (no_memory) {
    free(text);
    text = NULL;
  }
  curl_free(whole);
  *out = text;
  return text != NULL;
}

static enum stepimg_kind check_base(struct address *address, const char *text, struct stepimg_error *error)
{
  char host[URL_HOST_MAX];
  bool http = is_scheme(address, "http"), https = is_scheme(address, "https");
  part(address, CURLUPART_HOST, host, sizeof host);
  if (address->parsed == NULL)
    return error_set(error, STEPIMG_INVALID, "base_url", "it is no URL; https://host/path is wanted");
  if (!http && !https)
    return error_set(error, STEPIMG_INVALID, "base_url", "it is neither https nor http");
  if (has_credentials(address))
    return error_set(error, STEPIMG_INVALID, "base_url", "a user name or password has no place in it; use api_key");
  if (strpbrk(text, "?#") != NULL) /* libcurl says nothing of empty ones */
    return error_set(error, STEPIMG_INVALID, "base_url", "a query (?) or fragment (#) has no place in it");
  if (http && !is_loopback(address))
    return error_set(error, STEPIMG_INVALID, "base_url",
                     "http to %s would show the key to everyone on the way; only https is allowed but for this machine",
                     host);
  return STEPIMG_OK;
}

enum stepimg_kind url_endpoint(const char *base, char **endpoint, struct stepimg_error *error)
{
  static const char path[] = "/images/generations";
  struct address address = open_address(base, 0);
  enum stepimg_kind kind = check_base(&address, base, error);
  close_address(&address);
  *endpoint = NULL;
  if (address.no_memory)
    return error_nomem(error);
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

/* Those that libcurl knows. */
static bool is_proxy_scheme(struct address *address)
{
  static const char *const schemes[] = {"http", "https", "socks4", "socks4a", "socks5", "socks5h"};
  for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
    if (is_scheme(address, schemes[i]))
      return true;
  return false;
}

enum stepimg_kind url_check_proxy(const char *proxy, const char *endpoint, struct stepimg_error *error)
{
  struct address address = open_proxy(proxy), base = open_address(endpoint, 0);
  enum stepimg_kind kind = STEPIMG_OK;
  if (address.parsed == NULL)
    kind = error_set(error, STEPIMG_INVALID, "proxy", "it is no address; scheme://host:port is wanted");
  else if (!is_proxy_scheme(&address))
    kind = error_set(error, STEPIMG_INVALID, "proxy",
                     "its scheme is none of http, https, socks4, socks4a, socks5, socks5h");
  else if (is_scheme(&base, "http") && !is_loopback(&address))
    kind = error_set(error, STEPIMG_INVALID, "proxy", "base_url is http, so the proxy would see the key in plain text");
  if (address.no_memory || base.no_memory)
    kind = error_nomem(error);
  close_address(&address);
  close_address(&base);
  return kind;
}
