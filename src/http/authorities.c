#include "http/authorities.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/path.h"
#include "base/store.h"
#include "base/text.h"

static bool can_be_read(const char *path)
{
  return path != NULL && *path != '\0' && path_can_be_read(path);
}

/* libcurl opens it when it connects, and by then the working directory may be another. */
static enum stepimg_kind keep_file(char **out, const char *path, struct stepimg_error *error)
{
  *out = NULL;
  return path == NULL ? STEPIMG_OK : file_resolve(path, out, error);
}

/* Resolves the first length bytes of part, and puts them behind what is in *list. */
static enum stepimg_kind add_folder(char **list, const char *part, size_t length, struct stepimg_error *error)
{
  char *folder = text_join(part, length, ""), *whole = NULL, *before = NULL;
  enum stepimg_kind kind = folder != NULL ? file_resolve(folder, &whole, error) : error_nomem(error);
  free(folder);
  if (kind == STEPIMG_OK && *list != NULL) {
    before = text_join(*list, strlen(*list), STORE_SEPARATOR);
    free(*list);
    *list = before != NULL ? text_join(before, strlen(before), whole) : NULL;
    free(before);
    free(whole);
  } else
    *list = whole;
  return kind == STEPIMG_OK && *list == NULL ? error_nomem(error) : kind;
}

/* The same of a list of folders, not all of which have to be there. */
static enum stepimg_kind keep_folders(char **out, const char *list, struct stepimg_error *error)
{
  enum stepimg_kind kind = STEPIMG_OK;
  *out = NULL;
  for (size_t length; list != NULL && *list != '\0' && kind == STEPIMG_OK; list += length) {
    list += strspn(list, STORE_SEPARATOR);
    length = strcspn(list, STORE_SEPARATOR);
    if (length > 0)
      kind = add_folder(out, list, length, error);
  }
  return kind;
}

/* A wrong path is better told now than as a failed connection later. */
static enum stepimg_kind check(const char *path, const char *variable, struct stepimg_error *error)
{
  char quoted[TEXT_QUOTE_MAX];
  if (path == NULL || can_be_read(path))
    return STEPIMG_OK;
  text_quote(quoted, path, strlen(path));
  if (variable == NULL)
    return error_set(error, STEPIMG_INVALID, "ca_file", "%s cannot be read", quoted);
  return error_set(error, STEPIMG_INVALID, "ca_file", "of the environment's %s: %s cannot be read", variable, quoted);
}

enum stepimg_kind authorities_choose(struct authorities *authorities, const struct authorities_sources *sources,
                                     struct stepimg_error *error)
{
  const char *file = NULL, *folder = NULL;
  memset(authorities, 0, sizeof *authorities);
  if (check(sources->option, NULL, error) != STEPIMG_OK)
    return error->kind;
  if (sources->option != NULL)
    file = sources->option;
  else if (sources->env_file != NULL || sources->env_folder != NULL) {
    if (check(sources->env_file, "SSL_CERT_FILE", error) != STEPIMG_OK)
      return error->kind;
    file = sources->env_file;
    folder = sources->env_folder;
  } else if (sources->system_store)
    authorities->own = true;
  else {
    file = can_be_read(sources->built_file) ? sources->built_file : NULL;
    folder = file == NULL && can_be_read(sources->built_folder) ? sources->built_folder : NULL;
    for (const char *const *place = store_places; file == NULL && folder == NULL && *place != NULL; place++)
      file = can_be_read(*place) ? *place : NULL;
    authorities->own = file == NULL && folder == NULL;
  }
  if (keep_file(&authorities->file, file, error) != STEPIMG_OK)
    return error->kind;
  return keep_folders(&authorities->folder, folder, error);
}

static const char *variable(const char *name)
{
  const char *value = getenv(name);
  return value != NULL && *value != '\0' ? value : NULL;
}

enum stepimg_kind authorities_init(struct authorities *authorities, const char *ca_file, struct stepimg_error *error)
{
  const curl_version_info_data *version = curl_version_info(CURLVERSION_NOW);
  const char *tls = version->ssl_version != NULL ? version->ssl_version : "";
  struct authorities_sources sources = {
      .option = ca_file,
      .env_file = variable("SSL_CERT_FILE"),
      .env_folder = variable("SSL_CERT_DIR"),
      .built_file = version->cainfo,
      .built_folder = version->capath,
      .system_store = text_starts_with(tls, "Schannel") || text_starts_with(tls, "SecureTransport"),
  };
  return authorities_choose(authorities, &sources, error);
}

void authorities_clear(struct authorities *authorities)
{
  free(authorities->file);
  free(authorities->folder);
  memset(authorities, 0, sizeof *authorities);
}
