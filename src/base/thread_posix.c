#define _POSIX_C_SOURCE 200809L
#if defined(__APPLE__)
#define _DARWIN_C_SOURCE /* dladdr */
#include <dlfcn.h>
#endif

#include "base/thread.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/lock.h"

struct thread {
  struct list_link living;
  struct thread_task task;
  pthread_t id;
  int holders;    /* the thread until run has returned, and who is calling stop */
  bool stopped;   /* stop was called, or will be at once */
  bool abandoned; /* the process's end has waited long enough */
};

static struct {
  pthread_once_t once;
  bool ready;
  atomic_uint generation;
  double patience; /* seconds */

  struct lock lock; /* of the rest; its condition: a thread has left living */
  struct list living;
  const void *lost; /* of the parent's, in a child: here a search for leaks finds them */
  bool has_ended;   /* a thread that is to be joined: */
  pthread_t ended;
  bool ending; /* the process */
} all = {.once = PTHREAD_ONCE_INIT};

/* --------------------------------------------------------------------------------------------------------- fork -- */

static void before_fork(void)
{
  lock_acquire(&all.lock);
}

static void after_fork(void)
{
  lock_release(&all.lock);
}

/* What the parent's threads hold stays as it is: nobody can tell in which state it is. */
static void in_child(void)
{
  lock_release(&all.lock);
  lock_init(&all.lock); /* anew: others may have waited for its condition */
  all.lost = list_first(&all.living);
  list_init(&all.living);
  all.has_ended = false;
  atomic_fetch_add(&all.generation, 1);
}

/* lua_close unloads the module; the code of a thread is not to vanish under it. Elsewhere the linker says so (Makefile). */
static void stay_loaded(void)
{
#if defined(__APPLE__)
  Dl_info own;
  if (dladdr(&all, &own) != 0)
    dlopen(own.dli_fname, RTLD_NOW | RTLD_NODELETE);
#endif
}

static void start_once(void)
{
  stay_loaded();
  list_init(&all.living);
  all.ready = lock_init(&all.lock) && pthread_atfork(before_fork, after_fork, in_child) == 0;
}

static bool ready(void)
{
  pthread_once(&all.once, start_once);
  return all.ready;
}

unsigned thread_generation(void)
{
  ready();
  return atomic_load(&all.generation);
}

/* ------------------------------------------------------------------------------------------------------- threads -- */

/* One holder less; the last one frees. The lock is held before and not after. */
static void let_go(struct thread *thread)
{
  bool last = --thread->holders == 0;
  lock_release(&all.lock);
  if (last) {
    thread->task.release(thread->task.context);
    free(thread);
  }
}

/* The thread is over, except for what the system and OpenSSL do on it after its last function: who joins it waits for that
   too. To keep the host from waiting, the next one that ends joins it, and the process's end joins the last. */
static void *live(void *context)
{
  struct thread *thread = context;
  thread->task.run(thread->task.context);
  lock_acquire(&all.lock);
  list_remove(&thread->living);
  bool joins = !thread->abandoned && all.has_ended;
  pthread_t ended = all.ended;
  if (!thread->abandoned) {
    all.has_ended = true;
    all.ended = pthread_self();
  }
  lock_wake(&all.lock);
  let_go(thread);
  if (joins)
    pthread_join(ended, NULL);
  return NULL;
}

/* With all signals blocked, as the thread inherits it. */
static bool create(struct thread *thread)
{
  sigset_t blocked, before;
  sigfillset(&blocked);
  if (pthread_sigmask(SIG_SETMASK, &blocked, &before) != 0)
    return false;
  bool created = pthread_create(&thread->id, NULL, live, thread) == 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return created;
}

enum thread_start thread_start(const struct thread_task *task)
{
  struct thread *thread = ready() ? calloc(1, sizeof *thread) : NULL;
  if (thread == NULL)
    return THREAD_NO_MEMORY;
  thread->task = *task;
  thread->holders = 1;
  lock_acquire(&all.lock); /* until it is listed: it may be over at once */
  bool created = !all.ending && create(thread);
  if (created)
    list_append(&all.living, &thread->living);
  lock_release(&all.lock);
  if (created)
    return THREAD_STARTED;
  free(thread);
  return THREAD_NONE_LEFT;
}

/* ------------------------------------------------------------------------------------------------------- the end -- */

static struct thread *next_to_stop(void)
{
  for (struct list_link *link = list_first(&all.living); link != NULL; link = list_next(&all.living, link)) {
    struct thread *thread = LIST_ITEM(link, struct thread, living);
    if (!thread->stopped)
      return thread;
  }
  return NULL;
}

static void at_exit(void)
{
  struct thread *thread;
  lock_acquire(&all.lock);
  all.ending = true;
  while ((thread = next_to_stop()) != NULL) {
    thread->stopped = true;
    thread->holders++;
    lock_release(&all.lock);
    thread->task.stop(thread->task.context);
    lock_acquire(&all.lock);
    let_go(thread);
    lock_acquire(&all.lock);
  }
  double until = clock_now() + all.patience;
  while (!list_is_empty(&all.living) && clock_now() < until)
    lock_wait(&all.lock, until);
  for (struct list_link *link = list_first(&all.living); link != NULL; link = list_next(&all.living, link)) {
    thread = LIST_ITEM(link, struct thread, living);
    thread->abandoned = true;
    pthread_detach(thread->id);
  }
  bool joins = all.has_ended;
  pthread_t ended = all.ended;
  all.has_ended = false;
  lock_release(&all.lock);
  if (joins)
    pthread_join(ended, NULL);
}

bool thread_end_at_exit(double seconds)
{
  all.patience = seconds;
  return ready() && atexit(at_exit) == 0;
}
