/* The options of clients and calls: one table says what there is, its type, its bounds and where it is kept. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/secret.h"
#include "base/text.h"
#include "rules/flaw.h"
#include "rules/options.h"
#include "rules/rules.h"
#include "rules/value.h"
#include "stepimg.h"

enum store { TEXT, SECRET, PATH, SECONDS, COUNT, BYTES, SWITCH };

struct option {
  struct stepimg_rule rule;
  enum store store;
  enum stepimg_scope scope;
  size_t offset; /* in struct stepimg_options or struct stepimg_call */
};

#define CLIENT(member) .scope = STEPIMG_CLIENT_OPTION, .offset = offsetof(struct stepimg_options, member)
#define CALL(member) .scope = STEPIMG_CALL_OPTION, .offset = offsetof(struct stepimg_call, member)
#define A_STRING(text) .rule = {.name = text, .type = STEPIMG_STRING}
#define A_SWITCH(text) .store = SWITCH, .rule = {.name = text, .type = STEPIMG_BOOLEAN}
/* A millisecond is libcurl's own grain; a month is more than anyone waits, and fits its type everywhere. */
#define TIME(text) .store = SECONDS, .rule = {.name = text, .type = STEPIMG_NUMBER, .min = 0.001, .max = 2e6}

static const struct option table[] = {
    {A_STRING("api_key"), .store = SECRET, CLIENT(api_key)},
    {A_STRING("base_url"), .store = TEXT, CLIENT(base_url)},
    {A_STRING("proxy"), .store = SECRET, CLIENT(proxy)}, /* may hold a password */
    {A_STRING("ca_file"), .store = TEXT, CLIENT(ca_file)},
    {A_STRING("user_agent"), .store = TEXT, CLIENT(user_agent)},
    {.rule = {.name = "model", .type = STEPIMG_STRING, .required = true}, .store = TEXT, CLIENT(model)},
    {.rule = {.name = "max_concurrent", .type = STEPIMG_INTEGER, .min = 1, .max = 10000}, /* the highest tier's limit */
     .store = COUNT,
     CLIENT(max_concurrent)},
    {.rule = {.name = "requests_per_minute", .type = STEPIMG_INTEGER, .min = 1, .max = 1000000},
     .store = COUNT,
     CLIENT(requests_per_minute)},
    {.rule = {.name = "budget", .type = STEPIMG_INTEGER, .min = 0, .max = INT_MAX}, .store = COUNT, CLIENT(budget)},
    {.rule = {.name = "max_response_bytes", .type = STEPIMG_INTEGER, .min = 1024, .max = 1 << 30},
     .store = BYTES,
     CLIENT(max_response_bytes)},
    {TIME("connect_timeout"), CLIENT(connect_timeout)},
    {A_SWITCH("strict"), CLIENT(strict)},
    {A_SWITCH("allow_http"), CLIENT(allow_http)},
    {TIME("timeout"), CALL(timeout)},
    {TIME("deadline"), CALL(deadline)},
    {TIME("stall_timeout"), CALL(stall_timeout)},
    {.rule = {.name = "retries", .type = STEPIMG_INTEGER, .min = 0, .max = 100}, .store = COUNT, CALL(retries)},
    {A_SWITCH("download"), CALL(download)},
    {A_STRING("cache"), .store = PATH, CALL(cache)},
};

enum { OPTIONS = sizeof table / sizeof *table, NAMES = OPTIONS + 4 };

void stepimg_options_init(struct stepimg_options *options)
{
  memset(options, 0, sizeof *options);
  options->max_concurrent = 5; /* what a new account may */
  options->budget = -1;
  options->connect_timeout = 10;
  options->max_response_bytes = (size_t)64 << 20;
  options->strict = true;
  options->call.timeout = 120;
  options->call.stall_timeout = 30;
  options->call.retries = 2;
  options->call.download = true;
}

void stepimg_options_clear(struct stepimg_options *options)
{
  secret_free(options->api_key);
  secret_free(options->proxy);
  free(options->base_url);
  free(options->ca_file);
  free(options->user_agent);
  free(options->model);
  free(options->cache);
  for (size_t i = 0; i < options->header_count; i++)
    secret_free(options->headers[i]);
  free(options->headers);
  stepimg_options_init(options);
}

/* Only what a key or a URL is made of: a space or a letter beyond ASCII was pasted along with it. */
static bool is_visible_ascii(const char *text, size_t length)
{
  for (size_t i = 0; i < length; i++)
    if (text[i] <= ' ' || text[i] > '~')
      return false;
  return true;
}

/* A shell takes them off, a file of settings may not. */
static bool is_in_quotes(const char *text, size_t length)
{
  return length >= 2 && text[0] == text[length - 1] && (text[0] == '"' || text[0] == '\'');
}

/* Whatever a system takes for one. */
static bool is_path(const struct option *option, const struct stepimg_value *value)
{
  return option->store == PATH && value->type == STEPIMG_STRING &&
         memchr(value->as.string.data, '\0', value->as.string.length) == NULL;
}

static enum stepimg_kind check(const struct option *option, const struct stepimg_value *value,
                               struct stepimg_error *error)
{
  struct stepimg_flaw flaw;
  if (is_path(option, value))
    return STEPIMG_OK;
  bool is_string = value->type == STEPIMG_STRING;
  if (!rules_check_value(&option->rule, value, &flaw)) {
    error->wrong_type = rules_is_slip(&flaw, value);
    return flaw_to_error(&flaw, error);
  }
  const char *complaint = NULL;
  if (is_string && text_has_control(value->as.string.data, value->as.string.length))
    complaint = "it has a line break or another control character in it";
  else if (option->store == SECRET && !is_visible_ascii(value->as.string.data, value->as.string.length))
    complaint = "it has a space or a character beyond ASCII in it; was something copied along with it?";
  else if (option->store == SECRET && is_in_quotes(value->as.string.data, value->as.string.length))
    complaint = "it stands in quotes, which are no part of it";
  if (complaint == NULL)
    return STEPIMG_OK;
  flaw_set(&flaw, &option->rule, STEPIMG_REASON_TEXT, "%s", complaint);
  return flaw_to_error(&flaw, error);
}

static enum stepimg_kind store(const struct option *option, void *base, const struct stepimg_value *value,
                               struct stepimg_error *error)
{
  char *place = (char *)base + option->offset;
  int64_t integer = 0;
  if (check(option, value, error) != STEPIMG_OK)
    return error->kind;
  switch (option->store) {
  case TEXT:
  case SECRET: {
    char *text = text_join(value->as.string.data, value->as.string.length, "");
    if (text == NULL)
      return error_nomem(error);
    secret_free(*(char **)(void *)place);
    *(char **)(void *)place = text;
    break;
  }
  case PATH:
    *(const char **)(void *)place = value->as.string.data;
    break;
  case SECONDS:
    value_number(value, (double *)(void *)place);
    break;
  case COUNT:
    value_integer(value, &integer);
    *(int *)(void *)place = (int)integer;
    break;
  case BYTES:
    value_integer(value, &integer);
    *(size_t *)(void *)place = (size_t)integer;
    break;
  case SWITCH:
    *(bool *)place = value->as.boolean;
    break;
  }
  return STEPIMG_OK;
}

/* Those that the caller reads itself. */
static const char *const of_clients[] = {"headers", "wait", NULL}, *const of_calls[] = {"save", "on_done", NULL};

static bool is_one_of(const char *const *names, const char *name)
{
  return value_is_one_of(names, name, strlen(name));
}

static const struct option *find(const char *name)
{
  for (size_t i = 0; i < OPTIONS; i++)
    if (strcmp(table[i].rule.name, name) == 0)
      return &table[i];
  return NULL;
}

static bool is_parameter(const char *name)
{
  size_t count;
  const struct stepimg_model *model = stepimg_models(&count);
  for (size_t i = 0; i < model->rule_count; i++)
    if (strcmp(model->rules[i].name, name) == 0)
      return true;
  return false;
}

static enum stepimg_kind refuse_name(unsigned scopes, const char *name, struct stepimg_error *error)
{
  const char *names[NAMES] = {NULL};
  size_t count = 0;
  struct stepimg_flaw flaw;
  error->wrong_type = true;
  if (is_parameter(name)) {
    flaw_set_field(&flaw, name, STEPIMG_REASON_UNKNOWN, "it is a parameter, not an option: give it beside the prompt");
  } else if (is_one_of(of_calls, name) && scopes & STEPIMG_CLIENT_OPTION) {
    flaw_set_field(&flaw, name, STEPIMG_REASON_UNKNOWN,
                   "it is an option of a call, not of a client: give it beside the parameters");
  } else if (is_one_of(of_clients, name) && scopes & STEPIMG_CLIENT_OPTION) {
    flaw_set_field(&flaw, name, STEPIMG_REASON_UNKNOWN,
                   "it has no value that is set by name; headers are added one by one");
  } else if (find(name) != NULL || is_one_of(of_clients, name)) {
    flaw_set_field(&flaw, name, STEPIMG_REASON_UNKNOWN,
                   "it is an option of a client, not of a call: give it when the client is made");
  } else {
    for (size_t i = 0; i < OPTIONS; i++)
      if (table[i].scope & scopes)
        names[count++] = table[i].rule.name;
    const char *const *others = scopes & STEPIMG_CLIENT_OPTION ? of_clients : of_calls;
    while (*others != NULL)
      names[count++] = *others++;
    flaw_unknown_name(&flaw, "option", name, names);
  }
  return flaw_to_error(&flaw, error);
}

static enum stepimg_kind set(unsigned scopes, struct stepimg_options *options, struct stepimg_call *call,
                             const char *name, const struct stepimg_value *value, struct stepimg_error *error)
{
  const struct option *option = find(name);
  error_clear(error);
  if (option == NULL || (option->scope & scopes) == 0)
    return refuse_name(scopes, name, error);
  return store(option, option->scope & STEPIMG_CALL_OPTION ? (void *)call : (void *)options, value, error);
}

enum stepimg_kind stepimg_options_set(struct stepimg_options *options, const char *name,
                                      const struct stepimg_value *value, struct stepimg_error *error)
{
  struct stepimg_call call = options->call;
  if (set(STEPIMG_CLIENT_OPTION | STEPIMG_CALL_OPTION, options, &call, name, value, error) != STEPIMG_OK)
    return error->kind;
  if (call.cache != options->cache) { /* a call's is borrowed; a client's is its own */
    char *copy = text_join(call.cache, strlen(call.cache), "");
    if (copy == NULL)
      return error_nomem(error);
    free(options->cache);
    call.cache = options->cache = copy;
  }
  options->call = call;
  return STEPIMG_OK;
}

const char *stepimg_option_name(size_t index, bool call)
{
  for (size_t i = 0; i < OPTIONS; i++)
    if (!call || table[i].scope == STEPIMG_CALL_OPTION) {
      if (index == 0)
        return table[i].rule.name;
      index--;
    }
  return NULL;
}

const char *options_place(const char *name)
{
  const struct option *option = find(name);
  if (is_one_of(of_calls, name) || (option != NULL && option->scope == STEPIMG_CALL_OPTION))
    return "it is an option, not a parameter: give it in the second table";
  if (is_one_of(of_clients, name) || option != NULL)
    return "it is an option of a client, not a parameter: give it when the client is made";
  return NULL;
}

enum stepimg_kind stepimg_call_set(struct stepimg_call *call, const char *name, const struct stepimg_value *value,
                                   struct stepimg_error *error)
{
  return set(STEPIMG_CALL_OPTION, NULL, call, name, value, error);
}

/* RFC 9110, section 5.1: a field name is a token. */
static bool is_token(const char *name)
{
  static const char marks[] = "!#$%&'*+-.^_`|~";
  if (*name == '\0')
    return false;
  for (; *name != '\0'; name++) {
    bool letter = (*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z') || (*name >= '0' && *name <= '9');
    if (!letter && strchr(marks, *name) == NULL)
      return false;
  }
  return true;
}

enum stepimg_kind stepimg_options_add_header(struct stepimg_options *options, const char *name,
                                             const struct stepimg_value *value, struct stepimg_error *error)
{
  /* Those that say whom the request is for, who asks, and how its body is framed. */
  static const char *const reserved[] = {"Authorization", "Connection", "Content-Length",    "Content-Type",
                                         "Expect",        "Host",       "Transfer-Encoding", NULL};
  char quoted[TEXT_QUOTE_MAX];
  error_clear(error);
  text_quote(quoted, name, strlen(name));
  if (!is_token(name))
    return error_set(error, STEPIMG_INVALID, "headers", "%s is no name for a header", quoted);
  for (size_t i = 0; reserved[i] != NULL; i++)
    if (text_distance(name, reserved[i]) == 0)
      return error_set(error, STEPIMG_INVALID, "headers", "%s is set by stepimg itself", quoted);
  if (value->type != STEPIMG_STRING) {
    error->wrong_type = true;
    return error_set(error, STEPIMG_INVALID, "headers", "the value of %s: string expected, got %s", quoted,
                     value_given(value));
  }
  if (text_has_control(value->as.string.data, value->as.string.length))
    return error_set(error, STEPIMG_INVALID, "headers",
                     "the value of %s has a line break or another control character in it", quoted);
  char **headers = realloc(options->headers, (options->header_count + 1) * sizeof *headers);
  if (headers == NULL)
    return error_nomem(error);
  options->headers = headers;
  size_t size = strlen(name) + value->as.string.length + sizeof ": ";
  char *line = malloc(size);
  if (line == NULL)
    return error_nomem(error);
  /* libcurl takes "Name;" for a header with no value, and "Name:" for one to leave out. */
  snprintf(line, size, "%s%s%s", name, value->as.string.length > 0 ? ": " : ";", value->as.string.data);
  options->headers[options->header_count++] = line;
  return STEPIMG_OK;
}

static enum stepimg_kind from_variable(struct stepimg_options *options, const char *variable, const char *name,
                                       struct stepimg_error *error)
{
  const char *text = getenv(variable);
  struct stepimg_value value = {.type = STEPIMG_STRING};
  if (text == NULL || *text == '\0')
    return STEPIMG_OK;
  value.as.string.data = text;
  value.as.string.length = strlen(text);
  if (stepimg_options_set(options, name, &value, error) == STEPIMG_INVALID)
    return error_of_environment(error, variable);
  return error->kind;
}

enum stepimg_kind stepimg_options_from_environment(struct stepimg_options *options, struct stepimg_error *error)
{
  error_clear(error);
  if (options->api_key == NULL && from_variable(options, "STEP_API_KEY", "api_key", error) != STEPIMG_OK)
    return error->kind;
  if (options->base_url != NULL || from_variable(options, "STEP_BASE_URL", "base_url", error) != STEPIMG_OK)
    return error->kind;
  options->base_url_of_environment = options->base_url != NULL;
  return STEPIMG_OK;
}
