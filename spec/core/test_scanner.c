/* The scanner on answers: what goes to the envelope, the pictures and the links, in pieces and torn at every place. */
#include "record.h"

/* What is to come of an answer. A payload is written "<text>", and "<text" where its end never came; two at the same
   place stand one after the other. NULL: none. */
struct body {
  const char *name;
  const char *in;
  const char *envelope;
  const char *pictures[PLACES];
  const char *links[PLACES];
};

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
    {.name = "a key that is longer than what is kept of one",
     .in =
         "{\"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk\":\"AAAA\","
         "\"data\":[{\"b64_json\":\"BBBB\"}]}",
     .envelope =
         "{\"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk\":\"AAAA\","
         "\"data\":[{\"b64_json\":\"\"}]}",
     .pictures = {"<BBBB>"}},
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

/* No text that goes on becomes another by what is behind it: what was cut is no JSON, except for numbers at the top. */
static void what_was_cut_is_no_json(void **state)
{
  (void)state;
  for (size_t i = 0; i < COUNT_OF(plain); i++)
    for (size_t length = 0; plain[i].in[length] != '\0'; length++) {
      bool blank = strspn(plain[i].in + length, " \t\r\n") == strlen(plain[i].in + length);
      struct record record;
      struct scanner scanner;
      assert_true(feed(&scanner, &record, plain[i].in, length, length, length, NULL, 0));
      assert_int_equal(scanner_end(&scanner), blank);
      assert_true(blank || strcmp(scanner.flaw, "it ends too early") == 0);
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
      cmocka_unit_test(what_was_cut_is_no_json),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
