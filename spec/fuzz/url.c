/* Which addresses may be used. For what url.c allows, the C library says which machine it is, libcurl where it would
   connect to, and a reader of plain text whether a name or a password stands in it. No socket is opened. */
#define _POSIX_C_SOURCE 200809L

#include "http/url.h"

#include <curl/curl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/text.h"
#include "fuzz.h"

static bool is_this_machine(const struct sockaddr *address)
{
  struct sockaddr_in four;
  struct sockaddr_in6 six;
  if (address->sa_family == AF_INET) {
    memcpy(&four, address, sizeof four);
    return ntohl(four.sin_addr.s_addr) >> 24 == 127;
  }
  if (address->sa_family == AF_INET6) {
    memcpy(&six, address, sizeof six);
    return IN6_IS_ADDR_LOOPBACK(&six.sin6_addr);
  }
  return address->sa_family == AF_UNIX;
}

/* The part of an address, as libcurl reads it; the caller frees. NULL: there is none. */
static char *part(const char *url, unsigned flags, CURLUPart what)
{
  CURLU *parsed = curl_url();
  char *text = NULL;
  CHECK(parsed != NULL);
  if (curl_url_set(parsed, CURLUPART_URL, url, flags) == CURLUE_OK)
    curl_url_get(parsed, what, &text, 0);
  curl_url_cleanup(parsed);
  return text;
}

/* localhost, or a number that is this machine's. A name that would have to be looked up may be anyone's. */
static bool names_this_machine(const char *url, unsigned flags)
{
  const struct addrinfo numbers = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
  struct addrinfo *found = NULL;
  char *host = part(url, flags, CURLUPART_HOST);
  size_t length = host != NULL ? strlen(host) : 0;
  bool is = length == 9 && text_starts_with(host, "localhost");
  char *bare = host;
  if (length > 2 && host[0] == '[') { /* of IPv6 */
    host[length - 1] = '\0';
    bare = host + 1;
  }
  if (host != NULL && !is && getaddrinfo(bare, NULL, &numbers, &found) == 0) {
    is = is_this_machine(found->ai_addr);
    freeaddrinfo(found);
  }
  curl_free(host);
  return is;
}

/* ------------------------------------------------------------------------------------------- what libcurl would do -- */

struct asked {
  unsigned here, elsewhere; /* sockets */
};

static curl_socket_t refuse(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
  struct asked *asked = context;
  (void)purpose;
  if (is_this_machine(&address->addr))
    asked->here++;
  else
    asked->elsewhere++;
  return CURL_SOCKET_BAD;
}

/* Lets libcurl begin a request in the way exchange.c does; an https one as if every host were this machine. */
static void begin(const char *url, const char *proxy, bool https)
{
  static CURL *easy;
  struct asked asked = {0, 0};
  struct curl_slist *here = https ? curl_slist_append(NULL, "::127.0.0.1:1") : NULL;
  easy = easy != NULL ? easy : curl_easy_init();
  CHECK(easy != NULL);
  curl_easy_reset(easy);
  curl_easy_setopt(easy, CURLOPT_URL, url);
  curl_easy_setopt(easy, CURLOPT_PROXY, proxy);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, https ? "https" : "http");
  curl_easy_setopt(easy, CURLOPT_CONNECT_TO, here);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, refuse);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, &asked);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  CURLcode code = curl_easy_perform(easy);
  curl_slist_free_all(here);
  CHECK(code != CURLE_OK && code != CURLE_UNSUPPORTED_PROTOCOL && code != CURLE_COULDNT_RESOLVE_HOST);
  CHECK(asked.elsewhere == 0);
}

/* ------------------------------------------------------------------------------------------------------- promises -- */

/* Of "scheme://name:password@host/path" what lies between the slashes. */
static bool has_name_or_password(const char *url)
{
  const char *authority = strchr(url, ':');
  CHECK(authority != NULL);
  authority += 1 + strspn(authority + 1, "/\\");
  const char *at = authority + strcspn(authority, "/?#@");
  return *at == '@' && strspn(authority, ":") < (size_t)(at - authority);
}

/* The scheme of an address that is allowed. */
static bool is_https(const char *url)
{
  bool https = text_starts_with(url, "https:");
  char *scheme = part(url, 0, CURLUPART_SCHEME);
  CHECK(scheme != NULL && strcmp(scheme, https ? "https" : "http") == 0);
  curl_free(scheme);
  return https;
}

static void check_place(const char *from, const char *url)
{
  CHECK(!has_name_or_password(url));
  bool https = is_https(url);
  CHECK(https || (names_this_machine(url, 0) && names_this_machine(from, 0)));
  begin(url, "", https);
}

static void check_follow(const char *from, const char *link)
{
  const char *why = NULL;
  char *to;
  CHECK(url_follow(from, link, strlen(link), &to, &why));
  CHECK((to != NULL) == (why == NULL));
  if (to == NULL)
    return;
  check_place(from, to);
  free(to);
}

static bool is_same_part(const char *one, const char *other, CURLUPart what)
{
  char *a = part(one, 0, what), *b = part(other, 0, what);
  bool same = a != NULL && b != NULL ? strcmp(a, b) == 0 : a == b;
  curl_free(a);
  curl_free(b);
  return same;
}

/* socks5://localhost/path is a socket in the file system, for libcurl 7.84 and newer, which says of a path that is too
   long the same as of a name that cannot be looked up. */
static bool is_overlong_socket(const char *proxy)
{
  enum { LONGEST = sizeof((struct sockaddr_un *)0)->sun_path - 1 };
  char *path = part(proxy, CURLU_GUESS_SCHEME | CURLU_NON_SUPPORT_SCHEME, CURLUPART_PATH);
  bool is = text_starts_with(proxy, "socks") && path != NULL && strlen(path) > LONGEST;
  curl_free(path);
  return is;
}

static void check_proxy(const char *proxy, const char *endpoint)
{
  struct stepimg_error error;
  if (url_check_proxy(proxy, endpoint, &error) != STEPIMG_OK || is_https(endpoint))
    return;
  CHECK(names_this_machine(proxy, CURLU_GUESS_SCHEME | CURLU_NON_SUPPORT_SCHEME));
  if (!is_overlong_socket(proxy))
    begin(endpoint, proxy, false);
}

static void check_endpoint(const char *base, const char *proxy)
{
  static const char path[] = "/images/generations";
  struct stepimg_error error;
  char *endpoint;
  enum stepimg_kind kind = url_endpoint(base, false, &endpoint, &error);
  CHECK(kind == STEPIMG_OK || kind == STEPIMG_INVALID);
  CHECK((kind == STEPIMG_OK) == (endpoint != NULL));
  if (kind != STEPIMG_OK)
    return;
  size_t length = strlen(endpoint);
  CHECK(length > sizeof path && strcmp(endpoint + length - sizeof path + 1, path) == 0);
  CHECK(!has_name_or_password(endpoint) && strpbrk(endpoint, "?#") == NULL);
  CHECK(is_same_part(base, endpoint, CURLUPART_SCHEME) && is_same_part(base, endpoint, CURLUPART_HOST) &&
        is_same_part(base, endpoint, CURLUPART_PORT));
  bool https = is_https(endpoint);
  CHECK(https || names_this_machine(endpoint, 0));
  begin(endpoint, "", https);
  check_proxy(proxy, endpoint);
  free(endpoint);
}

/* The input is two addresses, one a line. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  char *one = malloc(size + 1), host[URL_HOST_MAX];
  CHECK(one != NULL);
  memcpy(one, data, size);
  one[size] = '\0';
  char *end = strchr(one, '\n');
  char *other = strdup(end != NULL ? end + 1 : "");
  CHECK(other != NULL);
  if (end != NULL)
    *end = '\0';
  CHECK(strlen(url_host(host, one)) < sizeof host);
  CHECK(!url_is_loopback(one) || names_this_machine(one, 0));
  check_follow(one, other);
  check_follow(other, one);
  check_endpoint(one, other);
  free(one);
  free(other);
  return 0;
}
