/* The options of clients and calls: bounds, types, names, who owns what. */
#define _POSIX_C_SOURCE 200809L /* unsetenv */

#include "options.h"

/* ------------------------------------------------------------------------------------------------------ defaults -- */

static void defaults_are_the_promised_ones(void **state)
{
  (void)state;
  memset(&options, 0x55, sizeof options);
  stepimg_options_init(&options);
  assert_null(options.api_key);
  assert_null(options.base_url);
  assert_null(options.proxy);
  assert_null(options.ca_file);
  assert_null(options.user_agent);
  assert_null(options.model);
  assert_null(options.headers);
  assert_int_equal(options.header_count, 0);
  assert_int_equal(options.max_concurrent, 5);
  assert_is(options.connect_timeout, 10);
  assert_int_equal(options.max_response_bytes, 64 * 1024 * 1024);
  assert_true(options.strict);
  assert_false(options.allow_http);
  assert_is(options.call.timeout, 120);
  assert_is(options.call.stall_timeout, 30);
  assert_true(options.call.download);
}

/* --------------------------------------------------------------------------------------------------------- texts -- */

static const struct text_option {
  const char *name;
  char **place;
} text_options[] = {
    {"api_key", &options.api_key}, {"base_url", &options.base_url},     {"proxy", &options.proxy},
    {"ca_file", &options.ca_file}, {"user_agent", &options.user_agent}, {"model", &options.model},
};

static void texts_are_copied_and_replaced(void **state)
{
  char text[] = "first-value";
  (void)state;
  for (size_t i = 0; i < COUNT_OF(text_options); i++) {
    assert_good(text_options[i].name, string(text));
    assert_string_equal(*text_options[i].place, "first-value");
    assert_ptr_not_equal(*text_options[i].place, text);
    text[0] = 'F';
    assert_string_equal(*text_options[i].place, "first-value");
    text[0] = 'f';
    assert_good(text_options[i].name, string("second,which-is-longer-than-the-first")); /* the first is no leak */
    assert_string_equal(*text_options[i].place, "second,which-is-longer-than-the-first");
    assert_good(text_options[i].name, string("3"));
    assert_string_equal(*text_options[i].place, "3");
  }
  for (size_t i = 0; i < COUNT_OF(text_options); i++) /* each has its own place */
    assert_string_equal(*text_options[i].place, "3");
}

static void a_text_may_be_its_own_new_value(void **state)
{
  (void)state;
  for (size_t i = 0; i < COUNT_OF(text_options); i++) {
    assert_good(text_options[i].name, string("the-same"));
    assert_good(text_options[i].name, string(*text_options[i].place));
    assert_string_equal(*text_options[i].place, "the-same");
  }
}

/* A path is what a system takes for one. Of a client it is copied, of a call it is borrowed. */
static void a_path_is_any_text_without_a_nul(void **state)
{
  char path[] = "\xff a\tb\n/";
  const char given[] = "of a call";
  (void)state;
  assert_null(options.call.cache);
  assert_good("cache", string(path));
  assert_ptr_equal(options.call.cache, options.cache);
  assert_ptr_not_equal(options.cache, path);
  path[1] = 'x';
  assert_string_equal(options.call.cache, "\xff a\tb\n/");
  assert_good("cache", string(options.cache)); /* its own new value */
  assert_string_equal(options.call.cache, "\xff a\tb\n/");
  assert_good("cache", string(""));
  assert_string_equal(options.call.cache, "");
  assert_bad("cache", string_of("a\0b", 3), false);
  assert_bad("cache", integer(1), true);
  assert_bad("cache", boolean(false), true);
  struct stepimg_call call = options.call;
  const struct stepimg_value value = string(given);
  assert_int_equal(stepimg_call_set(&call, "cache", &value, &error), STEPIMG_OK);
  assert_ptr_equal(call.cache, given);
}

static void texts_are_strings(void **state)
{
  (void)state;
  for (size_t i = 0; i < COUNT_OF(text_options); i++) {
    assert_good(text_options[i].name, string("kept"));
    assert_bad(text_options[i].name, integer(1), true);
    assert_bad(text_options[i].name, number(1.5), true);
    assert_bad(text_options[i].name, boolean(true), true);
    assert_bad(text_options[i].name, other("table"), true);
    assert_contains(error.message, "string expected, got table");
    assert_string_equal(*text_options[i].place, "kept");
  }
}

static void texts_have_no_control_characters_and_are_utf8(void **state)
{
  (void)state;
  for (size_t i = 0; i < COUNT_OF(text_options); i++) {
    /* and a key and a proxy have neither spaces nor letters beyond ASCII */
    bool narrow = strcmp(text_options[i].name, "api_key") == 0 || strcmp(text_options[i].name, "proxy") == 0;
    assert_good(text_options[i].name, string("kept"));
    for (int c = 0; c < 256; c++) {
      char text[] = "ab?cd";
      text[2] = (char)c;
      if (c < 0x20 || c == 0x7f || c >= 0x80 || (c == ' ' && narrow))
        assert_bad(text_options[i].name, string_of(text, 5), false);
      else
        assert_good(text_options[i].name, string_of(text, 5));
    }
    assert_good(text_options[i].name, string("kept"));
    assert_bad(text_options[i].name, string("at the end\n"), false);
    assert_bad(text_options[i].name, string("key\r\nX-Admin: 1"), false);
    assert_bad(text_options[i].name, string("\xed\xa0\x80"), false);
    assert_string_equal(*text_options[i].place, "kept");
    if (narrow)
      assert_bad(text_options[i].name, string("caf\xc3\xa9\xe7\x8c\xab"), false);
    else
      assert_good(text_options[i].name, string("caf\xc3\xa9 \xe7\x8c\xab"));
  }
}

/* ------------------------------------------------------------------------------------------ numbers and switches -- */

static void max_concurrent_is_1_to_10000(void **state)
{
  (void)state;
  assert_good("max_concurrent", integer(1));
  assert_int_equal(options.max_concurrent, 1);
  assert_good("max_concurrent", integer(10000));
  assert_int_equal(options.max_concurrent, 10000);
  assert_good("max_concurrent", number(7.0));
  assert_int_equal(options.max_concurrent, 7);
  assert_bad("max_concurrent", integer(0), false);
  assert_contains(error.message, "1 to 10000");
  assert_bad("max_concurrent", integer(10001), false);
  assert_bad("max_concurrent", integer(-1), false);
  assert_bad("max_concurrent", integer(4294967297), false); /* 1, had it been cut to 32 bits */
  assert_bad("max_concurrent", integer(INT64_MIN), false);
  assert_bad("max_concurrent", number(7.5), false);
  assert_contains(error.message, "whole number");
  assert_bad("max_concurrent", number(NAN), false);
  assert_bad("max_concurrent", number(INFINITY), false);
  assert_bad("max_concurrent", string("7"), true);
  assert_bad("max_concurrent", boolean(true), true);
  assert_bad("max_concurrent", other("nil"), true);
  assert_int_equal(options.max_concurrent, 7);
}

static void max_response_bytes_is_1024_to_a_gibibyte(void **state)
{
  (void)state;
  assert_good("max_response_bytes", integer(1024));
  assert_int_equal(options.max_response_bytes, 1024);
  assert_good("max_response_bytes", integer(1073741824));
  assert_int_equal(options.max_response_bytes, 1073741824);
  assert_good("max_response_bytes", number(65536.0));
  assert_int_equal(options.max_response_bytes, 65536);
  assert_bad("max_response_bytes", integer(1023), false);
  assert_contains(error.message, "1024 to 1073741824");
  assert_bad("max_response_bytes", integer(1073741825), false);
  assert_bad("max_response_bytes", integer(0), false);
  assert_bad("max_response_bytes", integer(-1), false);
  assert_bad("max_response_bytes", integer(INT64_MAX), false);
  assert_bad("max_response_bytes", number(2048.5), false);
  assert_bad("max_response_bytes", number(NAN), false);
  assert_bad("max_response_bytes", number(INFINITY), false);
  assert_bad("max_response_bytes", string("65536"), true);
  assert_bad("max_response_bytes", other("function"), true);
  assert_int_equal(options.max_response_bytes, 65536);
}

static void times_are_a_millisecond_to_a_month(void **state)
{
  static const struct {
    const char *name;
    double *place;
  } times[] = {{"timeout", &options.call.timeout},
               {"stall_timeout", &options.call.stall_timeout},
               {"deadline", &options.call.deadline},
               {"connect_timeout", &options.connect_timeout}};
  (void)state;
  for (size_t i = 0; i < COUNT_OF(times); i++) {
    assert_good(times[i].name, number(0.001));
    assert_is(*times[i].place, 0.001);
    assert_good(times[i].name, number(2e6));
    assert_is(*times[i].place, 2e6);
    assert_good(times[i].name, integer(30));
    assert_is(*times[i].place, 30);
    assert_good(times[i].name, number(1.5));
    assert_is(*times[i].place, 1.5);
    assert_bad(times[i].name, integer(0), false); /* which libcurl would take for "no limit" */
    assert_bad(times[i].name, number(0.0009), false);
    assert_bad(times[i].name, number(2000000.1), false);
    assert_bad(times[i].name, integer(-1), false);
    assert_bad(times[i].name, number(NAN), false);
    assert_bad(times[i].name, number(INFINITY), false);
    assert_bad(times[i].name, number(-INFINITY), false);
    assert_bad(times[i].name, string("30"), true);
    assert_bad(times[i].name, boolean(false), true);
    assert_bad(times[i].name, other("table"), true);
    assert_is(*times[i].place, 1.5);
  }
}

static void switches_are_true_or_false(void **state)
{
  static const struct {
    const char *name;
    bool *place;
  } switches[] = {
      {"strict", &options.strict}, {"download", &options.call.download}, {"allow_http", &options.allow_http}};
  (void)state;
  for (size_t i = 0; i < COUNT_OF(switches); i++) {
    assert_good(switches[i].name, boolean(false));
    assert_false(*switches[i].place);
    assert_good(switches[i].name, boolean(true));
    assert_true(*switches[i].place);
    assert_good(switches[i].name, boolean(false));
    assert_bad(switches[i].name, integer(1), true);
    assert_contains(error.message, "boolean expected, got number");
    assert_bad(switches[i].name, number(0.0), true);
    assert_bad(switches[i].name, string("true"), true);
    assert_bad(switches[i].name, other("table"), true);
    assert_false(*switches[i].place);
  }
  assert_true(options.max_concurrent == 5);
}

/* --------------------------------------------------------------------------------------------------------- names -- */

static void unknown_options_are_told_the_nearest(void **state)
{
  static const char *const near[][2] = {
      {"apikey", "api_key"},    {"api_kye", "api_key"},       {"API_KEY", "api_key"},
      {"baseurl", "base_url"},  {"time_out", "timeout"},      {"max_concurent", "max_concurrent"},
      {"downlaod", "download"}, {"user-agent", "user_agent"}, {"Proxy", "proxy"},
      {"cafile", "ca_file"},    {"header", "headers"},        {"connection_timeout", "connect_timeout"},
      {"stric", "strict"},
  };
  char suggestion[64];
  (void)state;
  for (size_t i = 0; i < COUNT_OF(near); i++) {
    assert_int_equal(set(near[i][0], string("x")), STEPIMG_INVALID);
    assert_string_equal(error.field, near[i][0]);
    assert_true(error.wrong_type);
    snprintf(suggestion, sizeof suggestion, "did you mean \"%s\"?", near[i][1]);
    assert_contains(error.message, suggestion);
    snprintf(suggestion, sizeof suggestion, "%s: there is no such option", near[i][0]);
    assert_contains(error.message, suggestion);
  }
}

static void far_options_are_told_all(void **state)
{
  static const char *const known[] = {"api_key",         "base_url",
                                      "proxy",           "ca_file",
                                      "user_agent",      "max_concurrent",
                                      "strict",          "max_response_bytes",
                                      "connect_timeout", "timeout",
                                      "download",        "headers",
                                      "stall_timeout",   "wait"};
  (void)state;
  assert_int_equal(set("verify_peer", boolean(false)), STEPIMG_INVALID); /* there is no such switch */
  assert_true(error.wrong_type);
  assert_string_equal(error.field, "verify_peer");
  assert_lacks(error.message, "did you mean");
  for (size_t i = 0; i < COUNT_OF(known); i++)
    assert_contains(error.message, known[i]);
  assert_int_equal(set("", boolean(false)), STEPIMG_INVALID);
  assert_true(error.wrong_type);
}

static void a_call_takes_its_own_options_only(void **state)
{
  static const char *const of_clients[] = {
      "api_key",         "base_url", "proxy",   "ca_file", "user_agent", "max_concurrent", "max_response_bytes",
      "connect_timeout", "strict",   "headers", "wait"};
  struct stepimg_call call = options.call;
  struct stepimg_value value = string("sk-secret");
  (void)state;
  for (size_t i = 0; i < COUNT_OF(of_clients); i++) {
    assert_int_equal(stepimg_call_set(&call, of_clients[i], &value, &error), STEPIMG_INVALID);
    assert_string_equal(error.field, of_clients[i]);
    assert_true(error.wrong_type);
    assert_lacks(error.message, "sk-secret");
  }
  assert_is(call.timeout, 120);
  assert_is(call.stall_timeout, 30);
  assert_true(call.download);

  value = number(3.5);
  assert_int_equal(stepimg_call_set(&call, "timeout", &value, &error), STEPIMG_OK);
  assert_is(call.timeout, 3.5);
  value = boolean(false);
  assert_int_equal(stepimg_call_set(&call, "download", &value, &error), STEPIMG_OK);
  assert_false(call.download);
  assert_is(options.call.timeout, 120); /* one call's, not the client's */
  assert_true(options.call.download);

  value = integer(0);
  assert_int_equal(stepimg_call_set(&call, "timeout", &value, &error), STEPIMG_INVALID);
  assert_invalid(&error, "timeout", false);
  value = string("3");
  assert_int_equal(stepimg_call_set(&call, "timeout", &value, &error), STEPIMG_INVALID);
  assert_invalid(&error, "timeout", true);
  assert_int_equal(stepimg_call_set(&call, "download", &value, &error), STEPIMG_INVALID);
  assert_invalid(&error, "download", true);
  assert_int_equal(stepimg_call_set(&call, "timeuot", &value, &error), STEPIMG_INVALID);
  assert_contains(error.message, "did you mean \"timeout\"?");
  assert_is(call.timeout, 3.5);
}

static void names_that_belong_elsewhere_are_told_where(void **state)
{
  static const char *const params[] = {"prompt",          "size",      "aspect",         "width", "height",
                                       "image",           "n",         "seed",           "steps", "cfg_scale",
                                       "negative_prompt", "text_mode", "response_format"};
  struct stepimg_call call = options.call;
  struct stepimg_value value = string("sk-secret");
  (void)state;
  for (size_t i = 0; i < COUNT_OF(params); i++) {
    assert_int_equal(set(params[i], value), STEPIMG_INVALID);
    assert_invalid(&error, params[i], true);
    assert_int_equal(error.reason, STEPIMG_REASON_UNKNOWN);
    assert_contains(error.message, "it is a parameter, not an option: give it beside the prompt");
    assert_int_equal(stepimg_call_set(&call, params[i], &value, &error), STEPIMG_INVALID);
    assert_contains(error.message, "it is a parameter, not an option: give it beside the prompt");
  }
  assert_int_equal(stepimg_call_set(&call, "model", &value, &error), STEPIMG_INVALID); /* it is both */
  assert_contains(error.message, "it is a parameter, not an option: give it beside the prompt");
  assert_int_equal(stepimg_call_set(&call, "api_key", &value, &error), STEPIMG_INVALID);
  assert_string_equal(error.message,
                      "api_key: it is an option of a client, not of a call: give it when the client is made");
  assert_int_equal(stepimg_call_set(&call, "headers", &value, &error), STEPIMG_INVALID);
  assert_contains(error.message, "it is an option of a client, not of a call");
  assert_int_equal(set("headers", value), STEPIMG_INVALID);
  assert_contains(error.message, "headers are added one by one");
  assert_int_equal(set("save", value), STEPIMG_INVALID);
  assert_contains(error.message, "it is an option of a call, not of a client: give it beside the parameters");
  assert_int_equal(set("on_done", value), STEPIMG_INVALID);
  assert_contains(error.message, "it is an option of a call, not of a client");
}

static void all_options_can_be_listed(void **state)
{
  struct stepimg_call call = options.call;
  struct stepimg_value value = other("table"); /* which none of them takes */
  size_t of_clients = 0, of_calls = 0;
  (void)state;
  for (const char *name; (name = stepimg_option_name(of_clients, false)) != NULL; of_clients++) {
    assert_int_equal(set(name, value), STEPIMG_INVALID);
    assert_int_equal(error.reason, STEPIMG_REASON_TYPE);
  }
  for (const char *name; (name = stepimg_option_name(of_calls, true)) != NULL; of_calls++) {
    assert_int_equal(stepimg_call_set(&call, name, &value, &error), STEPIMG_INVALID);
    assert_int_equal(error.reason, STEPIMG_REASON_TYPE);
  }
  assert_int_equal(of_clients, 19);
  assert_int_equal(of_calls, 6);
  assert_null(stepimg_option_name(1000, false));
  assert_null(stepimg_option_name(1000, true));
}

static void a_bad_value_has_its_reason(void **state)
{
  (void)state;
  set("timeout", integer(0));
  assert_int_equal(error.reason, STEPIMG_REASON_RANGE);
  set("timeout", string("1"));
  assert_int_equal(error.reason, STEPIMG_REASON_TYPE);
  set("retries", number(1.5)); /* not raised, as a player may have typed it */
  assert_int_equal(error.reason, STEPIMG_REASON_TYPE);
  assert_false(error.wrong_type);
  set("base_url", string("\xff"));
  assert_int_equal(error.reason, STEPIMG_REASON_TEXT);
  set("base_url", string("a\nb"));
  assert_int_equal(error.reason, STEPIMG_REASON_TEXT);
  set("api_key", string("a b"));
  assert_int_equal(error.reason, STEPIMG_REASON_TEXT);
  set("tiemout", integer(1));
  assert_int_equal(error.reason, STEPIMG_REASON_UNKNOWN);
  assert_int_equal(set("timeout", integer(1)), STEPIMG_OK);
  assert_int_equal(error.reason, STEPIMG_REASON_NONE);
}

/* ---------------------------------------------------------------------------------------------------- release -- */

static void set_all(void)
{
  for (size_t i = 0; i < COUNT_OF(text_options); i++)
    assert_good(text_options[i].name, string("a-text"));
  assert_good("max_concurrent", integer(9));
  assert_good("max_response_bytes", integer(2048));
  assert_good("connect_timeout", integer(1));
  assert_good("strict", boolean(false));
  assert_good("allow_http", boolean(true));
  assert_good("timeout", integer(1));
  assert_good("stall_timeout", integer(1));
  assert_good("download", boolean(false));
  assert_int_equal(add_header("X-One", string("1")), STEPIMG_OK);
  assert_int_equal(add_header("X-Two", string("")), STEPIMG_OK);
}

static void assert_as_new(void)
{
  struct stepimg_options fresh;
  stepimg_options_init(&fresh);
  for (size_t i = 0; i < COUNT_OF(text_options); i++)
    assert_null(*text_options[i].place);
  assert_null(options.headers);
  assert_int_equal(options.header_count, 0);
  assert_int_equal(options.max_concurrent, fresh.max_concurrent);
  assert_int_equal(options.max_response_bytes, fresh.max_response_bytes);
  assert_is(options.connect_timeout, fresh.connect_timeout);
  assert_int_equal(options.strict, fresh.strict);
  assert_int_equal(options.allow_http, fresh.allow_http);
  assert_is(options.call.stall_timeout, fresh.call.stall_timeout);
  assert_is(options.call.timeout, fresh.call.timeout);
  assert_int_equal(options.call.download, fresh.call.download);
}

static void clear_is_idempotent(void **state)
{
  (void)state;
  stepimg_options_clear(&options); /* nothing is held yet */
  assert_as_new();
  set_all();
  stepimg_options_clear(&options);
  assert_as_new();
  stepimg_options_clear(&options);
  assert_as_new();
  set_all(); /* and it serves again */
}

static void clear_accepts_the_half_built(void **state)
{
  (void)state;
  for (size_t i = 0; i < COUNT_OF(text_options); i++) {
    assert_good(text_options[i].name, string("alone"));
    stepimg_options_clear(&options);
    assert_as_new();
  }
  assert_int_equal(add_header("X-One", string("1")), STEPIMG_OK);
  stepimg_options_clear(&options);
  assert_as_new();
  /* the list grew, then there was no memory for the line */
  options.headers = malloc(2 * sizeof *options.headers);
  assert_non_null(options.headers);
  stepimg_options_clear(&options);
  assert_as_new();
  memset(&options, 0, sizeof options); /* as a host's memory is before init */
  stepimg_options_clear(&options);
  assert_as_new();
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      WITH_OPTIONS(defaults_are_the_promised_ones),
      WITH_OPTIONS(texts_are_copied_and_replaced),
      WITH_OPTIONS(a_text_may_be_its_own_new_value),
      WITH_OPTIONS(a_path_is_any_text_without_a_nul),
      WITH_OPTIONS(texts_are_strings),
      WITH_OPTIONS(texts_have_no_control_characters_and_are_utf8),
      WITH_OPTIONS(max_concurrent_is_1_to_10000),
      WITH_OPTIONS(max_response_bytes_is_1024_to_a_gibibyte),
      WITH_OPTIONS(times_are_a_millisecond_to_a_month),
      WITH_OPTIONS(switches_are_true_or_false),
      WITH_OPTIONS(unknown_options_are_told_the_nearest),
      WITH_OPTIONS(far_options_are_told_all),
      WITH_OPTIONS(a_call_takes_its_own_options_only),
      WITH_OPTIONS(names_that_belong_elsewhere_are_told_where),
      WITH_OPTIONS(all_options_can_be_listed),
      WITH_OPTIONS(a_bad_value_has_its_reason),
      WITH_OPTIONS(clear_is_idempotent),
      WITH_OPTIONS(clear_accepts_the_half_built),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
