/* What libcurl does not do with its sockets itself. */
#ifndef STEPIMG_SOCKET_H
#define STEPIMG_SOCKET_H

#include <stdint.h>

/* A socket that programs which the host starts do not inherit: as socket() does, but close-on-exec from birth where the system can. -1: none, and errno says why. Any thread. */
intptr_t socket_open(int family, int type, int protocol);

enum socket_state {
  SOCKET_QUIET,
  SOCKET_UNREAD, /* something came that was not read yet; where the system tells it so late, an end may be behind it */
  SOCKET_ENDED   /* by the other side, or broken */
};

/* Looks at a connected socket. Reads nothing and waits for nothing. */
enum socket_state socket_look(intptr_t socket);

#endif
