/* A socket that programs which the host starts do not inherit. */
#ifndef STEPIMG_SOCKET_H
#define STEPIMG_SOCKET_H

#include <stdint.h>

/* As socket() does, but close-on-exec from birth where the system can. -1: none, and errno says why. Any thread. */
intptr_t socket_open(int family, int type, int protocol);

#endif
