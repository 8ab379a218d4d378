#include "payload/answer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "base/text.h"
#include "payload/number.h"
#include "payload/payload.h"

enum path { DOCUMENT, ID, CREATED, DATA, ENTRY, SEED, FINISH_REASON, URL, PICTURE, PATHS };

static const struct scanner_path paths[PATHS] = {
    [DOCUMENT] = {{NULL}, false},
    [ID] = {{"id"}, false},
    [CREATED] = {{"created"}, false},
    [DATA] = {{"data"}, false},
    [ENTRY] = {{"data", "[]"}, false},
    [SEED] = {{"data", "[]", "seed"}, false},
    [FINISH_REASON] = {{"data", "[]", "finish_reason"}, false},
    [URL] = {{"data", "[]", "url"}, false},
    [PICTURE] = {{"data", "[]", "b64_json"}, true},
};

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
  return image->payload != NULL || (image == answer->images && answer->saved);
}

/* A picture begins, of about that many bytes; 0: not known. */
static bool picture_starts(struct answer *answer, struct stepimg_image *image, size_t expected)
{
  struct stepimg_error error;
  struct file *file = image == answer->images && answer->file.descriptor >= 0 ? &answer->file : NULL;
  answer->current = image;
  return is_good(answer, picture_begin(&answer->picture, file, answer->spares, expected, answer->max, &error), &error);
}

/* All bytes of the current picture are there. "" is no picture. */
static bool picture_ends(struct answer *answer)
{
  struct stepimg_error error;
  struct picture *picture = &answer->picture;
  struct stepimg_image *image = answer->current;
  size_t length;
  answer->current = NULL;
  if (!is_good(answer, picture_end(picture, &error), &error))
    return false;
  image->format = picture->sniff.format;
  image->width = picture->sniff.width;
  image->height = picture->sniff.height;
  answer->saved = answer->saved || (picture->file != NULL && picture->length > 0);
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

/* ---------------------------------------------------------------------------------------------------------- texts -- */

enum { UTF8_MAX = 4 };

static size_t max_text(enum path path)
{
  return path == ID ? ANSWER_MAX_ID : ANSWER_MAX_FINISH_REASON;
}

/* What is too long is cut, but for a link, which would lead elsewhere. */
static bool text_piece(struct answer *answer, enum path path, const char *bytes, size_t length)
{
  struct buffer *text = &answer->text;
  size_t room = text->max - text->length;
  if (path == URL && length > room)
    return answer_fail(answer, STEPIMG_PROTOCOL, "the picture's link in the answer is too long");
  enum stepimg_kind kind = buffer_append(text, bytes, length < room ? length : room);
  return kind == STEPIMG_OK || overflow(answer, kind);
}

static void set_text(const char **text, const char *copy)
{
  free((char *)*text);
  *text = copy;
}

/* A link stays as it is until it was followed: cleaned, it is another. But it is to go on behind a NUL, which no link may
   hold: nor any other control character. */
static bool text_ends(struct answer *answer, enum path path, const char **out)
{
  struct buffer *text = &answer->text;
  char *copy = malloc(text->length + 1);
  if (copy == NULL)
    return overflow(answer, STEPIMG_NOMEM);
  if (text->length > 0)
    memcpy(copy, text->bytes, text->length);
  copy[text->length] = '\0';
  secret_hide(copy, text->length, answer->key);
  if (path != URL) {
    size_t cut = text_cut(copy, text->length, max_text(path));
    text_clean(copy, cut);
    copy[cut] = '\0';
  }
  for (size_t i = 0; i < text->length && path == URL; i++)
    if (copy[i] == '\0')
      copy[i] = '\1';
  buffer_free(text);
  set_text(out, copy);
  return true;
}

/* ------------------------------------------------------------------------------------------------------- envelope -- */

static void free_images(struct stepimg_image *images)
{
  for (size_t i = 0; i < STEPIMG_MAX_IMAGES && images != NULL; i++) {
    stepimg_payload_release(images[i].payload);
    free((char *)images[i].finish_reason);
    free((char *)images[i].url);
  }
  free(images);
}

/* An entry of data begins. One that was there before, in another data, keeps what was paid for. */
static bool entry(struct answer *answer, enum scanner_event event, size_t index)
{
  if (index >= STEPIMG_MAX_IMAGES)
    return answer_fail(answer, STEPIMG_PROTOCOL, "the answer holds more pictures than anyone asked for");
  if (answer->images == NULL)
    answer->images = calloc(STEPIMG_MAX_IMAGES, sizeof *answer->images);
  if (answer->images == NULL)
    return overflow(answer, STEPIMG_NOMEM);
  answer->image_count = index + 1;
  answer->images[index].has_seed = false;
  set_text(&answer->images[index].finish_reason, NULL);
  if (event != SCANNER_OBJECT && answer->flaw == NULL)
    answer->flaw =
        event == SCANNER_LIST ? "the answer holds no picture" : "the answer's data holds something that is no picture";
  return true;
}

static bool link_ends(struct answer *answer, struct stepimg_image *image)
{
  if (answer->text.length == 0)
    return true;
  if (image->url != NULL)
    return answer_fail(answer, STEPIMG_PROTOCOL, "the answer holds two links in one place");
  return text_ends(answer, URL, &image->url);
}

/* The text of a path that has one. */
static bool take_text(struct answer *answer, enum path path, enum scanner_event event, struct stepimg_image *image,
                      const char *bytes, size_t length)
{
  if (event == SCANNER_TEXT_BEGIN) {
    buffer_free(&answer->text);
    buffer_init(&answer->text, path == URL ? ANSWER_MAX_URL : max_text(path) + UTF8_MAX);
    return true;
  }
  if (event == SCANNER_TEXT)
    return text_piece(answer, path, bytes, length);
  switch (path) {
  case ID:
    return text_ends(answer, path, &answer->id);
  case FINISH_REASON:
    return text_ends(answer, path, &image->finish_reason);
  default:
    return link_ends(answer, image);
  }
}

static bool take_picture(struct answer *answer, enum scanner_event event, struct stepimg_image *image,
                         const char *bytes, size_t length)
{
  if (event == SCANNER_TEXT_BEGIN)
    return base64_starts(answer, image);
  return event == SCANNER_TEXT ? base64_piece(answer, bytes, length) : base64_ends(answer);
}

/* The envelope is kept for the words in it. */
static bool take_envelope(struct answer *answer, const char *bytes, size_t length)
{
  size_t room = ANSWER_MAX_BODY - answer->body.length;
  answer->envelope += length;
  if (answer->envelope > ANSWER_MAX_ENVELOPE)
    return answer_fail(answer, STEPIMG_PROTOCOL, "the JSON around the answer's pictures is larger than %d KiB",
                       ANSWER_MAX_ENVELOPE / 1024);
  enum stepimg_kind kind = buffer_append(&answer->body, bytes, length < room ? length : room);
  return kind == STEPIMG_OK || overflow(answer, kind);
}

static bool take_value(void *context, enum scanner_event event, unsigned path, size_t index, const char *bytes,
                       size_t length)
{
  struct answer *answer = context;
  bool is_text = event == SCANNER_TEXT_BEGIN || event == SCANNER_TEXT || event == SCANNER_TEXT_END;
  struct stepimg_image *image = answer->images != NULL && index < answer->image_count ? &answer->images[index] : NULL;
  if (answer->kind != STEPIMG_OK)
    return false;
  if (event == SCANNER_ENVELOPE)
    return take_envelope(answer, bytes, length);
  switch ((enum path)path) {
  case DOCUMENT:
    answer->is_object = event == SCANNER_OBJECT;
    return answer->is_object;
  case CREATED:
    answer->has_created = event == SCANNER_NUMBER && number_whole(bytes, length, &answer->created);
    return true;
  case DATA: /* again: the last one counts */
    answer->image_count = 0;
    answer->flaw = NULL;
    return true;
  case ENTRY:
    return event == SCANNER_TEXT || event == SCANNER_TEXT_END || entry(answer, event, index);
  case SEED:
    image->has_seed = event == SCANNER_NUMBER && number_whole(bytes, length, &image->seed);
    return true;
  case PICTURE:
    return !is_text || take_picture(answer, event, image, bytes, length);
  default:
    return !is_text || take_text(answer, (enum path)path, event, image, bytes, length);
  }
}

static bool is_filtered(const struct stepimg_image *image)
{
  return image->finish_reason != NULL && strcmp(image->finish_reason, "content_filtered") == 0;
}

static bool cut_short(struct answer *answer, const char *what)
{
  return answer_fail(answer, STEPIMG_NETWORK, "the %s was cut short: its end is missing", what);
}

/* The envelope has ended: whether it is what the service promises. */
static bool judge(struct answer *answer, bool open_ended)
{
  if (open_ended && !scanner_is_whole(&answer->scanner))
    return cut_short(answer, "answer");
  if (!scanner_end(&answer->scanner))
    return no_json(answer);
  if (answer->flaw != NULL)
    return answer_fail(answer, STEPIMG_PROTOCOL, "%s", answer->flaw);
  bool good = answer->image_count > 0;
  for (size_t i = 0; i < answer->image_count; i++) {
    const struct stepimg_image *image = &answer->images[i];
    good = good && (is_here(answer, image) || image->url != NULL || is_filtered(image));
  }
  return good || answer_fail(answer, STEPIMG_PROTOCOL, "the answer holds no picture");
}

/* --------------------------------------------------------------------------------------------------------- bodies -- */

void answer_init(struct answer *answer, size_t max, const char *key, struct spares *spares)
{
  memset(answer, 0, sizeof *answer);
  answer->spares = spares;
  answer->key = key;
  answer->max = max;
  answer->file = FILE_NONE;
}

enum stepimg_kind answer_save(struct answer *answer, const char *path, const char *target, struct stepimg_error *error)
{
  answer->save = path;
  return file_open(&answer->file, target, error);
}

/* What an attempt before has left. */
static void forget(struct answer *answer)
{
  free_images(answer->images);
  answer->images = NULL;
  answer->image_count = 0;
  set_text(&answer->id, NULL);
  answer->has_created = answer->is_object = answer->saved = false;
  answer->flaw = NULL;
  answer->envelope = 0;
}

void answer_free(struct answer *answer)
{
  forget(answer);
  buffer_free(&answer->body);
  buffer_free(&answer->text);
  picture_free(&answer->picture);
  file_abort(&answer->file);
  free(answer->kept);
  answer_init(answer, answer->max, answer->key, answer->spares);
}

bool answer_begin(struct answer *answer, enum answer_mode mode, int64_t expected, struct stepimg_image *image)
{
  answer->mode = mode;
  answer->received = 0;
  answer->expected = 0;
  answer->current = NULL;
  answer->kind = STEPIMG_OK;
  buffer_free(&answer->body);
  buffer_init(&answer->body, ANSWER_MAX_BODY);
  picture_free(&answer->picture); /* of an attempt before, if it was cut */
  if (mode == ANSWER_ERROR_BODY)
    return true;
  if (mode == ANSWER_ENVELOPE) {
    forget(answer);
    scanner_init(&answer->scanner, paths, PATHS, take_value, base64_run, answer);
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
  return answer->is_object ? no_json(answer) : keep(answer, bytes, length); /* it is shown, whatever it is */
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
  unsigned char *room = make_room(answer, length);
  if (room == NULL)
    return false;
  memcpy(room, bytes, length);
  picture_add(&answer->picture, length);
  return true;
}

/* The picture behind a link has come. What is none still lies there; its words, if it is a page, are kept. */
static bool judge_picture(struct answer *answer, bool open_ended, const char *content_type)
{
  struct picture *picture = &answer->picture;
  char quoted[TEXT_QUOTE_MAX];
  picture_look(picture);
  if (open_ended && !picture_has_end(picture))
    return cut_short(answer, "picture");
  if (sniff_is_picture(&picture->sniff, content_type))
    return picture_ends(answer);
  if (picture->sniff.foreign && picture->bytes.length == picture->length)
    keep(answer, (const char *)picture->bytes.bytes, picture->bytes.length);
  picture_free(picture);
  return answer_fail(answer, STEPIMG_PROTOCOL, "what came is no picture (its Content-Type is %s)",
                     text_quote(quoted, content_type, strlen(content_type)));
}

bool answer_end(struct answer *answer, bool open_ended, const char *content_type)
{
  if (answer->mode == ANSWER_PICTURE)
    return judge_picture(answer, open_ended, content_type);
  return answer->mode != ANSWER_ENVELOPE || judge(answer, open_ended);
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

/* ----------------------------------------------------------------------------------------------------------- end -- */

struct stepimg_image *answer_to_download(const struct answer *answer)
{
  for (size_t i = 0; i < answer->image_count; i++)
    if (answer->images[i].url != NULL && !is_here(answer, &answer->images[i]))
      return &answer->images[i];
  return NULL;
}

/* Fit to be shown. */
static void clean_link(struct stepimg_image *image)
{
  if (image->url != NULL)
    text_clean((char *)image->url, strlen(image->url));
}

bool answer_is_to_store(const struct answer *answer)
{
  return answer->saved && !is_filtered(&answer->images[0]);
}

enum stepimg_kind answer_store(struct answer *answer, struct stepimg_error *error)
{
  return file_commit(&answer->file, &answer->kept, error);
}

void answer_take(struct answer *answer, struct stepimg_outcome *outcome)
{
  outcome->path = answer->kept;
  answer->kept = NULL;
  for (size_t i = 0; i < answer->image_count; i++)
    clean_link(&answer->images[i]);
  if (outcome->error.kind != STEPIMG_OK) {
    struct stepimg_image *left = answer_to_download(answer);
    outcome->url = left != NULL ? left->url : NULL;
    if (left != NULL)
      left->url = NULL;
    return;
  }
  if (answer_is_to_store(answer))
    answer->images[0].path = answer->save;
  outcome->id = answer->id;
  outcome->has_created = answer->has_created;
  outcome->created = answer->created;
  outcome->images = answer->images;
  outcome->image_count = answer->image_count;
  answer->id = NULL;
  answer->images = NULL;
  answer->image_count = 0;
}

void answer_release(struct stepimg_outcome *outcome)
{
  free_images(outcome->images);
  free((char *)outcome->id);
  free((char *)outcome->url);
  free((char *)outcome->path);
}
