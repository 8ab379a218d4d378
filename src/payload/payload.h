/* A picture's bytes, counted: the core's side of stepimg_payload. Any thread. */
#ifndef STEPIMG_PAYLOAD_H
#define STEPIMG_PAYLOAD_H

#include "stepimg.h"

/* Takes memory back in free's stead, once. */
typedef void payload_drop(void *context, void *memory, size_t size);

/* Takes over bytes from malloc, with one holder. NULL: no memory; the bytes are still the caller's. */
stepimg_payload *payload_new(unsigned char *bytes, size_t length);
/* Whoever releases it last is to give its bytes to drop. Before others hold it. */
void payload_return_to(stepimg_payload *payload, payload_drop *drop, void *context);

#endif
