/* What is to be done once in a process, whoever comes first. */
#ifndef STEPIMG_ONCE_H
#define STEPIMG_ONCE_H

/* Static, and begun as {ONCE_NEW}. */
#if defined(_WIN32)
struct once {
  void *flag; /* an INIT_ONCE */
};

#define ONCE_NEW 0
#else
#include <pthread.h>

struct once {
  pthread_once_t flag;
};

#define ONCE_NEW PTHREAD_ONCE_INIT
#endif

/* Runs a function, if that was not done; whoever comes meanwhile waits for its end. Any thread. */
void once_run(struct once *once, void (*run)(void));

#endif
