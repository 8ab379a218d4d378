#include "payload/envelope.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "base/text.h"
#include "payload/number.h"

const struct scanner_path envelope_paths[ENVELOPE_PATHS] = {
    [ENVELOPE_DOCUMENT] = {{NULL}, false},
    [ENVELOPE_ID] = {{"id"}, false},
    [ENVELOPE_CREATED] = {{"created"}, false},
    [ENVELOPE_DATA] = {{"data"}, false},
    [ENVELOPE_ENTRY] = {{"data", "[]"}, false},
    [ENVELOPE_SEED] = {{"data", "[]", "seed"}, false},
    [ENVELOPE_FINISH_REASON] = {{"data", "[]", "finish_reason"}, false},
    [ENVELOPE_URL] = {{"data", "[]", "url"}, false},
    [ENVELOPE_PICTURE] = {{"data", "[]", "b64_json"}, true},
};

/* A text is gathered a little beyond its bound, so that no character is cut in two. */
enum { UTF8_MAX = 4 };

static size_t max_text(enum envelope_path path)
{
  return path == ENVELOPE_ID              ? ENVELOPE_MAX_ID
         : path == ENVELOPE_FINISH_REASON ? ENVELOPE_MAX_FINISH_REASON
                                          : ENVELOPE_MAX_URL;
}

static void set_text(const char **text, const char *copy)
{
  free((char *)*text);
  *text = copy;
}

/* What is too long is cut, except for a link, which would lead elsewhere. */
static enum stepimg_kind add_text(struct envelope *envelope, enum envelope_path path, const char *bytes, size_t length,
                                  const char **why)
{
  struct buffer *text = &envelope->text;
  size_t room = text->max - text->length;
  if (path == ENVELOPE_URL && length > max_text(path) - text->length) {
    *why = "the picture's link in the answer is too long";
    return STEPIMG_PROTOCOL;
  }
  return buffer_append(text, bytes, length < room ? length : room);
}

/* A link stays as it came until it was followed, but for the blanks around it: cleaned, it would be another. But a NUL would
   end it, and what is before that is another too; as any other control character it keeps the link from being followed. */
static enum stepimg_kind end_text(struct envelope *envelope, enum envelope_path path, const char **out)
{
  struct buffer *text = &envelope->text;
  const char *bytes = (const char *)text->bytes, *link = bytes;
  size_t length = text->length, link_length = length;
  text_trim(&link, &link_length);
  if (path == ENVELOPE_URL && link_length > 0) {
    bytes = link;
    length = link_length;
  }
  char *copy = text_join(bytes, length, "");
  if (copy == NULL)
    return STEPIMG_NOMEM;
  secret_hide(copy, length, envelope->key);
  if (path != ENVELOPE_URL) {
    length = text_cut(copy, length, max_text(path));
    text_clean(copy, length);
  }
  copy[length] = '\0';
  for (size_t i = 0; i < length; i++)
    if (copy[i] == '\0')
      copy[i] = '\1';
  buffer_free(text);
  set_text(out, copy);
  return STEPIMG_OK;
}

static enum stepimg_kind end_link(struct envelope *envelope, struct stepimg_image *image, const char **why)
{
  if (envelope->text.length == 0)
    return STEPIMG_OK;
  if (image->url == NULL)
    return end_text(envelope, ENVELOPE_URL, &image->url);
  *why = "the answer holds two links in one place";
  return STEPIMG_PROTOCOL;
}

static enum stepimg_kind take_text(struct envelope *envelope, enum scanner_event event, enum envelope_path path,
                                   size_t index, const char *bytes, size_t length, const char **why)
{
  switch (event) {
  case SCANNER_TEXT_BEGIN:
    buffer_free(&envelope->text);
    buffer_init(&envelope->text, max_text(path) + UTF8_MAX);
    return STEPIMG_OK;
  case SCANNER_TEXT:
    return add_text(envelope, path, bytes, length, why);
  case SCANNER_TEXT_END:
    if (path == ENVELOPE_ID)
      return end_text(envelope, path, &envelope->id);
    if (path == ENVELOPE_FINISH_REASON)
      return end_text(envelope, path, &envelope->images[index].finish_reason);
    return end_link(envelope, &envelope->images[index], why);
  default: /* it is no text */
    return STEPIMG_OK;
  }
}

/* One that was there before, in another data, keeps what was paid for. */
static enum stepimg_kind begin_entry(struct envelope *envelope, enum scanner_event event, size_t index,
                                     const char **why)
{
  if (index >= STEPIMG_MAX_IMAGES) {
    *why = "the answer holds more pictures than anyone asked for";
    return STEPIMG_PROTOCOL;
  }
  if (envelope->images == NULL)
    envelope->images = calloc(STEPIMG_MAX_IMAGES, sizeof *envelope->images);
  if (envelope->images == NULL)
    return STEPIMG_NOMEM;
  envelope->image_count = index + 1;
  envelope->images[index].has_seed = false;
  set_text(&envelope->images[index].finish_reason, NULL);
  if (event != SCANNER_OBJECT && envelope->flaw == NULL)
    envelope->flaw =
        event == SCANNER_LIST ? "the answer holds no picture" : "the answer's data holds something that is no picture";
  return STEPIMG_OK;
}

enum stepimg_kind envelope_take(struct envelope *envelope, enum scanner_event event, enum envelope_path path,
                                size_t index, const char *bytes, size_t length, const char **why)
{
  switch (path) {
  case ENVELOPE_DOCUMENT:
    envelope->is_object = event == SCANNER_OBJECT;
    return STEPIMG_OK;
  case ENVELOPE_CREATED:
    envelope->has_created = event == SCANNER_NUMBER && number_integer(bytes, length, &envelope->created);
    return STEPIMG_OK;
  case ENVELOPE_DATA: /* once more: the last one counts */
    envelope->image_count = 0;
    envelope->flaw = NULL;
    return STEPIMG_OK;
  case ENVELOPE_ENTRY:
    if (event == SCANNER_TEXT || event == SCANNER_TEXT_END)
      return STEPIMG_OK;
    return begin_entry(envelope, event, index, why);
  case ENVELOPE_SEED:
    envelope->images[index].has_seed =
        event == SCANNER_NUMBER && number_integer(bytes, length, &envelope->images[index].seed);
    return STEPIMG_OK;
  default:
    return take_text(envelope, event, path, index, bytes, length, why);
  }
}

struct stepimg_image *envelope_image(struct envelope *envelope, size_t index)
{
  return &envelope->images[index];
}

bool envelope_is_filtered(const struct stepimg_image *image)
{
  return image->finish_reason != NULL && strcmp(image->finish_reason, "content_filtered") == 0;
}

const char *envelope_take_link(struct stepimg_image *image)
{
  char *link = (char *)image->url;
  image->url = NULL;
  if (link != NULL)
    text_clean(link, strlen(link));
  return link;
}

void envelope_give(struct envelope *envelope, struct stepimg_outcome *outcome)
{
  for (size_t i = 0; i < envelope->image_count; i++)
    envelope->images[i].url = envelope_take_link(&envelope->images[i]);
  outcome->id = envelope->id;
  outcome->has_created = envelope->has_created;
  outcome->created = envelope->created;
  outcome->images = envelope->images;
  outcome->image_count = envelope->image_count;
  envelope->id = NULL;
  envelope->images = NULL;
  envelope->image_count = 0;
}

void envelope_free_images(struct stepimg_image *images)
{
  for (size_t i = 0; i < STEPIMG_MAX_IMAGES && images != NULL; i++) {
    stepimg_payload_release(images[i].payload);
    free((char *)images[i].finish_reason);
    free((char *)images[i].url);
  }
  free(images);
}

void envelope_free(struct envelope *envelope)
{
  const char *key = envelope->key;
  envelope_free_images(envelope->images);
  free((char *)envelope->id);
  buffer_free(&envelope->text);
  memset(envelope, 0, sizeof *envelope);
  envelope->key = key;
}
