#define _POSIX_C_SOURCE 200809L

#include "base/signal.h"

#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/eventfd.h>
#endif

bool signal_open(struct signal *signal)
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
void signal_set(const struct signal *signal)
{
  uint64_t one = 1;
  if (signal->write >= 0 && write(signal->write, &one, sizeof one) < 0)
    return;
}

void signal_clear(const struct signal *signal)
{
  uint64_t count;
  if (signal->read >= 0 && read(signal->read, &count, sizeof count) < 0)
    return;
}

void signal_close(struct signal *signal)
{
  if (signal->read >= 0)
    close(signal->read);
  if (signal->write >= 0 && signal->write != signal->read)
    close(signal->write);
  *signal = SIGNAL_NONE;
}
