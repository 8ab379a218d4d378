/* Which addresses may be used, and for what. */
#ifndef STEPIMG_URL_H
#define STEPIMG_URL_H

#include "stepimg.h"

enum { URL_HOST_MAX = 256 };

/* Where pictures are made, below a base URL. */
#define URL_PATH "/images/generations"

/* The address of URL_PATH below a base URL: https, or http on loopback, or with allow_http anywhere, with a path of any
   depth and no credentials, query or fragment. The endpoint's own address serves as well. *endpoint is the caller's to
   free. Fails with STEPIMG_INVALID or STEPIMG_NOMEM. */
enum stepimg_kind url_endpoint(const char *base, bool allow_http, char **endpoint, struct stepimg_error *error);

/* Whether the address's host is this machine: localhost, 127.0.0.0/8 or [::1]. */
bool url_is_loopback(const char *url);

/* Where a redirect's Location of so many bytes leads from address from: an address of its own, or the text itself if it
   makes none; NULL where it is empty or broken off by a NUL. *out is the caller's to free. False: out of memory. */
bool url_resolve(const char *from, const char *location, size_t length, char **out);

/* Where a picture's link, or a redirect of one, leads from address from. Blanks around it do not count, blanks and letters
   beyond ASCII behind its host are escaped, what begins with a slash begins where from does, and http to a host with a
   public name becomes https at the same place. It must be https then, or http from loopback to loopback, and have no
   credentials and no control characters. *url is the caller's to free; NULL: *why says what is wrong with it. False: out
   of memory. */
bool url_follow(const char *from, const char *link, size_t length, char **url, const char **why);

/* The host's name, for texts; "" if there is none. Returns out. */
const char *url_host(char out[URL_HOST_MAX], const char *url);

/* The same of a proxy's address. */
const char *url_proxy_host(char out[URL_HOST_MAX], const char *proxy);

/* A proxy's address, with a scheme or without, must be one; before an http endpoint on this machine it must be this
   machine too, since it sees the key. Fails with STEPIMG_INVALID or STEPIMG_NOMEM; its text does not show the address, which may hold a
   password. */
enum stepimg_kind url_check_proxy(const char *proxy, const char *endpoint, struct stepimg_error *error);

#endif
