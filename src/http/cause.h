/* What libcurl's codes mean. Any thread. */
#ifndef STEPIMG_CAUSE_H
#define STEPIMG_CAUSE_H

#include <curl/curl.h>

#include "stepimg.h"

struct cause {
  CURLcode code;
  enum stepimg_kind kind;
  bool passing; /* it may succeed in a while */
  const char *what;
};

/* Never NULL; static. */
const struct cause *cause_of(CURLcode code);
/* A TLS library's words, or better ones where they are known to mislead. connected: the handshake was over. */
const char *cause_words(const char *reason, bool connected);

#endif
