/* Texts that are JSON and texts that are none, each whole, in pieces of every size and torn at every place. */
#include "record.h"

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

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(knows_json_from_what_is_none),
      cmocka_unit_test(says_what_is_wrong_and_where),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
