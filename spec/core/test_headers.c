/* Options that go on the wire as they are, those of the environment, and secrets, which no message shows. */
#define _POSIX_C_SOURCE 200809L /* setenv */

#include "options.h"

/* ------------------------------------------------------------------------------------------------------- headers -- */

static void headers_are_kept_as_lines(void **state)
{
  char name[] = "X-Team", value[] = "cats";
  (void)state;
  assert_int_equal(add_header(name, string(value)), STEPIMG_OK);
  name[0] = value[0] = '?';
  assert_int_equal(add_header("x-empty", string("")), STEPIMG_OK);
  assert_int_equal(add_header("X-Sentence", string("a: b; c, \"d\" \xe7\x8c\xab")), STEPIMG_OK);
  assert_int_equal(options.header_count, 3);
  assert_string_equal(options.headers[0], "X-Team: cats");
  assert_string_equal(options.headers[1], "x-empty;"); /* libcurl's way to send one without a value */
  assert_string_equal(options.headers[2], "X-Sentence: a: b; c, \"d\" \xe7\x8c\xab");
}

static void many_headers_fit(void **state)
{
  char name[32], line[64];
  (void)state;
  for (int i = 0; i < 100; i++) {
    snprintf(name, sizeof name, "X-%d", i);
    assert_int_equal(add_header(name, string("v")), STEPIMG_OK);
  }
  assert_int_equal(options.header_count, 100);
  for (int i = 0; i < 100; i++) {
    snprintf(line, sizeof line, "X-%d: v", i);
    assert_string_equal(options.headers[i], line);
  }
}

static void reserved_headers_are_refused_in_any_case(void **state)
{
  static const char *const reserved[] = {"Authorization",
                                         "authorization",
                                         "AUTHORIZATION",
                                         "aUtHoRiZaTiOn",
                                         "Host",
                                         "host",
                                         "HOST",
                                         "Content-Length",
                                         "content-length",
                                         "Content-Type",
                                         "CONTENT-TYPE",
                                         "Transfer-Encoding",
                                         "transfer-encoding",
                                         "Connection",
                                         "connection",
                                         "Expect",
                                         "expect"};
  static const char *const allowed[] = {"Authorization2", "X-Authorization", "Hosts", "Content-Language", "Accept"};
  (void)state;
  for (size_t i = 0; i < COUNT_OF(reserved); i++) {
    assert_int_equal(add_header(reserved[i], string("x")), STEPIMG_INVALID);
    assert_invalid(&error, "headers", false);
    assert_contains(error.message, reserved[i]);
  }
  assert_int_equal(options.header_count, 0);
  for (size_t i = 0; i < COUNT_OF(allowed); i++)
    assert_int_equal(add_header(allowed[i], string("x")), STEPIMG_OK);
}

/* RFC 9110, section 5.6.2. */
static void names_of_headers_are_tokens(void **state)
{
  static const char marks[] = "!#$%&'*+-.^_`|~";
  static const char *const wrong[] = {"",       " ",       "X Y",         "X-Y:", "X-Y ", "X\tY",
                                      "X\r\nY", "X\nY: 1", "caf\xc3\xa9", "X;",   "X("};
  (void)state;
  for (size_t i = 0; i < COUNT_OF(wrong); i++) {
    assert_int_equal(add_header(wrong[i], string("x")), STEPIMG_INVALID);
    assert_invalid(&error, "headers", false);
    assert_lacks(error.message, "\n");
  }
  for (int c = 1; c < 256; c++) {
    char name[] = "X?Y";
    bool token = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || strchr(marks, c) != NULL;
    name[1] = (char)c;
    assert_int_equal(add_header(name, string("x")), token ? STEPIMG_OK : STEPIMG_INVALID);
  }
}

static void values_of_headers_are_strings_without_control_characters(void **state)
{
  (void)state;
  for (int c = 0; c < 256; c++) {
    char value[] = "a?b";
    bool control = c < 0x20 || c == 0x7f;
    value[1] = (char)c;
    assert_int_equal(add_header("X-Y", string_of(value, 3)), control ? STEPIMG_INVALID : STEPIMG_OK);
    if (control) {
      assert_invalid(&error, "headers", false);
      assert_contains(error.message, "X-Y");
    }
  }
  size_t count = options.header_count;
  assert_int_equal(add_header("X-Y", integer(1)), STEPIMG_INVALID);
  assert_invalid(&error, "headers", true);
  assert_int_equal(add_header("X-Y", boolean(true)), STEPIMG_INVALID);
  assert_invalid(&error, "headers", true);
  assert_int_equal(add_header("X-Y", other("table")), STEPIMG_INVALID);
  assert_invalid(&error, "headers", true);
  assert_int_equal(options.header_count, count);
}

/* --------------------------------------------------------------------------------------------------- environment -- */

static void the_environment_fills_what_was_not_given(void **state)
{
  (void)state;
  memset(&error, 0x55, sizeof error);
  assert_int_equal(stepimg_options_from_environment(&options, &error), STEPIMG_OK);
  assert_int_equal(error.kind, STEPIMG_OK);
  assert_null(options.api_key);
  assert_null(options.base_url);

  assert_int_equal(setenv("STEP_API_KEY", "from-environment", 1), 0);
  assert_int_equal(setenv("STEP_BASE_URL", "https://api.stepfun.com/v1", 1), 0);
  assert_int_equal(stepimg_options_from_environment(&options, &error), STEPIMG_OK);
  assert_string_equal(options.api_key, "from-environment");
  assert_string_equal(options.base_url, "https://api.stepfun.com/v1");

  /* what is there stays */
  assert_int_equal(setenv("STEP_API_KEY", "later", 1), 0);
  assert_int_equal(setenv("STEP_BASE_URL", "https://later/v1", 1), 0);
  assert_int_equal(stepimg_options_from_environment(&options, &error), STEPIMG_OK);
  assert_string_equal(options.api_key, "from-environment");
  assert_string_equal(options.base_url, "https://api.stepfun.com/v1");
}

static void what_was_given_goes_before_the_environment(void **state)
{
  (void)state;
  assert_int_equal(setenv("STEP_API_KEY", "bad\nkey", 1), 0); /* nobody looks at it */
  assert_int_equal(setenv("STEP_BASE_URL", "https://h/v1", 1), 0);
  assert_good("api_key", string("given"));
  assert_int_equal(stepimg_options_from_environment(&options, &error), STEPIMG_OK);
  assert_string_equal(options.api_key, "given");
  assert_string_equal(options.base_url, "https://h/v1");
}

static void an_empty_variable_is_none(void **state)
{
  (void)state;
  assert_int_equal(setenv("STEP_API_KEY", "", 1), 0);
  assert_int_equal(setenv("STEP_BASE_URL", "", 1), 0);
  assert_int_equal(stepimg_options_from_environment(&options, &error), STEPIMG_OK);
  assert_null(options.api_key);
  assert_null(options.base_url);
}

static void a_bad_variable_is_named(void **state)
{
  (void)state;
  assert_int_equal(setenv("STEP_BASE_URL", "https://h/v1\n", 1), 0);
  assert_int_equal(stepimg_options_from_environment(&options, &error), STEPIMG_INVALID);
  assert_invalid(&error, "base_url", false);
  assert_contains(error.message, "STEP_BASE_URL");
  assert_contains(error.message, "line break");
  assert_null(options.base_url);
}

/* ------------------------------------------------------------------------------------------------------- secrets -- */

static void assert_no_secret(void)
{
  assert_lacks(error.message, "s3cr3t");
  assert_lacks(error.field, "s3cr3t");
  assert_lacks(error.message, "sk-");
  assert_lacks(error.message, "8314");
  assert_lacks(error.request_id, "s3cr3t");
}

/* As an .env file has it that nobody unquotes. */
static void a_key_in_quotes_is_told(void **state)
{
  static const char *const quoted[] = {"\"sk-s3cr3t\"", "'sk-s3cr3t'", "\"\""};
  static const char *const fine[] = {"\"", "sk-s3cr3t\"", "\"sk-s3cr3t", "'sk-s3cr3t\"", "sk-\"s3cr3t\"-1"};
  (void)state;
  for (size_t i = 0; i < COUNT_OF(quoted); i++) {
    assert_int_equal(set("api_key", string(quoted[i])), STEPIMG_INVALID);
    assert_contains(error.message, "quotes");
    assert_no_secret();
  }
  for (size_t i = 0; i < COUNT_OF(fine); i++)
    assert_int_equal(set("api_key", string(fine[i])), STEPIMG_OK);
}

static void no_message_shows_a_secret(void **state)
{
  static const char *const secrets[] = {"api_key", "proxy"};
  const struct stepimg_value values[] = {
      string("sk-s3cr3t\n"),   string("\rsk-s3cr3t"),           string("sk-s3cr3t\x7f"), string_of("sk-s3cr3t\0", 10),
      string("sk-s3cr3t\xff"), string("sk-s3cr3t\xed\xa0\x80"), integer(8314),           number(8314.5),
  };
  (void)state;
  for (size_t i = 0; i < COUNT_OF(secrets); i++)
    for (size_t k = 0; k < COUNT_OF(values); k++) {
      assert_int_equal(set(secrets[i], values[k]), STEPIMG_INVALID);
      assert_string_equal(error.field, secrets[i]);
      assert_no_secret();
      assert_int_equal(set(secrets[i] + 1, values[k]), STEPIMG_INVALID); /* and not under a name that is none */
      assert_no_secret();
    }
  for (size_t k = 0; k < COUNT_OF(values); k++) {
    static const char *const names[] = {"X-Token", "Authorization", "no name"};
    for (size_t n = 0; n < COUNT_OF(names); n++) {
      if (n == 0 && values[k].type == STEPIMG_STRING && (k == 4 || k == 5))
        continue; /* a header's value is bytes to HTTP, and no error */
      assert_int_equal(add_header(names[n], values[k]), STEPIMG_INVALID);
      assert_no_secret();
    }
  }
  for (size_t k = 0; k < 6; k++) {
    if (k == 3)
      continue; /* the environment has no NUL */
    assert_int_equal(setenv("STEP_API_KEY", values[k].as.string.data, 1), 0);
    assert_int_equal(stepimg_options_from_environment(&options, &error), STEPIMG_INVALID);
    assert_invalid(&error, "api_key", false);
    assert_contains(error.message, "STEP_API_KEY");
    assert_no_secret();
    assert_null(options.api_key);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      WITH_OPTIONS(headers_are_kept_as_lines),
      WITH_OPTIONS(many_headers_fit),
      WITH_OPTIONS(reserved_headers_are_refused_in_any_case),
      WITH_OPTIONS(names_of_headers_are_tokens),
      WITH_OPTIONS(values_of_headers_are_strings_without_control_characters),
      WITH_OPTIONS(the_environment_fills_what_was_not_given),
      WITH_OPTIONS(what_was_given_goes_before_the_environment),
      WITH_OPTIONS(an_empty_variable_is_none),
      WITH_OPTIONS(a_bad_variable_is_named),
      WITH_OPTIONS(a_key_in_quotes_is_told),
      WITH_OPTIONS(no_message_shows_a_secret),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
