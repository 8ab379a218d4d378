/* The scanner, whatever comes in whatever pieces: it refuses for good, judges all pieces alike and needs no memory. */
#include "record.h"

#include <stdio.h>

/* With everything an answer can make a sink see, so that each kind of event is refused once. */
static void a_refusal_is_for_good(void **state)
{
  static const char in[] =
      "{\"id\":1,\"data\":[{\"b64_json\":\"QU\\/JD\",\"url\":\"h\\/x\"},{\"url\":\"y\",\"b64_json\":"
      "\"\"}],\"created\":2}";
  static const size_t sizes[] = {1, 2, 3, 7, 20, sizeof in};
  size_t length = sizeof in - 1;
  (void)state;
  for (size_t i = 0; i < 2 * COUNT_OF(sizes); i++) {
    struct record whole, record;
    struct scanner scanner;
    size_t size = sizes[i / 2];
    scanner_reader *reader = i % 2 == 0 ? NULL : take_some;
    assert_true(feed(&scanner, &whole, in, length, size, size, reader, 0));
    assert_true(whole.calls >= 12);
    for (size_t call = 1; call <= whole.calls; call++) {
      assert_false(feed(&scanner, &record, in, length, size, size, reader, call));
      assert_int_equal(record.calls, call);
    }
    assert_true(feed(&scanner, &record, in, length, size, size, reader, whole.calls + 1));
  }
}

static void a_broken_escape_in_a_payload_is_refused(void **state)
{
  static const char *const escapes[] = {"\\x",     "\\u12G4", "\\uG123", "\\u123G", "\\u 123", "\\u-123", "\\u+123",
                                        "\\u0x41", "\\U0041", "\\'",     "\\0",     "\\N",     "\\ ",     "\\\n"};
  static const char *const keys[] = {"b64_json", "url"};
  struct record record;
  struct scanner scanner;
  (void)state;
  for (size_t i = 0; i < COUNT_OF(escapes); i++)
    for (size_t k = 0; k < COUNT_OF(keys); k++) {
      char in[128];
      int length =
          snprintf(in, sizeof in, "{\"data\":[{\"seed\":1,\"%s\":\"QUJD%sQUJD\"}],\"id\":1}", keys[k], escapes[i]);
      for (size_t first = 1; first <= (size_t)length; first++) {
        assert_false(feed(&scanner, &record, in, (size_t)length, first, first, take_some, 0));
        assert_false(feed(&scanner, &record, in, (size_t)length, first, (size_t)length, NULL, 0));
        assert_true(same(k == 0 ? &record.pictures[0] : &record.links[0], "<QUJD"));
      }
    }
  /* a quote among the digits is no end of the string */
  assert_false(feed(&scanner, &record, "{\"data\":[{\"b64_json\":\"\\u00\"}]}", 30, 1, 1, NULL, 0));
}

struct tally {
  size_t envelope, picture, calls, read;
};

static bool count(void *context, enum scanner_event event, unsigned path, size_t index, const char *bytes,
                  size_t length)
{
  struct tally *tally = context;
  (void)index, (void)path;
  tally->calls++;
  if (event == SCANNER_ENVELOPE)
    tally->envelope += length;
  if (event == SCANNER_TEXT) {
    tally->picture += length;
    for (size_t i = 0; i < length; i++)
      assert_int_equal(bytes[i], 'A');
  }
  return true;
}

/* Takes the whole of a picture of only A. */
static size_t count_all(void *context, const char *bytes, size_t length)
{
  struct tally *tally = context;
  size_t taken = 0;
  while (taken < length && bytes[taken] == 'A')
    taken++;
  tally->read += taken;
  return taken;
}

/* A picture that nobody escaped comes in the pieces it arrived in, not byte by byte. */
static void a_large_picture_comes_in_large_pieces(void **state)
{
  enum { LARGE = 1 << 20, PIECE = 16384 };
  static const char before[] = "{\"data\":[{\"b64_json\":\"", after[] = "\"}]}";
  char *piece = malloc(PIECE);
  (void)state;
  assert_non_null(piece);
  memset(piece, 'A', PIECE);
  for (int read = 0; read < 2; read++) {
    struct scanner scanner;
    struct tally tally = {0};
    scanner_init(&scanner, paths, PATHS, count, read ? count_all : NULL, &tally);
    assert_true(scanner_feed(&scanner, before, sizeof before - 1));
    for (size_t fed = 0; fed < LARGE; fed += PIECE)
      assert_true(scanner_feed(&scanner, piece, PIECE));
    assert_true(scanner_feed(&scanner, after, sizeof after - 1));
    assert_int_equal(read ? tally.read : tally.picture, LARGE);
    assert_int_equal(tally.envelope, sizeof before + sizeof after - 2);
    assert_true(tally.calls < LARGE / PIECE + 10);
  }
  free(piece);
}

/* Whatever comes, all of it is accounted for, and tearing it changes nothing. */
static void random_text_is_the_same_in_pieces(void **state)
{
  static const char *const tokens[] = {"{",
                                       "}",
                                       "[",
                                       "]",
                                       ",",
                                       ":",
                                       "\"data\"",
                                       "\"b64_json\"",
                                       "\"",
                                       "\\",
                                       "\\/",
                                       "\\u0041",
                                       "\"url\"",
                                       "\"QUJD\"",
                                       "{\"data\":[{",
                                       "null",
                                       "},{",
                                       "x",
                                       "\\\"",
                                       "\"b64_json\":\"",
                                       "\\n"};
  uint32_t seed = 8259;
  (void)state;
  for (int round = 0; round < 3000; round++) {
    struct record whole, record;
    struct scanner scanner;
    char in[256];
    size_t length = 0;
    for (int i = 0; i < 14; i++) {
      const char *token = tokens[next_random(&seed) % COUNT_OF(tokens)];
      memcpy(in + length, token, strlen(token));
      length += strlen(token);
    }
    bool good = feed(&scanner, &whole, in, length, length, length, NULL, 0);
    for (size_t chunk = 1; chunk <= 9; chunk++) {
      assert_int_equal(feed(&scanner, &record, in, length, chunk, chunk, chunk % 2 == 0 ? take_some : NULL, 0), good);
      if (good) {
        assert_int_equal(record.envelope.length, whole.envelope.length);
        assert_memory_equal(record.envelope.bytes, whole.envelope.bytes, whole.envelope.length);
      }
      for (size_t i = 0; i < PLACES; i++) {
        assert_int_equal(record.pictures[i].length, whole.pictures[i].length);
        assert_memory_equal(record.pictures[i].bytes, whole.pictures[i].bytes, whole.pictures[i].length);
        assert_int_equal(record.links[i].length, whole.links[i].length);
        assert_memory_equal(record.links[i].bytes, whole.links[i].bytes, whole.links[i].length);
      }
    }
  }
}

/* Each byte of an answer with everything in it, replaced by each other one. */
static void one_changed_byte_is_judged_alike_in_pieces(void **state)
{
  static const char in[] =
      "\xef\xbb\xbf{ \"i\\u0064\":-1.5e+3,\"data\":[{\"b64_json\":\"A\\/\\u002BA\",\"t\":true},null,"
      "[false],{\"url\":\"\\ud83d\\ude00\"}]}\n";
  size_t length = sizeof in - 1;
  (void)state;
  for (size_t at = 0; at < length; at++)
    for (unsigned byte = 0; byte < 256; byte++) {
      struct record whole, torn;
      struct scanner one, other;
      char *copy = exact_copy(in, length);
      copy[at] = (char)byte;
      bool good = feed(&one, &whole, copy, length, length, length, take_some, 0) && scanner_end(&one);
      bool same = feed(&other, &torn, copy, length, 1, 1, NULL, 0) && scanner_end(&other);
      if (same != good || one.at != other.at || one.flaw != other.flaw)
        fail_msg("byte %zu as %u: %s and %s", at, byte, one.flaw, other.flaw);
      for (size_t i = 0; i < PLACES && good; i++) {
        assert_int_equal(whole.pictures[i].length, torn.pictures[i].length);
        assert_memory_equal(whole.pictures[i].bytes, torn.pictures[i].bytes, torn.pictures[i].length);
      }
      free(copy);
    }
}

static void nesting_has_a_bound_and_needs_no_memory(void **state)
{
  (void)state;
  for (unsigned depth = SCANNER_MAX_DEPTH - 1; depth <= SCANNER_MAX_DEPTH; depth++)
    for (int object = 0; object < 2; object++) {
      struct scanner scanner;
      struct tally tally = {0};
      scanner_init(&scanner, paths, PATHS, count, NULL, &tally);
      assert_true(scanner_feed(&scanner, "{\"x\":", 5));
      bool good = true;
      for (unsigned i = 0; i < depth && good; i++)
        good = scanner_feed(&scanner, object ? "{\"y\":" : "[", object ? 5 : 1);
      assert_int_equal(good, depth < SCANNER_MAX_DEPTH);
      if (!good) {
        assert_string_equal(scanner.flaw, "it is nested too deeply");
        continue;
      }
      assert_true(scanner_feed(&scanner, "null", 4));
      for (unsigned i = 0; i < depth; i++)
        assert_true(scanner_feed(&scanner, object ? "}" : "]", 1));
      assert_true(scanner_feed(&scanner, ",\"data\":[{\"b64_json\":\"AAAA\"}]}", 30));
      assert_true(scanner_end(&scanner));
      assert_int_equal(tally.picture, 4);
    }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_refusal_is_for_good),
      cmocka_unit_test(a_broken_escape_in_a_payload_is_refused),
      cmocka_unit_test(a_large_picture_comes_in_large_pieces),
      cmocka_unit_test(random_text_is_the_same_in_pieces),
      cmocka_unit_test(one_changed_byte_is_judged_alike_in_pieces),
      cmocka_unit_test(nesting_has_a_bound_and_needs_no_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
