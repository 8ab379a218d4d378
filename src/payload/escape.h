/* The escapes of a JSON string, read a character at a time: \n, \", \u706f, and surrogate pairs of two of the last. */
#ifndef STEPIMG_ESCAPE_H
#define STEPIMG_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ESCAPE_MAX = 7 }; /* bytes that come of one: a character, and U+FFFD for the half of a pair before it */

/* Zeroed where a string begins. */
struct escape {
  uint32_t half; /* the first half of a surrogate pair, which waits for the other; 0: none */
  bool unicode;  /* in the digits of \uXXXX */
  unsigned digits;
  uint32_t unit; /* of those so far */
};

enum escape_state { ESCAPE_MORE, ESCAPE_DONE, ESCAPE_BROKEN };

/* The next character behind the backslash. Once done, *length bytes of text have come of it, in UTF-8, perhaps 0. */
enum escape_state escape_next(struct escape *escape, char c, char out[ESCAPE_MAX], size_t *length);

/* The string goes on with no escape, or ends: what stands for the half of a pair whose other half did not come. Returns its
   length, mostly 0. */
size_t escape_flush(struct escape *escape, char out[ESCAPE_MAX]);

#endif
