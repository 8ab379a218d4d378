/* Texts that users gave: is it UTF-8, how long is it, how to show it, which name was meant. */
#ifndef STEPIMG_TEXT_H
#define STEPIMG_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Counts characters (code points). False at the first byte that is not UTF-8 (RFC 3629: no surrogates, no overlong
   forms, nothing beyond U+10FFFF); *at is its offset, else length. */
bool text_count(const char *text, size_t length, size_t *characters, size_t *at);

/* Whether there is an ASCII control character in it: header injection and log forging need one. */
bool text_has_control(const char *text, size_t length);

/* The length of the byte order mark at its beginning, 3; 0: there is none. */
size_t text_mark_length(const char *text, size_t length);

/* Takes the blanks around a text off it: what is left begins at *text. */
void text_trim(const char **text, size_t *length);

/* Writes a character (a code point up to U+10FFFF) as UTF-8. Returns its length. */
size_t text_encode(char out[4], unsigned long code);

/* The largest n <= max at which text may be cut without cutting a character. */
size_t text_cut(const char *text, size_t length, size_t max);

enum { TEXT_QUOTE_MAX = 64 };

/* "text" in double quotes, cut with an ellipsis where long, control characters and what is not UTF-8 as '?'. Returns
   out. */
const char *text_quote(char out[TEXT_QUOTE_MAX], const char *text, size_t length);

/* Makes a text fit to be shown, in place: control characters and what is not UTF-8 become '?'. */
void text_clean(char *text, size_t length);

/* Copies a NUL-terminated text into a place of size bytes, cut at a character's end. */
void text_copy(char *out, size_t size, const char *text, size_t length);

/* A new text of the first length bytes of start with end behind them, which free frees. NULL: no memory. */
char *text_join(const char *start, size_t length, const char *end);

/* Whether text, NUL-terminated or longer than start, begins with start; ASCII case ignored. */
bool text_starts_with(const char *text, const char *start);

/* How many edits (insert, delete, replace, swap of neighbours) lead from one name to the other, case ignored; names
   longer than 63 bytes are far from everything. */
unsigned text_distance(const char *one, const char *other);

enum { TEXT_NUMBER_MAX = 32 };

/* A finite number with so many digits, or, with 0, the fewest that read back as the same number; with a point, whatever
   the locale. A whole number within 2^53 has neither point nor exponent. Returns out. */
const char *text_number(char out[TEXT_NUMBER_MAX], double number, int digits);

/* Whether a name that is so many edits away is worth suggesting. */
bool text_is_near(const char *name, unsigned distance);

#endif
