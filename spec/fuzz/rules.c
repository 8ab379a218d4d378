/* stepimg_validate on any parameters: it says yes, or what is wrong in a text that can be shown. */
#define _POSIX_C_SOURCE 200809L

#include "stepimg.h"

#include "fuzz.h"
#include "text.h"

enum { MAX_PARAMS = 24 };

static const char *const names[] = {
    "model",           "prompt",          "size",      "width",           "height", "n", "steps", "seed", "cfg_scale",
    "negative_prompt", "response_format", "text_mode", "style_reference", "promt"};
static const char *const texts[] = {"step-image-edit-2", "step-2x-large", "step-1x-medium", "1024x1024",
                                    "b64_json",          "url",           "a lighthouse",   ""};

/* The next so many bytes, NUL-terminated; the caller frees. */
static char *take_text(struct input *input, size_t *length)
{
  *length = take_byte(input);
  if (*length > input->length)
    *length = input->length;
  char *text = malloc(*length + 1);
  memcpy(text, input->bytes, *length);
  text[*length] = '\0';
  input->bytes += *length;
  input->length -= *length;
  return text;
}

static char *take_name(struct input *input)
{
  size_t length, choice = take_byte(input);
  char *name = choice < 224 ? strdup(names[choice % (sizeof names / sizeof *names)]) : take_text(input, &length);
  CHECK(name != NULL);
  return name;
}

/* Any value; what it borrows goes to *owned. */
static struct stepimg_value take_value(struct input *input, char **owned)
{
  struct stepimg_value value = {.type = STEPIMG_OTHER, .as.type_name = "table"};
  uint8_t eight[8];
  unsigned choice = take_byte(input);
  *owned = NULL;
  switch (choice % 6) {
  case 0:
    value.type = STEPIMG_STRING;
    *owned = take_text(input, &value.as.string.length);
    value.as.string.data = *owned;
    break;
  case 1:
    value.type = STEPIMG_STRING;
    value.as.string.data = texts[choice / 6 % (sizeof texts / sizeof *texts)];
    value.as.string.length = strlen(value.as.string.data);
    break;
  case 2:
  case 3:
    for (size_t i = 0; i < sizeof eight; i++)
      eight[i] = choice < 128 && i > 0 ? 0 : (uint8_t)take_byte(input);
    value.type = choice % 6 == 2 ? STEPIMG_INTEGER : STEPIMG_NUMBER;
    if (choice % 6 == 2)
      memcpy(&value.as.integer, eight, sizeof eight);
    else if (choice < 128)
      value.as.number = eight[0] / 4.0;
    else
      memcpy(&value.as.number, eight, sizeof eight);
    break;
  case 4:
    value.type = STEPIMG_BOOLEAN;
    value.as.boolean = choice >= 128;
    break;
  }
  return value;
}

static void is_shown(const char *text, size_t size)
{
  size_t length = strnlen(text, size), characters, at;
  CHECK(length > 0 && length < size);
  CHECK(text_count(text, length, &characters, &at));
}

static void check(const struct stepimg_param *params, size_t count, bool strict)
{
  static struct stepimg_checked checked;
  static struct stepimg_error error;
  memset(&checked, 0xa5, sizeof checked);
  memset(&error, 0xa5, sizeof error);
  enum stepimg_kind kind = stepimg_validate(params, count, strict, &checked, &error);
  CHECK(kind == STEPIMG_OK || kind == STEPIMG_INVALID);
  CHECK(error.kind == kind);
  if (kind != STEPIMG_OK) {
    is_shown(error.message, sizeof error.message);
    CHECK(memchr(error.field, '\0', sizeof error.field) != NULL);
    return;
  }
  is_shown(checked.model, 1 << 20);
  CHECK(memchr(checked.size, '\0', sizeof checked.size) != NULL);
  CHECK(checked.warning_count <= STEPIMG_MAX_WARNINGS);
  for (size_t i = 0; i < checked.warning_count; i++)
    is_shown(checked.warnings[i], sizeof checked.warnings[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct input input = {data, size};
  struct stepimg_param params[MAX_PARAMS];
  char *owned[2 * MAX_PARAMS];
  size_t count = 0;
  while (input.length > 0 && count < MAX_PARAMS) {
    params[count].name = owned[2 * count] = take_name(&input);
    params[count].value = take_value(&input, &owned[2 * count + 1]);
    count++;
  }
  struct stepimg_param *exact = exact_copy(params, count * sizeof *params);
  check(exact, count, true);
  check(exact, count, false);
  free(exact);
  for (size_t i = 0; i < 2 * count; i++)
    free(owned[i]);
  return 0;
}
