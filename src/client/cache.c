#include "client/cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"

enum { BLOCK = 16 * 1024 }; /* of a picture, on the stack: that of a thread may be small */

/* The two files of an entry, by the end of their names. */
static const char end_of_picture[] = ".png", end_of_json[] = ".json";

/* ------------------------------------------------------------------------------------------------------- making -- */

static enum stepimg_kind fill(struct cache *cache, const struct stepimg_request *request, struct stepimg_error *error)
{
  const struct stepimg_edit *edit = request->edit;
  char *folder;
  enum stepimg_kind kind = edit != NULL ? key_of_fields(&cache->key, edit->fields, edit->field_count, error)
                                        : key_of_body(&cache->key, request->body, request->length, error);
  if (kind != STEPIMG_OK || file_resolve(request->call.cache, &folder, error) != STEPIMG_OK)
    return error->kind;
  cache->folder = text_join(folder, strlen(folder), "/");
  free(folder);
  return cache->folder != NULL ? STEPIMG_OK : error_nomem(error);
}

enum stepimg_kind cache_new(struct cache **cache, const struct stepimg_request *request, struct stepimg_error *error)
{
  const struct stepimg_call *call = &request->call;
  *cache = NULL;
  if (call->cache == NULL || call->cache[0] == '\0' || !call->download || request->question != STEPIMG_PICTURE)
    return STEPIMG_OK;
  *cache = calloc(1, sizeof **cache);
  if (*cache == NULL)
    return error_nomem(error);
  if (fill(*cache, request, error) == STEPIMG_OK)
    return STEPIMG_OK;
  cache_free(*cache);
  *cache = NULL;
  return error->kind;
}

void cache_free(struct cache *cache)
{
  if (cache == NULL)
    return;
  free(cache->folder);
  free(cache);
}

bool cache_may_hit(const struct cache *cache)
{
  return cache != NULL && cache->key.has_seed;
}

/* -------------------------------------------------------------------------------------------------------- names -- */

/* Once: the host's own bytes are read piece by piece under a lock. False: they are gone. */
static bool see_picture(struct cache *cache, const struct form *form)
{
  char block[BLOCK];
  struct sha256 hash;
  if (form == NULL || cache->has_picture)
    return true;
  sha256_init(&hash);
  for (size_t at = 0, size; at < form->length; at += size) {
    size = form->length - at < sizeof block ? form->length - at : sizeof block;
    if (!form->read(form->context, at, block, size))
      return false;
    sha256_update(&hash, block, size);
  }
  sha256_final(&hash, cache->picture);
  cache->has_picture = true;
  return true;
}

static void name(const struct cache *cache, int64_t seed, char out[SHA256_HEX])
{
  key_name(out, &cache->key, seed, cache->has_picture ? cache->picture : NULL);
}

/* Of a file of the entry. NULL: no memory. */
static char *path_of(const struct cache *cache, const char *key, const char *end)
{
  char file[CACHE_NAME + sizeof end_of_json];
  memcpy(file, key, CACHE_NAME);
  memcpy(file + CACHE_NAME, end, strlen(end) + 1);
  return text_join(cache->folder, strlen(cache->folder), file);
}

/* ------------------------------------------------------------------------------------------------------ reading -- */

/* The small file. CACHE_THERE: kept's entry and envelope are filled, and it is the entry of that key. */
static enum cache_found read_json(const char *path, const char *key, struct kept *kept)
{
  char json[ENTRY_MAX];
  struct source source;
  struct stepimg_error error; /* nobody hears of it: what cannot be read is not there */
  size_t length = 0, got = 0;
  enum stepimg_kind kind = source_open_plain(&source, path, &error);
  if (kind != STEPIMG_OK)
    return kind == STEPIMG_NOMEM ? CACHE_FAILED : CACHE_MISSING;
  if (source.size > sizeof json)
    kind = STEPIMG_PROTOCOL;
  while (kind == STEPIMG_OK && length < source.size) {
    kind = source_read(&source, json + length, sizeof json - length, &got, &error);
    if (got == 0)
      break;
    length += got;
  }
  source_close(&source);
  if (kind == STEPIMG_OK)
    kind = entry_read(&kept->entry, &kept->envelope, json, length);
  if (kind == STEPIMG_NOMEM)
    return CACHE_FAILED;
  return kind == STEPIMG_OK && strcmp(kept->entry.key, key) == 0 ? CACHE_THERE : CACHE_MISSING;
}

/* The large file, if it is as large as it should be. */
static enum cache_found open_picture(const struct cache *cache, size_t max, struct kept *kept)
{
  struct stepimg_error error;
  kept->path = path_of(cache, kept->entry.key, end_of_picture);
  if (kept->path == NULL)
    return CACHE_FAILED;
  if (kept->entry.size > max || source_open_plain(&kept->source, kept->path, &error) != STEPIMG_OK)
    return CACHE_MISSING;
  if (kept->source.size == kept->entry.size)
    return CACHE_THERE;
  source_close(&kept->source);
  return CACHE_MISSING;
}

static void forget(struct kept *kept)
{
  envelope_free(&kept->envelope);
  free(kept->path);
  *kept = (struct kept){.path = NULL};
}

void cache_let_go(struct kept *kept)
{
  source_close(&kept->source);
  forget(kept);
}

static enum cache_found find(const struct cache *cache, int64_t seed, size_t max, struct kept *kept)
{
  char key[SHA256_HEX];
  *kept = (struct kept){.path = NULL};
  name(cache, seed, key);
  char *path = path_of(cache, key, end_of_json);
  enum cache_found found = path != NULL ? read_json(path, key, kept) : CACHE_FAILED;
  free(path);
  if (found == CACHE_THERE)
    found = open_picture(cache, max, kept);
  if (found != CACHE_THERE)
    forget(kept);
  return found;
}

enum cache_found cache_find(struct cache *cache, const struct form *form, size_t max, struct kept *kept)
{
  *kept = (struct kept){.path = NULL};
  return see_picture(cache, form) ? find(cache, cache->key.seed, max, kept) : CACHE_GONE;
}

/* Feeds the picture to the answer, as if it came from a server. */
static enum cache_found pour(struct kept *kept, struct answer *answer)
{
  unsigned char block[BLOCK], digest[SHA256_SIZE];
  char hex[SHA256_HEX];
  struct sha256 hash;
  struct stepimg_error error;
  size_t left = kept->entry.size, length;
  if (!answer_begin(answer, ANSWER_PICTURE, (int64_t)left, answer->envelope.images))
    return CACHE_FAILED;
  sha256_init(&hash);
  for (; left > 0; left -= length) {
    enum stepimg_kind kind =
        source_read(&kept->source, block, left < sizeof block ? left : sizeof block, &length, &error);
    if (kind != STEPIMG_OK || length == 0) /* it became shorter, or the disk fails */
      return CACHE_MISSING;
    sha256_update(&hash, block, length);
    if (!answer_write(answer, (const char *)block, length))
      return CACHE_FAILED;
  }
  sha256_final(&hash, digest);
  if (strcmp(sha256_hex(hex, digest), kept->entry.digest) != 0)
    return CACHE_MISSING;
  if (answer_end(answer, false, ""))
    return CACHE_THERE;
  return answer->kind == STEPIMG_PROTOCOL ? CACHE_MISSING : CACHE_FAILED; /* it is no picture, whoever put it there */
}

enum cache_found cache_read(struct cache *cache, struct kept *kept, struct answer *answer)
{
  kept->envelope.key = answer->envelope.key;
  envelope_free(&answer->envelope);
  answer->envelope = kept->envelope;
  kept->envelope = (struct envelope){.key = NULL};
  enum cache_found found = pour(kept, answer);
  cache->hit = found == CACHE_THERE;
  cache->damaged = found == CACHE_MISSING;
  cache_let_go(kept);
  return found;
}

/* ------------------------------------------------------------------------------------------------------ writing -- */

static enum stepimg_kind copy(const char *from, struct file *file, struct sha256 *hash, size_t *size,
                              struct stepimg_error *error)
{
  unsigned char block[BLOCK];
  struct source source;
  size_t length;
  enum stepimg_kind kind = source_open(&source, from, error);
  if (kind != STEPIMG_OK)
    return kind;
  do {
    kind = source_read(&source, block, sizeof block, &length, error);
    if (kind == STEPIMG_OK && length > 0)
      kind = file_write(file, block, length, error);
    sha256_update(hash, block, length);
    *size += length;
  } while (kind == STEPIMG_OK && length > 0);
  source_close(&source);
  return kind;
}

/* Writes the picture, from memory or from the file that it was saved to, and notes its size and digest. */
static enum stepimg_kind write_picture(struct file *file, const struct answer *answer, struct entry *entry,
                                       struct stepimg_error *error)
{
  struct sha256 hash;
  unsigned char digest[SHA256_SIZE];
  const stepimg_payload *payload = answer->envelope.images->payload;
  enum stepimg_kind kind;
  sha256_init(&hash);
  if (payload != NULL) {
    const unsigned char *bytes = stepimg_payload_bytes(payload, &entry->size);
    sha256_update(&hash, bytes, entry->size);
    kind = file_write(file, bytes, entry->size, error);
  } else
    kind = copy(answer->file.temporary, file, &hash, &entry->size, error);
  sha256_final(&hash, digest);
  sha256_hex(entry->digest, digest);
  return kind == STEPIMG_OK ? file_close(file, error) : kind;
}

static enum stepimg_kind write_json(struct file *file, const struct answer *answer, const struct entry *entry,
                                    struct stepimg_error *error)
{
  char json[ENTRY_MAX];
  size_t length = entry_write(json, entry, &answer->envelope);
  return file_write(file, json, length, error) == STEPIMG_OK ? file_close(file, error) : error->kind;
}

/* Both are written before one is put in its place: where there is room for one alone, there will be none. */
static enum stepimg_kind write_files(const char *picture, const char *json, const struct answer *answer,
                                     struct entry *entry, struct stepimg_error *error)
{
  struct file files[2] = {FILE_NONE, FILE_NONE};
  enum stepimg_kind kind = file_open_plain(&files[0], picture, error);
  if (kind == STEPIMG_OK)
    kind = write_picture(&files[0], answer, entry, error);
  if (kind == STEPIMG_OK)
    kind = file_open_plain(&files[1], json, error);
  if (kind == STEPIMG_OK)
    kind = write_json(&files[1], answer, entry, error);
  for (int i = 0; i < 2; i++) {
    if (kind == STEPIMG_OK)
      kind = file_complete(&files[i], kind, error);
    else
      file_abort(&files[i]);
  }
  return kind;
}

static enum stepimg_kind write_entry(const struct cache *cache, int64_t seed, const struct answer *answer,
                                     struct stepimg_error *error)
{
  struct entry entry = {.size = 0};
  name(cache, seed, entry.key);
  char *picture = path_of(cache, entry.key, end_of_picture), *json = path_of(cache, entry.key, end_of_json);
  enum stepimg_kind kind =
      picture != NULL && json != NULL ? write_files(picture, json, answer, &entry, error) : error_nomem(error);
  free(picture);
  free(json);
  return kind;
}

/* Whether another job, or another process, has kept it meanwhile. Two that write at once could leave one's picture with
   the other's JSON, which is no entry; so the first one stays. */
static bool is_kept(const struct cache *cache, int64_t seed)
{
  struct kept kept;
  if (cache->damaged || find(cache, seed, SIZE_MAX, &kept) != CACHE_THERE)
    return false;
  cache_let_go(&kept);
  return true;
}

static bool is_to_keep(const struct answer *answer)
{
  const struct stepimg_image *image = answer->envelope.images;
  return answer->envelope.image_count == 1 && !envelope_is_filtered(image) && image->format != STEPIMG_UNKNOWN &&
         (image->payload != NULL || answer_is_to_store(answer));
}

void cache_keep(struct cache *cache, const struct form *form, struct answer *answer)
{
  struct stepimg_error error;
  char message[sizeof error.message + sizeof cache->complaint];
  const struct stepimg_image *image = answer->envelope.images;
  if (!is_to_keep(answer) || !(cache->key.has_seed || image->has_seed))
    return;
  int64_t seed = cache->key.has_seed ? cache->key.seed : image->seed;
  error_clear(&error);
  if (!see_picture(cache, form) || is_kept(cache, seed) || write_entry(cache, seed, answer, &error) == STEPIMG_OK)
    return;
  snprintf(message, sizeof message, "cache: the picture was not kept: %s", error.message);
  text_copy(cache->complaint, sizeof cache->complaint, message, strlen(message));
}

void cache_tell(const struct cache *cache, struct stepimg_outcome *outcome)
{
  if (cache == NULL)
    return;
  outcome->cached = cache->hit && outcome->error.kind == STEPIMG_OK;
  struct stepimg_warning *warning = cache->complaint[0] != '\0' ? calloc(1, sizeof *warning) : NULL;
  if (warning == NULL)
    return;
  text_copy(warning->field, sizeof warning->field, "cache", strlen("cache"));
  memcpy(warning->message, cache->complaint, sizeof warning->message);
  outcome->warnings = warning;
  outcome->warning_count = 1;
}
