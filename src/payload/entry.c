#include "payload/entry.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "payload/number.h"

/* The first are the envelope's own: what the service said is written as it says it. */
enum { ENTRY_KEY = ENVELOPE_FINISH_REASON + 1, ENTRY_SIZE, ENTRY_DIGEST, ENTRY_PATHS };

static const struct scanner_path paths[ENTRY_PATHS] = {
    [ENVELOPE_DOCUMENT] = {{NULL}, false},
    [ENVELOPE_ID] = {{"id"}, false},
    [ENVELOPE_CREATED] = {{"created"}, false},
    [ENVELOPE_DATA] = {{"data"}, false},
    [ENVELOPE_ENTRY] = {{"data", "[]"}, false},
    [ENVELOPE_SEED] = {{"data", "[]", "seed"}, false},
    [ENVELOPE_FINISH_REASON] = {{"data", "[]", "finish_reason"}, false},
    [ENTRY_KEY] = {{"key"}, false},
    [ENTRY_SIZE] = {{"picture", "bytes"}, false},
    [ENTRY_DIGEST] = {{"picture", "sha256"}, false},
};

struct reader {
  struct entry *entry;
  struct envelope *envelope;
  enum stepimg_kind kind;
  size_t digits; /* of the digest that is read; beyond its place: it is none */
};

static bool is_hex(const char *text, size_t length)
{
  for (size_t i = 0; i < length; i++)
    if (!(text[i] >= '0' && text[i] <= '9') && !(text[i] >= 'a' && text[i] <= 'f'))
      return false;
  return true;
}

static void take_digest(struct reader *reader, enum scanner_event event, char out[SHA256_HEX], const char *text,
                        size_t length)
{
  size_t room = SHA256_HEX - 1;
  if (event != SCANNER_TEXT) {
    if (event != SCANNER_TEXT_END)
      reader->digits = 0;
    if (event != SCANNER_TEXT_END || reader->digits != room)
      out[0] = '\0';
    return;
  }
  if (reader->digits <= room && length <= room - reader->digits && is_hex(text, length)) {
    memcpy(out + reader->digits, text, length);
    reader->digits += length;
    out[reader->digits] = '\0';
  } else
    reader->digits = room + 1;
}

static bool take_value(void *context, enum scanner_event event, unsigned path, size_t index, const char *bytes,
                       size_t length)
{
  struct reader *reader = context;
  struct entry *entry = reader->entry;
  const char *why;
  int64_t size;
  if (event == SCANNER_ENVELOPE)
    return true;
  switch (path) {
  case ENTRY_KEY:
    take_digest(reader, event, entry->key, bytes, length);
    break;
  case ENTRY_DIGEST:
    take_digest(reader, event, entry->digest, bytes, length);
    break;
  case ENTRY_SIZE:
    entry->size =
        event == SCANNER_NUMBER && number_integer(bytes, length, &size) && size > 0 && (uint64_t)size <= SIZE_MAX
            ? (size_t)size
            : 0;
    break;
  default:
    reader->kind = envelope_take(reader->envelope, event, (enum envelope_path)path, index, bytes, length, &why);
  }
  return reader->kind == STEPIMG_OK && reader->envelope->is_object;
}

enum stepimg_kind entry_read(struct entry *entry, struct envelope *envelope, const char *json, size_t length)
{
  struct reader reader = {.entry = entry, .envelope = envelope};
  struct scanner scanner;
  *entry = (struct entry){.size = 0};
  scanner_init(&scanner, paths, ENTRY_PATHS, take_value, NULL, &reader);
  bool whole = scanner_feed(&scanner, json, length) && scanner_end(&scanner);
  if (reader.kind == STEPIMG_NOMEM)
    return STEPIMG_NOMEM;
  bool good = whole && envelope->flaw == NULL && envelope->image_count == 1 &&
              !envelope_is_filtered(envelope->images) && entry->key[0] != '\0' && entry->digest[0] != '\0' &&
              entry->size > 0;
  return good ? STEPIMG_OK : STEPIMG_PROTOCOL;
}

enum { FIELD_MAX = 64 /* bytes of a name, or of a number's */ };

/* A text of the service's: UTF-8 without control characters. Its quotes stay at most twice as long. */
static size_t put_text(char *out, const char *name, const char *text)
{
  size_t used = 0;
  if (text == NULL)
    return 0;
  used += (size_t)snprintf(out, FIELD_MAX, "\"%s\":\"", name);
  for (; *text != '\0'; text++) {
    if (*text == '"' || *text == '\\')
      out[used++] = '\\';
    out[used++] = *text;
  }
  memcpy(out + used, "\",", sizeof "\",");
  return used + strlen("\",");
}

static size_t put_integer(char *out, const char *name, bool is_there, int64_t integer)
{
  return is_there ? (size_t)snprintf(out, FIELD_MAX, "\"%s\":%" PRId64 ",", name, integer) : 0;
}

size_t entry_write(char out[ENTRY_MAX], const struct entry *entry, const struct envelope *envelope)
{
  const struct stepimg_image *image = envelope->images;
  size_t used = (size_t)snprintf(out, ENTRY_MAX, "{\"key\":\"%s\",", entry->key);
  used += put_text(out + used, "id", envelope->id);
  used += put_integer(out + used, "created", envelope->has_created, envelope->created);
  used += (size_t)snprintf(out + used, ENTRY_MAX - used, "\"data\":[{");
  used += put_integer(out + used, "seed", image->has_seed, image->seed);
  used += put_text(out + used, "finish_reason", image->finish_reason);
  used -= out[used - 1] == ',';
  used += (size_t)snprintf(out + used, ENTRY_MAX - used,
                           "}],\"picture\":{\"bytes\":%zu,\"sha256\":\"%s\",\"format\":\"%s\",\"width\":%" PRIu32
                           ",\"height\":%" PRIu32 "}}\n",
                           entry->size, entry->digest, stepimg_format_name(image->format), image->width, image->height);
  return used;
}
