/* The old names of clock.h, lock.h and signal.h, for callers that do not say the new ones yet. */
#ifndef STEPIMG_PORT_H
#define STEPIMG_PORT_H

#include <pthread.h>
#include <stdbool.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/signal.h"

#define PORT_FOREVER CLOCK_FOREVER
#define port_now clock_now

#define port_lock lock
#define port_lock_init lock_init
#define port_lock_destroy lock_destroy
#define port_acquire lock_acquire
#define port_release lock_release
#define port_wait lock_wait
#define port_wake lock_wake

#define PORT_SIGNAL_NONE SIGNAL_NONE
#define port_signal signal
#define port_signal_open signal_open
#define port_signal_set signal_set
#define port_signal_clear signal_clear
#define port_signal_close signal_close

/* Starts a thread with all signals blocked: the host's handlers stay on the host's threads. */
bool port_thread_start(pthread_t *thread, void *(*run)(void *), void *argument);

#endif
