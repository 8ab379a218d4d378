#include "client/key.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "payload/escape.h"
#include "payload/number.h"
#include "payload/scanner.h"

/* A value is known by its digest, and one with values in it by the digest of theirs: in order those of a list, sorted
   those of an object's members. So no tree is built, and a member is 32 bytes while its object is open. */

enum kind { TEXT = 's', TOKEN = 'v', LIST = 'l', OBJECT = 'o' };

struct level {
  size_t mark; /* where its digests begin */
  bool object, named;
};

/* What the member at hand is, of the outermost object. */
enum special { NONE, FORMAT, SEED };

struct reader {
  struct key *key;
  struct buffer digests; /* of what is in the open brackets; of a member that of its name at first */
  struct level levels[SCANNER_MAX_DEPTH + 1];
  size_t depth;
  enum special special;
  bool failed; /* no memory */
};

static bool is_seed(const char *text, size_t length, int64_t *seed)
{
  enum number_part part = NUMBER_NONE;
  for (size_t i = 0; i < length; i++)
    if ((part = number_next(part, text[i])) == NUMBER_NONE)
      return false;
  return number_is_whole(part) && number_integer(text, length, seed);
}

static void begin(struct sha256 *hash, enum kind kind)
{
  const unsigned char first = (unsigned char)kind;
  sha256_init(hash);
  sha256_update(hash, &first, sizeof first);
}

static void digest_of(unsigned char out[SHA256_SIZE], enum kind kind, const void *bytes, size_t length)
{
  struct sha256 hash;
  begin(&hash, kind);
  sha256_update(&hash, bytes, length);
  sha256_final(&hash, out);
}

/* Of a text between its quotes, which is good JSON. */
static void digest_of_text(unsigned char out[SHA256_SIZE], const char *text, size_t length)
{
  struct sha256 hash;
  struct escape escape = {.half = 0};
  char bytes[ESCAPE_MAX];
  size_t size;
  begin(&hash, TEXT);
  for (size_t i = 0; i < length; i++) {
    if (text[i] != '\\') {
      sha256_update(&hash, bytes, escape_flush(&escape, bytes));
      sha256_update(&hash, &text[i], 1);
      continue;
    }
    enum escape_state state = ESCAPE_MORE;
    while (state == ESCAPE_MORE && ++i < length)
      state = escape_next(&escape, text[i], bytes, &size);
    if (state == ESCAPE_DONE)
      sha256_update(&hash, bytes, size);
  }
  sha256_update(&hash, bytes, escape_flush(&escape, bytes));
  sha256_final(&hash, out);
}

static void join(unsigned char name[SHA256_SIZE], const unsigned char value[SHA256_SIZE])
{
  unsigned char both[2 * SHA256_SIZE];
  memcpy(both, name, SHA256_SIZE);
  memcpy(both + SHA256_SIZE, value, SHA256_SIZE);
  digest_of(name, TOKEN, both, sizeof both);
}

static int compare(const void *one, const void *other)
{
  return memcmp(one, other, SHA256_SIZE);
}

static void digest_of_members(unsigned char out[SHA256_SIZE], unsigned char *digests, size_t size)
{
  if (digests != NULL && size > 0)
    qsort(digests, size / SHA256_SIZE, SHA256_SIZE, compare);
  digest_of(out, OBJECT, digests, size);
}

static void push(struct reader *reader, const unsigned char digest[SHA256_SIZE])
{
  reader->failed = reader->failed || buffer_append(&reader->digests, digest, SHA256_SIZE) != STEPIMG_OK;
}

/* A value is complete. token: as it is written, where it is neither a text nor a bracket; else NULL. */
static void add_value(struct reader *reader, const unsigned char digest[SHA256_SIZE], const char *token, size_t length)
{
  struct level *level = &reader->levels[reader->depth];
  struct buffer *digests = &reader->digests;
  struct key *key = reader->key;
  enum special special = reader->depth == 1 ? reader->special : NONE;
  if (!level->object || reader->failed || digests->bytes == NULL) { /* of a member, its name is there */
    push(reader, digest);
    return;
  }
  level->named = false;
  if (special == SEED) {
    key->has_seed = token != NULL && is_seed(token, length, &key->seed);
    special = key->has_seed ? SEED : NONE;
  }
  if (special != NONE)
    digests->length -= SHA256_SIZE;
  else
    join(digests->bytes + digests->length - SHA256_SIZE, digest);
}

static void open_bracket(struct reader *reader, bool object)
{
  reader->levels[++reader->depth] = (struct level){.mark = reader->digests.length, .object = object};
}

static void close_bracket(struct reader *reader)
{
  unsigned char digest[SHA256_SIZE];
  const struct level *level = &reader->levels[reader->depth--];
  struct buffer *digests = &reader->digests;
  if (reader->failed)
    return;
  unsigned char *own = digests->bytes != NULL ? digests->bytes + level->mark : NULL;
  size_t size = digests->length - level->mark;
  if (level->object)
    digest_of_members(digest, own, size);
  else
    digest_of(digest, LIST, own, size);
  digests->length = level->mark;
  add_value(reader, digest, NULL, 0);
}

/* The length of the token at the start of good JSON: a text with its quotes, or a number or a word. */
static size_t token_length(const char *json, size_t length)
{
  size_t at = 1;
  if (json[0] == '"') {
    while (at < length && json[at] != '"')
      at += json[at] == '\\' ? 2 : 1;
    return at < length ? at + 1 : length;
  }
  while (at < length && strchr(" \t\r\n,:]}", json[at]) == NULL)
    at++;
  return at;
}

static bool is_name(const char *token, size_t length, const char *name)
{
  return length == strlen(name) + 2 && memcmp(token + 1, name, length - 2) == 0;
}

static void take_token(struct reader *reader, const char *token, size_t length)
{
  unsigned char digest[SHA256_SIZE];
  struct level *level = &reader->levels[reader->depth];
  bool is_text = token[0] == '"';
  if (is_text)
    digest_of_text(digest, token + 1, length - 2);
  else
    digest_of(digest, TOKEN, token, length);
  if (!level->object || level->named) {
    add_value(reader, digest, is_text ? NULL : token, length);
    return;
  }
  push(reader, digest);
  level->named = true;
  if (reader->depth == 1)
    reader->special = is_name(token, length, "response_format") ? FORMAT : is_name(token, length, "seed") ? SEED : NONE;
}

static void read_json(struct reader *reader, const char *json, size_t length)
{
  for (size_t at = 0, taken; at < length; at += taken) {
    taken = 1;
    switch (json[at]) {
    case '{':
    case '[':
      open_bracket(reader, json[at] == '{');
      break;
    case '}':
    case ']':
      close_bracket(reader);
      break;
    case ' ':
    case '\t':
    case '\r':
    case '\n':
    case ',':
    case ':':
      break;
    default:
      taken = token_length(json + at, length - at);
      take_token(reader, json + at, taken);
    }
  }
}

static bool note_object(void *context, enum scanner_event event, unsigned path, size_t index, const char *bytes,
                        size_t length)
{
  (void)path;
  (void)index;
  (void)bytes;
  (void)length;
  *(bool *)context = *(bool *)context || event == SCANNER_OBJECT;
  return true;
}

/* What follows reads good JSON alone. A byte order mark is none of it, though a scanner takes it. */
static bool is_object(const char *json, size_t length)
{
  static const struct scanner_path document = {{NULL}, false};
  struct scanner scanner;
  bool object = false;
  scanner_init(&scanner, &document, 1, note_object, NULL, &object);
  return length > 0 && json[0] != '\xef' && scanner_feed(&scanner, json, length) && scanner_end(&scanner) && object;
}

enum stepimg_kind key_of_body(struct key *key, const char *body, size_t length, struct stepimg_error *error)
{
  struct reader reader = {.key = key};
  *key = (struct key){.edits = false};
  if (length > SIZE_MAX / SHA256_SIZE || !is_object(body, length))
    return error_set(error, STEPIMG_INVALID, "cache",
                     "the request's body is no JSON object, so there is no key for it");
  buffer_init(&reader.digests, length * SHA256_SIZE); /* a value is a byte at least */
  read_json(&reader, body, length);
  if (!reader.failed)
    memcpy(key->rest, reader.digests.bytes, SHA256_SIZE);
  buffer_free(&reader.digests);
  return reader.failed ? error_nomem(error) : STEPIMG_OK;
}

enum stepimg_kind key_of_fields(struct key *key, const struct stepimg_field *fields, size_t count,
                                struct stepimg_error *error)
{
  size_t used = 0;
  unsigned char *digests = count < SIZE_MAX / SHA256_SIZE ? malloc((count + 1) * SHA256_SIZE) : NULL;
  *key = (struct key){.edits = true};
  if (digests == NULL)
    return error_nomem(error);
  for (size_t i = 0; i < count; i++) {
    unsigned char value[SHA256_SIZE], *name = digests + used;
    if (strcmp(fields[i].name, "response_format") == 0)
      continue;
    if (strcmp(fields[i].name, "seed") == 0 && is_seed(fields[i].text, fields[i].length, &key->seed)) {
      key->has_seed = true;
      continue;
    }
    digest_of(name, TEXT, fields[i].name, strlen(fields[i].name));
    digest_of(value, TEXT, fields[i].text, fields[i].length);
    join(name, value);
    used += SHA256_SIZE;
  }
  digest_of_members(key->rest, digests, used);
  free(digests);
  return STEPIMG_OK;
}

const char *key_name(char out[SHA256_HEX], const struct key *key, int64_t seed, const unsigned char *picture)
{
  struct sha256 hash;
  unsigned char digest[SHA256_SIZE];
  char start[64];
  int length = snprintf(start, sizeof start, "stepimg 1 %s %" PRId64 " ", key->edits ? "edits" : "generations", seed);
  sha256_init(&hash);
  sha256_update(&hash, start, (size_t)length);
  sha256_update(&hash, key->rest, sizeof key->rest);
  if (picture != NULL)
    sha256_update(&hash, picture, SHA256_SIZE);
  sha256_final(&hash, digest);
  return sha256_hex(out, digest);
}
