#include "base/thread.h"

#include <process.h>
#include <stdint.h>
#include <stdlib.h>
#include <windows.h>

#include "base/once.h"

static struct once once = {ONCE_NEW};

/* lua_close unloads the module; the code of a thread is not to vanish under it. */
static void stay_loaded(void)
{
  HMODULE module;
  GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN, (LPCWSTR)(void *)&once,
                     &module);
}

static unsigned WINAPI live(void *context)
{
  struct thread_task task = *(struct thread_task *)context;
  free(context);
  task.run(task.context);
  task.release(task.context);
  return 0;
}

enum thread_start thread_start(const struct thread_task *task)
{
  struct thread_task *copy = malloc(sizeof *copy);
  if (copy == NULL)
    return THREAD_NO_MEMORY;
  *copy = *task;
  once_run(&once, stay_loaded);
  uintptr_t thread = _beginthreadex(NULL, 0, live, copy, 0, NULL);
  if (thread == 0) {
    free(copy);
    return THREAD_NONE_LEFT;
  }
  CloseHandle((HANDLE)thread);
  return THREAD_STARTED;
}

/* Where a process ends, Windows ends all its other threads before any code of ours runs: nobody is left to be stopped, and
   waiting for one would be for ever. */
bool thread_end_at_exit(double seconds)
{
  (void)seconds;
  return true;
}

unsigned thread_generation(void)
{
  return 0;
}
