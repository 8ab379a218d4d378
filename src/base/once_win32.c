#include "base/once.h"

#include <windows.h>

_Static_assert(sizeof(INIT_ONCE) == sizeof(void *), "struct once");

void once_run(struct once *once, void (*run)(void))
{
  INIT_ONCE *flag = (INIT_ONCE *)&once->flag;
  BOOL pending = FALSE;
  if (InitOnceBeginInitialize(flag, 0, &pending, NULL) && pending) {
    run();
    InitOnceComplete(flag, 0, NULL);
  }
}
