#include "http/connection.h"

#include "base/socket.h"

/* CURL_SOCKET_BAD: libcurl does not tell, as none before 8.22.0 does at this moment. */
static curl_socket_t socket_of(CURL *easy)
{
  curl_socket_t socket = CURL_SOCKET_BAD;
  curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &socket);
  return socket;
}

static bool is_new(CURL *easy)
{
  long made = 0;
  curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &made);
  return made > 0;
}

/* The one at run time, which is not always the one of the headers. */
static bool libcurl_always_looks(void)
{
  return curl_version_info(CURLVERSION_NOW)->version_num < 0x081600; /* 8.22.0 */
}

static bool is_used(const struct connections *connections, curl_socket_t socket)
{
  const struct connection_user *user = connections->users;
  while (user != NULL && user->socket != socket)
    user = user->next;
  return user != NULL;
}

bool connection_may_carry_post(const struct connections *connections, CURL *easy)
{
  if (is_new(easy))
    return true;
  curl_socket_t socket = socket_of(easy);
  if (socket == CURL_SOCKET_BAD)
    return libcurl_always_looks();
  switch (socket_look((intptr_t)socket)) {
  case SOCKET_QUIET:
    return true;
  case SOCKET_UNREAD:
    /* Among the answers to others, over HTTP/2, that is as usual. What comes to an idle connection is a good-bye: TLS's
       close_notify, HTTP/2's GOAWAY, a 408. If it is anything else, a new connection is all it costs. */
    return is_used(connections, socket);
  default:
    return false;
  }
}

void connection_enter(struct connections *connections, struct connection_user *user, CURL *easy)
{
  connection_leave(user);
  user->socket = socket_of(easy);
  user->next = connections->users;
  user->back = &connections->users;
  if (user->next != NULL)
    user->next->back = &user->next;
  connections->users = user;
}

void connection_leave(struct connection_user *user)
{
  if (user->back == NULL)
    return;
  *user->back = user->next;
  if (user->next != NULL)
    user->next->back = user->back;
  user->back = NULL;
}
