/* The pictures of an answer: behind links, in the answer itself, to memory and to files. */
#define _POSIX_C_SOURCE 200809L
#include "answers.h"

#include <unistd.h>

#include "payload/payload.h"

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
      cmocka_unit_test(judges_what_lies_behind_a_link),      cmocka_unit_test(a_jpeg_tells_its_size_wherever_it_goes),
      cmocka_unit_test(an_empty_picture_takes_no_place),     cmocka_unit_test(what_was_filtered_is_not_saved),
      cmocka_unit_test(a_payload_goes_with_its_last_holder),
  };
  return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
