#include "http/url.h"

#include <curl/curl.h>
#include <stdint.h>
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

const char *url_proxy_host(char out[URL_HOST_MAX], const char *proxy)
{
  struct address address = open_proxy(proxy);
  part(&address, CURLUPART_HOST, out, URL_HOST_MAX);
  close_address(&address);
  return out;
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

bool url_resolve(const char *from, const char *location, size_t length, char **out)
{
  bool no_memory = false;
  *out = NULL;
  if (length == 0 || memchr(location, '\0', length) != NULL)
    return true;
  char *text = text_join(location, length, "");
  char *whole = text != NULL ? combine(from, text, &no_memory) : NULL;
  if (whole != NULL) { /* curl_free need not be free */
    free(text);
    text = text_join(whole, strlen(whole), "");
  } else if (no_memory) {
    free(text);
    text = NULL;
  }
  curl_free(whole);
  *out = text;
  return text != NULL;
}

/* Whether a host has a name that anyone can look up and a certificate can be for. */
static bool is_public_name(const char *host)
{
  const char *dot = strchr(host, '.');
  return host[0] != '[' && dot != NULL && dot[1] != '\0' && host[strspn(host, "0123456789.")] != '\0';
}

/* The same address over https, which curl_free frees. NULL: out of memory. */
static char *over_https(struct address *address)
{
  char port[8], *whole = NULL;
  CURLUcode code = curl_url_set(address->parsed, CURLUPART_SCHEME, "https", 0);
  if (part(address, CURLUPART_PORT, port, sizeof port) && strcmp(port, "80") == 0)
    curl_url_set(address->parsed, CURLUPART_PORT, NULL, 0);
  if (code == CURLUE_OK)
    code = curl_url_get(address->parsed, CURLUPART_URL, &whole, 0);
  return code == CURLUE_OK ? whole : NULL;
}

/* What is wrong with an address that a link leads to; NULL: nothing, once it is https where *upgrade says so. */
static const char *judge_link(struct address *address, const char *from, bool *upgrade)
{
  char host[URL_HOST_MAX];
  bool http = is_scheme(address, "http"), https = is_scheme(address, "https");
  *upgrade = false;
  if (address->parsed == NULL)
    return "it is no URL";
  if (has_credentials(address))
    return "it has a user name or password in it";
  if (https || (http && is_loopback(address) && url_is_loopback(from)))
    return NULL;
  *upgrade = http && !is_loopback(address) && part(address, CURLUPART_HOST, host, sizeof host) && is_public_name(host);
  return *upgrade ? NULL : "it is not https";
}

/* A link with what has no place in a URL behind its host, blanks and letters beyond ASCII, as browsers write it. Of a
   relative one libcurl does so itself. The caller's to free; NULL: no memory. */
static char *escape(const char *link, size_t length)
{
  static const char digits[] = "0123456789ABCDEF";
  char *text = length < SIZE_MAX / 3 ? malloc(3 * length + 1) : NULL;
  size_t used = 0;
  unsigned slashes = 0; /* the third one, or what may stand for it, ends the host */
  for (size_t i = 0; text != NULL && i < length; i++) {
    unsigned char byte = (unsigned char)link[i];
    slashes += byte == '/' || (slashes == 2 && (byte == '?' || byte == '#'));
    if (slashes < 3 || (byte != ' ' && byte < 0x80)) {
      text[used++] = (char)byte;
      continue;
    }
    text[used++] = '%';
    text[used++] = digits[byte >> 4];
    text[used++] = digits[byte & 0xf];
  }
  if (text != NULL)
    text[used] = '\0';
  return text;
}

bool url_follow(const char *from, const char *link, size_t length, char **url, const char **why)
{
  bool good = true, upgrade;
  char *text = NULL;
  *url = NULL;
  text_trim(&link, &length);
  if (text_has_control(link, length)) { /* a NUL, too */
    *why = "it has a control character in it";
    return true;
  }
  if (length > 0 && link[0] == '/')
    good = url_resolve(from, link, length, &text);
  else
    good = (text = escape(link, length)) != NULL;
  if (!good)
    return false;
  struct address address = open_address(text, 0);
  *why = judge_link(&address, from, &upgrade);
  if (*why == NULL && upgrade) {
    char *secure = over_https(&address);
    free(text);
    text = secure != NULL ? text_join(secure, strlen(secure), "") : NULL;
    curl_free(secure);
    good = text != NULL;
  }
  good = good && !address.no_memory;
  close_address(&address);
  if (good && *why == NULL)
    *url = text;
  else
    free(text);
  return good;
}

static enum stepimg_kind check_base(struct address *address, const char *text, bool allow_http,
                                    struct stepimg_error *error)
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
  if (http && !allow_http && !is_loopback(address))
    return error_set(
        error, STEPIMG_INVALID, "base_url",
        "http to %s would show the key to everyone on the way; only https is allowed except for this machine, "
        "or, in a network of one's own, with allow_http",
        host);
  return STEPIMG_OK;
}

static size_t without_slashes(const char *text, size_t length)
{
  while (length > 0 && text[length - 1] == '/')
    length--;
  return length;
}

/* The length of a base URL without its end, if it has that end behind its host. */
static size_t without_end(const char *base, size_t length, const char *end)
{
  size_t size = strlen(end);
  const char *host = strstr(base, "://");
  const char *path = host != NULL ? strchr(host + 3, '/') : NULL;
  bool has = path != NULL && length >= (size_t)(path - base) + size && memcmp(base + length - size, end, size) == 0;
  return has ? without_slashes(base, length - size) : length;
}

enum stepimg_kind url_endpoint(const char *base, bool allow_http, char **endpoint, struct stepimg_error *error)
{
  static const char path[] = URL_PATH;
  struct address address = open_address(base, 0);
  enum stepimg_kind kind = check_base(&address, base, allow_http, error);
  close_address(&address);
  *endpoint = NULL;
  if (address.no_memory)
    return error_nomem(error);
  if (kind != STEPIMG_OK)
    return kind;
  size_t length = without_slashes(base, strlen(base));
  length = without_end(base, length, path); /* it was the endpoint's own address */
  length = without_end(base, length, "/images/edits");
  *endpoint = text_join(base, length, path);
  return *endpoint != NULL ? STEPIMG_OK : error_nomem(error);
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
  else if (is_scheme(&base, "http") && is_loopback(&base) && !is_loopback(&address)) /* else it is so all the way */
    kind = error_set(error, STEPIMG_INVALID, "proxy", "base_url is http, so the proxy would see the key in plain text");
  if (address.no_memory || base.no_memory)
    kind = error_nomem(error);
  close_address(&address);
  close_address(&base);
  return kind;
}
