#if defined(__linux__)
#define _GNU_SOURCE /* POLLRDHUP */
#else
#define _POSIX_C_SOURCE 200809L
#endif

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/eventfd.h>
#endif

#include "base/port.h"

double port_now(void)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

bool port_lock_init(struct port_lock *lock)
{
  pthread_condattr_t attributes;
  if (pthread_mutex_init(&lock->mutex, NULL) != 0)
    return false;
  if (pthread_condattr_init(&attributes) == 0) {
    /* By the wall clock, a wait would end early or late when somebody sets it. */
    bool good = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
                pthread_cond_init(&lock->changed, &attributes) == 0;
    pthread_condattr_destroy(&attributes);
    if (good)
      return true;
  }
  pthread_mutex_destroy(&lock->mutex);
  return false;
}

void port_lock_destroy(struct port_lock *lock)
{
  pthread_cond_destroy(&lock->changed);
  pthread_mutex_destroy(&lock->mutex);
}

void port_acquire(struct port_lock *lock)
{
  pthread_mutex_lock(&lock->mutex);
}

void port_release(struct port_lock *lock)
{
  pthread_mutex_unlock(&lock->mutex);
}

void port_wait(struct port_lock *lock, double until)
{
  struct timespec moment;
  double whole = floor(until);
  moment.tv_sec = (time_t)whole;
  moment.tv_nsec = (long)((until - whole) * 1e9);
  pthread_cond_timedwait(&lock->changed, &lock->mutex, &moment);
}

void port_wake(struct port_lock *lock)
{
  pthread_cond_broadcast(&lock->changed);
}

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

bool port_signal_open(struct port_signal *signal)
{
#if defined(__linux__)
  signal->read = signal->write = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  return signal->read >= 0;
#else
  int ends[2];
  if (pipe(ends) != 0)
    return false;
  for (int i = 0; i < 2; i++) {
    fcntl(ends[i], F_SETFD, FD_CLOEXEC);
    fcntl(ends[i], F_SETFL, O_NONBLOCK);
  }
  signal->read = ends[0];
  signal->write = ends[1];
  return true;
#endif
}

/* Eight bytes, as an eventfd wants them; a pipe gives them back as they went in. Neither can be full. */
void port_signal_set(const struct port_signal *signal)
{
  uint64_t one = 1;
  if (signal->write >= 0 && write(signal->write, &one, sizeof one) < 0)
    return;
}

void port_signal_clear(const struct port_signal *signal)
{
  uint64_t count;
  if (signal->read >= 0 && read(signal->read, &count, sizeof count) < 0)
    return;
}

void port_signal_close(struct port_signal *signal)
{
  if (signal->read >= 0)
    close(signal->read);
  if (signal->write >= 0 && signal->write != signal->read)
    close(signal->write);
  *signal = (struct port_signal)PORT_SIGNAL_NONE;
}

/* Elsewhere the end is told only when all that came before it was read. */
#if !defined(POLLRDHUP)
#define POLLRDHUP 0
#endif

enum port_line port_look(intptr_t socket)
{
  char byte;
  struct pollfd look = {.fd = (int)socket, .events = POLLIN | POLLRDHUP};
  int ready = poll(&look, 1, 0);
  if (ready == 0)
    return PORT_QUIET;
  if (ready < 0 || (look.revents & (POLLHUP | POLLERR | POLLNVAL | POLLRDHUP)) != 0)
    return PORT_ENDED;
  ssize_t length = recv((int)socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  if (length < 0)
    return errno == EAGAIN || errno == EWOULDBLOCK ? PORT_QUIET : PORT_ENDED;
  return length > 0 ? PORT_UNREAD : PORT_ENDED;
}
