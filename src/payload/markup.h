/* What a web page or an XML document says, for error texts. No parser: it looks for the one element it wants. */
#ifndef STEPIMG_MARKUP_H
#define STEPIMG_MARKUP_H

#include <stdbool.h>
#include <stddef.h>

/* Whether a body is a web page, by its beginning. */
bool markup_is_page(const char *body, size_t length);

/* Copies the text of the first element of that name (lower case; names are compared without case) to out, NUL-terminated
   and cut to size: entities decoded, white space drawn together, tags in it left out. False: it is not there, or empty. */
bool markup_text(const char *body, size_t length, const char *element, char *out, size_t size);

/* Copies a text to out with its white space drawn together, NUL-terminated and cut to size. */
void markup_plain(const char *text, size_t length, char *out, size_t size);

#endif
