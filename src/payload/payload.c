#include "payload/payload.h"

#include <stdatomic.h>
#include <stdlib.h>

struct stepimg_payload {
  atomic_int holders;
  unsigned char *bytes; /* owned */
  size_t length;
  payload_drop *drop; /* NULL: free */
  void *context;
};

stepimg_payload *payload_new(unsigned char *bytes, size_t length)
{
  stepimg_payload *payload = malloc(sizeof *payload);
  if (payload == NULL)
    return NULL;
  atomic_init(&payload->holders, 1);
  payload->bytes = bytes;
  payload->length = length;
  payload->drop = NULL;
  payload->context = NULL;
  return payload;
}

void payload_return_to(stepimg_payload *payload, payload_drop *drop, void *context)
{
  payload->drop = drop;
  payload->context = context;
}

const unsigned char *stepimg_payload_bytes(const stepimg_payload *payload, size_t *length)
{
  *length = payload->length;
  return payload->bytes;
}

stepimg_payload *stepimg_payload_hold(stepimg_payload *payload)
{
  atomic_fetch_add(&payload->holders, 1);
  return payload;
}

void stepimg_payload_release(stepimg_payload *payload)
{
  if (payload == NULL || atomic_fetch_sub(&payload->holders, 1) > 1)
    return;
  if (payload->drop != NULL)
    payload->drop(payload->context, payload->bytes, payload->length);
  else
    free(payload->bytes);
  free(payload);
}
