#define _POSIX_C_SOURCE 200809L

#include "base/once.h"

void once_run(struct once *once, void (*run)(void))
{
  pthread_once(&once->flag, run);
}
