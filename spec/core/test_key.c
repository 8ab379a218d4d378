/* Which requests ask for the same picture. */
#include "check.h"

#include <stdio.h>

#include "base/error.h"
#include "client/key.h"
#include "payload/scanner.h"

static struct key key_of(const char *body)
{
  struct key key;
  struct stepimg_error error;
  error_clear(&error);
  char *exact = exact_copy(body, strlen(body));
  if (key_of_body(&key, exact, strlen(body), &error) != STEPIMG_OK)
    fail_msg("%s: %s", body, error.message);
  free(exact);
  return key;
}

static const char *name_of(const char *body, char out[SHA256_HEX])
{
  const struct key key = key_of(body);
  return key_name(out, &key, key.seed, NULL);
}

static void assert_same(const char *one, const char *other)
{
  char a[SHA256_HEX], b[SHA256_HEX];
  if (strcmp(name_of(one, a), name_of(other, b)) != 0)
    fail_msg("%s is not %s", one, other);
}

static void order_blanks_and_escapes_say_nothing(void **state)
{
  (void)state;
  assert_same("{\"prompt\":\"x\",\"seed\":7,\"steps\":8}", "{\"steps\":8,\"seed\":7,\"prompt\":\"x\"}");
  assert_same("{\"a\":{\"b\":1,\"c\":[{\"d\":2,\"e\":{}}]},\"f\":null}",
              "{\"f\":null,\"a\":{\"c\":[{\"e\":{},\"d\":2}],\"b\":1}}");
  assert_same("{\"prompt\":\"x\",\"n\":1}", " {\n\t\"prompt\" : \"x\" , \"n\" : 1 }\r\n");
  assert_same("{\"prompt\":\"/\xe7\x81\xaf\xf0\x9f\x8e\xa8\\n\\\"\"}",
              "{\"prompt\":\"\\/\\u706f\\ud83c\\udfa8\\u000a\\u0022\"}");
  assert_same("{\"prompt\":\"\\ud83c\"}", "{\"prompt\":\"\xef\xbf\xbd\"}"); /* half a pair */
  assert_same("{\"prompt\":\"\\ud83cx\\\\\"}", "{\"prompt\":\"\xef\xbf\xbdx\\u005c\"}");
}

static void the_format_says_nothing_and_the_seed_is_apart(void **state)
{
  char a[SHA256_HEX], b[SHA256_HEX];
  (void)state;
  assert_same("{\"prompt\":\"x\",\"response_format\":\"url\"}", "{\"response_format\":\"b64_json\",\"prompt\":\"x\"}");
  assert_same("{\"prompt\":\"x\",\"response_format\":{\"a\":[1]}}", "{\"prompt\":\"x\"}");
  const struct key with = key_of("{\"prompt\":\"x\",\"seed\":7}"), without = key_of("{\"prompt\":\"x\"}");
  assert_true(with.has_seed && !without.has_seed && with.seed == 7);
  assert_string_equal(key_name(a, &with, 7, NULL), key_name(b, &without, 7, NULL));
  assert_string_not_equal(key_name(a, &with, 7, NULL), key_name(b, &with, 8, NULL));
  assert_true(key_of("{\"seed\":7.0}").has_seed);
  static const char *const none[] = {"{\"seed\":7.5}",
                                     "{\"seed\":\"7\"}",
                                     "{\"seed\":null}",
                                     "{\"seed\":[7]}",
                                     "{\"a\":{\"seed\":7}}",
                                     "{\"seeds\":7}",
                                     "{}"};
  for (size_t i = 0; i < COUNT_OF(none); i++)
    assert_false(key_of(none[i]).has_seed);
}

/* All of these are different pictures. */
static void all_thirdsays_something(void **state)
{
  static const char *const bodies[] = {
      "{}",
      "{\"prompt\":\"x\"}",
      "{\"prompt\":\"y\"}",
      "{\"prompt\":\"\"}",
      "{\"x\":\"prompt\"}",
      "{\"prompt\":\"x\",\"steps\":8}",
      "{\"prompt\":\"x\",\"steps\":9}",
      "{\"prompt\":\"x\",\"steps\":\"8\"}",
      "{\"prompt\":\"x\",\"steps\":true}",
      "{\"prompt\":\"x\",\"steps\":\"true\"}",
      "{\"prompt\":\"x\",\"steps\":null}",
      "{\"prompt\":\"x\",\"steps\":[8]}",
      "{\"prompt\":\"x\",\"steps\":{\"8\":8}}",
      "{\"a\":[1,2]}",
      "{\"a\":[2,1]}",
      "{\"a\":[[1],2]}",
      "{\"a\":[[1,2]]}",
      "{\"a\":{\"b\":1}}",
      "{\"a\":[]}",
      "{\"a\":{}}",
      "{\"a\":1,\"b\":2}",
      "{\"a\":2,\"b\":1}",
      "{\"a\":{\"b\":1,\"c\":2}}",
      "{\"a\":{\"b\":1},\"c\":2}",
      "{\"a\":[\"b\",\"c\"]}",
      "{\"a\":[\"bc\"]}",
      "{\"a\":{\"response_format\":1}}",
      "{\"a\":{\"response_format\":2}}",
      "{\"a\":{\"seed\":1}}",
      "{\"a\":{\"seed\":2}}",
      "{\"seed\":\"7\"}",
      "{\"seed\":7.5}",
      "{\"model\":\"x\"}",
      "{\"prompt\":\"\\\\\"}",
      "{\"prompt\":\"\\\\\\\\\"}",
  };
  char names[COUNT_OF(bodies)][SHA256_HEX];
  (void)state;
  for (size_t i = 0; i < COUNT_OF(bodies); i++) {
    name_of(bodies[i], names[i]);
    for (size_t j = 0; j < i; j++)
      if (strcmp(names[i], names[j]) == 0)
        fail_msg("%s is %s", bodies[i], bodies[j]);
  }
}

static void what_is_no_object_has_no_key(void **state)
{
  static const char *const bodies[] = {"",
                                       "[]",
                                       "7",
                                       "\"x\"",
                                       "{",
                                       "{\"a\":1",
                                       "{\"a\"1}",
                                       "{} {}",
                                       "{\"a\":01}",
                                       "{\"a\"}",
                                       "{\"a\":1,}",
                                       "\xef\xbb\xbf{}",
                                       "{\"a\":\"\\x\"}",
                                       "[{}]",
                                       "null"};
  struct key key;
  struct stepimg_error error;
  (void)state;
  for (size_t i = 0; i < COUNT_OF(bodies); i++) {
    error_clear(&error);
    char *exact = exact_copy(bodies[i], strlen(bodies[i]));
    if (key_of_body(&key, exact, strlen(bodies[i]), &error) != STEPIMG_INVALID)
      fail_msg("%s has a key", bodies[i]);
    assert_string_equal(error.field, "cache");
    free(exact);
  }
}

/* As deep as the scanner goes, and a level further. */
static void brackets_may_be_as_deep_as_an_answers(void **state)
{
  enum { DEPTH = SCANNER_MAX_DEPTH };
  struct key key;
  struct stepimg_error error;
  char body[2 * DEPTH + 16];
  (void)state;
  for (int depth = DEPTH - 1; depth <= DEPTH; depth++) {
    int length = snprintf(body, sizeof body, "{\"a\":");
    memset(body + length, '[', (size_t)depth);
    memset(body + length + depth, ']', (size_t)depth);
    memcpy(body + length + 2 * (size_t)depth, "}", 2);
    error_clear(&error);
    assert_int_equal(key_of_body(&key, body, strlen(body), &error), depth < DEPTH ? STEPIMG_OK : STEPIMG_INVALID);
  }
}

static struct key key_of_form(const struct stepimg_field *fields, size_t count)
{
  struct key key;
  struct stepimg_error error;
  error_clear(&error);
  assert_int_equal(key_of_fields(&key, fields, count, &error), STEPIMG_OK);
  return key;
}

static void an_edit_has_its_picture_and_its_endpoint_in_it(void **state)
{
  static const struct stepimg_field one[] = {{"prompt", "x", 1}, {"seed", "7", 1}, {"response_format", "url", 3}},
                                    same[] = {{"seed", "7", 1}, {"prompt", "x", 1}},
                                    other[] = {{"seed", "7", 1}, {"prompt", "xy", 2}},
                                    odd[] = {{"seed", "x", 1}, {"prompt", "x", 1}};
  unsigned char picture[SHA256_SIZE] = {1}, second[SHA256_SIZE] = {2};
  char a[SHA256_HEX], b[SHA256_HEX];
  (void)state;
  const struct key first = key_of_form(one, 3), again = key_of_form(same, 2), third = key_of_form(other, 2);
  assert_true(first.has_seed && first.seed == 7 && !key_of_form(odd, 2).has_seed);
  assert_string_equal(key_name(a, &first, 7, picture), key_name(b, &again, 7, picture));
  assert_string_not_equal(key_name(a, &first, 7, picture), key_name(b, &first, 7, second));
  assert_string_not_equal(key_name(a, &first, 7, picture), key_name(b, &third, 7, picture));
  const struct key made = key_of("{\"prompt\":\"x\"}");
  assert_string_not_equal(key_name(a, &first, 7, NULL), key_name(b, &made, 7, NULL));
  key_of_form(NULL, 0);
}

/* Folders outlive versions: what has this name now has it for ever. */
static void a_name_stays_what_it_is(void **state)
{
  char name[SHA256_HEX];
  (void)state;
  assert_string_equal(
      name_of("{\"prompt\":\"x\",\"seed\":7,\"model\":\"step-image-edit-2\",\"a\":[1,{\"b\":null}]}", name),
      "eaff74d679c7fc4d963c7cab8cc3c907a083a3be38c47b32b9cb5361dafdb83b");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(order_blanks_and_escapes_say_nothing),
      cmocka_unit_test(the_format_says_nothing_and_the_seed_is_apart),
      cmocka_unit_test(all_thirdsays_something),
      cmocka_unit_test(what_is_no_object_has_no_key),
      cmocka_unit_test(brackets_may_be_as_deep_as_an_answers),
      cmocka_unit_test(an_edit_has_its_picture_and_its_endpoint_in_it),
      cmocka_unit_test(a_name_stays_what_it_is),
  };
  return cmocka_run_group_tests_name("key", tests, NULL, NULL);
}
