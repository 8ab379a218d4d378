#include "payload/answer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "payload/sniff.h"

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

/* The file did not do as it was asked, and said why. False. */
static bool unwritten(struct answer *answer, const struct stepimg_error *error)
{
  return answer_fail(answer, error->kind, "%s", error->message);
}

/* The picture of a place in data; made when first seen. NULL: answer->kind says why. */
static struct stepimg_picture *picture_at(struct answer *answer, size_t index)
{
  for (size_t i = 0; i < answer->picture_count; i++)
    if (answer->pictures[i].index == index)
      return &answer->pictures[i];
  if (answer->picture_count == ANSWER_MAX_PICTURES) {
    answer_fail(answer, STEPIMG_PROTOCOL, "the answer holds more pictures than anyone asked for");
    return NULL;
  }
  if (answer->pictures == NULL)
    answer->pictures = calloc(ANSWER_MAX_PICTURES, sizeof *answer->pictures);
  if (answer->pictures == NULL) {
    overflow(answer, STEPIMG_NOMEM);
    return NULL;
  }
  struct stepimg_picture *picture = &answer->pictures[answer->picture_count++];
  picture->index = index;
  return picture;
}

static bool to_file(const struct answer *answer)
{
  return answer->file.descriptor >= 0 && answer->current != NULL && answer->current->index == 0;
}

/* Reads the format while the picture's first bytes are at hand. */
static void look(struct answer *answer)
{
  struct stepimg_picture *picture = answer->current;
  if (picture->length == 0)
    picture->format = sniff(answer->bytes.bytes, answer->bytes.length, &picture->width, &picture->height);
}

/* Writes what was gathered to the file, but for the last bytes that are to be kept. */
static bool flush(struct answer *answer, size_t kept)
{
  struct stepimg_error error;
  size_t length = answer->bytes.length - kept;
  look(answer);
  if (file_write(&answer->file, answer->bytes.bytes, length, &error) != STEPIMG_OK)
    return unwritten(answer, &error);
  answer->current->length += length;
  memmove(answer->bytes.bytes, answer->bytes.bytes + length, kept);
  answer->bytes.length = kept;
  return true;
}

/* Makes room for so many more bytes of the current picture. */
static bool make_room(struct answer *answer, size_t more)
{
  if (to_file(answer) && answer->bytes.length >= ANSWER_FILE_BLOCK && !flush(answer, SNIFF_END))
    return false;
  enum stepimg_kind kind = buffer_reserve(&answer->bytes, more);
  return kind == STEPIMG_OK || overflow(answer, kind);
}

/* A picture begins, of about that many bytes; 0: not known. */
static bool picture_begin(struct answer *answer, size_t expected)
{
  struct stepimg_error error;
  buffer_init(&answer->bytes, answer->max);
  if (to_file(answer)) {
    answer->current->length = 0; /* a download that is repeated begins anew */
    return file_restart(&answer->file, &error) == STEPIMG_OK || unwritten(answer, &error);
  }
  if (expected == 0 || expected > answer->max)
    return true;
  void *spare = answer->spares != NULL ? spares_take(answer->spares, expected) : NULL;
  if (spare != NULL)
    buffer_adopt(&answer->bytes, spare, expected);
  else /* the length is only the server's word: that there is no room for it is no failure yet */
    (void)buffer_reserve(&answer->bytes, expected);
  return true;
}

/* All bytes of the current picture are there. */
static bool picture_end(struct answer *answer)
{
  struct stepimg_error error;
  struct stepimg_picture *picture = answer->current;
  if (to_file(answer)) {
    if (answer->bytes.length > 0 && !flush(answer, 0))
      return false;
    picture->saved = picture->length > 0;
    buffer_free(&answer->bytes);
    answer->current = NULL;
    return file_close(&answer->file, &error) == STEPIMG_OK || unwritten(answer, &error);
  }
  answer->current = NULL;
  if (answer->bytes.length == 0) { /* "" is no picture */
    buffer_free(&answer->bytes);
    return true;
  }
  picture->bytes = buffer_take(&answer->bytes, &picture->length);
  picture->format = sniff(picture->bytes, picture->length, &picture->width, &picture->height);
  return true;
}

static bool base64_begin(struct answer *answer, size_t index)
{
  answer->current = picture_at(answer, index);
  if (answer->current == NULL)
    return false;
  if (answer->current->bytes != NULL || answer->current->saved)
    return answer_fail(answer, STEPIMG_PROTOCOL, "the answer holds two pictures in one place");
  base64_init(&answer->base64);
  /* The body is nearly all picture. Less than that would be too little by the end, and grown, and copied then. */
  return picture_begin(answer, answer->expected > 0 ? base64_bound(answer->expected) : 0);
}

static bool base64_piece(struct answer *answer, const char *text, size_t length)
{
  size_t written;
  if (!make_room(answer, base64_bound(length)))
    return false;
  bool good = base64_update(&answer->base64, text, length, answer->bytes.bytes + answer->bytes.length, &written);
  answer->bytes.length += written;
  if (good)
    return true;
  return answer_fail(answer, STEPIMG_PROTOCOL, "the picture in the answer is broken: no base64 at character %llu",
                     (unsigned long long)answer->base64.consumed + 1);
}

/* Most of the text comes this way, no byte of it looked at but to decode it. What may be a flaw is left to base64_piece,
   and the news of a failure to split, which is asked next. */
static size_t base64_run(void *context, const char *text, size_t length)
{
  struct answer *answer = context;
  size_t written;
  if (!make_room(answer, base64_bound(length)))
    return 0;
  size_t taken = base64_clean(&answer->base64, text, length, answer->bytes.bytes + answer->bytes.length, &written);
  answer->bytes.length += written;
  return taken;
}

static bool url_end(struct answer *answer, size_t index)
{
  struct stepimg_picture *picture = picture_at(answer, index);
  size_t length;
  if (picture == NULL)
    return false;
  if (picture->url != NULL)
    return answer_fail(answer, STEPIMG_PROTOCOL, "the answer holds two links in one place");
  if (answer->url.length == 0)
    return true;
  enum stepimg_kind kind = buffer_append(&answer->url, "", 1);
  if (kind != STEPIMG_OK)
    return overflow(answer, kind);
  picture->url = (char *)buffer_take(&answer->url, &length);
  return true;
}

static bool split(void *context, enum splitter_event event, size_t index, const char *bytes, size_t length)
{
  struct answer *answer = context;
  enum stepimg_kind kind;
  if (answer->kind != STEPIMG_OK)
    return false;
  switch (event) {
  case SPLITTER_ENVELOPE:
    kind = buffer_append(&answer->body, bytes, length);
    return kind == STEPIMG_OK || overflow(answer, kind);
  case SPLITTER_PICTURE_BEGIN:
    return base64_begin(answer, index);
  case SPLITTER_PICTURE:
    return base64_piece(answer, bytes, length);
  case SPLITTER_PICTURE_END:
    if (!base64_final(&answer->base64))
      return answer_fail(answer, STEPIMG_PROTOCOL, "the picture in the answer is broken: its base64 ends too early");
    return picture_end(answer);
  case SPLITTER_URL_BEGIN:
    buffer_free(&answer->url);
    buffer_init(&answer->url, ANSWER_MAX_URL);
    return true;
  case SPLITTER_URL:
    kind = buffer_append(&answer->url, bytes, length);
    if (kind == STEPIMG_PROTOCOL)
      return answer_fail(answer, kind, "the picture's link in the answer is too long");
    return kind == STEPIMG_OK || overflow(answer, kind);
  case SPLITTER_URL_END:
    return url_end(answer, index);
  }
  return false;
}

void answer_init(struct answer *answer, size_t max, struct spares *spares)
{
  memset(answer, 0, sizeof *answer);
  answer->spares = spares;
  answer->max = max;
  answer->file = FILE_NONE;
}

enum stepimg_kind answer_save(struct answer *answer, const char *path, struct stepimg_error *error)
{
  return file_open(&answer->file, path, error);
}

void answer_free(struct answer *answer)
{
  for (size_t i = 0; i < answer->picture_count; i++) {
    free(answer->pictures[i].bytes);
    free((char *)answer->pictures[i].url);
  }
  free(answer->pictures);
  buffer_free(&answer->body);
  buffer_free(&answer->bytes);
  buffer_free(&answer->url);
  file_abort(&answer->file);
  answer_init(answer, answer->max, answer->spares);
}

bool answer_begin(struct answer *answer, enum answer_mode mode, int64_t expected, struct stepimg_picture *picture)
{
  answer->mode = mode;
  answer->received = 0;
  answer->expected = 0;
  answer->current = picture;
  answer->kind = STEPIMG_OK;
  if (mode == ANSWER_ENVELOPE || mode == ANSWER_ERROR_BODY) {
    splitter_init(&answer->splitter, split, base64_run, answer);
    buffer_free(&answer->body);
    buffer_init(&answer->body, mode == ANSWER_ERROR_BODY ? ANSWER_MAX_ERROR_BODY : answer->max);
  }
  buffer_free(&answer->bytes); /* of an attempt before, if it was cut */
  if (mode == ANSWER_ERROR_BODY || mode == ANSWER_NO_PICTURE)
    return true;
  if (expected > 0 && (uint64_t)expected > answer->max)
    return overflow(answer, STEPIMG_PROTOCOL);
  answer->expected = expected > 0 ? (size_t)expected : 0;
  return mode != ANSWER_PICTURE || picture_begin(answer, answer->expected);
}

bool answer_write(struct answer *answer, const char *bytes, size_t length)
{
  enum stepimg_kind kind;
  if (answer->mode == ANSWER_ERROR_BODY) {
    size_t room = answer->body.max - answer->body.length, kept = length < room ? length : room;
    kind = buffer_append(&answer->body, bytes, kept);
    return kind == STEPIMG_OK && kept == length;
  }
  if (length > answer->max - answer->received)
    return overflow(answer, STEPIMG_PROTOCOL);
  answer->received += length;
  if (answer->mode == ANSWER_NO_PICTURE)
    return answer->received <= ANSWER_MAX_ERROR_BODY;
  if (answer->mode == ANSWER_PICTURE) {
    if (!make_room(answer, length))
      return false;
    memcpy(answer->bytes.bytes + answer->bytes.length, bytes, length);
    answer->bytes.length += length;
    return true;
  }
  if (splitter_feed(&answer->splitter, bytes, length))
    return true;
  if (answer->kind == STEPIMG_OK) /* it was the splitter itself */
    answer_fail(answer, STEPIMG_PROTOCOL, "the picture in the answer is broken: it holds a broken escape");
  return false;
}

bool answer_is_whole(struct answer *answer, bool open_ended)
{
  if (answer->mode == ANSWER_ENVELOPE)
    return answer->splitter.whole;
  if (answer->mode != ANSWER_PICTURE || !open_ended)
    return false;
  look(answer);
  return sniff_end(answer->current->format, answer->bytes.bytes, answer->bytes.length);
}

bool answer_end(struct answer *answer, bool open_ended)
{
  if (open_ended && !answer_is_whole(answer, true))
    return answer_fail(answer, STEPIMG_NETWORK, "the %s was cut short: its end is missing",
                       answer->mode == ANSWER_PICTURE ? "picture" : "answer");
  if (answer->mode != ANSWER_PICTURE)
    return true; /* whether it is JSON is for its reader to say */
  look(answer);
  return picture_end(answer);
}

struct stepimg_picture *answer_to_download(const struct answer *answer)
{
  for (size_t i = 0; i < answer->picture_count; i++)
    if (answer->pictures[i].url != NULL && answer->pictures[i].bytes == NULL && !answer->pictures[i].saved)
      return &answer->pictures[i];
  return NULL;
}

void answer_take(struct answer *answer, struct stepimg_outcome *outcome, struct file *file)
{
  *file = answer->file;
  answer->file = FILE_NONE;
  outcome->body = (char *)buffer_take(&answer->body, &outcome->body_length);
  outcome->pictures = answer->pictures;
  outcome->picture_count = answer->picture_count;
  answer->pictures = NULL;
  answer->picture_count = 0;
}
