#include "client/edit.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/source.h"
#include "base/text.h"
#include "payload/payload.h"
#include "rules/check.h"
#include "rules/flaw.h"
#include "rules/image.h"

/* The bytes of an edit with its texts. 0: there are too many. */
static size_t size_of(const struct stepimg_edit *given)
{
  size_t size = sizeof(struct edit);
  for (size_t i = 0; i < given->field_count; i++) {
    size_t name = strlen(given->fields[i].name) + 1, left = SIZE_MAX - size;
    if (name > left || given->fields[i].length > left - name ||
        left - name - given->fields[i].length < sizeof *given->fields)
      return 0;
    size += name + given->fields[i].length + sizeof *given->fields;
  }
  return size;
}

static char *put(char *place, const char *text, size_t length)
{
  if (length > 0)
    memcpy(place, text, length);
  return place + length;
}

static void copy_fields(struct edit *edit, const struct stepimg_edit *given)
{
  char *place = (char *)&edit->fields[given->field_count];
  for (size_t i = 0; i < given->field_count; i++) {
    const struct stepimg_field *field = &given->fields[i];
    edit->fields[i] = (struct stepimg_field){.name = place, .length = field->length};
    place = put(place, field->name, strlen(field->name) + 1);
    edit->fields[i].text = place;
    place = put(place, field->text, field->length);
  }
  edit->form.fields = edit->fields;
  edit->form.field_count = given->field_count;
}

/* A name stands in a header of its part. */
static bool is_name(const char *name)
{
  return *name != '\0' && !text_has_control(name, strlen(name));
}

static void set_bytes(struct edit *edit, const unsigned char *bytes, size_t length)
{
  edit->bytes = bytes;
  edit->form.length = length;
  edit->form.format = stepimg_image_value((const char *)bytes, length).as.image.format;
}

struct edit *edit_new(const struct stepimg_edit *given, struct stepimg_error *error)
{
  size_t size = size_of(given), length;
  for (size_t i = 0; i < given->field_count; i++)
    if (!is_name(given->fields[i].name)) {
      error_set(error, STEPIMG_INVALID, NULL, "the name of a parameter is empty or has a control character in it");
      return NULL;
    }
  struct edit *edit = size > 0 ? malloc(size) : NULL;
  if (edit == NULL) {
    error_nomem(error);
    return NULL;
  }
  memset(edit, 0, sizeof *edit);
  copy_fields(edit, given);
  if (given->payload != NULL) {
    edit->payload = stepimg_payload_hold(given->payload);
    const unsigned char *bytes = stepimg_payload_bytes(edit->payload, &length);
    set_bytes(edit, bytes, length);
  } else if (given->path == NULL)
    set_bytes(edit, (const unsigned char *)given->bytes, given->length);
  else if (file_resolve(given->path, &edit->path, error) != STEPIMG_OK) {
    edit_free(edit);
    return NULL;
  }
  return edit;
}

void edit_free(struct edit *edit)
{
  if (edit == NULL)
    return;
  stepimg_payload_release(edit->payload);
  free(edit->path);
  free(edit);
}

bool edit_borrows(const struct edit *edit)
{
  return edit->payload == NULL;
}

/* Of the model that is asked for; of one that this version does not know, a picture of any size. */
static const struct stepimg_rule *image_rule(const struct edit *edit)
{
  static const struct stepimg_rule any = {.name = "image", .type = STEPIMG_IMAGE};
  size_t count;
  const struct stepimg_model *models = stepimg_models(&count);
  for (size_t i = 0; i < edit->form.field_count; i++)
    for (size_t j = 0; j < count && strcmp(edit->fields[i].name, "model") == 0; j++) {
      const struct stepimg_rule *rule = check_rule_of(&models[j], any.name);
      if (rule != NULL && edit->fields[i].length == strlen(models[j].name) &&
          memcmp(edit->fields[i].text, models[j].name, edit->fields[i].length) == 0)
        return rule;
    }
  return &any;
}

enum stepimg_kind edit_read(struct edit *edit, size_t max, struct stepimg_error *error)
{
  struct stepimg_flaw flaw;
  unsigned char *bytes;
  size_t length;
  if (edit->bytes != NULL || edit->path == NULL)
    return STEPIMG_OK;
  if (source_load(edit->path, max, &bytes, &length, error) != STEPIMG_OK)
    return error->kind;
  const struct stepimg_value value = stepimg_image_value((const char *)bytes, length);
  if (!image_check(image_rule(edit), &value, &flaw)) {
    free(bytes);
    return flaw_to_error(&flaw, error);
  }
  edit->payload = payload_new(bytes, length);
  if (edit->payload == NULL) {
    free(bytes);
    return error_nomem(error);
  }
  set_bytes(edit, bytes, length);
  return STEPIMG_OK;
}
