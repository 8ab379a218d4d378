/* What the tests of answers share: an answer that is received in pieces, and a folder. Its user asks for POSIX. */
#ifndef ANSWERS_H
#define ANSWERS_H

#include "check.h"

#include <stdio.h>
#include <unistd.h>

#include "payload/answer.h"

#define KEY "sk-0123456789abcdef"
#define PIXEL "iVBORw0KGgo="

static const size_t MAX = (size_t)1 << 20;

static const unsigned char pixel[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

static char directory[] = "/tmp/stepimg-answer-XXXXXX", path[64];

static inline int make_directory(void **state)
{
  (void)state;
  if (mkdtemp(directory) == NULL)
    return 1;
  snprintf(path, sizeof path, "%s/picture", directory);
  return 0;
}

static inline int remove_directory(void **state)
{
  (void)state;
  unlink(path);
  return rmdir(directory); /* which fails where a part was left */
}

/* Feeds a body in pieces of so many bytes, and ends it. */
static inline bool receive(struct answer *answer, enum answer_mode mode, struct stepimg_image *image, const char *body,
                           size_t length, size_t piece, bool open_ended, const char *content_type)
{
  bool good = answer_begin(answer, mode, -1, image);
  for (size_t at = 0; at < length && good; at += piece) {
    size_t size = at + piece < length ? piece : length - at;
    char *bytes = exact_copy(body + at, size);
    good = answer_write(answer, bytes, size);
    free(bytes);
  }
  if (!good || mode == ANSWER_ERROR_BODY || (mode == ANSWER_ENVELOPE && !answer->envelope.is_object))
    return good;
  return answer_end(answer, open_ended, content_type);
}

static inline bool receive_envelope(struct answer *answer, const char *body, size_t piece)
{
  return receive(answer, ANSWER_ENVELOPE, NULL, body, strlen(body), piece, false, "");
}

/* As the end of a job does it. */
static inline void take(struct answer *answer, enum stepimg_kind kind, struct stepimg_outcome *outcome)
{
  memset(outcome, 0, sizeof *outcome);
  outcome->error.kind = kind;
  answer_take(answer, outcome);
}

static inline void assert_bytes(const stepimg_payload *payload, const void *bytes, size_t count)
{
  size_t length;
  assert_non_null(payload);
  const unsigned char *got = stepimg_payload_bytes(payload, &length);
  assert_int_equal(length, count);
  assert_memory_equal(got, bytes, count);
}

static inline void assert_text(const char *text, const char *expected)
{
  if (expected == NULL)
    assert_null(text);
  else {
    assert_non_null(text);
    assert_string_equal(text, expected);
  }
}

#endif
