/*
 * What all exchanges of a client share: where to, with which key, by which proxy, trusting whom. Made on the host's thread
 * from the options and the environment, which is read then and never again; constant after that.
 */
#ifndef STEPIMG_SETTINGS_H
#define STEPIMG_SETTINGS_H

#include <curl/curl.h>

#include "http/authorities.h"
#include "http/proxy.h"
#include "stepimg.h"

/* Strings are owned. */
struct settings {
  char *endpoint, *edits;     /* of requests in JSON, and of forms */
  char *accounts, *models;    /* of questions */
  struct curl_slist *headers; /* with the key: for the endpoint alone */
  struct curl_slist
      *form_headers; /* the same without the media type, which libcurl says of a form; a part of headers */
  const char *key;   /* in one of them; NULL: none */
  char *user_agent;
  struct proxy proxy;
  struct authorities authorities;
  double connect_timeout; /* seconds */
};

/* Takes what it needs out of options. Fails with STEPIMG_INVALID, STEPIMG_NETWORK (a libcurl that cannot be used) or
   STEPIMG_NOMEM. */
enum stepimg_kind settings_init(struct settings *settings, struct stepimg_options *options,
                                struct stepimg_error *error);
void settings_clear(struct settings *settings); /* idempotent; wipes the key and the proxy's password */

/* Whether a libcurl can be used that was built so: features of curl_version_info, and its TLS library's name, NULL for
   none. Fails with STEPIMG_NETWORK. */
enum stepimg_kind settings_check_library(int features, const char *tls, struct stepimg_error *error);

#endif
