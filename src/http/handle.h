/*
 * libcurl's easy handle as every exchange is to have it: where it goes, by which way, whom it trusts, and for how long. What
 * becomes of the bytes is the exchange's. Lives on the I/O thread.
 */
#ifndef STEPIMG_HANDLE_H
#define STEPIMG_HANDLE_H

#include <curl/curl.h>

#include "http/settings.h"

/* Bytes of libcurl's receive buffer and of its send buffer. 16 KiB cost a seventh more CPU over plain HTTP. They are also
   about what a handshake needs for a moment, so they come to lie in memory that one has written: each of a thousand
   requests that wait over TLS takes 66 KiB then. Larger ones find memory that nobody touches before the answer comes, and
   it is 57 KiB. */
enum { HANDLE_BUFFER = 32 * 1024 };

/* For the caller to clean up. url is copied, settings are borrowed; timeout is in seconds. NULL: out of memory. */
CURL *handle_new(const struct settings *settings, const char *url, double timeout);
/* Seconds from its next start to its end. */
void handle_limit(CURL *easy, double timeout);

#endif
