/* What is to be done once in a process, whoever comes first. */
#ifndef STEPIMG_ONCE_H
#define STEPIMG_ONCE_H

#include <pthread.h>

/* Static, and begun as {ONCE_NEW}. */
struct once {
  pthread_once_t flag;
};

#define ONCE_NEW PTHREAD_ONCE_INIT

/* Runs a function, if that was not done; whoever comes meanwhile waits for its end. Any thread. */
void once_run(struct once *once, void (*run)(void));

#endif
