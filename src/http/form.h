/*
 * A multipart/form-data body: a picture, which goes first, and texts. libcurl writes it as it sends it, and asks for the
 * picture's bytes piece by piece. It cannot have them twice: a body that was begun is not sent again.
 */
#ifndef STEPIMG_FORM_H
#define STEPIMG_FORM_H

#include <curl/curl.h>

#include "stepimg.h"

struct form {
  const struct stepimg_field *fields; /* borrowed, as long as the form is in use */
  size_t field_count;
  enum stepimg_format format; /* the picture's, for its media type and its name */
  size_t length;              /* its bytes */
  /* Copies so many of them, from at on. False: they are not to be had any more. On the I/O thread. */
  bool (*read)(void *context, size_t at, char *out, size_t length);
  void *context;
};

/* The body for an easy handle, which gets the picture from send, in order. Freed with curl_mime_free after the handle.
   NULL: no memory. */
curl_mime *form_make(CURL *easy, const struct form *form, curl_read_callback send, void *context);

#endif
