#include "http/start.h"

#include <curl/curl.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/once.h"
#include "base/thread.h"

/* Seconds for all threads. They end at once, if the machine lets them; while one is in OpenSSL, OpenSSL's own end would
   crash it. Only an old libcurl, which waits for a name look-up that hangs, is not worth more. */
#if LIBCURL_VERSION_NUM >= 0x075700 /* 7.87.0: CURLOPT_QUICK_EXIT */
static const double EXIT_PATIENCE = 5;
#else
static const double EXIT_PATIENCE = 0.2;
#endif

static struct once once = {ONCE_NEW};
static bool started;

static void start(void)
{
  /* In this order: libcurl's clean-up, and OpenSSL's with it, then run after the threads were ended. */
  started = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK && thread_end_at_exit(EXIT_PATIENCE);
}

enum stepimg_kind http_start(struct stepimg_error *error)
{
  once_run(&once, start);
  return started ? STEPIMG_OK : error_set(error, STEPIMG_NETWORK, NULL, "libcurl cannot be started");
}
