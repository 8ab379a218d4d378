/* What gathers an answer, in all its modes: whatever arrives in whatever pieces gives the same as in one piece. */
#include "payload/answer.h"

#include "fuzz.h"

/* One body: its mode, what its Content-Length is said to be, its bytes. */
struct body {
  enum answer_mode mode;
  int64_t expected;
  const char *bytes;
  size_t length;
};

enum { MAX_BODIES = 3 };

/* The input's bodies, each behind three bytes: its mode, its Content-Length, and how much of the rest is its own. */
static size_t take_bodies(struct input *input, struct body *bodies)
{
  size_t count = 0;
  while (input->length > 0 && count < MAX_BODIES) {
    struct body *body = &bodies[count++];
    unsigned mode = take_byte(input), expected = take_byte(input), share = take_byte(input);
    body->mode = (enum answer_mode)(mode % 4);
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
  struct stepimg_picture *picture = body->mode == ANSWER_PICTURE ? answer_to_download(answer) : NULL;
  if (body->mode == ANSWER_PICTURE && picture == NULL)
    return true;
  bool good = answer_begin(answer, body->mode, body->expected, picture);
  for (size_t at = 0; good && at < body->length;) {
    size_t piece = random != NULL ? next_piece(random, body->length - at) : body->length;
    char *bytes = exact_copy(body->bytes + at, piece);
    good = answer_write(answer, bytes, piece);
    free(bytes);
    at += piece;
  }
  return good && answer_end(answer, body->expected < 0);
}

static bool run(struct answer *answer, const struct body *bodies, size_t count, size_t max, uint32_t *random)
{
  answer_init(answer, max, NULL);
  for (size_t i = 0; i < count; i++)
    if (!receive(answer, &bodies[i], random)) {
      CHECK(answer->kind != STEPIMG_OK ? answer->reason[0] != '\0'
                                       : bodies[i].mode == ANSWER_ERROR_BODY || bodies[i].mode == ANSWER_NO_PICTURE);
      CHECK(answer->kind == STEPIMG_OK || answer->kind == STEPIMG_PROTOCOL ||
            (answer->kind == STEPIMG_NETWORK && bodies[i].mode == ANSWER_PICTURE && bodies[i].expected < 0));
      return false;
    }
  return true;
}

static void same_bytes(const void *one, size_t length, const void *other, size_t other_length)
{
  CHECK(length == other_length);
  CHECK((one == NULL) == (other == NULL));
  CHECK(length == 0 || (one != NULL && memcmp(one, other, length) == 0));
}

static void same(struct answer *one, struct answer *other)
{
  struct stepimg_outcome a = {.attempts = 0}, b = {.attempts = 0};
  struct file file_a, file_b;
  answer_take(one, &a, &file_a);
  answer_take(other, &b, &file_b);
  same_bytes(a.body, a.body_length, b.body, b.body_length);
  CHECK(a.picture_count == b.picture_count);
  for (size_t i = 0; i < a.picture_count; i++) {
    struct stepimg_picture *p = &a.pictures[i], *q = &b.pictures[i];
    CHECK(p->index == q->index && p->format == q->format && p->width == q->width && p->height == q->height);
    CHECK((p->url == NULL) == (q->url == NULL) && (p->url == NULL || strcmp(p->url, q->url) == 0));
    same_bytes(p->bytes, p->bytes != NULL ? p->length : 0, q->bytes, q->bytes != NULL ? q->length : 0);
    free(p->bytes);
    free(q->bytes);
    free((char *)p->url);
    free((char *)q->url);
  }
  free(a.pictures);
  free(b.pictures);
  free((char *)a.body);
  free((char *)b.body);
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
  if (good)
    same(&whole, &torn);
  answer_free(&whole);
  answer_free(&torn);
  return 0;
}
