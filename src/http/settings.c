#include "http/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/secret.h"
#include "base/text.h"
#include "http/url.h"

static bool add_header(struct settings *settings, const char *line)
{
  struct curl_slist *longer = curl_slist_append(settings->headers, line);
  if (longer != NULL)
    settings->headers = longer;
  return longer != NULL;
}

static bool add_key(struct settings *settings, const char *key)
{
  static const char start[] = "Authorization: Bearer ";
  size_t size = sizeof start + strlen(key);
  char *line = malloc(size);
  if (line == NULL)
    return false;
  snprintf(line, size, "%s%s", start, key);
  bool good = add_header(settings, line);
  secret_wipe(line);
  free(line);
  struct curl_slist *last = settings->headers;
  while (last != NULL && last->next != NULL)
    last = last->next;
  settings->key = good ? last->data + sizeof start - 1 : NULL;
  return good;
}

static char *take(char **text)
{
  char *taken = *text;
  *text = NULL;
  return taken;
}

static char *default_user_agent(void)
{
  char text[128];
  int length = snprintf(text, sizeof text, "stepimg/%s libcurl/%s", STEPIMG_VERSION,
                        curl_version_info(CURLVERSION_NOW)->version);
  return text_join(text, (size_t)length, "");
}

/* Of several TLS libraries those in parentheses are there, but not chosen. */
static bool uses(const char *tls, const char *name)
{
  while (*tls != '\0') {
    size_t length = strcspn(tls, " ");
    if (text_starts_with(tls, name))
      return true;
    tls += length + (tls[length] != '\0');
  }
  return false;
}

enum stepimg_kind settings_check_library(int features, const char *tls, struct stepimg_error *error)
{
  if ((features & CURL_VERSION_SSL) == 0 || tls == NULL)
    return error_set(error, STEPIMG_NETWORK, NULL,
                     "this libcurl speaks no TLS, and the service is reached by nothing else");
  if (uses(tls, "NSS"))
    return error_set(
        error, STEPIMG_NETWORK, NULL,
        "this libcurl uses NSS, which crashes when a request is cancelled; install one with OpenSSL or GnuTLS");
  return STEPIMG_OK;
}

/* Another address below base_url. NULL: no memory. */
static char *beside(const char *endpoint, const char *path)
{
  return text_join(endpoint, strlen(endpoint) - strlen(URL_PATH), path);
}

enum stepimg_kind settings_init(struct settings *settings, struct stepimg_options *options, struct stepimg_error *error)
{
  const curl_version_info_data *version = curl_version_info(CURLVERSION_NOW);
  const char *base = options->base_url != NULL ? options->base_url : "https://api.stepfun.ai/v1";
  memset(settings, 0, sizeof *settings);
  settings->connect_timeout = options->connect_timeout;
  settings->user_agent = options->user_agent != NULL ? take(&options->user_agent) : default_user_agent();
  if (settings_check_library(version->features, version->ssl_version, error) != STEPIMG_OK)
    return error->kind;
  if (url_endpoint(base, options->allow_http, &settings->endpoint, error) != STEPIMG_OK)
    return error->kind == STEPIMG_INVALID && options->base_url_of_environment
               ? error_of_environment(error, "STEP_BASE_URL")
               : error->kind;
  if (proxy_init(&settings->proxy, take(&options->proxy), settings->endpoint, error) != STEPIMG_OK ||
      authorities_init(&settings->authorities, options->ca_file, error) != STEPIMG_OK)
    return error->kind;
  settings->edits = beside(settings->endpoint, "/images/edits");
  settings->accounts = beside(settings->endpoint, "/accounts");
  settings->models = beside(settings->endpoint, "/models");
  bool good = settings->user_agent != NULL && settings->edits != NULL && settings->accounts != NULL &&
              settings->models != NULL &&
              add_header(settings, "Content-Type: application/json") && /* first: form_headers are the rest */
              add_header(settings, "Accept: application/json") &&
              add_header(settings, "Expect:") && /* a round trip for nothing */
              (options->api_key == NULL || add_key(settings, options->api_key));
  for (size_t i = 0; good && i < options->header_count; i++)
    good = add_header(settings, options->headers[i]);
  settings->form_headers = good ? settings->headers->next : NULL;
  return good ? STEPIMG_OK : error_nomem(error);
}

void settings_clear(struct settings *settings)
{
  for (struct curl_slist *header = settings->headers; header != NULL; header = header->next)
    secret_wipe(header->data);
  curl_slist_free_all(settings->headers);
  proxy_clear(&settings->proxy);
  authorities_clear(&settings->authorities);
  free(settings->endpoint);
  free(settings->edits);
  free(settings->accounts);
  free(settings->models);
  free(settings->user_agent);
  memset(settings, 0, sizeof *settings);
}
