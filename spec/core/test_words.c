/* What servers say in their own words: the forms that were seen, cut, hostile ones, and the key in them. */
#include "check.h"

#include <stdio.h>

#include "base/text.h"
#include "payload/markup.h"
#include "payload/words.h"

#define KEY "sk-0123456789abcdef"

struct form {
  const char *body;
  enum words_source source;
  const char *message, *type, *code;
};

static void read_exactly(struct words *words, const char *body, size_t length)
{
  char *copy = exact_copy(body, length);
  memset(words, 0x55, sizeof *words);
  words_read(words, copy, length, KEY);
  free(copy);
  assert_true(strlen(words->message) <= WORDS_MAX);
  assert_true(strlen(words->type) < sizeof words->type && strlen(words->code) < sizeof words->code);
  assert_true((words->source == WORDS_NONE) == (words->message[0] == '\0'));
}

static void check_forms(const struct form *forms, size_t count)
{
  for (size_t i = 0; i < count; i++) {
    const struct form *form = &forms[i];
    struct words words;
    read_exactly(&words, form->body, strlen(form->body));
    if (words.source != form->source || strcmp(words.message, form->message) != 0)
      fail_msg("%s: \"%s\" (%d)", form->body, words.message, (int)words.source);
    if (strcmp(words.type, form->type != NULL ? form->type : "") != 0 ||
        strcmp(words.code, form->code != NULL ? form->code : "") != 0)
      fail_msg("%s: type \"%s\", code \"%s\"", form->body, words.type, words.code);
  }
}

static void reads_the_usual_forms(void **state)
{
  static const struct form forms[] = {
      {"{\"error\":{\"message\":\"No.\",\"type\":\"t\",\"code\":\"c\"}}", WORDS_SAID, "No.", "t", "c"},
      {"{\"error\":{\"code\":null,\"type\":7,\"message\":\"No.\"}}", WORDS_SAID, "No.", NULL, NULL},
      {"{\"error\":{\"code\":1113,\"message\":\"No.\"}}", WORDS_SAID, "No.", NULL, "1113"},
      {"{\"error\":\"No.\"}", WORDS_SAID, "No.", NULL, NULL},
      {"{\"message\":\"more\",\"error\":{\"message\":\"No.\"}}", WORDS_SAID, "No.", NULL, NULL},
      {"{\"message\":\"No.\",\"type\":\"t\"}", WORDS_SAID, "No.", "t", NULL},
      {"{\"code\":40001,\"msg\":\"No.\"}", WORDS_SAID, "No.", NULL, "40001"},
      {"{\"code\":\"x\",\"msg\":\"No.\",\"data\":null}", WORDS_SAID, "No.", NULL, "x"},
      {"{\"statusCode\":400,\"error\":\"Bad Request\",\"message\":\"No.\"}", WORDS_SAID, "No.", NULL, NULL},
      {"{\"message\":[\"No.\",\"Nor this.\"],\"error\":\"Bad Request\"}", WORDS_SAID, "No.", NULL, NULL},
      {"{\"error\":\"invalid_request\",\"error_description\":\"No.\"}", WORDS_SAID, "No.", NULL, NULL},
      {"{\"detail\":\"No.\"}", WORDS_SAID, "No.", NULL, NULL},
      {"{\"detail\":[{\"loc\":[\"body\",\"size\"],\"msg\":\"No.\",\"type\":\"t\"},{\"msg\":\"Nor this.\"}]}",
       WORDS_SAID, "No.", "t", NULL},
      {"{\"detail\":{\"error\":{\"message\":\"No.\"}}}", WORDS_SAID, "No.", NULL, NULL},
      {"{\"errors\":[{\"code\":\"c\",\"message\":\"No.\"}]}", WORDS_SAID, "No.", NULL, "c"},
      {"{\"errors\":[\"No.\",\"Nor this.\"]}", WORDS_SAID, "No.", NULL, NULL},
      {"{\"errors\":{\"prompt\":[\"No.\"]}}", WORDS_SAID, "No.", NULL, NULL},
      {"{\"error_code\":17,\"error_msg\":\"No.\"}", WORDS_SAID, "No.", NULL, "17"},
      {"{\"error\":{\"error\":{\"message\":\"No.\"}}}", WORDS_SAID, "No.", NULL, NULL},
      {"{\"type\":\"about:blank\",\"title\":\"Forbidden\",\"status\":403,\"detail\":\"No.\"}", WORDS_SAID, "No.",
       "about:blank", NULL},
      {"{\"data\":[{\"error\":{\"message\":\"No.\",\"type\":\"t\",\"code\":\"c\"}}]}", WORDS_SAID, "No.", "t", "c"},
      {"{\"id\":\"1\",\"data\":[{\"seed\":7},{\"error\":\"No.\"}]}", WORDS_SAID, "No.", NULL, NULL},
      {"[{\"error\":{\"message\":\"No.\",\"code\":400}}]", WORDS_SAID, "No.", NULL, "400"},
      {"[\"No.\"]", WORDS_SAID, "No.", NULL, NULL},
      {"{\"response\":{\"error\":{\"message\":\"No.\",\"type\":\"t\"}}}", WORDS_SAID, "No.", "t", NULL},
      {"{\"result\":[{\"message\":\"No.\"}]}", WORDS_SAID, "No.", NULL, NULL},
      {"\xef\xbb\xbf {\"message\":\"No.\"}", WORDS_SAID, "No.", NULL, NULL},
      {"{\"error\":{\"message\":\"\"},\"message\":\"No.\"}", WORDS_SAID, "No.", NULL, NULL},
      {"{\"error\":{\"message\":\" \\n\"},\"message\":\"No.\"}", WORDS_SAID, "No.", NULL, NULL},
      {"{\"error\":{\"message\":\"\\u706f\\u5854 \\ud83d\"}}", WORDS_SAID, "灯塔 \xef\xbf\xbd", NULL, NULL},
      {"{\"error\":{\"message\":\"a\\u0000b\\u001b[31m\\r\\n\"}}", WORDS_SAID, "a?b?[31m??", NULL, NULL},
      {"{\"error\":{\"message\":\"a\xff\"}}", WORDS_SAID, "a?", NULL, NULL},
      {"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>AccessDenied</Code><Message>Request has "
       "expired</Message>"
       "<X/></Error>",
       WORDS_SAID, "Request has expired", NULL, "AccessDenied"},
      {"<Error><Code>NoSuchKey</Code><Message>Not &quot;here&quot; &amp; &#x706f;&#33;</Message></Error>", WORDS_SAID,
       "Not \"here\" & 灯!", NULL, "NoSuchKey"},
      {"\xef\xbb\xbf<?xml version=\"1.0\"?><Error><Code>BlobNotFound</Code><Message>No.</Message></Error>", WORDS_SAID,
       "No.", NULL, "BlobNotFound"},
      {"\r\n\t <Error><Code>c</Code><Message>No.</Message></Error>", WORDS_SAID, "No.", NULL, "c"},
      {"\xef\xbb\xbf {\"error\":{\"message\":\"No.\"}}", WORDS_SAID, "No.", NULL, NULL},
      {"\xef\xbb\xbfupstream connect error", WORDS_QUOTED, "upstream connect error", NULL, NULL},
  };
  (void)state;
  check_forms(forms, COUNT_OF(forms));
}

static void quotes_what_has_no_form(void **state)
{
  static const struct form forms[] = {
      {"upstream connect error", WORDS_QUOTED, "upstream connect error", NULL, NULL},
      {"  \r\n upstream\n\n  connect\terror  ", WORDS_QUOTED, "upstream connect error", NULL, NULL},
      {"error code: 1015", WORDS_QUOTED, "error code: 1015", NULL, NULL},
      {"{\"foo\":\"bar\"}", WORDS_QUOTED, "{\"foo\":\"bar\"}", NULL, NULL},
      {"{\"error\":{\"message\":{\"a\":1}}}", WORDS_QUOTED, "{\"error\":{\"message\":{\"a\":1}}}", NULL, NULL},
      {"{\"code\":5}", WORDS_QUOTED, "{\"code\":5}", NULL, "5"},
      {"<Error><Code>StandIn</Code></Error>", WORDS_QUOTED, "<Error><Code>StandIn</Code></Error>", NULL, "StandIn"},
      {"{}", WORDS_NONE, "", NULL, NULL},
      {"[]", WORDS_NONE, "", NULL, NULL},
      {"null", WORDS_NONE, "", NULL, NULL},
      {" \n \n \n \n", WORDS_NONE, "", NULL, NULL},
      {"", WORDS_NONE, "", NULL, NULL},
  };
  struct words words;
  (void)state;
  check_forms(forms, COUNT_OF(forms));
  read_exactly(&words, "\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16);
  assert_int_equal(words.source, WORDS_NONE);
}

static void shows_a_page_by_its_title(void **state)
{
  static const struct form forms[] = {
      {"<!DOCTYPE html><html><head><title>Welcome to our hotel</title></head></html>", WORDS_PAGE,
       "Welcome to our hotel", NULL, NULL},
      {"<html>\n<head><meta charset=x><TITLE lang=en>\n 502 Bad &amp;\n Gateway&nbsp;</TITLE>", WORDS_PAGE,
       "502 Bad & Gateway", NULL, NULL},
      {"<!-- x --><!-- <title>y</title> -->\n<?xml version='1.0'?><html><title>z</title>", WORDS_PAGE, "y", NULL, NULL},
      {"<html><h1>Not <b>found</b></h1>", WORDS_PAGE, "Not found", NULL, NULL},
      {"<html><title></title><h1>Oops</h1>", WORDS_PAGE, "Oops", NULL, NULL},
      {"<html><title>cut of", WORDS_PAGE, "cut of", NULL, NULL},
      {"<html><title>one<br>two<i> three</i>.</title>", WORDS_PAGE, "one two three .", NULL, NULL},
      {"<html><body>nothing", WORDS_NONE, "", NULL, NULL},
      {"<html>", WORDS_NONE, "", NULL, NULL},
      {"<html><titles>x</titles>", WORDS_NONE, "", NULL, NULL},
      {"<html><title>&bogus; &#0; &#xd800; &#x110000; &lt;&gt;&#39;&apos;</title>", WORDS_PAGE,
       "&bogus; &#0; &#xd800; &#x110000; <>''", NULL, NULL},
  };
  (void)state;
  check_forms(forms, COUNT_OF(forms));
}

static void knows_pages(void **state)
{
  static const struct {
    const char *body;
    bool is;
  } cases[] = {
      {"<!DOCTYPE html>", true},
      {" \r\n<!doctype HTML PUBLIC", true},
      {"<html>", true},
      {"<HTML lang=x>", true},
      {"\xef\xbb\xbf<html>", true},
      {"<head>", true},
      {"<body>", true},
      {"<title>", true},
      {"<!-- a --> <html>", true},
      {"<?xml version='1.0'?><html>", true},
      {"<center>", true},
      {"<script>", true},
      {"<META http-equiv", true},
      {"<p>", true},
      {"<Policy>", false},
      {"<h1>x</h1>", true},
      {"<?xml version='1.0'?><Error>", false},
      {"<Error>", false},
      {"{\"a\":\"<html>\"}", false},
      {"text <html>", false},
      {"", false},
      {"<", false},
      {"<htm", false},
      {"<!-- a", false},
      {"<?xml", false},
      {"<svg>", false},
  };
  (void)state;
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    size_t length = strlen(cases[i].body);
    char *copy = exact_copy(cases[i].body, length);
    if (words_is_page(copy, length) != cases[i].is)
      fail_msg("%s", cases[i].body);
    free(copy);
  }
}

/* A body is kept up to a bound: what was cut still says what it says. */
static void reads_what_was_cut(void **state)
{
  static const char body[] = "{\"error\":{\"type\":\"t\",\"message\":\"You have no more money\",\"code\":402}}";
  size_t from = (size_t)(strstr(body, "You") - body), to = (size_t)(strstr(body, "\",\"code") - body);
  (void)state;
  for (size_t length = 0; length < sizeof body - 1; length++) {
    struct words words;
    read_exactly(&words, body, length);
    if (length <= from)
      assert_true(words.source != WORDS_SAID);
    else {
      assert_int_equal(words.source, WORDS_SAID);
      assert_int_equal(strlen(words.message), (length < to ? length : to) - from);
      assert_memory_equal(words.message, body + from, strlen(words.message));
      assert_string_equal(words.type, "t");
    }
  }
}

static void is_bounded_at_a_character(void **state)
{
  enum { MUCH = 3000 };
  char body[MUCH + 64];
  (void)state;
  for (int form = 0; form < 4; form++)
    for (size_t shift = 0; shift < 4; shift++) {
      struct words words;
      char text[MUCH] = "";
      memset(text, 'x', shift);
      for (size_t at = shift; at + 4 < sizeof text; at += 3)
        memcpy(text + at, "\xe7\x81\xaf", 4);
      static const char *const forms[] = {"{\"error\":{\"message\":\"%s\",\"type\":\"%.200s\"}}", "%s%.0s",
                                          "<html><title>%s</title>%.0s", "<Error><Message>%s</Message>%.0s"};
      size_t length = (size_t)snprintf(body, sizeof body, forms[form], text, text);
      if (length >= sizeof body)
        length = sizeof body - 1;
      read_exactly(&words, body, length);
      size_t characters, at;
      assert_true(text_count(words.message, strlen(words.message), &characters, &at));
      assert_true(text_count(words.type, strlen(words.type), &characters, &at));
      assert_null(strchr(words.message, '?'));
      assert_null(strchr(words.type, '?'));
      assert_true(strlen(words.message) > (form == 1 ? 190 : WORDS_MAX - 4));
      assert_true(strlen(words.message) <= (form == 1 ? 204 : WORDS_MAX));
    }
}

static void never_shows_the_key(void **state)
{
  static const char *const forms[] = {
      "{\"error\":{\"message\":\"%.*s" KEY "\",\"type\":\"" KEY "\",\"code\":\"x" KEY "\"}}",
      "{\"error\":{\"message\":\"%.*ssk-0123456789\\u0061bcdef\"}}",
      "%.*s" KEY " is not a key",
      "<html><title>%.*s" KEY "</title>",
      "<Error><Message>%.*s" KEY "</Message><Code>" KEY "</Code></Error>",
      "{\"error\":\"%.*ssk-01234567", /* cut in it */
  };
  static char padding[WORDS_MAX + 64], body[2 * WORDS_MAX];
  (void)state;
  memset(padding, 'p', sizeof padding - 1);
  for (size_t form = 0; form < COUNT_OF(forms); form++)
    for (int before = 5; before < (int)sizeof padding; before++) {
      struct words words;
      size_t length = (size_t)snprintf(body, sizeof body, forms[form], before, padding);
      read_exactly(&words, body, length);
      const char *texts[] = {words.message, words.type, words.code};
      for (size_t i = 0; i < COUNT_OF(texts); i++)
        assert_null(strstr(texts[i], "sk-"));
      if (before < 150)
        assert_non_null(strchr(words.message, '*'));
    }
}

static void knows_a_model_that_is_gone(void **state)
{
  static const char *const gone[] = {
      "{\"error\":{\"message\":\"model \\\"step-1x-medium\\\" does not exist\"}}",
      "{\"error\":{\"message\":\"The Model `a` does not exist or you do not have access to it.\"}}",
      "{\"error\":{\"message\":\"No.\",\"code\":\"model_not_found\"}}",
      "{\"error\":{\"message\":\"No.\",\"type\":\"invalid_model\"}}",
      "{\"error\":\"MODEL step-1x-medium was taken offline\"}",
      "{\"code\":\"MODEL_OFFLINE\",\"msg\":\"\"}",
      "{\"msg\":\"模型不存在\"}",
      "{\"msg\":\"模型已下线\"}",
  };
  static const char *const other[] = {
      "",
      "{}",
      "{\"error\":{\"message\":\"No such path\",\"type\":\"not_found\"}}",
      "{\"error\":{\"message\":\"steps must be between 1 and 50\",\"code\":\"invalid_parameter\"}}",
      "{\"error\":{\"message\":\"model must be a string\"}}",
      "{\"error\":{\"message\":\"mode l does not exist\"}}",
      "the model does not exist", /* anybody's */
      "<html><title>model not found</title></html>",
  };
  struct words words;
  (void)state;
  for (size_t i = 0; i < sizeof gone / sizeof *gone; i++) {
    read_exactly(&words, gone[i], strlen(gone[i]));
    if (!words_miss_model(&words))
      fail_msg("%s", gone[i]);
  }
  for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
    read_exactly(&words, other[i], strlen(other[i]));
    if (words_miss_model(&words))
      fail_msg("%s", other[i]);
  }
}

static void random_bodies_are_survived(void **state)
{
  static const char *const parts[] = {
      "<",    ">",   "</",        "title",     "<title>",     "</title>", "<html>", "&",  "&amp;", "&#",    ";",
      "{",    "}",   "\"error\"", ":",         "\"message\"", "[",        "]",      ",",  "\"",    "x",     " ",
      "<!--", "-->", "<?xml",     "<Message>", "\xe7\x81",    "\xff",     "\\u",    "\\", "d800",  "&#x1f;"};
  uint32_t seed = 418;
  (void)state;
  for (int round = 0; round < 30000; round++) {
    char body[256];
    size_t length = 0, characters, at;
    for (int i = 0; i < 16; i++) {
      const char *part = parts[next_random(&seed) % COUNT_OF(parts)];
      memcpy(body + length, part, strlen(part));
      length += strlen(part);
    }
    struct words words;
    read_exactly(&words, body, length);
    assert_true(text_count(words.message, strlen(words.message), &characters, &at));
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_the_usual_forms),      cmocka_unit_test(quotes_what_has_no_form),
      cmocka_unit_test(shows_a_page_by_its_title),  cmocka_unit_test(knows_pages),
      cmocka_unit_test(reads_what_was_cut),         cmocka_unit_test(is_bounded_at_a_character),
      cmocka_unit_test(never_shows_the_key),        cmocka_unit_test(random_bodies_are_survived),
      cmocka_unit_test(knows_a_model_that_is_gone),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
