/*
 * floor URL COUNT [AT_ONCE]: asks COUNT times for a picture and throws the answers away, on bare libcurl: what no client
 * built on it can go below. One easy handle after the other, or AT_ONCE of them on a multi handle. Handles and connections
 * are kept; the receive buffer is the library's. Prints the longest request in seconds.
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/handle.h"

static const char body[] =
    "{\"model\":\"step-image-edit-2\",\"prompt\":\"a lighthouse\",\"response_format\":\"b64_json\"}";

static size_t throw_away(char *bytes, size_t size, size_t count, void *context)
{
  (void)bytes;
  *(size_t *)context += size * count;
  return size * count;
}

static CURL *new_request(const char *url, struct curl_slist *headers, size_t *received)
{
  CURL *easy = curl_easy_init();
  if (easy == NULL)
    exit(1);
  curl_easy_setopt(easy, CURLOPT_URL, url);
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)HANDLE_BUFFER);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, throw_away);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, received);
  if (getenv("BENCH_CA") != NULL)
    curl_easy_setopt(easy, CURLOPT_CAINFO, getenv("BENCH_CA"));
  return easy;
}

static void check(CURL *easy, CURLcode code, double *longest)
{
  double spent = 0;
  if (code != CURLE_OK) {
    fprintf(stderr, "floor: %s\n", curl_easy_strerror(code));
    exit(1);
  }
  curl_easy_getinfo(easy, CURLINFO_TOTAL_TIME, &spent);
  if (spent > *longest)
    *longest = spent;
}

static void one_by_one(CURL *easy, int count, double *longest)
{
  for (int i = 0; i < count; i++)
    check(easy, curl_easy_perform(easy), longest);
  curl_easy_cleanup(easy);
}

static void at_once(CURL **easy, int handles, int count, double *longest)
{
  CURLM *multi = curl_multi_init();
  CURLMsg *message;
  int started = 0, done = 0, running, left;
  for (; started < handles && started < count; started++)
    curl_multi_add_handle(multi, easy[started]);
  while (done < count) {
    curl_multi_perform(multi, &running);
    while ((message = curl_multi_info_read(multi, &left)) != NULL) {
      CURL *finished = message->easy_handle;
      check(finished, message->data.result, longest);
      curl_multi_remove_handle(multi, finished);
      done++;
      if (started++ < count)
        curl_multi_add_handle(multi, finished);
    }
    if (done < count)
      curl_multi_poll(multi, NULL, 0, 1000, NULL);
  }
  for (int i = 0; i < handles; i++)
    curl_easy_cleanup(easy[i]);
  curl_multi_cleanup(multi);
}

int main(int words, char **word)
{
  int count = words > 2 ? atoi(word[2]) : 0, handles = words > 3 ? atoi(word[3]) : 1;
  double longest = 0;
  size_t received = 0;
  if (words == 2 && strcmp(word[1], "--version") == 0)
    return puts(curl_version()) < 0;
  if (count < 1 || handles < 1 || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
    return 2;
  struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
  headers = curl_slist_append(headers, "Authorization: Bearer any");
  CURL **easy = calloc((size_t)handles, sizeof(CURL *));
  if (easy == NULL)
    return 1;
  for (int i = 0; i < handles; i++)
    easy[i] = new_request(word[1], headers, &received);
  if (handles == 1)
    one_by_one(easy[0], count, &longest);
  else
    at_once(easy, handles, count, &longest);
  free(easy);
  curl_slist_free_all(headers);
  printf("%.6f\n", longest);
  return 0;
}
