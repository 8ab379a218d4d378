/* What a client makes of a server that refuses, fails, or talks nonsense: over a real connection, through libcurl and the
   binding. errors.lua makes the answers and says what is to hold; here is the server, which sends what it was told. */
#define _POSIX_C_SOURCE 200809L

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "script.h"

enum { MAX_REQUEST = 4096 };

static struct {
  pthread_mutex_t lock; /* guards the rest */
  char *bytes;
  size_t length;
  uint32_t random;
  bool last; /* the connection ends with it */
} answer = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Reads a request to the end of its body, which the client's is JSON of one level. False: the connection has ended. */
static bool read_request(int connection)
{
  char request[MAX_REQUEST];
  size_t used = 0;
  for (;;) {
    ssize_t more = recv(connection, request + used, sizeof request - 1 - used, 0);
    if (more <= 0)
      return false;
    used += (size_t)more;
    request[used] = '\0';
    const char *end = strstr(request, "\r\n\r\n");
    if (end != NULL && strchr(end, '}') != NULL)
      return true;
    CHECK(used < sizeof request - 1);
  }
}

/* Sends the answer as it was torn. False: the connection is to end. */
static bool send_answer(int connection)
{
  pthread_mutex_lock(&answer.lock);
  char *bytes = exact_copy(answer.bytes, answer.length);
  size_t length = answer.length, at = 0;
  uint32_t random = answer.random;
  bool keep = !answer.last;
  pthread_mutex_unlock(&answer.lock);
  while (at < length) {
    size_t piece = random != 0 ? next_piece(&random, length - at) : length - at;
    if (at > 400) /* enough was torn; the rest would only take long */
      piece = length - at;
    ssize_t sent = send(connection, bytes + at, piece, MSG_NOSIGNAL);
    if (sent <= 0)
      break;
    at += (size_t)sent;
  }
  free(bytes);
  return keep && at == length;
}

static void *serve(void *context)
{
  int listener = *(int *)context, at_once = 1;
  for (;;) {
    int connection = accept(listener, NULL, NULL);
    CHECK(connection >= 0);
    setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
    while (read_request(connection) && send_answer(connection))
      ;
    shutdown(connection, SHUT_WR);
    char rest[MAX_REQUEST];
    while (recv(connection, rest, sizeof rest, 0) > 0) /* else what was sent is lost */
      ;
    close(connection);
  }
  return NULL;
}

/* listen() -> port */
static int start(lua_State *L)
{
  static int listener;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  pthread_t thread;
  listener = socket(AF_INET, SOCK_STREAM, 0);
  CHECK(listener >= 0 && bind(listener, (struct sockaddr *)&address, size) == 0 && listen(listener, 16) == 0);
  CHECK(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
  CHECK(pthread_create(&thread, NULL, serve, &listener) == 0);
  pthread_detach(thread);
  lua_pushinteger(L, ntohs(address.sin_port));
  return 1;
}

/* answer(bytes, torn, last): what the next request gets. */
static int set_answer(lua_State *L)
{
  size_t length;
  const char *bytes = luaL_checklstring(L, 1, &length);
  pthread_mutex_lock(&answer.lock);
  free(answer.bytes);
  answer.bytes = exact_copy(bytes, length);
  answer.length = length;
  answer.random = (uint32_t)luaL_checkinteger(L, 2);
  answer.last = lua_toboolean(L, 3);
  pthread_mutex_unlock(&answer.lock);
  return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const luaL_Reg functions[] = {{"listen", start}, {"answer", set_answer}, {NULL, NULL}};
  static lua_State *L;
  if (L == NULL) {
    setenv("TZ", "UTC", 1); /* os.time is to read a date as HTTP writes it */
    unsetenv("http_proxy");
    L = open_script("spec/fuzz/errors.lua", functions);
  }
  run_script(L, data, size);
  return 0;
}
