/* The scanner: texts that are JSON and texts that are not, each whole, in pieces of every size and torn at every place. */
#include "check.h"

#include <ctype.h>
#include <stdio.h>

#include "payload/scanner.h"

enum { PLACES = 4, RECORD_MAX = 4096 };

/* What is to come of an answer. A payload is written "<text>", and "<text" where its end never came; two at the same
   place stand one after the other. NULL: none. */
struct body {
  const char *name;
  const char *in;
  const char *envelope;
  const char *pictures[PLACES];
  const char *links[PLACES];
};

enum path { PICTURE, URL, PATHS };

static const struct scanner_path paths[PATHS] = {
    [PICTURE] = {{"data", "[]", "b64_json"}, true},
    [URL] = {{"data", "[]", "url"}, false},
};

struct text {
  char bytes[RECORD_MAX];
  size_t length;
};

struct record {
  struct text envelope, pictures[PLACES], links[PLACES];
  int open; /* the event that began the payload that has not ended; -1: none */
  size_t open_at;
  size_t calls, refuse_at; /* says no at this call; 0: never */
};

static void add(struct text *text, const char *bytes, size_t length)
{
  assert_true(length < RECORD_MAX - text->length);
  if (length > 0)
    memcpy(text->bytes + text->length, bytes, length);
  text->length += length;
}

static struct text *text_of(struct record *record, unsigned path, size_t index)
{
  assert_true(path < PATHS && index < PLACES);
  return path == PICTURE ? &record->pictures[index] : &record->links[index];
}

static bool take(void *context, enum scanner_event event, unsigned path, size_t index, const char *bytes, size_t length)
{
  struct record *record = context;
  record->calls++;
  assert_true(record->refuse_at == 0 || record->calls <= record->refuse_at);
  switch (event) {
  case SCANNER_ENVELOPE:
    assert_true(length > 0);
    add(&record->envelope, bytes, length);
    break;
  case SCANNER_TEXT_BEGIN:
    assert_int_equal(record->open, -1);
    assert_int_equal(length, 0);
    record->open = (int)path;
    record->open_at = index;
    add(text_of(record, path, index), "<", 1);
    break;
  case SCANNER_TEXT:
    assert_int_equal(record->open, path);
    assert_int_equal(record->open_at, index);
    add(text_of(record, path, index), bytes, length);
    break;
  case SCANNER_TEXT_END:
    assert_int_equal(record->open, path);
    assert_int_equal(record->open_at, index);
    assert_int_equal(length, 0);
    record->open = -1;
    add(text_of(record, path, index), ">", 1);
    break;
  default: /* a value that is no text */
    assert_int_equal(record->open, -1);
    break;
  }
  return record->refuse_at == 0 || record->calls < record->refuse_at;
}

/* Takes letters and digits, and leaves all else to `take`. */
static size_t take_some(void *context, const char *bytes, size_t length)
{
  struct record *record = context;
  size_t taken = 0;
  assert_true(length > 0);
  assert_true(record->refuse_at == 0 || record->calls < record->refuse_at);
  assert_int_equal(record->open, PICTURE);
  while (taken < length && isalnum((unsigned char)bytes[taken]))
    taken++;
  add(&record->pictures[record->open_at], bytes, taken);
  return taken;
}

/* Feeds a text in pieces: one of `first` bytes, then of `chunk`. False as soon as the scanner says so, and it must then
   never say anything else, nor call the sink again. */
static bool feed(struct scanner *scanner, struct record *record, const char *in, size_t length, size_t first,
                 size_t chunk, scanner_reader *reader, size_t refuse_at)
{
  memset(record, 0, sizeof *record);
  record->open = -1;
  record->refuse_at = refuse_at;
  scanner_init(scanner, paths, PATHS, take, reader, record);
  for (size_t at = 0, size = first; at < length; at += size, size = chunk) {
    if (size > length - at)
      size = length - at;
    char *piece = exact_copy(in + at, size);
    bool good = scanner_feed(scanner, piece, size);
    free(piece);
    if (!good) {
      size_t calls = record->calls;
      const char *flaw = scanner->flaw;
      uint64_t place = scanner->at;
      assert_false(scanner_feed(scanner, in, length));
      assert_false(scanner_feed(scanner, "\"}", 2));
      assert_false(scanner_feed(scanner, "", 0));
      assert_false(scanner_end(scanner));
      assert_int_equal(record->calls, calls);
      assert_ptr_equal(scanner->flaw, flaw);
      assert_int_equal(scanner->at, place);
      return false;
    }
    assert_true(scanner_feed(scanner, "", 0));
    assert_int_equal(scanner->at, at + size);
  }
  return true;
}

static bool same(const struct text *text, const char *expected)
{
  size_t length = expected != NULL ? strlen(expected) : 0;
  return text->length == length && (length == 0 || memcmp(text->bytes, expected, length) == 0);
}

static void check(const struct body *body, bool whole, size_t first, size_t chunk, scanner_reader *reader)
{
  struct record record;
  struct scanner scanner;
  if (!feed(&scanner, &record, body->in, strlen(body->in), first, chunk, reader, 0))
    fail_msg("%s (%zu, then %zu): refused at %zu: %s", body->name, first, chunk, (size_t)scanner.at, scanner.flaw);
  if (scanner_end(&scanner) != whole || (scanner.flaw == NULL) != whole)
    fail_msg("%s (%zu, then %zu): %s", body->name, first, chunk, whole ? "not whole" : "whole");
  if (!same(&record.envelope, body->envelope))
    fail_msg("%s (%zu, then %zu): the envelope is %.*s", body->name, first, chunk, (int)record.envelope.length,
             record.envelope.bytes);
  for (size_t i = 0; i < PLACES; i++) {
    if (!same(&record.pictures[i], body->pictures[i]))
      fail_msg("%s (%zu, then %zu): picture %zu is %.*s", body->name, first, chunk, i, (int)record.pictures[i].length,
               record.pictures[i].bytes);
    if (!same(&record.links[i], body->links[i]))
      fail_msg("%s (%zu, then %zu): link %zu is %.*s", body->name, first, chunk, i, (int)record.links[i].length,
               record.links[i].bytes);
  }
}

static void check_all_by(const struct body *bodies, size_t count, bool whole, scanner_reader *reader)
{
  for (size_t i = 0; i < count; i++) {
    size_t length = strlen(bodies[i].in);
    check(&bodies[i], whole, length, length, reader);
    for (size_t chunk = 1; chunk <= CHUNK_MAX; chunk++)
      check(&bodies[i], whole, chunk, chunk, reader);
    for (size_t cut = 1; cut < length; cut++)
      check(&bodies[i], whole, cut, length, reader);
  }
}

static void check_all(const struct body *bodies, size_t count, bool whole)
{
  check_all_by(bodies, count, whole, NULL);
  check_all_by(bodies, count, whole, take_some);
}

static const struct body plain[] = {
    {.name = "the reference's own example",
     .in = "{\"id\": \"abc\", \"created\": 1589478378, \"data\": [{\"seed\": 123838, \"finish_reason\": \"success\", "
           "\"b64_json\": \"iVBORw0KGgo=\"}]}",
     .envelope = "{\"id\": \"abc\", \"created\": 1589478378, \"data\": [{\"seed\": 123838, \"finish_reason\": "
                 "\"success\", \"b64_json\": \"\"}]}",
     .pictures = {"<iVBORw0KGgo=>"}},
    {.name = "picture first, data first",
     .in = "{\"data\":[{\"b64_json\":\"QUJD\",\"finish_reason\":\"success\",\"seed\":1}],\"created\":2,\"id\":\"x\"}",
     .envelope = "{\"data\":[{\"b64_json\":\"\",\"finish_reason\":\"success\",\"seed\":1}],\"created\":2,\"id\":\"x\"}",
     .pictures = {"<QUJD>"}},
    {.name = "picture between, data between",
     .in = "{\"id\":\"x\",\"data\":[{\"seed\":1,\"b64_json\":\"QUJD\",\"finish_reason\":\"success\"}],\"created\":2}",
     .envelope = "{\"id\":\"x\",\"data\":[{\"seed\":1,\"b64_json\":\"\",\"finish_reason\":\"success\"}],\"created\":2}",
     .pictures = {"<QUJD>"}},
    {.name = "white space everywhere",
     .in =
         " \r\n\t{ \"created\"\n:\t1 ,\r\n \"data\" : \n [ \t{ \"seed\" : 1 , \"b64_json\" \n:\r\n\t \"QUJD\" \n} \t] "
         "\n}\r\n \t",
     .envelope = " \r\n\t{ \"created\"\n:\t1 ,\r\n \"data\" : \n [ \t{ \"seed\" : 1 , \"b64_json\" \n:\r\n\t \"\" \n} "
                 "\t] \n}\r\n \t",
     .pictures = {"<QUJD>"}},
    {.name = "several pictures",
     .in = "{\"data\":[{\"b64_json\":\"AAAA\",\"seed\":0},{\"seed\":1,\"b64_json\":\"BBBB\"},{\"b64_json\":\"CCCC\"}]}",
     .envelope = "{\"data\":[{\"b64_json\":\"\",\"seed\":0},{\"seed\":1,\"b64_json\":\"\"},{\"b64_json\":\"\"}]}",
     .pictures = {"<AAAA>", "<BBBB>", "<CCCC>"}},
    {.name = "some places without a picture",
     .in = "{\"data\":[{\"finish_reason\":\"content_filtered\"},{},{\"b64_json\":null},{\"b64_json\":\"DDDD\"}]}",
     .envelope = "{\"data\":[{\"finish_reason\":\"content_filtered\"},{},{\"b64_json\":null},{\"b64_json\":\"\"}]}",
     .pictures = {NULL, NULL, NULL, "<DDDD>"}},
    {.name = "places that are no objects",
     .in = "{\"data\":[null,\"b64_json\",[{\"b64_json\":\"AAAA\"},{\"url\":\"u\"},3],{\"b64_json\":\"DDDD\"}]}",
     .envelope = "{\"data\":[null,\"b64_json\",[{\"b64_json\":\"AAAA\"},{\"url\":\"u\"},3],{\"b64_json\":\"\"}]}",
     .pictures = {NULL, NULL, NULL, "<DDDD>"}},
    {.name = "empty picture",
     .in = "{\"data\":[{\"b64_json\":\"\",\"seed\":5}]}",
     .envelope = "{\"data\":[{\"b64_json\":\"\",\"seed\":5}]}",
     .pictures = {"<>"}},
    {.name = "no picture",
     .in = "{\"created\":1,\"data\":[{\"seed\":5,\"finish_reason\":\"content_filtered\"}]}",
     .envelope = "{\"created\":1,\"data\":[{\"seed\":5,\"finish_reason\":\"content_filtered\"}]}"},
    {.name = "empty data",
     .in = "{\"data\":[],\"b64_json\":\"AAAA\"}",
     .envelope = "{\"data\":[],\"b64_json\":\"AAAA\"}"},
    {.name = "null in the picture's place",
     .in = "{\"data\":[{\"b64_json\":null,\"url\":null,\"b\":\"AAAA\"}]}",
     .envelope = "{\"data\":[{\"b64_json\":null,\"url\":null,\"b\":\"AAAA\"}]}"},
    {.name = "number and switch in the picture's place",
     .in = "{\"data\":[{\"b64_json\":1.5e+3,\"url\":true,\"b\":\"AAAA\"}]}",
     .envelope = "{\"data\":[{\"b64_json\":1.5e+3,\"url\":true,\"b\":\"AAAA\"}]}"},
    {.name = "object in the picture's place",
     .in = "{\"data\":[{\"b64_json\":{\"b64_json\":\"AAAA\",\"url\":\"u\"},\"url\":{\"url\":\"v\"}}]}",
     .envelope = "{\"data\":[{\"b64_json\":{\"b64_json\":\"AAAA\",\"url\":\"u\"},\"url\":{\"url\":\"v\"}}]}"},
    {.name = "array in the picture's place",
     .in = "{\"data\":[{\"b64_json\":[\"AAAA\",\"BBBB\"],\"url\":[\"u\"],\"seed\":1}]}",
     .envelope = "{\"data\":[{\"b64_json\":[\"AAAA\",\"BBBB\"],\"url\":[\"u\"],\"seed\":1}]}"},
    {.name = "the same key twice",
     .in = "{\"data\":[{\"b64_json\":\"AAAA\",\"b64_json\":\"BBBB\"}]}",
     .envelope = "{\"data\":[{\"b64_json\":\"\",\"b64_json\":\"\"}]}",
     .pictures = {"<AAAA><BBBB>"}},
};

#define FFFD "\xef\xbf\xbd"

static const struct body escaped[] = {
    {.name = "escapes of PHP and .NET",
     .in = "{\"data\":[{\"b64_json\":\"\\/9j\\/4A\\u002BQUJD\\u002b\\/\\/8\\u003d\"}]}",
     .envelope = "{\"data\":[{\"b64_json\":\"\"}]}",
     .pictures = {"</9j/4A+QUJD+//8=>"}},
    {.name = "every character escaped",
     .in = "{\"data\":[{\"b64_json\":\"\\u0069\\u0056\\u0042\\u004F\\u0052\\u0077\\u0030\\u004b\\u002B\\u002f\\u003D"
           "\\u003d\"}]}",
     .envelope = "{\"data\":[{\"b64_json\":\"\"}]}",
     .pictures = {"<iVBORw0K+/==>"}},
    {.name = "all short escapes",
     .in = "{\"data\":[{\"b64_json\":\"a\\\"b\\\\c\\/d\\be\\ff\\ng\\rh\\ti\"}]}",
     .envelope = "{\"data\":[{\"b64_json\":\"\"}]}",
     .pictures = {"<a\"b\\c/d\be\ff\ng\rh\ti>"}},
    {.name = "escapes at both ends",
     .in = "{\"data\":[{\"b64_json\":\"\\/"
           "\"},{\"b64_json\":\"\\u0041\"},{\"b64_json\":\"\\\\\"},{\"b64_json\":\"\\\"\"}]}",
     .envelope = "{\"data\":[{\"b64_json\":\"\"},{\"b64_json\":\"\"},{\"b64_json\":\"\"},{\"b64_json\":\"\"}]}",
     .pictures = {"</>", "<A>", "<\\>", "<\">"}},
    {.name = "characters beyond ASCII, plain and escaped",
     .in = "{\"data\":[{\"b64_json\":\"\xc3\xa9\\u00e9\\u07FF\\u0800\\u732b\xe7\x8c\xab\\uffff\\u007f\\u0080\"}]}",
     .envelope = "{\"data\":[{\"b64_json\":\"\"}]}",
     .pictures = {"<\xc3\xa9\xc3\xa9\xdf\xbf\xe0\xa0\x80\xe7\x8c\xab\xe7\x8c\xab\xef\xbf\xbf\x7f\xc2\x80>"}},
    {.name = "surrogate pairs, and halves of them",
     .in = "{\"data\":[{\"b64_json\":\"A\\ud83dB\\udbff\"},{\"b64_json\":\"\\uDE00\\ud83d\\\\\\ud83d\\u0041\"},"
           "{\"b64_json\":\"\\ud83d\\uDE00\\uD800\\uDC00\\udbff\\udfff\"},{\"b64_json\":"
           "\"\\ud83d\\ud83d\\ude00\\ude00\"}]}",
     .envelope = "{\"data\":[{\"b64_json\":\"\"},{\"b64_json\":\"\"},{\"b64_json\":\"\"},{\"b64_json\":\"\"}]}",
     .pictures = {"<A" FFFD "B" FFFD ">", "<" FFFD FFFD "\\" FFFD "A>",
                  "<\xf0\x9f\x98\x80\xf0\x90\x80\x80\xf4\x8f\xbf\xbf>", "<" FFFD "\xf0\x9f\x98\x80" FFFD ">"}},
    {.name = "half a surrogate pair in a link and in a key",
     .in = "{\"d\\ud83d\":1,\"data\":[{\"url\":\"h\\ud83d\",\"url\\udc00\":2,\"\\ud83durl\":3}]}",
     .envelope = "{\"d\\ud83d\":1,\"data\":[{\"url\":\"h\\ud83d\",\"url\\udc00\":2,\"\\ud83durl\":3}]}",
     .links = {"<h" FFFD ">"}},
    {.name = "escaped keys",
     .in = "{\"d\\u0061ta\":[{\"b64\\u005fjson\":\"AAAA\",\"\\u0075\\u0072\\u006C\":\"u\"}]}",
     .envelope = "{\"d\\u0061ta\":[{\"b64\\u005fjson\":\"\",\"\\u0075\\u0072\\u006C\":\"u\"}]}",
     .pictures = {"<AAAA>"},
     .links = {"<u>"}},
    {.name = "keys escaped from end to end",
     .in =
         "{\"\\u0064\\u0061\\u0074\\u0061\":[{\"\\u0062\\u0036\\u0034\\u005F\\u006a\\u0073\\u006f\\u006e\":\"AAAA\"}]}",
     .envelope = "{\"\\u0064\\u0061\\u0074\\u0061\":[{\"\\u0062\\u0036\\u0034\\u005F\\u006a\\u0073\\u006f\\u006e\":"
                 "\"\"}]}",
     .pictures = {"<AAAA>"}},
    {.name = "keys with a NUL or more behind the name are others",
     .in = "{\"data\\u0000\":[{\"b64_json\":\"AAAA\"}],\"data\":[{\"b64_json\\u0000\":\"BBBB\",\"b64_json \":\"CCCC\","
           "\"\\\"b64_json\\\"\":\"DDDD\",\"url\\n\":\"u\"}]}",
     .envelope = "{\"data\\u0000\":[{\"b64_json\":\"AAAA\"}],\"data\":[{\"b64_json\\u0000\":\"BBBB\",\"b64_json \":"
                 "\"CCCC\",\"\\\"b64_json\\\"\":\"DDDD\",\"url\\n\":\"u\"}]}"},
};

static const struct body links[] = {
    {.name = "link",
     .in = "{\"created\":1,\"data\":[{\"seed\":1,\"url\":\"https://res.stepfun.com/a.png?x=1&y=2\"}]}",
     .envelope = "{\"created\":1,\"data\":[{\"seed\":1,\"url\":\"https://res.stepfun.com/a.png?x=1&y=2\"}]}",
     .links = {"<https://res.stepfun.com/a.png?x=1&y=2>"}},
    {.name = "link with escapes, which stay in the envelope",
     .in = "{\"data\":[{\"url\":\"https:\\/\\/res.stepfun.com\\/a.png?x=1\\u0026y=\\u732B\"}]}",
     .envelope = "{\"data\":[{\"url\":\"https:\\/\\/res.stepfun.com\\/a.png?x=1\\u0026y=\\u732B\"}]}",
     .links = {"<https://res.stepfun.com/a.png?x=1&y=\xe7\x8c\xab>"}},
    {.name = "picture and link",
     .in = "{\"data\":[{\"url\":\"https://h/1\",\"b64_json\":\"AAAA\"},{\"b64_json\":\"BB\\/B\",\"url\":\"https:\\/\\/"
           "h\\/2\"}]}",
     .envelope =
         "{\"data\":[{\"url\":\"https://h/1\",\"b64_json\":\"\"},{\"b64_json\":\"\",\"url\":\"https:\\/\\/h\\/2\"}]}",
     .pictures = {"<AAAA>", "<BB/B>"},
     .links = {"<https://h/1>", "<https://h/2>"}},
    {.name = "empty link, and null for the picture",
     .in = "{\"data\":[{\"b64_json\":null,\"url\":\"\"}]}",
     .envelope = "{\"data\":[{\"b64_json\":null,\"url\":\"\"}]}",
     .links = {"<>"}},
    {.name = "links elsewhere",
     .in = "{\"url\":\"a\",\"data\":[{\"more\":{\"url\":\"b\"},\"link\":\"url\",\"urls\":[\"c\"]}],\"error\":{\"url\":"
           "\"d\"}}",
     .envelope = "{\"url\":\"a\",\"data\":[{\"more\":{\"url\":\"b\"},\"link\":\"url\",\"urls\":[\"c\"]}],\"error\":{"
                 "\"url\":\"d\"}}"},
};

static const struct body others[] = {
    {.name = "unknown fields of every kind",
     .in = "{\"usage\":{\"data\":[{\"b64_json\":\"AAAA\"}],\"n\":[1,[2,{}],\"x\"]},\"data\":[{\"meta\":{\"b64_json\":"
           "\"BBBB\",\"tags\":[\"b64_json\",\"url\",[],{\"url\":\"u\"}]},\"list\":[{\"b64_json\":\"CCCC\"}],"
           "\"b64_json\":\"DDDD\",\"after\":{\"b64_json\":\"EEEE\"}}],\"last\":[{\"b64_json\":\"FFFF\"}]}",
     .envelope = "{\"usage\":{\"data\":[{\"b64_json\":\"AAAA\"}],\"n\":[1,[2,{}],\"x\"]},\"data\":[{\"meta\":{"
                 "\"b64_json\":\"BBBB\",\"tags\":[\"b64_json\",\"url\",[],{\"url\":\"u\"}]},\"list\":[{\"b64_json\":"
                 "\"CCCC\"}],\"b64_json\":\"\",\"after\":{\"b64_json\":\"EEEE\"}}],\"last\":[{\"b64_json\":\"FFFF\"}]}",
     .pictures = {"<DDDD>"}},
    {.name = "a string that quotes an answer",
     .in = "{\"prompt\":\"{\\\"data\\\":[{\\\"b64_json\\\":\\\"AAAA\\\"}]}\",\"data\":[{\"why\":\"\\\"b64_json\\\":"
           "\\\"AAAA\\\",}]\",\"b64_json\":\"QUJD\",\"then\":\"\\\\\",\"x\":\"\\\\\\\"b64_json\"}]}",
     .envelope =
         "{\"prompt\":\"{\\\"data\\\":[{\\\"b64_json\\\":\\\"AAAA\\\"}]}\",\"data\":[{\"why\":\"\\\"b64_json\\\":"
         "\\\"AAAA\\\",}]\",\"b64_json\":\"\",\"then\":\"\\\\\",\"x\":\"\\\\\\\"b64_json\"}]}",
     .pictures = {"<QUJD>"}},
    {.name = "brackets and commas inside strings",
     .in =
         "{\"a\":\"}]{[,:\",\"data\":[{\"b\":\"}],{\",\"b64_json\":\"AA,}]{A\"},{\"c,\":\"[\",\"b64_json\":\"BBBB\"}]}",
     .envelope = "{\"a\":\"}]{[,:\",\"data\":[{\"b\":\"}],{\",\"b64_json\":\"\"},{\"c,\":\"[\",\"b64_json\":\"\"}]}",
     .pictures = {"<AA,}]{A>", "<BBBB>"}},
    {.name = "names as values",
     .in = "{\"x\":\"data\",\"y\":[{\"b64_json\":\"AAAA\"}],\"data\":[{\"k\":\"b64_json\",\"l\":\"BBBB\",\"m\":\"url\","
           "\"b64_json\":\"CCCC\"}]}",
     .envelope = "{\"x\":\"data\",\"y\":[{\"b64_json\":\"AAAA\"}],\"data\":[{\"k\":\"b64_json\",\"l\":\"BBBB\",\"m\":"
                 "\"url\",\"b64_json\":\"\"}]}",
     .pictures = {"<CCCC>"}},
    {.name = "picture at the top",
     .in = "{\"b64_json\":\"AAAA\",\"data\":null}",
     .envelope = "{\"b64_json\":\"AAAA\",\"data\":null}"},
    {.name = "data nested elsewhere",
     .in = "{\"result\":{\"data\":[{\"b64_json\":\"AAAA\",\"url\":\"u\"}]}}",
     .envelope = "{\"result\":{\"data\":[{\"b64_json\":\"AAAA\",\"url\":\"u\"}]}}"},
    {.name = "data inside data",
     .in = "{\"data\":[{\"data\":[{\"b64_json\":\"AAAA\"}],\"b64_json\":\"BBBB\"}]}",
     .envelope = "{\"data\":[{\"data\":[{\"b64_json\":\"AAAA\"}],\"b64_json\":\"\"}]}",
     .pictures = {"<BBBB>"}},
    {.name = "no data", .in = "{\"id\":\"x\",\"created\":1}", .envelope = "{\"id\":\"x\",\"created\":1}"},
    {.name = "data as object",
     .in = "{\"data\":{\"b64_json\":\"AAAA\",\"x\":[{\"b64_json\":\"BBBB\"}]}}",
     .envelope = "{\"data\":{\"b64_json\":\"AAAA\",\"x\":[{\"b64_json\":\"BBBB\"}]}}"},
    {.name = "data as text, then a list",
     .in = "{\"data\":\"x\",\"list\":[{\"b64_json\":\"AAAA\"}]}",
     .envelope = "{\"data\":\"x\",\"list\":[{\"b64_json\":\"AAAA\"}]}"},
    {.name = "keys as long as the key buffer and longer",
     .in = "{\"abcdefghijklmno\":1,\"abcdefghijklmnop\":2,\"abcdefghijklmnopq\":3,\"data\":[{\"data567890123456b64_"
           "json\":"
           "\"AAAA\",\"b64_json90123456\":\"BBBB\",\"b64_json901234567\":\"CCCC\","
           "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
           "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxb64_json\":\"DDDD\",\"b64_json\":\"EEEE\"}]}",
     .envelope = "{\"abcdefghijklmno\":1,\"abcdefghijklmnop\":2,\"abcdefghijklmnopq\":3,\"data\":[{"
                 "\"data567890123456b64_json\":\"AAAA\",\"b64_json90123456\":\"BBBB\",\"b64_json901234567\":\"CCCC\",\""
                 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxb64_json\":\"DDDD\","
                 "\"b64_json\":\"\"}]}",
     .pictures = {"<EEEE>"}},
    {.name = "parts of names, other case, the empty name",
     .in = "{\"\":[{\"b64_json\":\"AAAA\"}],\"dat\":[{\"b64_json\":\"AAAA\"}],\"Data\":[{\"b64_json\":\"AAAA\"}],"
           "\"data\":"
           "[{\"\":\"BBBB\",\"b64_jso\":\"BBBB\",\"B64_JSON\":\"BBBB\",\"b64_json_\":\"BBBB\",\"ur\":\"u\",\"URL\":"
           "\"u\"}]}",
     .envelope =
         "{\"\":[{\"b64_json\":\"AAAA\"}],\"dat\":[{\"b64_json\":\"AAAA\"}],\"Data\":[{\"b64_json\":\"AAAA\"}],"
         "\"data\":[{\"\":\"BBBB\",\"b64_jso\":\"BBBB\",\"B64_JSON\":\"BBBB\",\"b64_json_\":\"BBBB\",\"ur\":\"u\","
         "\"URL\":\"u\"}]}"},
    {.name = "an array at the top",
     .in = "[{\"data\":[{\"b64_json\":\"AAAA\"}]},{\"b64_json\":\"BBBB\"}]",
     .envelope = "[{\"data\":[{\"b64_json\":\"AAAA\"}]},{\"b64_json\":\"BBBB\"}]"},
    {.name = "a string at the top", .in = "\"b64_json\"", .envelope = "\"b64_json\""},
    {.name = "the service's error",
     .in = "{\"error\": {\"message\": \"invalid key\", \"type\": \"invalid_api_key\"}}",
     .envelope = "{\"error\": {\"message\": \"invalid key\", \"type\": \"invalid_api_key\"}}"},
    {.name = "a byte order mark", .in = "\xef\xbb\xbf{\"data\":[]}", .envelope = "\xef\xbb\xbf{\"data\":[]}"},
};

static const struct body truncated[] = {
    {.name = "inside the picture",
     .in = "{\"data\":[{\"seed\":1,\"b64_json\":\"iVBORw",
     .envelope = "{\"data\":[{\"seed\":1,\"b64_json\":\"",
     .pictures = {"<iVBORw"}},
    {.name = "before the picture's first character",
     .in = "{\"data\":[{\"b64_json\":\"",
     .envelope = "{\"data\":[{\"b64_json\":\"",
     .pictures = {"<"}},
    {.name = "inside an escape of the picture",
     .in = "{\"data\":[{\"b64_json\":\"QUJD\\u00",
     .envelope = "{\"data\":[{\"b64_json\":\"",
     .pictures = {"<QUJD"}},
    {.name = "behind a backslash of the picture",
     .in = "{\"data\":[{\"b64_json\":\"QUJD\\",
     .envelope = "{\"data\":[{\"b64_json\":\"",
     .pictures = {"<QUJD"}},
    {.name = "behind the picture",
     .in = "{\"data\":[{\"b64_json\":\"QUJD\"",
     .envelope = "{\"data\":[{\"b64_json\":\"\"",
     .pictures = {"<QUJD>"}},
    {.name = "inside the second picture",
     .in = "{\"data\":[{\"b64_json\":\"AAAA\"},{\"b64_json\":\"BB",
     .envelope = "{\"data\":[{\"b64_json\":\"\"},{\"b64_json\":\"",
     .pictures = {"<AAAA>", "<BB"}},
    {.name = "inside a link",
     .in = "{\"data\":[{\"url\":\"https:\\/",
     .envelope = "{\"data\":[{\"url\":\"https:\\/",
     .links = {"<https:/"}},
    {.name = "inside a key", .in = "{\"data\":[{\"b64_js", .envelope = "{\"data\":[{\"b64_js"},
    {.name = "behind the colon", .in = "{\"data\":[{\"b64_json\":", .envelope = "{\"data\":[{\"b64_json\":"},
};

static void splits_plain_answers(void **state)
{
  (void)state;
  check_all(plain, COUNT_OF(plain), true);
}

static void unescapes_payloads_and_keys(void **state)
{
  (void)state;
  check_all(escaped, COUNT_OF(escaped), true);
}

static void copies_links_out(void **state)
{
  (void)state;
  check_all(links, COUNT_OF(links), true);
}

static void leaves_all_else_alone(void **state)
{
  (void)state;
  check_all(others, COUNT_OF(others), true);
}

static void shows_where_a_body_was_cut_short(void **state)
{
  (void)state;
  check_all(truncated, COUNT_OF(truncated), false);
}

/* The tables above are torn in two; one answer that has everything is torn in three. */
static void is_torn_twice(void **state)
{
  static const char in[] = "{\"d\\u0061ta\":[{\"url\":\"h\\/\",\"b64_json\":\"A\\/\\u002BA\"},{\"b64_json\":\"B\"}]}";
  struct record record;
  struct scanner scanner;
  size_t length = strlen(in);
  (void)state;
  for (size_t one = 0; one <= length; one++)
    for (size_t two = one; two <= length; two++) {
      memset(&record, 0, sizeof record);
      record.open = -1;
      scanner_init(&scanner, paths, PATHS, take, NULL, &record);
      assert_true(scanner_feed(&scanner, in, one));
      assert_true(scanner_feed(&scanner, in + one, two - one));
      assert_true(scanner_feed(&scanner, in + two, length - two));
      assert_true(
          same(&record.envelope, "{\"d\\u0061ta\":[{\"url\":\"h\\/\",\"b64_json\":\"\"},{\"b64_json\":\"\"}]}"));
      assert_true(same(&record.pictures[0], "<A/+A>"));
      assert_true(same(&record.pictures[1], "<B>"));
      assert_true(same(&record.links[0], "<h/>"));
    }
}

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

/* ----------------------------------------------------------------------------------------- JSON and what is none -- */

#define BYTES(text) text, sizeof(text) - 1

struct sample {
  const char *bytes;
  size_t length;
};

/* The names of JSONTestSuite say what each is; here they stand in its order. */
static const struct sample good_texts[] = {
    {BYTES("[[]   ]")},
    {BYTES("[\"\"]")},
    {BYTES("[]")},
    {BYTES("[\"a\"]")},
    {BYTES("[false]")},
    {BYTES("[null, 1, \"1\", {}]")},
    {BYTES("[null]")},
    {BYTES("[1\n]")},
    {BYTES(" [1]")},
    {BYTES("[1,null,null,null,2]")},
    {BYTES("[2] ")},
    {BYTES("[123e65]")},
    {BYTES("[0e+1]")},
    {BYTES("[0e1]")},
    {BYTES("[ 4]")},
    {BYTES("[-0.000000000000000000000000000000000000000000000000000000000000000000000000000001]\n")},
    {BYTES("[20e1]")},
    {BYTES("[-0]")},
    {BYTES("[-123]")},
    {BYTES("[-1]")},
    {BYTES("[1E22]")},
    {BYTES("[1E-2]")},
    {BYTES("[1E+2]")},
    {BYTES("[123e45]")},
    {BYTES("[123.456e78]")},
    {BYTES("[1e-2]")},
    {BYTES("[1e+2]")},
    {BYTES("[123]")},
    {BYTES("[123.456789]")},
    {BYTES("{\"asd\":\"sdf\", \"dfg\":\"fgh\"}")},
    {BYTES("{\"asd\":\"sdf\"}")},
    {BYTES("{\"a\":\"b\",\"a\":\"c\"}")},
    {BYTES("{}")},
    {BYTES("{\"\":0}")},
    {BYTES("{\"foo\\u0000bar\": 42}")},
    {BYTES("{ \"min\": -1.0e+28, \"max\": 1.0e+28 }")},
    {BYTES("{\"x\":[{\"id\": \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}], \"id\": "
           "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}")},
    {BYTES("{\"a\":[]}")},
    {BYTES("{\"title\":\"\\u041f\\u043e\\u043b\\u0442\\u043e\\u0440\\u0430\" }")},
    {BYTES("{\n\"a\": \"b\"\n}")},
    {BYTES("[\"\\u0060\\u012a\\u12AB\"]")},
    {BYTES("[\"\\uD801\\udc37\"]")},
    {BYTES("[\"\\ud83d\\ude39\\ud83d\\udc8d\"]")},
    {BYTES("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]")},
    {BYTES("[\"\\\\u0000\"]")},
    {BYTES("[\"\\\"\"]")},
    {BYTES("[\"a/*b*/c/*d//e\"]")},
    {BYTES("[\"\\\\a\"]")},
    {BYTES("[\"\\u0012\"]")},
    {BYTES("[\"\\uFFFF\"]")},
    {BYTES("[\"asd\"]")},
    {BYTES("[ \"asd\"]")},
    {BYTES("[\"\xf4\x8f\xbf\xbf\"]")},
    {BYTES("[\"\xef\xbf\xbf\"]")},
    {BYTES("[\"\\u0000\"]")},
    {BYTES("[\"\x7f\"]")},
    {BYTES("\" \"")},
    {BYTES("[\"\xe2\x80\xa8\"]")},
    {BYTES("[\"\xe2\x8d\x82\xe3\x88\xb4\xe2\x8d\x82\"]")},
    {BYTES("false")},
    {BYTES("42")},
    {BYTES("-0.1")},
    {BYTES("null")},
    {BYTES("\"asd\"")},
    {BYTES("true")},
    {BYTES("\"\"")},
    {BYTES("[\"a\"]\n")},
    {BYTES("[true]")},
    {BYTES(" [] ")},
    {BYTES("0")},
    {BYTES("0e0")},
    {BYTES("-0.0E-0")},
    /* it may go either way */
    {BYTES("[123.456e-789]")},
    {BYTES("[0.4e00669999999999999999999999999999999999999999999999999999999999999999999999969999999006]")},
    {BYTES("[-1e+9999]")},
    {BYTES("[-237462374673276894279832749832423479823246327846]")},
    {BYTES("{\"\\uDFAA\":0}")},
    {BYTES("[\"\\uDADA\"]")},
    {BYTES("[\"\\uD888\\u1234\"]")},
    {BYTES("[\"\\uD800\\n\"]")},
    {BYTES("[\"\\uDd1ea\"]")},
    {BYTES("[\"\xff\"]")},
    {BYTES("[\"\xe0\xff\"]")},
    {BYTES("[\"\xed\xa0\x80\"]")},
    {BYTES("[\"\xc0\xaf\"]")},
    {BYTES("\xef\xbb\xbf{}")},
    {BYTES("\xef\xbb\xbf [] ")},
    /* and is to be none, but loses nobody a picture here */
    {BYTES("[\"new\nline\"]")},
    {BYTES("[\"\t\"]")},
    {BYTES("[\"\x1f\x01\"]")},
};

static const struct sample bad_texts[] = {
    {BYTES("[1 true]")},
    {BYTES("[a\xe5]")},
    {BYTES("[\"\": 1]")},
    {BYTES("[\"\"],")},
    {BYTES("[,1]")},
    {BYTES("[1,,2]")},
    {BYTES("[\"x\",,]")},
    {BYTES("[\"x\"]]")},
    {BYTES("[\"\",]")},
    {BYTES("[\"x\"")},
    {BYTES("[x")},
    {BYTES("[3[4]]")},
    {BYTES("[\xff]")},
    {BYTES("[1:2]")},
    {BYTES("[,]")},
    {BYTES("[-]")},
    {BYTES("[   , \"\"]")},
    {BYTES("[\"a\",\n4\n,1,")},
    {BYTES("[1,]")},
    {BYTES("[1,\n1\n,1")},
    {BYTES("[*]")},
    {BYTES("[\"\"")},
    {BYTES("[1,")},
    {BYTES("[{}")},
    {BYTES("[fals]")},
    {BYTES("[nul]")},
    {BYTES("[tru]")},
    {BYTES("123\0")},
    {BYTES("[++1234]")},
    {BYTES("[+1]")},
    {BYTES("[+Inf]")},
    {BYTES("[-01]")},
    {BYTES("[-1.0.]")},
    {BYTES("[-2.]")},
    {BYTES("[-NaN]")},
    {BYTES("[.-1]")},
    {BYTES("[.2e-3]")},
    {BYTES("[0.1.2]")},
    {BYTES("[0.3e+]")},
    {BYTES("[0.3e]")},
    {BYTES("[0.e1]")},
    {BYTES("[0E+]")},
    {BYTES("[0E]")},
    {BYTES("[1.0e+]")},
    {BYTES("[1.0e-]")},
    {BYTES("[1.0e]")},
    {BYTES("[1 000.0]")},
    {BYTES("[1eE2]")},
    {BYTES("[2.e+3]")},
    {BYTES("[2.e-3]")},
    {BYTES("[2.e3]")},
    {BYTES("[9.e+]")},
    {BYTES("[Inf]")},
    {BYTES("[NaN]")},
    {BYTES("[\xef\xbc\x91]")},
    {BYTES("[1+2]")},
    {BYTES("[0x1]")},
    {BYTES("[0x42]")},
    {BYTES("[Infinity]")},
    {BYTES("[0e+-1]")},
    {BYTES("[-123.123foo]")},
    {BYTES("[123\xe5]")},
    {BYTES("[1e1\xe5]")},
    {BYTES("[0\xe5]")},
    {BYTES("[-Infinity]")},
    {BYTES("[-foo]")},
    {BYTES("[- 1]")},
    {BYTES("[-012]")},
    {BYTES("[-.123]")},
    {BYTES("[-1x]")},
    {BYTES("[1ea]")},
    {BYTES("[1e\xe5]")},
    {BYTES("[1.]")},
    {BYTES("[.123]")},
    {BYTES("[1.2a-3]")},
    {BYTES("[1.8011670033376514H-308]")},
    {BYTES("[012]")},
    {BYTES("[\"x\", truth]")},
    {BYTES("{[: \"x\"}\n")},
    {BYTES("{\"x\", null}")},
    {BYTES("{\"x\"::\"b\"}")},
    {BYTES("{\xf0\x9f\x87\xa8\xf0\x9f\x87\xad}")},
    {BYTES("{\"a\":\"a\" 123}")},
    {BYTES("{key: 'value'}")},
    {BYTES("{\"\xb9\":\"0\",}")},
    {BYTES("{\"a\" b}")},
    {BYTES("{:\"b\"}")},
    {BYTES("{\"a\" \"b\"}")},
    {BYTES("{\"a\":")},
    {BYTES("{\"a\"")},
    {BYTES("{1:1}")},
    {BYTES("{9999E9999:1}")},
    {BYTES("{null:null,null:null}")},
    {BYTES("{\"id\":0,,,,,}")},
    {BYTES("{'a':0}")},
    {BYTES("{\"id\":0,}")},
    {BYTES("{\"a\":\"b\"}/**/")},
    {BYTES("{\"a\":\"b\"}/**//")},
    {BYTES("{\"a\":\"b\"}//")},
    {BYTES("{\"a\":\"b\"}/")},
    {BYTES("{\"a\":\"b\",,\"c\":\"d\"}")},
    {BYTES("{a: \"b\"}")},
    {BYTES("{\"a\":\"a")},
    {BYTES("{ \"foo\" : \"bar\", \"a\" }")},
    {BYTES("{\"a\":\"b\"}#")},
    {BYTES(" ")},
    {BYTES("")},
    {BYTES("[\"\\uD800\\\"]")},
    {BYTES("[\"\\uD800\\u\"]")},
    {BYTES("[\"\\uD800\\u1\"]")},
    {BYTES("[\"\\uD800\\u1x\"]")},
    {BYTES("[\xc3\xa9]")},
    {BYTES("[\"\\\0\"]")},
    {BYTES("[\"\\x00\"]")},
    {BYTES("[\"\\\\\\\"]")},
    {BYTES("[\"\\\t\"]")},
    {BYTES("[\"\\\xf0\x9f\x8c\x80\"]")},
    {BYTES("[\"\\\"]")},
    {BYTES("[\"\\u00A\"]")},
    {BYTES("[\"\\uD834\\uDd\"]")},
    {BYTES("[\"\\uD800\\uD800\\x\"]")},
    {BYTES("[\"\\u\xe5\"]")},
    {BYTES("[\"\\a\"]")},
    {BYTES("[\"\\uqqqq\"]")},
    {BYTES("[\"\\\xe5\"]")},
    {BYTES("[\\u0020\"asd\"]")},
    {BYTES("[\\n]")},
    {BYTES("\"")},
    {BYTES("['single quote']")},
    {BYTES("abc")},
    {BYTES("[\"\\")},
    {BYTES("[\"a\0a\"]")},
    {BYTES("{\"a\0\":1}")},
    {BYTES("[\"\\UA66D\"]")},
    {BYTES("\"\"x")},
    {BYTES("<.>")},
    {BYTES("[<null>]")},
    {BYTES("[1]x")},
    {BYTES("[1]]")},
    {BYTES("[\"asd]")},
    {BYTES("a\xc3\xa5")},
    {BYTES("[True]")},
    {BYTES("1]")},
    {BYTES("{\"x\": true,")},
    {BYTES("[][]")},
    {BYTES("]")},
    {BYTES("\xef\xbb{}")},
    {BYTES("\xef\xbb\xbf")},
    {BYTES("\xef\xbb\xbf\xef\xbb\xbf[]")},
    {BYTES(" \xef\xbb\xbf[]")},
    {BYTES("\xe5")},
    {BYTES("[")},
    {BYTES("[\0]")},
    {BYTES("2@")},
    {BYTES("{}}")},
    {BYTES("{\"\":")},
    {BYTES("{\"a\":/*comment*/\"b\"}")},
    {BYTES("{\"a\": true} \"x\"")},
    {BYTES("['")},
    {BYTES("[,")},
    {BYTES("[{")},
    {BYTES("[\"a")},
    {BYTES("{")},
    {BYTES("{]")},
    {BYTES("[}")},
    {BYTES("{,")},
    {BYTES("{[")},
    {BYTES("{\"a")},
    {BYTES("{'a'")},
    {BYTES("[\"\\{[\"\\{[\"\\{[\"\\{")},
    {BYTES("*")},
    {BYTES("{\"a\":\"b\"}#{}")},
    {BYTES("[\\u000A\"\"]")},
    {BYTES("[1")},
    {BYTES("[ false, nul")},
    {BYTES("[ true, fals")},
    {BYTES("[ false, tru")},
    {BYTES("{\"asd\":\"asd\"")},
    {BYTES("\xc3\xa5")},
    {BYTES("[\xe2\x81\xa0]")},
    {BYTES("[\x0c]")},
    {BYTES("[\x0b]")},
    {BYTES("00")},
    {BYTES("-")},
    {BYTES("1e")},
    {BYTES("1.")},
    {BYTES("nulll")},
    {BYTES("{\"a\":1 \"b\":2}")},
    {BYTES("{\"a\":[1}")},
    {BYTES("[{\"a\":1]")},
    {BYTES("\xff\xfe[\0\"\0\xe9\0\"\0]\0")},
    {BYTES("\0[\0\"\0\xe9\0\"\0]")},
};

/* Whether it is JSON, in pieces of every size and cut at every place: they are all to agree, on the place of a flaw too. */
static bool is_json(const struct sample *sample)
{
  struct record record;
  struct scanner scanner, other;
  size_t length = sample->length;
  bool good = feed(&scanner, &record, sample->bytes, length, length, length, NULL, 0) && scanner_end(&scanner);
  assert_true((scanner.flaw == NULL) == good);
  for (size_t size = 1; size < length; size++)
    for (int cut = 0; cut < 2; cut++) {
      bool same =
          feed(&other, &record, sample->bytes, length, size, cut ? length : size, NULL, 0) && scanner_end(&other);
      if (same != good || other.flaw != scanner.flaw || other.at != scanner.at)
        fail_msg("\"%s\" in pieces of %zu: %s at %zu", sample->bytes, size, other.flaw, (size_t)other.at);
    }
  return good;
}

static void knows_json_from_what_is_none(void **state)
{
  (void)state;
  for (size_t i = 0; i < COUNT_OF(good_texts); i++)
    if (!is_json(&good_texts[i]))
      fail_msg("\"%s\" was refused", good_texts[i].bytes);
  for (size_t i = 0; i < COUNT_OF(bad_texts); i++)
    if (is_json(&bad_texts[i]))
      fail_msg("\"%s\" was taken", bad_texts[i].bytes);
}

/* No text that goes on becomes another by what is behind it: what was cut is no JSON, except for numbers at the top. */
static void what_was_cut_is_no_json(void **state)
{
  (void)state;
  for (size_t i = 0; i < COUNT_OF(plain); i++)
    for (size_t length = 0; plain[i].in[length] != '\0'; length++) {
      struct sample cut = {plain[i].in, length};
      bool blank = strspn(plain[i].in + length, " \t\r\n") == strlen(plain[i].in + length);
      struct record record;
      struct scanner scanner;
      assert_true(feed(&scanner, &record, cut.bytes, length, length, length, NULL, 0));
      assert_int_equal(scanner_end(&scanner), blank);
      assert_true(blank || strcmp(scanner.flaw, "it ends too early") == 0);
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

static void says_what_is_wrong_and_where(void **state)
{
  static const struct {
    const char *in;
    size_t at;
    const char *flaw;
  } flaws[] = {
      {"{\"a\" 1}", 5, "a colon is missing"},
      {"{\"a\":1 \"b\":2}", 7, "a comma or } is missing"},
      {"[1 2]", 3, "a comma or ] is missing"},
      {"{\"a\":1,}", 7, "a key in double quotes is missing"},
      {"{a:1}", 1, "a key in double quotes is missing"},
      {"[1,]", 3, "a value is missing"},
      {"[tru]", 4, "a value is missing"},
      {"{\"a\":}", 5, "a value is missing"},
      {"[1}", 2, "the wrong bracket closes"},
      {"{\"a\":1]", 6, "the wrong bracket closes"},
      {"{} x", 3, "only white space may follow"},
      {"[1.x]", 3, "a number is broken"},
      {"[01]", 2, "a comma or ] is missing"},
      {"[\"\\x\"]", 3, "an escape is broken"},
      {"[\"\\u12x4\"]", 6, "an escape is broken"},
      {"[1,2", 4, "it ends too early"},
  };
  (void)state;
  for (size_t i = 0; i < COUNT_OF(flaws); i++) {
    struct record record;
    struct scanner scanner;
    size_t length = strlen(flaws[i].in);
    assert_false(feed(&scanner, &record, flaws[i].in, length, length, length, NULL, 0) && scanner_end(&scanner));
    assert_string_equal(scanner.flaw, flaws[i].flaw);
    assert_int_equal(scanner.at, flaws[i].at);
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

/* --------------------------------------------------------------------------------------------------------- paths -- */

/* What a sink is told, as text: "path@index: what". */
struct story {
  char text[RECORD_MAX];
  size_t length;
};

static bool tell(void *context, enum scanner_event event, unsigned path, size_t index, const char *bytes, size_t length)
{
  static const char *const names[] = {"{", "[", "true", "false", "null", "\"", "\"", "", "#"};
  struct story *story = context;
  if (event == SCANNER_ENVELOPE)
    return true;
  if (event != SCANNER_TEXT && event != SCANNER_TEXT_END)
    story->length += (size_t)snprintf(story->text + story->length, 64, " %u@%zu:", path, index);
  story->length += (size_t)snprintf(story->text + story->length, 256, "%s%.*s", names[event], (int)length, bytes);
  return true;
}

static void check_story(const struct scanner_path *given, unsigned path_count, const char *in, const char *expected)
{
  size_t length = strlen(in);
  for (size_t chunk = 1; chunk <= length; chunk++) {
    struct scanner scanner;
    struct story story = {.length = 0};
    scanner_init(&scanner, given, path_count, tell, NULL, &story);
    for (size_t at = 0; at < length; at += chunk)
      assert_true(scanner_feed(&scanner, in + at, at + chunk < length ? chunk : length - at));
    assert_true(scanner_end(&scanner));
    assert_string_equal(story.text, expected);
  }
}

static void reports_values_of_every_kind_at_paths_of_every_kind(void **state)
{
  static const struct scanner_path given[] = {
      {{NULL}, false},           {{"a"}, false},      {{"l", "[]"}, false},
      {{"l", "[]", "x"}, false}, {{"*", "b"}, false}, {{"deep", "[]", "*", "[]", "z"}, false},
  };
  (void)state;
  check_story(given, COUNT_OF(given),
              "{\"a\":1,\"a\":\"\\u0041b\",\"a\":true,\"a\":false,\"a\":null,\"a\":{},\"a\":[],\"b\":2}",
              " 0@0:{ 1@0:#1 1@0:\"Ab\" 1@0:true 1@0:false 1@0:null 1@0:{ 1@0:[");
  check_story(given, COUNT_OF(given), "{\"l\":[1,{\"x\":2},[{\"x\":3}],\"s\",{\"x\":{\"x\":4}}],\"l\":{\"x\":5}}",
              " 0@0:{ 2@0:#1 2@1:{ 3@1:#2 2@2:[ 2@3:\"s\" 2@4:{ 3@4:{");
  check_story(given, COUNT_OF(given), "{\"b\":0,\"c\":{\"b\":1,\"d\":{\"b\":2}},\"a\":{\"b\":3},\"l\":[{\"b\":4}]}",
              " 0@0:{ 4@0:#1 1@0:{ 4@0:#3 2@0:{");
  check_story(given, COUNT_OF(given), "{\"deep\":[{\"q\":[{\"z\":1},{\"z\":2}]},[[{\"z\":3}]]]}",
              " 0@0:{ 5@0:#1 5@0:#2 5@1:#3");
  check_story(given, COUNT_OF(given), "[{\"a\":1,\"b\":2},[],{\"b\":\"\"}]", " 0@0:[ 4@0:#2 4@2:\"\"");
  check_story(given, COUNT_OF(given), "7", " 0@0:#7");
  check_story(given, COUNT_OF(given), "-0.5E+1 ", " 0@0:#-0.5E+1");
  check_story(given, COUNT_OF(given), "\"x\"", " 0@0:\"x\"");
}

/* Of a number that is too long for its place nothing is told but that it is one. */
static void numbers_are_reported_up_to_a_length(void **state)
{
  static const struct scanner_path given[] = {{{"a"}, false}};
  (void)state;
  for (size_t digits = SCANNER_MAX_NUMBER - 2; digits < SCANNER_MAX_NUMBER + 3; digits++) {
    char in[2 * SCANNER_MAX_NUMBER], expected[2 * SCANNER_MAX_NUMBER], nines[SCANNER_MAX_NUMBER + 4] = "";
    memset(nines, '9', digits);
    snprintf(in, sizeof in, "{\"a\":%s}", nines);
    snprintf(expected, sizeof expected, " 0@0:#%s", digits <= SCANNER_MAX_NUMBER ? nines : "");
    check_story(given, 1, in, expected);
  }
}

/* As many paths as there may be, of which the last one fits. */
static void has_room_for_many_paths(void **state)
{
  struct scanner_path given[SCANNER_MAX_PATHS];
  (void)state;
  for (unsigned i = 0; i < SCANNER_MAX_PATHS; i++)
    given[i] = (struct scanner_path){{i + 1 < SCANNER_MAX_PATHS ? "other" : "a", "b"}, false};
  check_story(given, SCANNER_MAX_PATHS, "{\"a\":{\"b\":1},\"other\":{\"b\":2}}", " 63@0:#1 0@0:#2");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(splits_plain_answers),
      cmocka_unit_test(unescapes_payloads_and_keys),
      cmocka_unit_test(copies_links_out),
      cmocka_unit_test(leaves_all_else_alone),
      cmocka_unit_test(shows_where_a_body_was_cut_short),
      cmocka_unit_test(is_torn_twice),
      cmocka_unit_test(a_refusal_is_for_good),
      cmocka_unit_test(a_broken_escape_in_a_payload_is_refused),
      cmocka_unit_test(a_large_picture_comes_in_large_pieces),
      cmocka_unit_test(random_text_is_the_same_in_pieces),
      cmocka_unit_test(knows_json_from_what_is_none),
      cmocka_unit_test(what_was_cut_is_no_json),
      cmocka_unit_test(one_changed_byte_is_judged_alike_in_pieces),
      cmocka_unit_test(says_what_is_wrong_and_where),
      cmocka_unit_test(nesting_has_a_bound_and_needs_no_memory),
      cmocka_unit_test(reports_values_of_every_kind_at_paths_of_every_kind),
      cmocka_unit_test(numbers_are_reported_up_to_a_length),
      cmocka_unit_test(has_room_for_many_paths),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
