/* What an answer's headers say, as far as anyone here asks. Fed line by line; bounded. */
#ifndef STEPIMG_HEAD_H
#define STEPIMG_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "http/retry_after.h"

enum { HEAD_MAX = 256 * 1024 };

enum head_flaw { HEAD_FINE, HEAD_TOO_LARGE, HEAD_NO_MEMORY };

/* All zero at first. */
struct head {
  size_t bytes;    /* of all lines, also those of interim answers (1xx), which else leave nothing behind */
  bool complete;   /* its end was seen */
  bool chunked;    /* the body has an end of its own, which libcurl sees to */
  bool coded;      /* the body is compressed, or whatever its Content-Encoding means */
  bool cloudflare; /* it came through Cloudflare */
  struct retry_after asked;
  char *location; /* as it came; owned. NULL: none, an empty one, or one that a NUL breaks off */
  char request_id[128];
  char content_type[64];
};

/* The next line, with its line break. */
enum head_flaw head_read(struct head *head, const char *line, size_t length);
void head_clear(struct head *head); /* idempotent */

#endif
