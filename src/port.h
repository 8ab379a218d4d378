/* What the core asks of the operating system beside libcurl and files: a clock, a lock with a condition, a thread. */
#ifndef STEPIMG_PORT_H
#define STEPIMG_PORT_H

#include <pthread.h>
#include <stdbool.h>

/* Seconds of a clock that is never set back. */
double port_now(void);

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

#endif
