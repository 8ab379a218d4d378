/* The JSON beside a kept picture: written and read again, and whatever is none is refused. */
#include "check.h"

#include <stdio.h>

#include "payload/entry.h"

static struct stepimg_image image = {.has_seed = true,
                                     .seed = 2147483647,
                                     .finish_reason = "success",
                                     .format = STEPIMG_PNG,
                                     .width = 1360,
                                     .height = 768};

static struct entry entry_of(size_t size)
{
  struct entry entry = {.size = size};
  memset(entry.key, 'a', sizeof entry.key - 1);
  memset(entry.digest, 'b', sizeof entry.digest - 1);
  return entry;
}

static void assert_round_trip(const struct entry *entry, const struct envelope *envelope)
{
  struct entry found;
  struct envelope read = {.key = NULL};
  char json[ENTRY_MAX];
  size_t length = entry_write(json, entry, envelope);
  assert_true(length < ENTRY_MAX);
  char *exact = exact_copy(json, length);
  assert_int_equal(entry_read(&found, &read, exact, length), STEPIMG_OK);
  free(exact);
  assert_string_equal(found.key, entry->key);
  assert_string_equal(found.digest, entry->digest);
  assert_int_equal(found.size, entry->size);
  assert_int_equal(read.has_created, envelope->has_created);
  assert_int_equal(read.created, envelope->created);
  assert_int_equal(read.image_count, 1);
  assert_int_equal(read.images->has_seed, envelope->images->has_seed);
  assert_int_equal(read.images->seed, envelope->images->has_seed ? envelope->images->seed : 0);
  assert_int_equal(read.id == NULL, envelope->id == NULL);
  if (read.id != NULL)
    assert_string_equal(read.id, envelope->id);
  assert_int_equal(read.images->finish_reason == NULL, envelope->images->finish_reason == NULL);
  if (read.images->finish_reason != NULL)
    assert_string_equal(read.images->finish_reason, envelope->images->finish_reason);
  envelope_free(&read);
}

static void what_is_written_is_read(void **state)
{
  struct entry entry = entry_of((size_t)1 << 30);
  struct envelope envelope = {
      .id = "a \"name\" \\ /\xe7\x81\xaf", .has_created = true, .created = -1, .images = &image};
  struct stepimg_image bare = {.format = STEPIMG_GIF};
  char id[ENVELOPE_MAX_ID + 1], reason[ENVELOPE_MAX_FINISH_REASON + 1];
  (void)state;
  assert_round_trip(&entry, &envelope);
  memset(id, '"', sizeof id - 1);
  memset(reason, '\\', sizeof reason - 1);
  id[sizeof id - 1] = reason[sizeof reason - 1] = '\0';
  struct stepimg_image longest = image;
  longest.finish_reason = reason;
  longest.seed = -((int64_t)1 << 53);
  envelope = (struct envelope){.id = id, .has_created = true, .created = (int64_t)1 << 53, .images = &longest};
  assert_round_trip(&entry, &envelope);
  envelope = (struct envelope){.images = &bare};
  entry = entry_of(1);
  assert_round_trip(&entry, &envelope);
}

static void nothing_of_it_may_be_missing(void **state)
{
  struct entry entry = entry_of(5), found;
  struct envelope envelope = {.id = "x", .has_created = true, .created = 1, .images = &image};
  char json[ENTRY_MAX];
  size_t length = entry_write(json, &entry, &envelope);
  (void)state;
  for (size_t cut = 0; cut < length - 1; cut++) { /* its last byte is a line's end */
    struct envelope read = {.key = NULL};
    char *exact = exact_copy(json, cut);
    assert_int_equal(entry_read(&found, &read, exact, cut), STEPIMG_PROTOCOL);
    free(exact);
    envelope_free(&read);
  }
}

#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define GOOD "{\"key\":\"" A64 "\",\"data\":[{}],\"picture\":{\"bytes\":1,\"sha256\":\"" A64 "\"}}"

static void assert_read(const char *json, enum stepimg_kind kind)
{
  struct entry entry;
  struct envelope read = {.key = NULL};
  if (entry_read(&entry, &read, json, strlen(json)) != kind)
    fail_msg("%s", json);
  if (kind == STEPIMG_OK) {
    assert_null(read.images->url);
    assert_null(read.images->payload);
  }
  envelope_free(&read);
}

static void what_is_no_entry_is_refused(void **state)
{
  static const char *const none[] = {
      "",
      "[]",
      "{}",
      "null",
      GOOD "x",
      "{\"data\":[{}],\"picture\":{\"bytes\":1,\"sha256\":\"" A64 "\"}}",
      "{\"key\":\"" A64 "a\",\"data\":[{}],\"picture\":{\"bytes\":1,\"sha256\":\"" A64 "\"}}",
      "{\"key\":\"a\",\"data\":[{}],\"picture\":{\"bytes\":1,\"sha256\":\"" A64 "\"}}",
      "{\"key\":7,\"data\":[{}],\"picture\":{\"bytes\":1,\"sha256\":\"" A64 "\"}}",
      "{\"key\":\"" A64 "\",\"data\":[],\"picture\":{\"bytes\":1,\"sha256\":\"" A64 "\"}}",
      "{\"key\":\"" A64 "\",\"data\":{},\"picture\":{\"bytes\":1,\"sha256\":\"" A64 "\"}}",
      "{\"key\":\"" A64 "\",\"data\":[{},{}],\"picture\":{\"bytes\":1,\"sha256\":\"" A64 "\"}}",
      "{\"key\":\"" A64 "\",\"data\":[7],\"picture\":{\"bytes\":1,\"sha256\":\"" A64 "\"}}",
      "{\"key\":\"" A64
      "\",\"data\":[{\"finish_reason\":\"content_filtered\"}],\"picture\":{\"bytes\":1,\"sha256\":\"" A64 "\"}}",
      "{\"key\":\"" A64 "\",\"data\":[{}],\"picture\":{\"bytes\":0,\"sha256\":\"" A64 "\"}}",
      "{\"key\":\"" A64 "\",\"data\":[{}],\"picture\":{\"bytes\":-1,\"sha256\":\"" A64 "\"}}",
      "{\"key\":\"" A64 "\",\"data\":[{}],\"picture\":{\"bytes\":1.5,\"sha256\":\"" A64 "\"}}",
      "{\"key\":\"" A64 "\",\"data\":[{}],\"picture\":{\"bytes\":\"1\",\"sha256\":\"" A64 "\"}}",
      "{\"key\":\"" A64 "\",\"data\":[{}],\"picture\":{\"bytes\":1,\"sha256\":null}}",
      "{\"key\":\"" A64 "\",\"data\":[{}],\"picture\":{\"bytes\":1}}",
      "{\"key\":\"" A64 "\",\"data\":[{}],\"picture\":{\"sha256\":\"" A64 "\"}}",
      "{\"key\":\"" A64 "\",\"key\":null,\"data\":[{}],\"picture\":{\"bytes\":1,\"sha256\":\"" A64 "\"}}",
  };
  (void)state;
  assert_read(GOOD, STEPIMG_OK);
  assert_read("{\"key\":\"x\",\"key\":\"" A64
              "\",\"data\":[{\"url\":\"https://x/\",\"b64_json\":\"AAAA\"}],\"more\":[[7]],"
              "\"picture\":{\"bytes\":1,\"sha256\":\"" A64 "\"}}",
              STEPIMG_OK);
  for (size_t i = 0; i < COUNT_OF(none); i++)
    assert_read(none[i], STEPIMG_PROTOCOL);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_written_is_read),
      cmocka_unit_test(nothing_of_it_may_be_missing),
      cmocka_unit_test(what_is_no_entry_is_refused),
  };
  return cmocka_run_group_tests_name("entry", tests, NULL, NULL);
}
