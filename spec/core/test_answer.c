/* What gathers an answer and judges it: whole and torn answers, flawed ones, pictures behind links, to memory and to
   files. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

#include <stdio.h>
#include <unistd.h>

#include "payload/answer.h"
#include "payload/payload.h"

#define KEY "sk-0123456789abcdef"
#define PIXEL "iVBORw0KGgo="

static const size_t MAX = (size_t)1 << 20;

static const unsigned char pixel[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

static char directory[] = "/tmp/stepimg-answer-XXXXXX", path[64];

static int make_directory(void **state)
{
  (void)state;
  if (mkdtemp(directory) == NULL)
    return 1;
  snprintf(path, sizeof path, "%s/picture", directory);
  return 0;
}

static int remove_directory(void **state)
{
  (void)state;
  unlink(path);
  return rmdir(directory); /* which fails where a part was left */
}

/* Feeds a body in pieces of so many bytes, and ends it. */
static bool receive(struct answer *answer, enum answer_mode mode, struct stepimg_image *image, const char *body,
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

static bool receive_envelope(struct answer *answer, const char *body, size_t piece)
{
  return receive(answer, ANSWER_ENVELOPE, NULL, body, strlen(body), piece, false, "");
}

/* As the end of a job does it. */
static void take(struct answer *answer, enum stepimg_kind kind, struct stepimg_outcome *outcome)
{
  memset(outcome, 0, sizeof *outcome);
  outcome->error.kind = kind;
  answer_take(answer, outcome);
}

static void assert_bytes(const stepimg_payload *payload, const void *bytes, size_t count)
{
  size_t length;
  assert_non_null(payload);
  const unsigned char *got = stepimg_payload_bytes(payload, &length);
  assert_int_equal(length, count);
  assert_memory_equal(got, bytes, count);
}

static void assert_text(const char *text, const char *expected)
{
  if (expected == NULL)
    assert_null(text);
  else {
    assert_non_null(text);
    assert_string_equal(text, expected);
  }
}

static void gives_all_that_an_answer_says(void **state)
{
  static const char body[] =
      "\xef\xbb\xbf{\"id\":\"a\\/"
      "b\",\"created\":1.589478378e9,\"data\":[{\"seed\":123838,\"finish_reason\":\"success\","
      "\"b64_json\":\"" PIXEL
      "\"},{\"url\":\"https:\\/\\/h\\/x\",\"seed\":-0.0},{\"finish_reason\":\"content_filtered\","
      "\"seed\":\"7\"},{\"b64_json\":\"QUJ\\nD\",\"finish_reason\":null,\"seed\":1.5}],\"usage\":{\"data\":[1]}}\n";
  (void)state;
  for (size_t piece = 1; piece <= sizeof body; piece++) {
    struct answer answer;
    struct stepimg_outcome outcome;
    answer_init(&answer, MAX, KEY, NULL);
    assert_true(receive_envelope(&answer, body, piece));
    assert_ptr_equal(answer_to_download(&answer), &answer.envelope.images[1]);
    take(&answer, STEPIMG_OK, &outcome);
    assert_text(outcome.id, "a/b");
    assert_true(outcome.has_created);
    assert_int_equal(outcome.created, 1589478378);
    assert_int_equal(outcome.image_count, 4);
    assert_null(outcome.url);
    const struct stepimg_image *images = outcome.images;
    assert_true(images[0].has_seed && images[0].seed == 123838);
    assert_true(images[1].has_seed && images[1].seed == 0);
    assert_false(images[2].has_seed);
    assert_false(images[3].has_seed);
    assert_text(images[0].finish_reason, "success");
    assert_text(images[1].finish_reason, NULL);
    assert_text(images[2].finish_reason, "content_filtered");
    assert_text(images[3].finish_reason, NULL);
    assert_text(images[0].url, NULL);
    assert_text(images[1].url, "https://h/x");
    assert_bytes(images[0].payload, pixel, sizeof pixel);
    assert_int_equal(images[0].format, STEPIMG_PNG);
    assert_null(images[1].payload);
    assert_null(images[2].payload);
    assert_bytes(images[3].payload, "ABC", 3);
    assert_int_equal(images[3].format, STEPIMG_UNKNOWN);
    for (size_t i = 0; i < 4; i++)
      assert_null(images[i].path);
    answer_release(&outcome);
    answer_free(&answer);
    answer_free(&answer);
  }
}

/* JSON as it may be, and what it is refused for; NULL: it is an answer. */
static void judges_what_an_answer_says(void **state)
{
  static const struct {
    const char *body, *reason;
  } cases[] = {
      {"{\"data\":[{\"b64_json\":\"" PIXEL "\"}]}", NULL},
      {"{\"data\":[{\"url\":\"u\"}]}", NULL},
      {"{\"data\":[{\"finish_reason\":\"content_filtered\"}]}", NULL},
      {"{\"data\":[{\"finish_reason\":\"content_filtered\",\"b64_json\":\"\",\"url\":null}]}", NULL},
      {"{\"data\":[{\"b64_json\":null,\"b64_json\":\"" PIXEL "\",\"b64_json\":null}]}", NULL},
      {"{\"data\":null,\"data\":[{\"url\":\"u\"}]}", NULL},
      {"{\"data\":[7],\"data\":[{\"url\":\"u\"}]}", NULL},
      {"{}", "the answer holds no picture"},
      {"{\"data\":[]}", "the answer holds no picture"},
      {"{\"data\":{\"b64_json\":\"" PIXEL "\"}}", "the answer holds no picture"},
      {"{\"data\":\"" PIXEL "\"}", "the answer holds no picture"},
      {"{\"data\":[{}]}", "the answer holds no picture"},
      {"{\"data\":[[{\"b64_json\":\"" PIXEL "\"}]]}", "the answer holds no picture"},
      {"{\"data\":[{\"b64_json\":\"\"}]}", "the answer holds no picture"},
      {"{\"data\":[{\"b64_json\":12}]}", "the answer holds no picture"},
      {"{\"data\":[{\"b64_json\":[\"" PIXEL "\"]}]}", "the answer holds no picture"},
      {"{\"data\":[{\"url\":\"\"}]}", "the answer holds no picture"},
      {"{\"data\":[{\"url\":{\"url\":\"u\"}}]}", "the answer holds no picture"},
      {"{\"data\":[{\"finish_reason\":\"success\"}]}", "the answer holds no picture"},
      {"{\"data\":[{\"finish_reason\":\"content_filtered\",\"finish_reason\":\"success\"}]}",
       "the answer holds no picture"},
      {"{\"data\":[{\"b64_json\":\"" PIXEL "\"},{}]}", "the answer holds no picture"},
      {"{\"data\":[{\"b64_json\":\"" PIXEL "\"}],\"data\":[]}", "the answer holds no picture"},
      {"{\"data\":[{\"b64_json\":\"" PIXEL "\"}],\"data\":7}", "the answer holds no picture"},
      {"{\"data\":[null]}", "the answer's data holds something that is no picture"},
      {"{\"data\":[{\"url\":\"u\"},\"x\"]}", "the answer's data holds something that is no picture"},
      {"{\"data\":[{\"b64_json\":\"" PIXEL "\",\"b64_json\":\"" PIXEL "\"}]}",
       "the answer holds two pictures in one place"},
      {"{\"data\":[{\"b64_json\":\"" PIXEL "\"}],\"data\":[{\"b64_json\":\"" PIXEL "\"}]}",
       "the answer holds two pictures in one place"},
      {"{\"data\":[{\"url\":\"u\",\"url\":\"u\"}]}", "the answer holds two links in one place"},
      {"{\"data\":[{\"b64_json\":\"iVBOR*0KGgo=\"}]}", "the picture in the answer is broken: no base64 at character 6"},
      {"{\"data\":[{\"b64_json\":\"iVBOR\"}]}", "the picture in the answer is broken: its base64 ends too early"},
      {"{\"data\":[{\"b64_json\":\"iVBO\\x\"}]}", "the picture in the answer is broken: it holds a broken escape"},
      {"{\"data\":[{\"b64_json\":\"iVBO", "the answer is not the JSON it should be (it ends too early at byte 27)"},
      {"{\"data\":[{\"b64_json\":\"" PIXEL "\"}]}x",
       "the answer is not the JSON it should be (only white space may follow at byte 39)"},
      {"{\"data\":[{\"url\":\"u\"}] 7", "the answer is not the JSON it should be (a comma or } is missing at byte 23)"},
      {"{", "the answer is not the JSON it should be (it ends too early at byte 2)"},
  };
  (void)state;
  for (size_t i = 0; i < COUNT_OF(cases); i++)
    for (size_t piece = 1; piece <= strlen(cases[i].body); piece++) {
      struct answer answer;
      answer_init(&answer, MAX, KEY, NULL);
      bool good = receive_envelope(&answer, cases[i].body, piece);
      if (good != (cases[i].reason == NULL) || (!good && strcmp(answer.reason, cases[i].reason) != 0))
        fail_msg("%s: %s", cases[i].body, good ? "taken" : answer.reason);
      assert_int_equal(answer.kind, good ? STEPIMG_OK : STEPIMG_PROTOCOL);
      answer_free(&answer);
    }
}

/* What is no object is kept for who shows it, as much as there is room for, and not judged. */
static void keeps_what_is_no_object(void **state)
{
  static const char *const bodies[] = {"<html></html>",  "[{\"data\":[]}]", "\"text\"", "  \r\n nothing", "7", "true",
                                       "\xef\xbb\xbf[]", "\xef\xbbx",       "]"};
  (void)state;
  for (size_t i = 0; i < COUNT_OF(bodies); i++)
    for (size_t piece = 1; piece <= strlen(bodies[i]); piece++) {
      struct answer answer;
      answer_init(&answer, MAX, KEY, NULL);
      assert_true(receive_envelope(&answer, bodies[i], piece));
      assert_false(answer.envelope.is_object);
      assert_int_equal(answer.body.length, strlen(bodies[i]));
      assert_memory_equal(answer.body.bytes, bodies[i], answer.body.length);
      answer_free(&answer);
    }
  static char large[ANSWER_MAX_BODY + 10];
  memset(large, 'x', sizeof large);
  for (int mode = 0; mode < 2; mode++) {
    struct answer answer;
    answer_init(&answer, MAX, KEY, NULL);
    assert_false(
        receive(&answer, mode == 0 ? ANSWER_ENVELOPE : ANSWER_ERROR_BODY, NULL, large, sizeof large, 1000, false, ""));
    assert_int_equal(answer.kind, STEPIMG_OK);
    assert_int_equal(answer.body.length, ANSWER_MAX_BODY);
    answer_free(&answer);
  }
}

static void the_json_around_the_pictures_is_bounded(void **state)
{
  static const char before[] = "{\"x\":\"", middle[] = "\",\"data\":[{\"b64_json\":\"", after[] = "\"}]}";
  enum { PICTURE = 400000 };
  size_t rest = strlen(before) + strlen(middle) + strlen(after), room = ANSWER_MAX_ENVELOPE + PICTURE + rest + 2;
  char *body = malloc(room);
  (void)state;
  assert_non_null(body);
  for (size_t more = 0; more < 2; more++) {
    size_t pad = ANSWER_MAX_ENVELOPE - rest + more, at = 0;
    struct answer answer;
    at += (size_t)sprintf(body, "%s", before);
    memset(body + at, 'x', pad);
    at += pad;
    at += (size_t)sprintf(body + at, "%s", middle);
    memset(body + at, 'A', PICTURE);
    at += PICTURE;
    at += (size_t)sprintf(body + at, "%s", after);
    answer_init(&answer, 10 * MAX, KEY, NULL);
    assert_int_equal(receive(&answer, ANSWER_ENVELOPE, NULL, body, at, 32768, false, ""), more == 0);
    if (more > 0)
      assert_contains(answer.reason, "larger than 256 KiB");
    else
      assert_int_equal(answer.body.length, ANSWER_MAX_BODY);
    answer_free(&answer);
  }
  free(body);
}

static void texts_are_bounded_cleaned_and_hide_the_key(void **state)
{
  static char body[40000], long_text[ENVELOPE_MAX_URL + 2];
  struct answer answer;
  struct stepimg_outcome outcome;
  (void)state;
  snprintf(body, sizeof body,
           "{\"id\":\"" KEY "\\u001b\\u0000\xff\",\"data\":[{\"finish_reason\":\"x" KEY "\\n\",\"url\":\"http://" KEY
           "/\\u0000x\\ty\"}]}");
  answer_init(&answer, MAX, KEY, NULL);
  assert_true(receive_envelope(&answer, body, 7));
  /* Until it was followed a link is as it came, but that nothing ends it. */
  assert_string_equal(answer_to_download(&answer)->url, "http://*******************/\1x\ty");
  take(&answer, STEPIMG_OK, &outcome);
  assert_text(outcome.id, "*******************???");
  assert_text(outcome.images[0].finish_reason, "x*******************?");
  assert_text(outcome.images[0].url, "http://*******************/?x?y");
  answer_release(&outcome);
  answer_free(&answer);

  for (size_t shift = 0; shift < 3; shift++) {
    memset(long_text, 'x', sizeof long_text);
    for (size_t at = shift; at + 3 < 1000; at += 3)
      memcpy(long_text + at, "\xe7\x81\xaf", 3);
    snprintf(body, sizeof body, "{\"id\":\"%.999s\",\"data\":[{\"finish_reason\":\"%.999s\",\"url\":\"u\"}]}",
             long_text, long_text);
    answer_init(&answer, MAX, KEY, NULL);
    assert_true(receive_envelope(&answer, body, 11));
    take(&answer, STEPIMG_OK, &outcome);
    assert_true(strlen(outcome.id) <= ENVELOPE_MAX_ID && strlen(outcome.id) > ENVELOPE_MAX_ID - 3);
    assert_memory_equal(outcome.id, long_text, strlen(outcome.id));
    size_t length = strlen(outcome.images[0].finish_reason);
    assert_true(length <= ENVELOPE_MAX_FINISH_REASON && length > ENVELOPE_MAX_FINISH_REASON - 3);
    assert_null(strchr(outcome.id, '?'));
    answer_release(&outcome);
    answer_free(&answer);
  }

  memset(long_text, 'x', sizeof long_text);
  for (int more = 0; more < 2; more++) {
    long_text[ENVELOPE_MAX_URL + more] = '\0';
    snprintf(body, sizeof body, "{\"data\":[{\"url\":\"%s\"}]}", long_text);
    long_text[ENVELOPE_MAX_URL + more] = 'x';
    answer_init(&answer, MAX, KEY, NULL);
    assert_int_equal(receive_envelope(&answer, body, 1000), more == 0);
    if (more > 0)
      assert_contains(answer.reason, "link in the answer is too long");
    answer_free(&answer);
  }
}

static void has_a_bound_of_pictures_and_of_bytes(void **state)
{
  char body[2048] = "{\"data\":[";
  size_t length = strlen(body);
  struct answer answer;
  (void)state;
  for (int i = 0; i < STEPIMG_MAX_IMAGES; i++)
    length += (size_t)snprintf(body + length, sizeof body - length, "%s{\"b64_json\":\"QUJD\"}", i == 0 ? "" : ",");
  for (int more = 0; more < 2; more++) {
    snprintf(body + length, sizeof body - length, more ? ",7]}" : "]}");
    answer_init(&answer, MAX, KEY, NULL);
    assert_int_equal(receive_envelope(&answer, body, 10), !more);
    if (more)
      assert_string_equal(answer.reason, "the answer holds more pictures than anyone asked for");
    answer_free(&answer);
  }
  for (int mode = 0; mode < 2; mode++) {
    answer_init(&answer, 100, KEY, NULL);
    assert_false(answer_begin(&answer, mode == 0 ? ANSWER_ENVELOPE : ANSWER_PICTURE, 101, NULL));
    assert_string_equal(answer.reason, "the answer is larger than max_response_bytes (100)");
    assert_true(answer_begin(&answer, ANSWER_ENVELOPE, 100, NULL));
    assert_true(answer_begin(&answer, ANSWER_ERROR_BODY, 101, NULL)); /* of it no more than a part is wanted */
    answer_free(&answer);
  }
}

/* An attempt that was cut leaves nothing to the next. */
static void an_attempt_that_was_cut_is_forgotten(void **state)
{
  static const char first[] =
      "{\"id\":\"one\",\"created\":1,\"data\":[{\"seed\":1,\"finish_reason\":\"f\",\"url\":\"u\"},"
      "{\"b64_json\":\"QUJD\"},{\"b64_json\":\"QUJDQ";
  static const char second[] = "{\"data\":[{\"b64_json\":\"" PIXEL "\"}]}";
  (void)state;
  for (size_t length = 0; length < sizeof first; length++) {
    struct answer answer;
    struct stepimg_outcome outcome;
    answer_init(&answer, MAX, KEY, NULL);
    receive(&answer, ANSWER_ENVELOPE, NULL, first, length, 5, false, "");
    assert_true(receive_envelope(&answer, second, 5));
    take(&answer, STEPIMG_OK, &outcome);
    assert_null(outcome.id);
    assert_false(outcome.has_created);
    assert_int_equal(outcome.image_count, 1);
    assert_false(outcome.images[0].has_seed);
    assert_null(outcome.images[0].finish_reason);
    assert_null(outcome.images[0].url);
    assert_bytes(outcome.images[0].payload, pixel, sizeof pixel);
    answer_release(&outcome);
    answer_free(&answer);
  }
}

static void knows_when_it_is_whole(void **state)
{
  static const char body[] = "{\"data\":[{\"b64_json\":\"" PIXEL "\"}]} \n";
  struct answer answer;
  (void)state;
  for (size_t length = 1; length < sizeof body; length++)
    for (int open_ended = 0; open_ended < 2; open_ended++) {
      bool whole = length >= sizeof body - 3;
      answer_init(&answer, MAX, KEY, NULL);
      assert_true(answer_begin(&answer, ANSWER_ENVELOPE, -1, NULL));
      assert_true(answer_write(&answer, body, length));
      assert_int_equal(answer_is_whole(&answer, open_ended), whole);
      assert_int_equal(answer_end(&answer, open_ended, ""), whole);
      if (!whole)
        assert_int_equal(answer.kind, open_ended ? STEPIMG_NETWORK : STEPIMG_PROTOCOL);
      answer_free(&answer);
    }
}

/* ------------------------------------------------------------------------------------------------ behind links -- */

#define LINK "{\"data\":[{\"seed\":7,\"url\":\"https://h/x\"}]}"
#define PNG_END "\0\0\0\0IEND\xae\x42\x60\x82"
#define PNG "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\5\x50\0\0\3\0\x08\2\0\0\0" PNG_END
#define AVIF                                                                                                           \
  "\0\0\0\x1c"                                                                                                         \
  "ftyp"                                                                                                               \
  "avif"                                                                                                               \
  "\0\0\0\0"                                                                                                           \
  "avifmif1miaf"

#define BYTES(text) text, sizeof(text) - 1

static void judges_what_lies_behind_a_link(void **state)
{
  static const struct {
    const char *name, *bytes;
    size_t length;
    const char *type;
    bool open_ended;
    enum stepimg_kind kind;
    enum stepimg_format format;
  } cases[] = {
      {"a PNG", BYTES(PNG), "image/png", false, STEPIMG_OK, STEPIMG_PNG},
      {"a PNG called otherwise", BYTES(PNG), "text/html", false, STEPIMG_OK, STEPIMG_PNG},
      {"a PNG without an end of its body", BYTES(PNG), "image/png", true, STEPIMG_OK, STEPIMG_PNG},
      {"a PNG with more behind it", BYTES(PNG "\n<!-- -->"), "image/png", true, STEPIMG_OK, STEPIMG_PNG},
      {"half a PNG", PNG, sizeof PNG - 2, "image/png", false, STEPIMG_OK, STEPIMG_PNG},
      {"half a PNG without an end of its body", PNG, sizeof PNG - 2, "image/png", true, STEPIMG_NETWORK,
       STEPIMG_UNKNOWN},
      {"an AVIF", BYTES(AVIF), "binary/octet-stream", true, STEPIMG_OK, STEPIMG_AVIF},
      {"something", BYTES("\1\2\3\4"), "binary/octet-stream", false, STEPIMG_OK, STEPIMG_UNKNOWN},
      {"something without a name", BYTES("\1\2\3\4"), "", false, STEPIMG_OK, STEPIMG_UNKNOWN},
      {"something called text", BYTES("\1\2\3\4"), "text/plain", false, STEPIMG_PROTOCOL, STEPIMG_UNKNOWN},
      {"a page", BYTES("<html>not found</html>"), "image/png", false, STEPIMG_PROTOCOL, STEPIMG_UNKNOWN},
      {"gzip", BYTES("\x1f\x8b\x08\0\0\0\0\0\0\3"), "image/png", false, STEPIMG_PROTOCOL, STEPIMG_UNKNOWN},
  };
  (void)state;
  for (size_t i = 0; i < COUNT_OF(cases); i++)
    for (int saved = 0; saved < 2; saved++)
      for (size_t piece = 1; piece <= cases[i].length; piece += 5) {
        struct answer answer;
        struct stepimg_error error;
        struct stepimg_outcome outcome;
        answer_init(&answer, MAX, KEY, NULL);
        if (saved)
          assert_int_equal(answer_save(&answer, "x.png", path, &error), STEPIMG_OK);
        assert_true(receive_envelope(&answer, LINK, 9));
        struct stepimg_image *image = answer_to_download(&answer);
        assert_non_null(image);
        bool good = receive(&answer, ANSWER_PICTURE, image, cases[i].bytes, cases[i].length, piece, cases[i].open_ended,
                            cases[i].type);
        if (good != (cases[i].kind == STEPIMG_OK) || answer.kind != cases[i].kind)
          fail_msg("%s: %s", cases[i].name, answer.reason);
        assert_int_equal(answer_to_download(&answer) == NULL, good);
        if (cases[i].kind == STEPIMG_PROTOCOL) {
          assert_contains(answer.reason, "no picture (its Content-Type is \"");
          assert_int_equal(answer.body.length > 0, cases[i].bytes[0] == '<' || cases[i].bytes[0] == '\x1f');
        }
        /* It lies there still: the next attempt gets it. */
        if (!good && piece > 1)
          assert_true(receive(&answer, ANSWER_PICTURE, image, BYTES(PNG), 10, false, "image/png"));
        good = good || piece > 1;
        assert_int_equal(answer_is_to_store(&answer), good && saved);
        take(&answer, good ? STEPIMG_OK : cases[i].kind, &outcome);
        if (!good) {
          assert_text(outcome.url, "https://h/x");
          assert_int_equal(outcome.image_count, 0);
        } else {
          const struct stepimg_image *got = &outcome.images[0];
          assert_int_equal(got->format, cases[i].kind == STEPIMG_OK ? cases[i].format : STEPIMG_PNG);
          assert_text(got->path, saved ? "x.png" : NULL);
          assert_int_equal(got->payload == NULL, saved);
          assert_int_equal(got->seed, 7);
          if (!saved && cases[i].kind == STEPIMG_OK)
            assert_bytes(got->payload, cases[i].bytes, cases[i].length);
        }
        answer_release(&outcome);
        answer_free(&answer);
      }
}

static size_t read_file(const char *name, char *out, size_t size)
{
  FILE *stream = fopen(name, "rb");
  assert_non_null(stream);
  size_t length = fread(out, 1, size, stream);
  fclose(stream);
  return length;
}

/* A JPEG whose frame header lies far behind its start, as base64 and behind a link, to memory and to a file: it is the same
   on disk, and its size is told. */
static void a_jpeg_tells_its_size_wherever_it_goes(void **state)
{
  enum { PROFILE = 65000, SEGMENTS = 4, TOTAL = 2 + SEGMENTS * (4 + PROFILE) + 11 + 2 };
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  static unsigned char bytes[TOTAL + 3];
  static char body[TOTAL * 2], back[TOTAL + 1];
  size_t at = 2;
  (void)state;
  memcpy(bytes, "\xff\xd8", 2);
  for (int i = 0; i < SEGMENTS; i++) {
    memcpy(bytes + at, "\xff\xe2\xfd\xea", 4);
    for (size_t k = 4; k < 4 + PROFILE; k++)
      bytes[at + k] = (unsigned char)(k * 7 + (size_t)i);
    at += 4 + PROFILE;
  }
  memcpy(bytes + at, "\xff\xc0\0\x0b\x08\3\0\5\x50\1\1", 11);
  memcpy(bytes + at + 11, "\xff\xd9", 2);
  size_t length = (size_t)sprintf(body, "{\"data\":[{\"b64_json\":\"");
  for (size_t i = 0; i < TOTAL; i += 3) {
    unsigned long bits = (unsigned long)bytes[i] << 16 | (unsigned long)bytes[i + 1] << 8 | bytes[i + 2];
    for (int k = 18; k >= 0; k -= 6)
      body[length++] = alphabet[bits >> k & 63];
  }
  length -= (3 - TOTAL % 3) % 3; /* without padding */
  length += (size_t)sprintf(body + length, "\"}]}");
  for (int linked = 0; linked < 2; linked++)
    for (int saved = 0; saved < 2; saved++) {
      struct answer answer;
      struct stepimg_error error;
      struct stepimg_outcome outcome;
      answer_init(&answer, 4 * MAX, KEY, NULL);
      if (saved)
        assert_int_equal(answer_save(&answer, "x.png", path, &error), STEPIMG_OK);
      assert_true(receive(&answer, ANSWER_ENVELOPE, NULL, linked ? LINK : body, linked ? strlen(LINK) : length, 16384,
                          false, ""));
      if (linked)
        assert_true(receive(&answer, ANSWER_PICTURE, answer_to_download(&answer), (const char *)bytes, TOTAL, 10007,
                            true, "image/jpeg"));
      assert_int_equal(answer_is_to_store(&answer), saved);
      if (saved)
        assert_int_equal(answer_store(&answer, &error), STEPIMG_OK);
      take(&answer, STEPIMG_OK, &outcome);
      const struct stepimg_image *image = &outcome.images[0];
      assert_int_equal(image->format, STEPIMG_JPEG);
      assert_int_equal(image->width, 1360);
      assert_int_equal(image->height, 768);
      if (saved) {
        assert_string_equal(image->path, "x.png");
        assert_int_equal(read_file(path, back, sizeof back), TOTAL);
        assert_memory_equal(back, bytes, TOTAL);
      } else
        assert_bytes(image->payload, bytes, TOTAL);
      answer_release(&outcome);
      answer_free(&answer);
    }
}

/* "" is no picture: the one behind it, or behind its link, still goes where it is to go. */
static void an_empty_picture_takes_no_place(void **state)
{
  static const char *const bodies[] = {
      "{\"data\":[{\"b64_json\":\"\",\"b64_json\":\"" PIXEL "\"}]}",
      "{\"data\":[{\"b64_json\":\"\",\"url\":\"https://h/x\"}]}",
      "{\"data\":[{\"url\":\"https://h/x\",\"b64_json\":\" \\n\"}]}",
  };
  (void)state;
  for (size_t i = 0; i < COUNT_OF(bodies); i++)
    for (int saved = 0; saved < 2; saved++) {
      struct answer answer;
      struct stepimg_error error;
      struct stepimg_outcome outcome;
      answer_init(&answer, MAX, KEY, NULL);
      if (saved)
        assert_int_equal(answer_save(&answer, path, path, &error), STEPIMG_OK);
      assert_true(receive_envelope(&answer, bodies[i], 4));
      if (i > 0)
        assert_true(receive(&answer, ANSWER_PICTURE, answer_to_download(&answer), (const char *)pixel, sizeof pixel, 3,
                            false, "image/png"));
      assert_int_equal(answer_is_to_store(&answer), saved);
      take(&answer, STEPIMG_OK, &outcome);
      assert_text(outcome.images[0].path, saved ? path : NULL);
      assert_int_equal(outcome.images[0].payload == NULL, saved);
      assert_int_equal(outcome.images[0].format, STEPIMG_PNG);
      answer_release(&outcome);
      answer_free(&answer);
    }
}

/* A picture that the filter stopped goes to no file, whether it came and wherever the filter's word stands. */
static void what_was_filtered_is_not_saved(void **state)
{
  static const char *const bodies[] = {
      "{\"data\":[{\"finish_reason\":\"content_filtered\"}]}",
      "{\"data\":[{\"finish_reason\":\"content_filtered\",\"b64_json\":\"" PIXEL "\"}]}",
      "{\"data\":[{\"b64_json\":\"" PIXEL "\",\"finish_reason\":\"content_filtered\"}]}",
  };
  (void)state;
  for (size_t i = 0; i < COUNT_OF(bodies); i++) {
    struct answer answer;
    struct stepimg_error error;
    struct stepimg_outcome outcome;
    answer_init(&answer, MAX, KEY, NULL);
    assert_int_equal(answer_save(&answer, "x.png", path, &error), STEPIMG_OK);
    assert_true(receive_envelope(&answer, bodies[i], 3));
    assert_false(answer_is_to_store(&answer));
    take(&answer, STEPIMG_OK, &outcome);
    assert_int_equal(outcome.image_count, 1);
    assert_null(outcome.images[0].path);
    assert_null(outcome.images[0].payload);
    answer_release(&outcome);
    answer_free(&answer); /* removes the part */
  }
}

/* ------------------------------------------------------------------------------------------------------- payloads -- */

static int drops;

static void count_drop(void *context, void *memory, size_t size)
{
  assert_ptr_equal(context, &drops);
  assert_int_equal(size, 3);
  free(memory);
  drops++;
}

static void a_payload_goes_with_its_last_holder(void **state)
{
  unsigned char *bytes = exact_copy("ABC", 3);
  stepimg_payload *payload = payload_new(bytes, 3);
  (void)state;
  assert_non_null(payload);
  payload_return_to(payload, count_drop, &drops);
  assert_ptr_equal(stepimg_payload_hold(payload), payload);
  assert_bytes(payload, "ABC", 3);
  stepimg_payload_release(payload);
  assert_int_equal(drops, 0);
  assert_bytes(payload, "ABC", 3);
  stepimg_payload_release(payload);
  assert_int_equal(drops, 1);
  stepimg_payload_release(NULL);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gives_all_that_an_answer_says),
      cmocka_unit_test(judges_what_an_answer_says),
      cmocka_unit_test(keeps_what_is_no_object),
      cmocka_unit_test(the_json_around_the_pictures_is_bounded),
      cmocka_unit_test(texts_are_bounded_cleaned_and_hide_the_key),
      cmocka_unit_test(has_a_bound_of_pictures_and_of_bytes),
      cmocka_unit_test(an_attempt_that_was_cut_is_forgotten),
      cmocka_unit_test(knows_when_it_is_whole),
      cmocka_unit_test(judges_what_lies_behind_a_link),
      cmocka_unit_test(a_jpeg_tells_its_size_wherever_it_goes),
      cmocka_unit_test(an_empty_picture_takes_no_place),
      cmocka_unit_test(what_was_filtered_is_not_saved),
      cmocka_unit_test(a_payload_goes_with_its_last_holder),
  };
  return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
