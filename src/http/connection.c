#include "http/connection.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/socket.h"

enum { MOST_KNOWN = 1024 }; /* beyond that, the longest unused are forgotten, and used no more */

struct connection {
  struct list_link link; /* in known */
  int from_port, to_port;
  unsigned generation;
  unsigned users;    /* requests under way */
  unsigned begun;    /* requests in all */
  unsigned answered; /* of these */
  unsigned lost;     /* POSTs of these */
  bool http1;        /* an answer said so */
  bool spoiled;      /* the last answer on it was broken, and its rest may be on the way */
  bool posts;        /* it is the service's */
};

void connections_init(struct connections *connections)
{
  memset(connections, 0, sizeof *connections);
  list_init(&connections->known);
  connections->limit = CONNECTION_LIMIT;
  connections->suspended = clock_suspended();
}

void connections_free(struct connections *connections)
{
  struct list_link *link = list_first(&connections->known), *next;
  for (; link != NULL; link = next) {
    next = list_next(&connections->known, link);
    free(LIST_ITEM(link, struct connection, link));
  }
  list_init(&connections->known);
  connections->count = 0;
}

void connections_renew(struct connections *connections)
{
  connections->generation++;
  connections->used_up = false;
  connections->suspended = clock_suspended();
}

/* Its clocks agree to milliseconds. */
static bool was_suspended(const struct connections *connections)
{
  static const double NOTICED = 0.5; /* seconds */
  return clock_suspended() - connections->suspended > NOTICED;
}

bool connections_are_old(const struct connections *connections)
{
  return connections->used_up || was_suspended(connections);
}

/* A port of this machine tells connections to a port apart, as long as they last. */
static struct connection *find(const struct connections *connections, int from_port, int to_port)
{
  struct list_link *link = list_first(&connections->known);
  for (; link != NULL; link = list_next(&connections->known, link)) {
    struct connection *connection = LIST_ITEM(link, struct connection, link);
    if (connection->from_port == from_port && connection->to_port == to_port)
      return connection;
  }
  return NULL;
}

/* The longest unused of many; NULL: there are few, or all are in use. */
static struct connection *find_oldest(const struct connections *connections)
{
  struct list_link *link = connections->known.ends.back;
  for (; connections->count >= MOST_KNOWN && link != &connections->known.ends; link = link->back) {
    struct connection *connection = LIST_ITEM(link, struct connection, link);
    if (connection->users == 0)
      return connection;
  }
  return NULL;
}

/* A connection is new; old is the last that had its port, or NULL. NULL: out of memory; it is used for one request then. */
static struct connection *learn_of(struct connections *connections, struct connection *old, int from_port, int to_port)
{
  struct connection *connection = old != NULL && old->users == 0 ? old : find_oldest(connections);
  if (connection == NULL) {
    connection = calloc(1, sizeof *connection);
    if (connection == NULL)
      return NULL;
    list_prepend(&connections->known, &connection->link);
    connections->count++;
  }
  struct list_link link = connection->link;
  *connection = (struct connection){
      .link = link, .from_port = from_port, .to_port = to_port, .generation = connections->generation};
  return connection;
}

static bool is_used_up(const struct connections *connections, const struct connection *connection)
{
  unsigned limit = connection->posts ? connections->limit : CONNECTION_LIMIT;
  return connection->begun >= limit && !connection->http1;
}

static void note_use(struct connections *connections, const struct connection *connection)
{
  if (connection->generation == connections->generation && is_used_up(connections, connection))
    connections->used_up = true;
}

/* The one at run time, which is not always the one of the headers. */
static bool libcurl_always_looks(void)
{
  return curl_version_info(CURLVERSION_NOW)->version_num < 0x081600; /* 8.22.0 */
}

/* What the server did to a connection since it was last used. */
static bool has_ended(const struct connection *connection, CURL *easy)
{
  curl_socket_t socket = CURL_SOCKET_BAD;
  curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &socket);
  if (socket == CURL_SOCKET_BAD) /* libcurl does not tell, as none before 8.22.0 does at this moment */
    return !libcurl_always_looks();
  switch (socket_look((intptr_t)socket)) {
  case SOCKET_QUIET:
    return false;
  case SOCKET_UNREAD:
    /* Among the answers to others, over HTTP/2, that is as usual. What comes to an idle connection is a good-bye: TLS's
       close_notify, HTTP/2's GOAWAY, a 408. If it is anything else, a new connection is all it costs. */
    return connection->users == 0;
  default:
    return true;
  }
}

/* Of those that were used, the latest. */
static void to_front(struct connections *connections, struct connection *connection)
{
  struct list_link *first = connections->known.ends.next;
  if (first == &connection->link)
    return;
  list_remove(&connection->link);
  list_insert(first, &connection->link);
}

/* Those that were answered before or are still under way are what its server takes. Whether it was the server's limit or the
   network that ended it, nobody can tell; if it was the network, the price is a handshake more. */
static void learn_limit(struct connections *connections, const struct connection *connection)
{
  unsigned taken = connection->begun - connection->lost;
  if (connection->lost > 0 && !connection->http1 && connection->answered > 0 && taken > 0 && taken < connections->limit)
    connections->limit = taken;
}

/* libcurl begins a request anew, by itself, where a connection ended before any of it was sent: that one did not take it. */
static void take_back(struct connection_user *user)
{
  if (user->connection == NULL || user->ended)
    return;
  user->connection->begun--;
  learn_limit(user->connections, user->connection);
}

enum connection_state connection_enter(struct connections *connections, struct connection_user *user, CURL *easy,
                                       int from_port, int to_port, bool is_new, bool post)
{
  take_back(user);
  connection_leave(user);
  struct connection *connection = find(connections, from_port, to_port);
  if (is_new)
    connection = learn_of(connections, connection, from_port, to_port);
  else if (connection != NULL && connection->spoiled)
    return CONNECTION_ENDED;
  else if (post) {
    if (connection == NULL || has_ended(connection, easy))
      return CONNECTION_ENDED;
    if (was_suspended(connections) || is_used_up(connections, connection)) {
      note_use(connections, connection);
      return CONNECTION_USED_UP;
    }
  }
  if (connection == NULL)
    return CONNECTION_FINE;
  to_front(connections, connection);
  user->connections = connections;
  user->connection = connection;
  user->ended = false;
  connection->users++;
  connection->begun++;
  connection->posts = connection->posts || post;
  note_use(connections, connection);
  return CONNECTION_FINE;
}

void connection_answered(struct connection_user *user, bool http1, bool broken)
{
  if (user->connection == NULL)
    return;
  user->ended = true;
  user->connection->answered++;
  user->connection->http1 = http1;
  user->connection->spoiled = http1 && broken;
  if (user->connection->posts)
    user->connections->shared = !http1;
}

void connection_lost(struct connection_user *user)
{
  if (user->connection == NULL)
    return;
  user->ended = true;
  user->connection->lost++;
  learn_limit(user->connections, user->connection);
  note_use(user->connections, user->connection);
}

void connection_leave(struct connection_user *user)
{
  if (user->connection != NULL)
    user->connection->users--;
  user->connection = NULL;
}
