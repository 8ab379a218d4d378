#include "client/runtime.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "client/client.h"

/* Seconds for each thread. It ends at once, if the machine lets it; while it is in OpenSSL, OpenSSL's own end would crash
   it. Only an old libcurl, which waits for a name look-up that hangs, is not worth more. */
#if LIBCURL_VERSION_NUM >= 0x075700 /* 7.87.0: CURLOPT_QUICK_EXIT */
static const double EXIT_PATIENCE = 5;
#else
static const double EXIT_PATIENCE = 0.2;
#endif

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool started;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct runtime_entry *living;

static void unlist(struct runtime_entry *entry)
{
  *entry->back = entry->next;
  if (entry->next != NULL)
    entry->next->back = entry->back;
  entry->back = NULL;
}

/* Registered after libcurl, and OpenSSL with it, so it runs before their clean-up does. */
static void at_exit(void)
{
  for (;;) {
    pthread_mutex_lock(&lock);
    struct stepimg_client *client = living != NULL ? living->client : NULL;
    if (client != NULL) {
      unlist(living);
      atomic_fetch_add(&client->holders, 1);
    }
    pthread_mutex_unlock(&lock);
    if (client == NULL)
      return;
    /* What it told is not its very end: OpenSSL's part of a thread is released after that. */
    if (client_stop(client, EXIT_PATIENCE))
      pthread_join(client->thread, NULL);
    else
      pthread_detach(client->thread);
    client_release(client);
  }
}

static void start(void)
{
  started = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK && atexit(at_exit) == 0;
}

bool runtime_start(void)
{
  pthread_once(&once, start);
  return started;
}

void runtime_add(struct runtime_entry *entry)
{
  pthread_mutex_lock(&lock);
  entry->next = living;
  entry->back = &living;
  if (living != NULL)
    living->back = &entry->next;
  living = entry;
  pthread_mutex_unlock(&lock);
}

bool runtime_remove(struct runtime_entry *entry)
{
  pthread_mutex_lock(&lock);
  bool listed = entry->back != NULL;
  if (listed)
    unlist(entry);
  pthread_mutex_unlock(&lock);
  return listed;
}
