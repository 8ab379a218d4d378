#include "http/form.h"

#include <stdio.h>

static bool add_picture(curl_mime *mime, const struct form *form, curl_read_callback send, void *context)
{
  const char *format = stepimg_format_name(form->format);
  char name[32], type[32];
  curl_mimepart *part = curl_mime_addpart(mime);
  snprintf(name, sizeof name, "image%s%s", format != NULL ? "." : "", format != NULL ? format : "");
  snprintf(type, sizeof type, format != NULL ? "image/%s" : "application/octet-stream", format);
  return part != NULL && curl_mime_name(part, "image") == CURLE_OK && curl_mime_filename(part, name) == CURLE_OK &&
         curl_mime_type(part, type) == CURLE_OK &&
         curl_mime_data_cb(part, (curl_off_t)form->length, send, NULL, NULL, context) == CURLE_OK;
}

static bool add_field(curl_mime *mime, const struct stepimg_field *field)
{
  curl_mimepart *part = curl_mime_addpart(mime);
  return part != NULL && curl_mime_name(part, field->name) == CURLE_OK &&
         curl_mime_data(part, field->text, field->length) == CURLE_OK;
}

/* The picture first: whoever lets the host take it back knows at the first byte of the body that it is wanted. */
curl_mime *form_make(CURL *easy, const struct form *form, curl_read_callback send, void *context)
{
  curl_mime *mime = curl_mime_init(easy);
  bool good = mime != NULL && add_picture(mime, form, send, context);
  for (size_t i = 0; good && i < form->field_count; i++)
    good = add_field(mime, &form->fields[i]);
  if (good)
    return mime;
  curl_mime_free(mime);
  return NULL;
}
