/* Something that an event loop can poll: a descriptor that is readable while the signal is set. */
#ifndef STEPIMG_SIGNAL_H
#define STEPIMG_SIGNAL_H

#include <stdbool.h>

/* An eventfd, a pipe where there is none, or on Windows two sockets, since nothing else can be polled there. */
struct signal {
  int read, write; /* the same for an eventfd; -1: not open. A handle of Windows has 32 bits that say something. */
};

#define SIGNAL_NONE ((struct signal){-1, -1})

/* False: the process has no descriptor left. */
bool signal_open(struct signal *signal);
void signal_set(const struct signal *signal);   /* at most once before it is cleared */
void signal_clear(const struct signal *signal); /* only when it is set */
void signal_close(struct signal *signal);       /* idempotent */

#endif
