#include "payload/answer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "payload/payload.h"

/* ------------------------------------------------------------------------------------------------------ failures -- */

bool answer_fail(struct answer *answer, enum stepimg_kind kind, const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(answer->reason, sizeof answer->reason, format, arguments);
  va_end(arguments);
  answer->kind = kind;
  return false;
}

/* A buffer said no. */
static bool overflow(struct answer *answer, enum stepimg_kind kind)
{
  if (kind == STEPIMG_NOMEM)
    return answer_fail(answer, kind, "not enough memory for the answer");
  return answer_fail(answer, STEPIMG_PROTOCOL, "the answer is larger than max_response_bytes (%zu)", answer->max);
}

static bool is_good(struct answer *answer, enum stepimg_kind kind, const struct stepimg_error *error)
{
  if (kind == STEPIMG_OK)
    return true;
  return kind == STEPIMG_IO ? answer_fail(answer, kind, "%s", error->message) : overflow(answer, kind);
}

/* Flaws in a payload's text are that picture's. */
static bool no_json(struct answer *answer)
{
  const struct scanner *scanner = &answer->scanner;
  if (scanner_in_payload(scanner) && answer->received > scanner->at)
    return answer_fail(answer, STEPIMG_PROTOCOL, "the picture in the answer is broken: it holds a broken escape");
  return answer_fail(answer, STEPIMG_PROTOCOL, "the answer is not the JSON it should be (%s at byte %llu)",
                     scanner->flaw, (unsigned long long)scanner->at + 1);
}

/* ------------------------------------------------------------------------------------------------------ pictures -- */

static bool is_here(const struct answer *answer, const struct stepimg_image *image)
{
  return image->payload != NULL || (image == answer->envelope.images && answer->saved);
}

/* A picture begins, of about that many bytes; 0: not known. */
static bool picture_starts(struct answer *answer, struct stepimg_image *image, size_t expected)
{
  struct stepimg_error error;
  struct file *file = image == answer->envelope.images && answer->file.descriptor >= 0 ? &answer->file : NULL;
  answer->current = image;
  return is_good(answer, picture_begin(&answer->picture, file, answer->spares, expected, answer->max, &error), &error);
}

/* All bytes of the current picture are there. "" is no picture, and leaves its place to another. */
static bool picture_ends(struct answer *answer)
{
  struct stepimg_error error;
  struct picture *picture = &answer->picture;
  struct stepimg_image *image = answer->current;
  size_t length;
  answer->current = NULL;
  if (picture->length == 0) {
    picture_free(picture);
    return true;
  }
  if (!is_good(answer, picture_end(picture, &error), &error))
    return false;
  image->format = picture->sniff.format;
  image->width = picture->sniff.width;
  image->height = picture->sniff.height;
  answer->saved = answer->saved || picture->file != NULL;
  unsigned char *bytes = picture_take(picture, &length);
  picture_free(picture);
  if (bytes == NULL)
    return true;
  image->payload = payload_new(bytes, length);
  if (image->payload == NULL)
    free(bytes);
  return image->payload != NULL || overflow(answer, STEPIMG_NOMEM);
}

static bool base64_starts(struct answer *answer, struct stepimg_image *image)
{
  if (is_here(answer, image))
    return answer_fail(answer, STEPIMG_PROTOCOL, "the answer holds two pictures in one place");
  base64_init(&answer->base64);
  /* The body is nearly all picture. Less than that would be too little by the end, and grown, and copied then. */
  return picture_starts(answer, image, answer->expected > 0 ? base64_bound(answer->expected) : 0);
}

static unsigned char *make_room(struct answer *answer, size_t more)
{
  struct stepimg_error error;
  unsigned char *room;
  return is_good(answer, picture_room(&answer->picture, more, &room, &error), &error) ? room : NULL;
}

static bool base64_piece(struct answer *answer, const char *text, size_t length)
{
  size_t written;
  unsigned char *room = make_room(answer, base64_bound(length));
  if (room == NULL)
    return false;
  bool good = base64_update(&answer->base64, text, length, room, &written);
  picture_add(&answer->picture, written);
  if (good)
    return true;
  return answer_fail(answer, STEPIMG_PROTOCOL, "the picture in the answer is broken: no base64 at character %llu",
                     (unsigned long long)answer->base64.consumed + 1);
}

/* Most of the text comes this way, no byte of it looked at but to decode it. What may be a flaw is left to base64_piece,
   and the news of a failure to take_value, which is asked next. */
static size_t base64_run(void *context, const char *text, size_t length)
{
  struct answer *answer = context;
  size_t written;
  unsigned char *room = make_room(answer, base64_bound(length));
  if (room == NULL)
    return 0;
  size_t taken = base64_clean(&answer->base64, text, length, room, &written);
  picture_add(&answer->picture, written);
  return taken;
}

static bool base64_ends(struct answer *answer)
{
  enum { REST = 3 };
  size_t written;
  unsigned char *room = make_room(answer, REST);
  if (room == NULL)
    return false;
  bool good = base64_final(&answer->base64, room, &written);
  picture_add(&answer->picture, written);
  if (!good)
    return answer_fail(answer, STEPIMG_PROTOCOL, "the picture in the answer is broken: its base64 ends too early");
  picture_look(&answer->picture);
  return picture_ends(answer);
}

/* ------------------------------------------------------------------------------------------------------- envelope -- */

static bool take_picture(struct answer *answer, enum scanner_event event, size_t index, const char *bytes,
                         size_t length)
{
  switch (event) {
  case SCANNER_TEXT_BEGIN:
    return base64_starts(answer, envelope_image(&answer->envelope, index));
  case SCANNER_TEXT:
    return base64_piece(answer, bytes, length);
  case SCANNER_TEXT_END:
    return base64_ends(answer);
  default: /* it is no text */
    return true;
  }
}

/* The JSON around the pictures is kept for the words in it. */
static bool take_json(struct answer *answer, const char *bytes, size_t length)
{
  size_t room = ANSWER_MAX_BODY - answer->body.length;
  answer->envelope_bytes += length;
  if (answer->envelope_bytes > ANSWER_MAX_ENVELOPE)
    return answer_fail(answer, STEPIMG_PROTOCOL, "the JSON around the answer's pictures is larger than %d KiB",
                       ANSWER_MAX_ENVELOPE / 1024);
  enum stepimg_kind kind = buffer_append(&answer->body, bytes, length < room ? length : room);
  return kind == STEPIMG_OK || overflow(answer, kind);
}

static bool take_value(void *context, enum scanner_event event, unsigned path, size_t index, const char *bytes,
                       size_t length)
{
  struct answer *answer = context;
  const char *why;
  if (answer->kind != STEPIMG_OK)
    return false;
  if (event == SCANNER_ENVELOPE)
    return take_json(answer, bytes, length);
  if (path == ENVELOPE_PICTURE)
    return take_picture(answer, event, index, bytes, length);
  enum stepimg_kind kind =
      envelope_take(&answer->envelope, event, (enum envelope_path)path, index, bytes, length, &why);
  if (kind == STEPIMG_OK)
    return answer->envelope.is_object;
  return kind == STEPIMG_NOMEM ? overflow(answer, kind) : answer_fail(answer, kind, "%s", why);
}

/* The envelope is complete: whether it is what the service promises. */
static bool judge(struct answer *answer)
{
  const struct envelope *envelope = &answer->envelope;
  if (!scanner_end(&answer->scanner))
    return no_json(answer);
  if (envelope->flaw != NULL)
    return answer_fail(answer, STEPIMG_PROTOCOL, "%s", envelope->flaw);
  bool good = envelope->image_count > 0;
  for (size_t i = 0; i < envelope->image_count; i++) {
    const struct stepimg_image *image = &envelope->images[i];
    good = good && (is_here(answer, image) || image->url != NULL || envelope_is_filtered(image));
  }
  return good || answer_fail(answer, STEPIMG_PROTOCOL, "the answer holds no picture");
}

/* --------------------------------------------------------------------------------------------------------- bodies -- */

void answer_init(struct answer *answer, size_t max, const char *key, struct spares *spares)
{
  memset(answer, 0, sizeof *answer);
  answer->spares = spares;
  answer->envelope.key = key;
  answer->max = max;
  answer->file = FILE_NONE;
}

enum stepimg_kind answer_save(struct answer *answer, const char *path, const char *target, struct stepimg_error *error)
{
  answer->save = path;
  return file_open(&answer->file, target, error);
}

static bool is_facts(const struct answer *answer)
{
  return answer->mode == ANSWER_ACCOUNT || answer->mode == ANSWER_MODELS;
}

/* What an attempt before has left. */
static void forget(struct answer *answer)
{
  facts_free(&answer->facts);
  envelope_free(&answer->envelope);
  answer->envelope_bytes = 0;
  answer->saved = false;
}

void answer_free(struct answer *answer)
{
  forget(answer);
  buffer_free(&answer->body);
  picture_free(&answer->picture);
  file_abort(&answer->file);
  free(answer->kept);
  answer_init(answer, answer->max, answer->envelope.key, answer->spares);
}

bool answer_begin(struct answer *answer, enum answer_mode mode, int64_t expected, struct stepimg_image *image)
{
  answer->mode = mode;
  answer->received = 0;
  answer->expected = 0;
  answer->current = NULL;
  answer->kind = STEPIMG_OK;
  buffer_free(&answer->body);
  buffer_init(&answer->body, is_facts(answer) ? FACTS_MAX_BODY : ANSWER_MAX_BODY);
  picture_free(&answer->picture); /* of an attempt before, if it was cut */
  if (mode == ANSWER_ERROR_BODY)
    return true;
  if (mode == ANSWER_ENVELOPE) {
    forget(answer);
    scanner_init(&answer->scanner, envelope_paths, ENVELOPE_PATHS, take_value, base64_run, answer);
  }
  if (expected > 0 && (uint64_t)expected > answer->max)
    return overflow(answer, STEPIMG_PROTOCOL);
  answer->expected = expected > 0 ? (size_t)expected : 0;
  return mode != ANSWER_PICTURE || picture_starts(answer, image, answer->expected);
}

/* Keeps as much as there is room for. False: there is no more. */
static bool keep(struct answer *answer, const char *bytes, size_t length)
{
  size_t room = answer->body.max - answer->body.length, kept = length < room ? length : room;
  enum stepimg_kind kind = buffer_append(&answer->body, bytes, kept);
  return kind == STEPIMG_OK && kept == length;
}

static bool envelope_piece(struct answer *answer, const char *bytes, size_t length)
{
  if (!answer->scanner.stopped && scanner_feed(&answer->scanner, bytes, length))
    return true;
  if (answer->kind != STEPIMG_OK)
    return false;
  return answer->envelope.is_object ? no_json(answer) : keep(answer, bytes, length); /* it is shown, whatever it is */
}

bool answer_write(struct answer *answer, const char *bytes, size_t length)
{
  if (answer->mode == ANSWER_ERROR_BODY) {
    answer->received += length;
    return keep(answer, bytes, length);
  }
  if (length > answer->max - answer->received)
    return overflow(answer, STEPIMG_PROTOCOL);
  answer->received += length;
  if (answer->mode == ANSWER_ENVELOPE)
    return envelope_piece(answer, bytes, length);
  if (is_facts(answer))
    return keep(answer, bytes, length) ||
           answer_fail(answer, STEPIMG_PROTOCOL, "the answer is too large for what it is");
  unsigned char *room = make_room(answer, length);
  if (room == NULL)
    return false;
  memcpy(room, bytes, length);
  picture_add(&answer->picture, length);
  return true;
}

/* The picture behind a link has come. What is none still lies there; its words, if it is a page, are kept. */
static bool judge_picture(struct answer *answer, const char *content_type)
{
  struct picture *picture = &answer->picture;
  char quoted[TEXT_QUOTE_MAX];
  picture_look(picture);
  if (sniff_is_picture(&picture->sniff, content_type))
    return picture_ends(answer);
  if (picture->sniff.foreign && picture->bytes.length == picture->length)
    keep(answer, (const char *)picture->bytes.bytes, picture->bytes.length);
  picture_free(picture);
  return answer_fail(answer, STEPIMG_PROTOCOL, "what came is no picture (its Content-Type is %s)",
                     text_quote(quoted, content_type, strlen(content_type)));
}

bool answer_is_whole(struct answer *answer, bool open_ended)
{
  if (answer->mode == ANSWER_ENVELOPE)
    return scanner_is_whole(&answer->scanner);
  if (answer->mode != ANSWER_PICTURE || !open_ended)
    return false;
  picture_look(&answer->picture);
  return picture_has_end(&answer->picture);
}

bool answer_end(struct answer *answer, bool open_ended, const char *content_type)
{
  if (is_facts(answer)) {
    const char *why;
    enum stepimg_kind kind =
        facts_read(&answer->facts, answer->mode == ANSWER_ACCOUNT, &answer->body, answer->envelope.key, &why);
    return kind == STEPIMG_OK || answer_fail(answer, kind, "%s", why);
  }
  if (open_ended && !answer_is_whole(answer, true))
    return answer_fail(answer, STEPIMG_NETWORK, "the %s was cut short: its end is missing",
                       answer->mode == ANSWER_PICTURE ? "picture" : "answer");
  return answer->mode == ANSWER_PICTURE ? judge_picture(answer, content_type) : judge(answer);
}

/* ----------------------------------------------------------------------------------------------------------- end -- */

struct stepimg_image *answer_to_download(const struct answer *answer)
{
  struct stepimg_image *images = answer->envelope.images;
  for (size_t i = 0; i < answer->envelope.image_count; i++)
    if (images[i].url != NULL && !is_here(answer, &images[i]))
      return &images[i];
  return NULL;
}

bool answer_is_to_store(const struct answer *answer)
{
  return answer->saved && !envelope_is_filtered(answer->envelope.images);
}

enum stepimg_kind answer_store(struct answer *answer, struct stepimg_error *error)
{
  return file_commit(&answer->file, &answer->kept, error);
}

void answer_take(struct answer *answer, struct stepimg_outcome *outcome)
{
  struct stepimg_image *images = answer->envelope.images, *left = answer_to_download(answer);
  outcome->path = answer->kept;
  answer->kept = NULL;
  if (outcome->error.kind != STEPIMG_OK) {
    outcome->url = left != NULL ? envelope_take_link(left) : NULL;
    return;
  }
  if (answer_is_to_store(answer))
    images->path = answer->save;
  answer->saved = false;
  facts_give(&answer->facts, outcome);
  envelope_give(&answer->envelope, outcome);
}

void answer_release(struct stepimg_outcome *outcome)
{
  facts_take_back(outcome);
  envelope_free_images(outcome->images);
  free((char *)outcome->id);
  free((char *)outcome->url);
  free((char *)outcome->path);
}
