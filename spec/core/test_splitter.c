/* The envelope splitter: a set of answers, each whole, in pieces of every size and torn at every place. */
#include "check.h"

#include <ctype.h>
#include <stdio.h>

#include "payload/splitter.h"

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

static bool take(void *context, enum splitter_event event, size_t index, const char *bytes, size_t length)
{
  struct record *record = context;
  record->calls++;
  assert_true(record->refuse_at == 0 || record->calls <= record->refuse_at);
  switch (event) {
  case SPLITTER_ENVELOPE:
    add(&record->envelope, bytes, length);
    break;
  case SPLITTER_PICTURE_BEGIN:
  case SPLITTER_URL_BEGIN:
    assert_int_equal(record->open, -1);
    assert_int_equal(length, 0);
    if (index >= PLACES) {
      fail();
      return false;
    }
    record->open = (int)event;
    record->open_at = index;
    add(event == SPLITTER_URL_BEGIN ? &record->links[index] : &record->pictures[index], "<", 1);
    break;
  case SPLITTER_PICTURE:
    assert_int_equal(record->open, SPLITTER_PICTURE_BEGIN);
    assert_int_equal(record->open_at, index);
    add(&record->pictures[index], bytes, length);
    break;
  case SPLITTER_URL:
    assert_int_equal(record->open, SPLITTER_URL_BEGIN);
    assert_int_equal(record->open_at, index);
    add(&record->links[index], bytes, length);
    break;
  case SPLITTER_PICTURE_END:
  case SPLITTER_URL_END:
    assert_int_equal(record->open, event == SPLITTER_URL_END ? SPLITTER_URL_BEGIN : SPLITTER_PICTURE_BEGIN);
    assert_int_equal(record->open_at, index);
    assert_int_equal(length, 0);
    record->open = -1;
    add(event == SPLITTER_URL_END ? &record->links[index] : &record->pictures[index], ">", 1);
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
  assert_int_equal(record->open, SPLITTER_PICTURE_BEGIN);
  while (taken < length && isalnum((unsigned char)bytes[taken]))
    taken++;
  add(&record->pictures[record->open_at], bytes, taken);
  return taken;
}

/* Feeds an answer in pieces: one of `first` bytes, then of `chunk`. False as soon as the splitter says so, and it must
   then never say anything else, nor call the sink again. */
static bool feed(struct record *record, const char *in, size_t length, size_t first, size_t chunk,
                 splitter_reader *reader, size_t refuse_at)
{
  struct splitter splitter;
  memset(record, 0, sizeof *record);
  record->open = -1;
  record->refuse_at = refuse_at;
  splitter_init(&splitter, take, reader, record);
  for (size_t at = 0, size = first; at < length; at += size, size = chunk) {
    if (size > length - at)
      size = length - at;
    char *piece = exact_copy(in + at, size);
    bool good = splitter_feed(&splitter, piece, size);
    free(piece);
    if (!good) {
      size_t calls = record->calls;
      assert_false(splitter_feed(&splitter, in, length));
      assert_false(splitter_feed(&splitter, "\"}", 2));
      assert_false(splitter_feed(&splitter, "", 0));
      assert_int_equal(record->calls, calls);
      return false;
    }
    assert_true(splitter_feed(&splitter, "", 0));
  }
  return true;
}

static bool same(const struct text *text, const char *expected)
{
  size_t length = expected != NULL ? strlen(expected) : 0;
  return text->length == length && (length == 0 || memcmp(text->bytes, expected, length) == 0);
}

static void check(const struct body *body, size_t first, size_t chunk, splitter_reader *reader)
{
  struct record record;
  if (!feed(&record, body->in, strlen(body->in), first, chunk, reader, 0))
    fail_msg("%s (%zu, then %zu): refused", body->name, first, chunk);
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

static void check_all_by(const struct body *bodies, size_t count, splitter_reader *reader)
{
  for (size_t i = 0; i < count; i++) {
    size_t length = strlen(bodies[i].in);
    check(&bodies[i], length, length, reader);
    for (size_t chunk = 1; chunk <= CHUNK_MAX; chunk++)
      check(&bodies[i], chunk, chunk, reader);
    for (size_t cut = 1; cut < length; cut++)
      check(&bodies[i], cut, length, reader);
  }
}

static void check_all(const struct body *bodies, size_t count)
{
  check_all_by(bodies, count, NULL);
  check_all_by(bodies, count, take_some);
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
    {.name = "halves of surrogate pairs: bytes that nothing takes for base64",
     .in = "{\"data\":[{\"b64_json\":\"A\\ud83dB\"},{\"b64_json\":\"\\uDE00\"},{\"b64_json\":\"\\ud83d\\ude00\"}]}",
     .envelope = "{\"data\":[{\"b64_json\":\"\"},{\"b64_json\":\"\"},{\"b64_json\":\"\"}]}",
     .pictures = {"<A\xed\xa0\xbd"
                  "B>",
                  "<\xed\xb8\x80>", "<\xed\xa0\xbd\xed\xb8\x80>"}},
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
    {.name = "a gateway's page",
     .in = "<html><head><title>502 \"Bad\" Gateway</title></head>{[\\\"</html>",
     .envelope = "<html><head><title>502 \"Bad\" Gateway</title></head>{[\\\"</html>"},
    {.name = "closing brackets without an opening one",
     .in = "}]}{\"data\":[{\"b64_json\":\"AAAA\"}]}]}",
     .envelope = "}]}{\"data\":[{\"b64_json\":\"\"}]}]}",
     .pictures = {"<AAAA>"}},
    {.name = "escapes that are none, outside of payloads: the JSON reader's business",
     .in = "{\"a\\x\":\"b\\y\\u12G4\",\"\\uZZZZ\":1,\"data\":[{\"c\":\"\\u12\",\"b64_json\":\"AAAA\"}]}",
     .envelope = "{\"a\\x\":\"b\\y\\u12G4\",\"\\uZZZZ\":1,\"data\":[{\"c\":\"\\u12\",\"b64_json\":\"\"}]}",
     .pictures = {"<AAAA>"}},
    {.name = "empty", .in = "", .envelope = ""},
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
  check_all(plain, COUNT_OF(plain));
}

static void unescapes_payloads_and_keys(void **state)
{
  (void)state;
  check_all(escaped, COUNT_OF(escaped));
}

static void copies_links_out(void **state)
{
  (void)state;
  check_all(links, COUNT_OF(links));
}

static void leaves_all_else_alone(void **state)
{
  (void)state;
  check_all(others, COUNT_OF(others));
}

static void shows_where_a_body_was_cut_short(void **state)
{
  (void)state;
  check_all(truncated, COUNT_OF(truncated));
}

/* The tables above are torn in two; one answer that has everything is torn in three. */
static void is_torn_twice(void **state)
{
  static const char in[] = "{\"d\\u0061ta\":[{\"url\":\"h\\/\",\"b64_json\":\"A\\/\\u002BA\"},{\"b64_json\":\"B\"}]}";
  struct record record;
  struct splitter splitter;
  size_t length = strlen(in);
  (void)state;
  for (size_t one = 0; one <= length; one++)
    for (size_t two = one; two <= length; two++) {
      memset(&record, 0, sizeof record);
      record.open = -1;
      splitter_init(&splitter, take, NULL, &record);
      assert_true(splitter_feed(&splitter, in, one));
      assert_true(splitter_feed(&splitter, in + one, two - one));
      assert_true(splitter_feed(&splitter, in + two, length - two));
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
    size_t size = sizes[i / 2];
    splitter_reader *reader = i % 2 == 0 ? NULL : take_some;
    assert_true(feed(&whole, in, length, size, size, reader, 0));
    assert_true(whole.calls >= 12);
    for (size_t call = 1; call <= whole.calls; call++) {
      assert_false(feed(&record, in, length, size, size, reader, call));
      assert_int_equal(record.calls, call);
    }
    assert_true(feed(&record, in, length, size, size, reader, whole.calls + 1));
  }
}

static void a_broken_escape_in_a_payload_is_refused(void **state)
{
  static const char *const escapes[] = {"\\x",     "\\u12G4", "\\uG123", "\\u123G", "\\u 123", "\\u-123", "\\u+123",
                                        "\\u0x41", "\\U0041", "\\'",     "\\0",     "\\N",     "\\ ",     "\\\n"};
  static const char *const keys[] = {"b64_json", "url"};
  struct record record;
  (void)state;
  for (size_t i = 0; i < COUNT_OF(escapes); i++)
    for (size_t k = 0; k < COUNT_OF(keys); k++) {
      char in[128];
      int length =
          snprintf(in, sizeof in, "{\"data\":[{\"seed\":1,\"%s\":\"QUJD%sQUJD\"}],\"id\":1}", keys[k], escapes[i]);
      for (size_t first = 1; first <= (size_t)length; first++) {
        assert_false(feed(&record, in, (size_t)length, first, first, take_some, 0));
        assert_false(feed(&record, in, (size_t)length, first, (size_t)length, NULL, 0));
        assert_true(same(k == 0 ? &record.pictures[0] : &record.links[0], "<QUJD"));
      }
    }
  /* a quote among the digits is no end of the string */
  assert_false(feed(&record, "{\"data\":[{\"b64_json\":\"\\u00\"}]}", 30, 1, 1, NULL, 0));
}

struct tally {
  size_t envelope, picture, calls, read;
};

static bool count(void *context, enum splitter_event event, size_t index, const char *bytes, size_t length)
{
  struct tally *tally = context;
  (void)index;
  tally->calls++;
  if (event == SPLITTER_ENVELOPE)
    tally->envelope += length;
  if (event == SPLITTER_PICTURE) {
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
    struct splitter splitter;
    struct tally tally = {0};
    splitter_init(&splitter, count, read ? count_all : NULL, &tally);
    assert_true(splitter_feed(&splitter, before, sizeof before - 1));
    for (size_t fed = 0; fed < LARGE; fed += PIECE)
      assert_true(splitter_feed(&splitter, piece, PIECE));
    assert_true(splitter_feed(&splitter, after, sizeof after - 1));
    assert_int_equal(read ? tally.read : tally.picture, LARGE);
    assert_int_equal(tally.envelope, sizeof before + sizeof after - 2);
    assert_true(tally.calls < LARGE / PIECE + 10);
  }
  free(piece);
}

static void deep_brackets_need_no_memory(void **state)
{
  struct splitter splitter;
  struct tally tally = {0};
  (void)state;
  splitter_init(&splitter, count, NULL, &tally);
  assert_true(splitter_feed(&splitter, "{\"x\":", 5));
  for (int i = 0; i < 100000; i++)
    assert_true(splitter_feed(&splitter, "[", 1));
  for (int i = 0; i < 100000; i++)
    assert_true(splitter_feed(&splitter, "]", 1));
  assert_true(splitter_feed(&splitter, ",\"data\":[{\"b64_json\":\"AAAA\"}]}", 31));
  assert_int_equal(tally.picture, 4);
  assert_int_equal(tally.envelope, 5 + 200000 + 27);
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
    char in[256];
    size_t length = 0;
    for (int i = 0; i < 14; i++) {
      const char *token = tokens[next_random(&seed) % COUNT_OF(tokens)];
      memcpy(in + length, token, strlen(token));
      length += strlen(token);
    }
    bool good = feed(&whole, in, length, length, length, NULL, 0);
    for (size_t chunk = 1; chunk <= 9; chunk++) {
      assert_int_equal(feed(&record, in, length, chunk, chunk, chunk % 2 == 0 ? take_some : NULL, 0), good);
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
      cmocka_unit_test(deep_brackets_need_no_memory),
      cmocka_unit_test(random_text_is_the_same_in_pieces),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
