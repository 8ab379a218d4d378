#include "base/store.h"

#include <stddef.h>

/* A path without a drive is one that any user may make. */
const char *const store_places[] = {NULL};
