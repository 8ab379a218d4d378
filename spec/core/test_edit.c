/* What a job sends to edit a picture: texts in a block of its own, and the picture from where it lies. */
#define _POSIX_C_SOURCE 200809L

#include "check.h"

#include <stdio.h>
#include <unistd.h>

#include "base/error.h"
#include "client/edit.h"
#include "payload/payload.h"

/* The beginning of a GIF, 16 wide and 8 high. */
static const char gif[] = "GIF89a\x10\0\x08\0\x81\0\0";

static const struct stepimg_field fields[] = {{"prompt", "a\0b", 3}, {"model", "", 0}, {"x", NULL, 0}};

static struct edit *make(const struct stepimg_edit *given, enum stepimg_kind kind)
{
  struct stepimg_error error;
  error_clear(&error);
  struct edit *edit = edit_new(given, &error);
  assert_int_equal(error.kind, kind);
  assert_true((edit == NULL) == (kind != STEPIMG_OK));
  return edit;
}

static void copies_its_texts(void **state)
{
  struct stepimg_field own[COUNT_OF(fields)];
  char name[] = "prompt", text[] = "a\0b";
  (void)state;
  memcpy(own, fields, sizeof own);
  own[0] = (struct stepimg_field){name, text, 3};
  struct edit *edit =
      make(&(struct stepimg_edit){.fields = own, .field_count = COUNT_OF(own), .bytes = gif, .length = sizeof gif},
           STEPIMG_OK);
  memset(name, 'x', sizeof name - 1);
  memset(text, 'x', sizeof text);
  assert_int_equal(edit->form.field_count, COUNT_OF(fields));
  for (size_t i = 0; i < COUNT_OF(fields); i++) {
    const struct stepimg_field *field = &edit->form.fields[i];
    assert_string_equal(field->name, fields[i].name);
    assert_int_equal(field->length, fields[i].length);
    if (field->length > 0)
      assert_memory_equal(field->text, fields[i].text, field->length);
  }
  assert_true(edit->bytes == (const unsigned char *)gif && edit_borrows(edit)); /* and not its picture */
  assert_int_equal(edit->form.format, STEPIMG_GIF);
  assert_int_equal(edit->form.length, sizeof gif);
  edit_free(edit);
  edit_free(NULL);
}

static void refuses_names_that_break_a_header(void **state)
{
  static const char *const names[] = {"", "a\r\nb", "\x7f", "a\tb"};
  (void)state;
  for (size_t i = 0; i < COUNT_OF(names); i++) {
    const struct stepimg_field field = {names[i], "x", 1};
    make(&(struct stepimg_edit){.fields = &field, .field_count = 1, .bytes = gif, .length = sizeof gif},
         STEPIMG_INVALID);
  }
  const struct stepimg_field huge[] = {{"a", "", SIZE_MAX - 64}, {"b", "", 128}};
  make(&(struct stepimg_edit){.fields = huge, .field_count = 2, .bytes = gif, .length = sizeof gif}, STEPIMG_NOMEM);
  const struct stepimg_field largest[] = {{"a", "", SIZE_MAX - sizeof(struct edit) - 1}};
  make(&(struct stepimg_edit){.fields = largest, .field_count = 1, .bytes = gif, .length = sizeof gif}, STEPIMG_NOMEM);
}

static void drop(void *context, void *memory, size_t size)
{
  *(size_t *)context += size;
  free(memory);
}

static void holds_a_payload(void **state)
{
  size_t dropped = 0;
  (void)state;
  stepimg_payload *payload = payload_new(exact_copy(gif, sizeof gif), sizeof gif);
  assert_non_null(payload);
  payload_return_to(payload, drop, &dropped);
  struct edit *edit = make(&(struct stepimg_edit){.payload = payload}, STEPIMG_OK);
  stepimg_payload_release(payload);
  assert_int_equal(dropped, 0);
  assert_false(edit_borrows(edit));
  assert_int_equal(edit->form.length, sizeof gif);
  assert_int_equal(edit->form.format, STEPIMG_GIF);
  assert_memory_equal(edit->bytes, gif, sizeof gif);
  edit_free(edit);
  assert_int_equal(dropped, sizeof gif);
}

static void reads_its_file_when_it_is_asked_to(void **state)
{
  char path[] = "/tmp/stepimg.XXXXXX";
  struct stepimg_error error;
  (void)state;
  error_clear(&error);
  int descriptor = mkstemp(path);
  struct edit *edit = make(&(struct stepimg_edit){.path = path}, STEPIMG_OK);
  assert_null(edit->bytes);
  assert_int_equal(edit_read(edit, 100, &error), STEPIMG_INVALID); /* it is empty */
  assert_int_equal(error.reason, STEPIMG_REASON_IMAGE);
  assert_string_equal(error.field, "image");
  assert_int_equal(write(descriptor, gif, sizeof gif), sizeof gif);
  close(descriptor);
  error_clear(&error);
  assert_int_equal(edit_read(edit, sizeof gif - 1, &error), STEPIMG_IO);
  error_clear(&error);
  assert_int_equal(edit_read(edit, sizeof gif, &error), STEPIMG_OK);
  assert_int_equal(remove(path), 0);
  assert_int_equal(edit_read(edit, 0, &error), STEPIMG_OK); /* once */
  assert_int_equal(edit->form.length, sizeof gif);
  assert_memory_equal(edit->bytes, gif, sizeof gif);
  assert_int_equal(edit->form.format, STEPIMG_GIF);
  edit_free(edit);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(copies_its_texts),
      cmocka_unit_test(refuses_names_that_break_a_header),
      cmocka_unit_test(holds_a_payload),
      cmocka_unit_test(reads_its_file_when_it_is_asked_to),
  };
  return cmocka_run_group_tests_name("edit", tests, NULL, NULL);
}
