/* What gathers an answer and judges it, in all its modes: whatever arrives in whatever pieces gives the same as in one
   piece, and every text is fit to be shown. */
#include "payload/answer.h"

#include "base/text.h"
#include "payload/payload.h"
#include "payload/words.h"

#include "fuzz.h"

/* One body: its mode, what its Content-Length is said to be, its bytes. */
struct body {
  enum answer_mode mode;
  int64_t expected;
  const char *bytes;
  size_t length;
};

enum { MAX_BODIES = 3 };

#define KEY "sk-01234"

/* The input's bodies, each behind three bytes: its mode, its Content-Length, and how much of the rest is its own. */
static size_t take_bodies(struct input *input, struct body *bodies)
{
  size_t count = 0;
  while (input->length > 0 && count < MAX_BODIES) {
    struct body *body = &bodies[count++];
    unsigned mode = take_byte(input), expected = take_byte(input), share = take_byte(input);
    body->mode = (enum answer_mode)(mode % 3);
    body->length = count == MAX_BODIES ? input->length : input->length * share / 255;
    body->expected = expected < 64 ? -1 : expected < 192 ? (int64_t)body->length : (int64_t)expected * expected;
    body->bytes = (const char *)input->bytes;
    input->bytes += body->length;
    input->length -= body->length;
  }
  return count;
}

/* As exchange.c does it: a picture is fetched where one is to be had. False: no more is wanted. */
static bool receive(struct answer *answer, const struct body *body, uint32_t *random)
{
  struct stepimg_image *image = body->mode == ANSWER_PICTURE ? answer_to_download(answer) : NULL;
  if (body->mode == ANSWER_PICTURE && image == NULL)
    return true;
  bool good = answer_begin(answer, body->mode, body->expected, image);
  for (size_t at = 0; good && at < body->length;) {
    size_t piece = random != NULL ? next_piece(random, body->length - at) : body->length;
    char *bytes = exact_copy(body->bytes + at, piece);
    good = answer_write(answer, bytes, piece);
    free(bytes);
    at += piece;
  }
  if (!good || body->mode == ANSWER_ERROR_BODY || (body->mode == ANSWER_ENVELOPE && !answer->envelope.is_object))
    return good;
  answer_is_whole(answer, body->expected < 0); /* asked or not, it is the same */
  return answer_end(answer, body->expected < 0, body->length % 2 == 0 ? "image/png" : "text/html");
}

static bool run(struct answer *answer, const struct body *bodies, size_t count, size_t max, uint32_t *random)
{
  answer_init(answer, max, KEY, NULL);
  for (size_t i = 0; i < count; i++)
    if (!receive(answer, &bodies[i], random)) {
      CHECK(answer->kind == STEPIMG_OK || answer->reason[0] != '\0');
      CHECK(answer->kind != STEPIMG_OK || answer->body.length == ANSWER_MAX_BODY);
      CHECK(answer->kind == STEPIMG_OK || answer->kind == STEPIMG_PROTOCOL ||
            (answer->kind == STEPIMG_NETWORK && bodies[i].expected < 0));
      return false;
    }
  return true;
}

/* A text of the server's as the host gets it. */
static void check_text(const char *text, size_t max)
{
  size_t characters, at;
  if (text == NULL)
    return;
  size_t length = strlen(text);
  CHECK(length <= max);
  CHECK(text_count(text, length, &characters, &at));
  for (size_t i = 0; i < length; i++)
    CHECK((unsigned char)text[i] >= 0x20 && text[i] != 0x7f);
  CHECK(strstr(text, KEY) == NULL);
}

static void same_text(const char *one, const char *other)
{
  CHECK((one == NULL) == (other == NULL) && (one == NULL || strcmp(one, other) == 0));
}

static void same_payload(const stepimg_payload *one, const stepimg_payload *other)
{
  size_t length, other_length;
  CHECK((one == NULL) == (other == NULL));
  if (one == NULL)
    return;
  const unsigned char *bytes = stepimg_payload_bytes(one, &length);
  CHECK(memcmp(bytes, stepimg_payload_bytes(other, &other_length), length) == 0 && length == other_length &&
        length > 0);
}

static void check_image(const struct stepimg_image *image)
{
  const int64_t most = (int64_t)1 << 53;
  check_text(image->finish_reason, ENVELOPE_MAX_FINISH_REASON);
  check_text(image->url, ENVELOPE_MAX_URL);
  CHECK(!image->has_seed || (image->seed >= -most && image->seed <= most));
  CHECK(image->payload != NULL || (image->format == STEPIMG_UNKNOWN && image->width == 0));
}

static void same(struct answer *one, struct answer *other, bool good)
{
  struct stepimg_outcome a = {.has_created = false}, b = {.has_created = false};
  if (!good)
    a.error.kind = b.error.kind = STEPIMG_PROTOCOL;
  answer_take(one, &a);
  answer_take(other, &b);
  check_text(a.id, ENVELOPE_MAX_ID);
  check_text(a.url, ENVELOPE_MAX_URL);
  CHECK(good || a.image_count == 0);
  CHECK(a.image_count == b.image_count && a.image_count <= STEPIMG_MAX_IMAGES);
  if (good) {
    same_text(a.id, b.id);
    CHECK(a.has_created == b.has_created && a.created == b.created);
  }
  for (size_t i = 0; i < a.image_count; i++) {
    const struct stepimg_image *p = &a.images[i], *q = &b.images[i];
    check_image(p);
    CHECK(p->has_seed == q->has_seed && p->seed == q->seed && p->format == q->format);
    CHECK(p->width == q->width && p->height == q->height);
    same_text(p->url, q->url);
    same_text(p->finish_reason, q->finish_reason);
    same_payload(p->payload, q->payload);
  }
  answer_release(&a);
  answer_release(&b);
}

/* The server's own words in whatever is kept. */
static void check_words(const struct answer *answer)
{
  struct words words;
  words_read(&words, (const char *)answer->body.bytes, answer->body.length, KEY);
  check_text(words.message, WORDS_MAX);
  check_text(words.type, sizeof words.type - 1);
  check_text(words.code, sizeof words.code - 1);
  CHECK((words.source == WORDS_NONE) == (words.message[0] == '\0'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct input input = {data, size};
  struct body bodies[MAX_BODIES];
  struct answer whole, torn;
  uint32_t random = take_byte(&input);
  size_t max = ((size_t)take_byte(&input) + 1) * 64;
  size_t count = take_bodies(&input, bodies);
  bool good = run(&whole, bodies, count, max, NULL);
  CHECK(run(&torn, bodies, count, max, &random) == good);
  /* What is too large shows with the piece that makes it so, before what is in that piece. */
  CHECK(whole.kind == torn.kind &&
        (strcmp(whole.reason, torn.reason) == 0 || strstr(whole.reason, "larger than") != NULL));
  check_words(&whole);
  same(&whole, &torn, good);
  answer_free(&whole);
  answer_free(&torn);
  return 0;
}
