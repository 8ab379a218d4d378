/* What gathers an answer and judges it: whole and torn answers, and flawed ones. */
#define _POSIX_C_SOURCE 200809L
#include "answers.h"

#include <unistd.h>

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
  };
  return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
