/* A cache whose two files hold whatever somebody wrote: it gives the picture whose digest the JSON tells, as it lies there,
   with texts that are fit to be shown; or it gives nothing. And the key of whatever body: a key, or none. */
#define _POSIX_C_SOURCE 200809L

#include "client/cache.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"

#include "fuzz.h"

enum { MOST = 4096 };

#define BODY "{\"seed\":7}"

static char folder[] = "/tmp/stepimg.XXXXXX", names[2][128];

static void clean_up(void)
{
  for (int i = 0; i < 2; i++)
    unlink(names[i]);
  rmdir(folder);
}

static struct cache *make_cache(const char *body, size_t length)
{
  struct stepimg_request request = {.body = body, .length = length, .call = {.cache = folder, .download = true}};
  struct stepimg_error error;
  struct cache *cache;
  error_clear(&error);
  CHECK(cache_new(&cache, &request, &error) == error.kind);
  CHECK((cache == NULL) == (error.kind != STEPIMG_OK));
  CHECK(error.kind == STEPIMG_OK || error.kind == STEPIMG_INVALID);
  return cache;
}

static void write_file(const char *path, const void *bytes, size_t length)
{
  int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  CHECK(descriptor >= 0 && write(descriptor, bytes, length) == (ssize_t)length);
  close(descriptor);
}

static void check_text(const char *text, size_t max)
{
  size_t characters, at;
  if (text == NULL)
    return;
  CHECK(strlen(text) <= max && text_count(text, strlen(text), &characters, &at));
  for (; *text != '\0'; text++)
    CHECK((unsigned char)*text >= 0x20 && *text != 0x7f);
}

static void check_picture(const struct answer *answer, const char *json, const void *picture, size_t length,
                          const char *digest)
{
  size_t size;
  const struct stepimg_image *image = answer->envelope.images;
  CHECK(answer->envelope.image_count == 1 && image->payload != NULL && image->url == NULL);
  const unsigned char *bytes = stepimg_payload_bytes(image->payload, &size);
  CHECK(size == length && memcmp(bytes, picture, length) == 0);
  CHECK(strstr(json, digest) != NULL || strchr(json, '\\') != NULL);
  check_text(answer->envelope.id, ENVELOPE_MAX_ID);
  check_text(image->finish_reason, ENVELOPE_MAX_FINISH_REASON);
}

/* Written again, what was read is read as the same. */
static void check_again(const struct entry *entry, const struct envelope *envelope)
{
  char json[ENTRY_MAX];
  struct entry again;
  struct envelope second = {.key = NULL};
  CHECK(entry_read(&again, &second, json, entry_write(json, entry, envelope)) == STEPIMG_OK);
  CHECK(strcmp(again.key, entry->key) == 0 && strcmp(again.digest, entry->digest) == 0 && again.size == entry->size);
  CHECK(second.has_created == envelope->has_created && second.images->has_seed == envelope->images->has_seed);
  CHECK(!second.has_created || second.created == envelope->created);
  CHECK(!second.images->has_seed || second.images->seed == envelope->images->seed);
  CHECK((second.id == NULL) == (envelope->id == NULL) && (second.id == NULL || strcmp(second.id, envelope->id) == 0));
  envelope_free(&second);
}

static void read_cache(struct cache *cache, const char *json, const void *picture, size_t length, const char *digest)
{
  struct kept kept;
  struct answer answer;
  if (cache_find(cache, NULL, MOST, &kept) != CACHE_THERE) {
    CHECK(kept.path == NULL && kept.envelope.images == NULL);
    return;
  }
  CHECK(kept.entry.size == length);
  kept.envelope.images->format = STEPIMG_PNG; /* what is written is known */
  check_again(&kept.entry, &kept.envelope);
  kept.envelope.images->format = STEPIMG_UNKNOWN;
  answer_init(&answer, MOST, NULL, NULL);
  enum cache_found found = cache_read(cache, &kept, &answer);
  CHECK(found == CACHE_THERE || found == CACHE_MISSING);
  if (found == CACHE_THERE)
    check_picture(&answer, json, picture, length, digest);
  answer_free(&answer);
}

/* The key of a body, in pieces of any order, is the scanner's to judge; here it is only to be the same again. */
static void check_key(const struct input *input)
{
  struct key one, two;
  struct stepimg_error error;
  char *exact = exact_copy(input->bytes, input->length);
  enum stepimg_kind kind = key_of_body(&one, exact, input->length, &error);
  CHECK(kind == STEPIMG_OK || kind == STEPIMG_INVALID);
  if (kind == STEPIMG_OK) {
    char *spaced = malloc(input->length + 2);
    CHECK(spaced != NULL);
    spaced[0] = ' ';
    memcpy(spaced + 1, exact, input->length);
    spaced[input->length + 1] = '\n';
    CHECK(key_of_body(&two, spaced, input->length + 2, &error) == STEPIMG_OK);
    CHECK(one.has_seed == two.has_seed && one.seed == two.seed && memcmp(one.rest, two.rest, sizeof one.rest) == 0);
    free(spaced);
  }
  free(exact);
}

/* The folder and its two files' names; once. */
static void begin(const char *key)
{
  if (names[0][0] != '\0')
    return;
  CHECK(mkdtemp(folder) != NULL && atexit(clean_up) == 0);
  snprintf(names[0], sizeof names[0], "%s/%.32s.json", folder, key);
  snprintf(names[1], sizeof names[1], "%s/%.32s.png", folder, key);
}

/* The input is all of the JSON, or stands where the service's texts do, among the entry's own values. */
static void write_json(char *out, size_t size, unsigned how, const struct input *input, const char *key, size_t told,
                       const char *digest)
{
  static const char *const starts[] = {"", "\"", "\"id\":\"", "\"data\":[{"};
  static const char *const ends[] = {"", "\":0,\"data\":[{}],", "\",\"data\":[{}],", "}],"};
  int text = (int)input->length;
  const char *from = (const char *)input->bytes;
  if (how == 0)
    snprintf(out, size, "%.*s", text, from);
  else
    snprintf(out, size, "{\"key\":\"%s\",%s%.*s%s\"picture\":{\"bytes\":%zu,\"sha256\":\"%s\"}}", key, starts[how],
             text, from, ends[how], told, digest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  char key[SHA256_HEX], digest[SHA256_HEX], json[2 * MOST];
  unsigned char picture[MOST] = "GIF89a\x10\0\x08\0", bytes[SHA256_SIZE];
  struct sha256 hash;
  struct key whose;
  struct stepimg_error error;
  struct input input = {data, size < MOST ? size : MOST};
  CHECK(key_of_body(&whose, BODY, strlen(BODY), &error) == STEPIMG_OK);
  begin(key_name(key, &whose, 7, NULL));
  unsigned how = take_byte(&input);
  size_t length = 10 + take_byte(&input), told = how & 1 ? length : length + take_byte(&input) % 3;
  if (how & 2 && input.length > 0)
    memcpy(picture, input.bytes, length < input.length ? length : input.length);
  sha256_init(&hash);
  sha256_update(&hash, picture, length);
  sha256_final(&hash, bytes);
  write_json(json, sizeof json, how / 4 % 4, &input, key, told, sha256_hex(digest, bytes));
  write_file(names[0], json, strlen(json));
  write_file(names[1], picture, length);
  struct cache *cache = make_cache(BODY, strlen(BODY));
  read_cache(cache, json, picture, length, digest);
  cache_free(cache);
  check_key(&input);
  return 0;
}
