/* The body of a request as JSON, for callers who have no JSON of their own. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "rules/value.h"

/* Where the text goes: what has no room is counted all the same. */
struct out {
  char *text;
  size_t size, length;
};

static void put(struct out *out, const char *text, size_t length)
{
  if (out->length < out->size) {
    size_t room = out->size - out->length;
    memcpy(out->text + out->length, text, length < room ? length : room);
  }
  out->length += length;
}

static void put_string(struct out *out, const char *text, size_t length)
{
  char escaped[8];
  put(out, "\"", 1);
  for (size_t i = 0; i < length; i++) {
    unsigned char byte = (unsigned char)text[i];
    if (byte == '"' || byte == '\\')
      snprintf(escaped, sizeof escaped, "\\%c", byte);
    else if (byte < 0x20 || byte == 0x7f)
      snprintf(escaped, sizeof escaped, "\\u%04x", byte);
    else
      snprintf(escaped, sizeof escaped, "%c", byte);
    put(out, escaped, strlen(escaped));
  }
  put(out, "\"", 1);
}

static void put_name(struct out *out, const char *name)
{
  put(out, out->length > 0 ? "," : "{", 1);
  put_string(out, name, strlen(name));
  put(out, ":", 1);
}

static void put_text(struct out *out, const char *name, const char *text)
{
  put_name(out, name);
  put_string(out, text, strlen(text));
}

static void put_value(struct out *out, const char *name, const struct stepimg_value *value)
{
  char number[STEPIMG_NUMBER_MAX];
  if (value->type == STEPIMG_STRING) {
    put_name(out, name);
    put_string(out, value->as.string.data, value->as.string.length);
    return;
  }
  if (value->type == STEPIMG_INTEGER)
    snprintf(number, sizeof number, "%lld", (long long)value->as.integer);
  else if (value->type == STEPIMG_NUMBER && isfinite(value->as.number))
    stepimg_number(number, value->as.number);
  else if (value->type == STEPIMG_BOOLEAN)
    snprintf(number, sizeof number, "%s", value->as.boolean ? "true" : "false");
  else
    return;
  put_name(out, name);
  put(out, number, strlen(number));
}

/* Whether what was checked says it in the parameter's stead. */
static bool is_said(const struct stepimg_checked *checked, const char *name)
{
  return strcmp(name, "model") == 0 || (strcmp(name, "response_format") == 0 && checked->response_format != NULL) ||
         (strcmp(name, "size") == 0 && checked->size[0] != '\0');
}

size_t stepimg_body(const struct stepimg_param *params, size_t count, const struct stepimg_checked *checked, char *out,
                    size_t size)
{
  struct out body = {out, size, 0};
  put_text(&body, "model", checked->model);
  if (checked->response_format != NULL)
    put_text(&body, "response_format", checked->response_format);
  if (checked->size[0] != '\0')
    put_text(&body, "size", checked->size);
  for (size_t i = 0; i < count; i++)
    if (stepimg_is_sent(checked, params[i].name) && !is_said(checked, params[i].name))
      put_value(&body, params[i].name, &params[i].value);
  put(&body, "}", 1);
  if (size > 0)
    out[body.length < size ? body.length : size - 1] = '\0';
  return body.length;
}
