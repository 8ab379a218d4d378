#include "base/socket.h"

#include <winsock2.h>

intptr_t socket_open(int family, int type, int protocol)
{
  return (intptr_t)WSASocketW(family, type, protocol, NULL, 0, WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
}

/* libcurl's sockets do not block. */
enum socket_state socket_look(intptr_t socket)
{
  char byte;
  WSAPOLLFD look = {.fd = (SOCKET)socket, .events = POLLRDNORM};
  int ready = WSAPoll(&look, 1, 0);
  if (ready == 0)
    return SOCKET_QUIET;
  if (ready < 0 || (look.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0)
    return SOCKET_ENDED;
  int length = recv((SOCKET)socket, &byte, 1, MSG_PEEK);
  if (length < 0)
    return WSAGetLastError() == WSAEWOULDBLOCK ? SOCKET_QUIET : SOCKET_ENDED;
  return length > 0 ? SOCKET_UNREAD : SOCKET_ENDED;
}
