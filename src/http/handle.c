#include "http/handle.h"

#include <stdbool.h>

#include "base/socket.h"
#include "base/store.h"
#include "base/text.h"

static long milliseconds(double seconds)
{
  return seconds < 0.001 ? 1 : (long)(seconds * 1000);
}

/* Always set: else libcurl would ask the environment, on this thread, while the host may be changing it. */
static bool set_proxy(CURL *easy, const struct proxy *proxy, const char *url)
{
  /* What a proxy and libcurl agree on while the way is being made is no request yet. Without a tunnel each round of it would
     be one, a POST without its body. Negotiate is left out: it would be tried before all others, and with no ticket fail. */
  long schemes = CURLAUTH_BASIC;
  if (text_starts_with(url, "https:"))
    schemes = CURLAUTH_BASIC | CURLAUTH_DIGEST | CURLAUTH_NTLM;
  return curl_easy_setopt(easy, CURLOPT_PROXY, proxy_for(proxy, url)) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_NOPROXY, proxy_except(proxy)) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_PROXYAUTH, schemes) == CURLE_OK;
}

/* Of the server, and of a proxy that is spoken to over TLS. A folder beside a file would add the system's authorities to the
   caller's, and keeps libcurl (7.87 and newer, with OpenSSL) from parsing the file once for all connections: 20 ms and a
   megabyte for each. Some TLS libraries have no folders. */
static bool set_authorities(CURL *easy, const struct authorities *authorities)
{
  if (authorities->own && STORE_IS_NATIVE) { /* which only the system's own TLS library would ask by itself */
    curl_easy_setopt(easy, CURLOPT_SSL_OPTIONS, (long)CURLSSLOPT_NATIVE_CA);
    curl_easy_setopt(easy, CURLOPT_PROXY_SSL_OPTIONS, (long)CURLSSLOPT_NATIVE_CA);
  }
  if (authorities->own)
    return true;
  curl_easy_setopt(easy, CURLOPT_CAPATH, authorities->folder);
  curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, authorities->folder);
  return curl_easy_setopt(easy, CURLOPT_CAINFO, authorities->file) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, authorities->file) != CURLE_OUT_OF_MEMORY;
}

/* No program that the host starts is to inherit it. */
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
  (void)context, (void)purpose;
  return (curl_socket_t)socket_open(address->family, address->socktype, address->protocol);
}

CURL *handle_new(const struct settings *settings, const char *url, double timeout)
{
  CURL *easy = curl_easy_init();
  if (easy == NULL)
    return NULL;
  bool good = curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK;
  good = good && curl_easy_setopt(easy, CURLOPT_USERAGENT, settings->user_agent) == CURLE_OK;
  good = good && set_proxy(easy, &settings->proxy, url) && set_authorities(easy, &settings->authorities);
#if LIBCURL_VERSION_NUM >= 0x075500 /* 7.85.0 */
  good = good && curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK;
#else
  good = good && curl_easy_setopt(easy, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS) == CURLE_OK;
#endif
#if LIBCURL_VERSION_NUM >= 0x075700 /* 7.87.0: a name look-up that hangs does not hold up the end */
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L); /* the defaults, said aloud: there is no way to turn them off */
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
#if LIBCURL_VERSION_NUM >= 0x075000 /* 7.80.0 */
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
#else /* there begin_request cannot stop a POST that goes out once more, over HTTP/1.1, as an HTTP/2 server may ask for */
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
#endif
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L); /* a picture's redirects are checked one by one */
  /* It is asked for in plain; what comes compressed all the same is decoded, and in a coding that libcurl does not know, not
     one byte of it comes. */
  good = good && curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "identity") == CURLE_OK;
  curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)HANDLE_BUFFER);
  curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)HANDLE_BUFFER);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
  /* Servers drop idle connections after a minute or so; one that dies under a POST costs a maybe_billed. */
  curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, 50L);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, milliseconds(settings->connect_timeout));
  handle_limit(easy, timeout);
  if (good)
    return easy;
  curl_easy_cleanup(easy);
  return NULL;
}

void handle_limit(CURL *easy, double timeout)
{
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, milliseconds(timeout));
}
