#define _POSIX_C_SOURCE 200809L
#if defined(__linux__)
#define _GNU_SOURCE /* SOCK_CLOEXEC, POLLRDHUP */
#elif defined(__APPLE__)
#define _DARWIN_C_SOURCE /* MSG_DONTWAIT */
#endif

#include "base/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#if !defined(POLLRDHUP)
#define POLLRDHUP 0 /* recv then tells of the end */
#endif

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

enum socket_state socket_look(intptr_t socket)
{
  char byte;
  struct pollfd look = {.fd = (int)socket, .events = POLLIN | POLLRDHUP};
  int ready = poll(&look, 1, 0);
  if (ready == 0)
    return SOCKET_QUIET;
  if (ready < 0 || (look.revents & (POLLHUP | POLLERR | POLLNVAL | POLLRDHUP)) != 0)
    return SOCKET_ENDED;
  ssize_t length = recv((int)socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  if (length < 0)
    return errno == EAGAIN || errno == EWOULDBLOCK ? SOCKET_QUIET : SOCKET_ENDED;
  return length > 0 ? SOCKET_UNREAD : SOCKET_ENDED;
}
