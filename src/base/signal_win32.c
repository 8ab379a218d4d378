#include "base/signal.h"

#include <winsock2.h>

/* Whether in is the other end of out: somebody else may have been quicker to connect. */
static bool is_pair(SOCKET in, SOCKET out)
{
  struct sockaddr_in peer, own;
  int peer_size = sizeof peer, own_size = sizeof own;
  return getpeername(in, (struct sockaddr *)&peer, &peer_size) == 0 &&
         getsockname(out, (struct sockaddr *)&own, &own_size) == 0 && own.sin_port == peer.sin_port &&
         own.sin_addr.s_addr == peer.sin_addr.s_addr;
}

static void close_if_open(SOCKET socket)
{
  if (socket != INVALID_SOCKET)
    closesocket(socket);
}

/* No program that the host starts inherits it. */
static SOCKET new_socket(void)
{
  return WSASocketW(AF_INET, SOCK_STREAM, IPPROTO_TCP, NULL, 0, WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
}

bool signal_open(struct signal *signal)
{
  struct sockaddr_in address = {.sin_family = AF_INET};
  int size = sizeof address;
  u_long on = 1;
  SOCKET listener = new_socket(), in = INVALID_SOCKET, out = INVALID_SOCKET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (listener != INVALID_SOCKET && bind(listener, (struct sockaddr *)&address, size) == 0 &&
      getsockname(listener, (struct sockaddr *)&address, &size) == 0 && listen(listener, 1) == 0 &&
      (out = new_socket()) != INVALID_SOCKET && connect(out, (struct sockaddr *)&address, sizeof address) == 0)
    in = accept(listener, NULL, NULL);
  close_if_open(listener);
  *signal = SIGNAL_NONE;
  if (in == INVALID_SOCKET || !is_pair(in, out) || ioctlsocket(in, (long)FIONBIO, &on) != 0 ||
      ioctlsocket(out, (long)FIONBIO, &on) != 0) {
    close_if_open(in);
    close_if_open(out);
    return false;
  }
  SetHandleInformation((HANDLE)in, HANDLE_FLAG_INHERIT, 0);
  signal->read = (int)in;
  signal->write = (int)out;
  return true;
}

void signal_set(const struct signal *signal)
{
  if (signal->write >= 0)
    send((SOCKET)signal->write, "!", 1, 0);
}

void signal_clear(const struct signal *signal)
{
  char byte;
  if (signal->read >= 0)
    recv((SOCKET)signal->read, &byte, 1, 0);
}

void signal_close(struct signal *signal)
{
  if (signal->read >= 0)
    closesocket((SOCKET)signal->read);
  if (signal->write >= 0)
    closesocket((SOCKET)signal->write);
  *signal = SIGNAL_NONE;
}
