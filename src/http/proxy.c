#include "http/proxy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/secret.h"
#include "base/text.h"
#include "http/url.h"

/* The first of these variables that says something; NULL: none. */
static const char *variable(const char *const *names, const char **name)
{
  for (; *names != NULL; names++) {
    const char *value = getenv(*names);
    if (value != NULL && *value != '\0') {
      *name = *names;
      return value;
    }
  }
  return NULL;
}

static char *copy(const char *text, struct stepimg_error *error)
{
  char *made = text_join(text, strlen(text), "");
  if (made == NULL)
    error_nomem(error);
  return made;
}

/* In libcurl's own order. No HTTP_PROXY: a web server sets it to what a request's header says. */
static enum stepimg_kind from_environment(char **out, const char *const *names, const char *endpoint,
                                          struct stepimg_error *error)
{
  const char *name = NULL, *value = variable(names, &name);
  if (value == NULL)
    return STEPIMG_OK;
  if (url_check_proxy(value, endpoint, error) == STEPIMG_INVALID)
    return error_of_environment(error, name);
  if (error->kind == STEPIMG_OK)
    *out = copy(value, error);
  return error->kind;
}

enum stepimg_kind proxy_init(struct proxy *proxy, char *option, const char *endpoint, struct stepimg_error *error)
{
  static const char *const for_https[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", NULL};
  static const char *const for_http[] = {"http_proxy", "all_proxy", "ALL_PROXY", NULL};
  static const char *const for_nobody[] = {"no_proxy", "NO_PROXY", NULL};
  const char *name;
  memset(proxy, 0, sizeof *proxy);
  proxy->given = option != NULL;
  proxy->https = option;
  if (option != NULL) {
    if (*option == '\0' || url_check_proxy(option, endpoint, error) == STEPIMG_OK)
      proxy->http = copy(option, error);
    return error->kind;
  }
  const char *except = variable(for_nobody, &name);
  if (except != NULL && (proxy->except = copy(except, error)) == NULL)
    return error->kind;
  if (from_environment(&proxy->https, for_https, "https://", error) == STEPIMG_OK)
    from_environment(&proxy->http, for_http, "https://", error);
  return error->kind;
}

void proxy_clear(struct proxy *proxy)
{
  secret_free(proxy->https);
  secret_free(proxy->http);
  free(proxy->except);
  memset(proxy, 0, sizeof *proxy);
}

const char *proxy_for(const struct proxy *proxy, const char *url)
{
  const char *address = text_starts_with(url, "https:") ? proxy->https : proxy->http;
  bool is_for_it = address != NULL && (proxy->given || !url_is_loopback(url)); /* the environment's is for the world */
  return is_for_it ? address : "";
}

const char *proxy_except(const struct proxy *proxy)
{
  return proxy->except != NULL ? proxy->except : "";
}
