/* Which proxy a request goes through. */
#ifndef STEPIMG_PROXY_H
#define STEPIMG_PROXY_H

#include "stepimg.h"

/* Strings are owned; NULL: none. The addresses may hold a password. */
struct proxy {
  char *https, *http; /* for addresses of that scheme */
  char *except;       /* the hosts that go without, as NO_PROXY lists them */
  bool given;         /* by the option: it is for every host, this machine too */
};

/* option is taken over: NULL leaves the choice to the environment, as libcurl reads it; "" is none. endpoint is checked
   against it. Fails with STEPIMG_INVALID or STEPIMG_NOMEM. */
enum stepimg_kind proxy_init(struct proxy *proxy, char *option, const char *endpoint, struct stepimg_error *error);
void proxy_clear(struct proxy *proxy); /* idempotent; wipes */

/* The proxy for a URL, unless its host is one of proxy_except; "": none. Borrowed. */
const char *proxy_for(const struct proxy *proxy, const char *url);
const char *proxy_except(const struct proxy *proxy); /* "": none */

#endif
