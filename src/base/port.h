/* What the core asks of the operating system beside libcurl and files: a clock, a lock with a condition, a thread,
   something that an event loop can poll, and a look at a socket. */
#ifndef STEPIMG_PORT_H
#define STEPIMG_PORT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Seconds of a clock that is never set back. */
double port_now(void);

/* Longer than anyone waits, and a moment that every clock type can hold. */
#define PORT_FOREVER 1e9

struct port_lock {
  pthread_mutex_t mutex;
  pthread_cond_t changed;
};

bool port_lock_init(struct port_lock *lock);
void port_lock_destroy(struct port_lock *lock);
void port_acquire(struct port_lock *lock);
void port_release(struct port_lock *lock);
/* Sleeps until port_wake or the moment until (of port_now); may wake for nothing. The lock is held. */
void port_wait(struct port_lock *lock, double until);
void port_wake(struct port_lock *lock);

/* Starts a thread with all signals blocked: the host's handlers stay on the host's threads. */
bool port_thread_start(pthread_t *thread, void *(*run)(void *), void *argument);

/* A descriptor that is readable while the signal is set: an eventfd, or a pipe where there is none. */
struct port_signal {
  int read, write; /* the same for an eventfd; -1: not open */
};

#define PORT_SIGNAL_NONE                                                                                               \
  {                                                                                                                    \
    -1, -1                                                                                                             \
  }

bool port_signal_open(struct port_signal *signal);
void port_signal_set(const struct port_signal *signal);   /* at most once before it is cleared */
void port_signal_clear(const struct port_signal *signal); /* only when it is set */
void port_signal_close(struct port_signal *signal);       /* idempotent */

enum port_line {
  PORT_QUIET,
  PORT_UNREAD, /* something came that was not read yet; where the system tells it so late, an end may be behind it */
  PORT_ENDED   /* by the other side, or broken */
};

/* Looks at a connected socket. Reads nothing and waits for nothing. */
enum port_line port_look(intptr_t socket);

#endif
