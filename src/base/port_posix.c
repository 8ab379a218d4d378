#define _POSIX_C_SOURCE 200809L

#include "base/port.h"

#include <signal.h>

bool port_thread_start(pthread_t *thread, void *(*run)(void *), void *argument)
{
  sigset_t all, before;
  sigfillset(&all);
  if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0)
    return false;
  int failed = pthread_create(thread, NULL, run, argument);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return failed == 0;
}
