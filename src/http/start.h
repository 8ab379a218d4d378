/* libcurl's start, once in a process, and what the process's end needs then. */
#ifndef STEPIMG_START_H
#define STEPIMG_START_H

#include "stepimg.h"

/* Any thread, on the host's side: libcurl reads the environment here. Fails with STEPIMG_NETWORK. */
enum stepimg_kind http_start(struct stepimg_error *error);

#endif
