#define _POSIX_C_SOURCE 200809L
#if defined(__linux__)
#define _GNU_SOURCE /* SOCK_CLOEXEC */
#endif

#include "base/socket.h"

#include <fcntl.h>
#include <sys/socket.h>

intptr_t socket_open(int family, int type, int protocol)
{
#if defined(SOCK_CLOEXEC)
  return socket(family, type | SOCK_CLOEXEC, protocol);
#else /* a fork between the two lines inherits it */
  int descriptor = socket(family, type, protocol);
  if (descriptor >= 0)
    fcntl(descriptor, F_SETFD, FD_CLOEXEC);
  return descriptor;
#endif
}
