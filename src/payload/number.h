/* Numbers as JSON writes them: their grammar, and what whole ones say, without regard to the locale. */
#ifndef STEPIMG_NUMBER_H
#define STEPIMG_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The parts of a number, by what the last character was. */
enum number_part {
  NUMBER_NONE,
  NUMBER_MINUS,
  NUMBER_ZERO, /* the only digit before the point */
  NUMBER_INTEGER,
  NUMBER_POINT,
  NUMBER_FRACTION,
  NUMBER_E,
  NUMBER_SIGN, /* of the exponent */
  NUMBER_EXPONENT
};

/* The part behind one more character, at first of NUMBER_NONE; NUMBER_NONE: the number has ended before it, or never
   began. */
enum number_part number_next(enum number_part part, char c);
/* Whether a number may end there. */
bool number_is_whole(enum number_part part);

/* Whether a number, written as JSON has it, is an integer that every reader of JSON can hold: within 2^53. 7.0 and 70e-1
   are 7. */
bool number_integer(const char *text, size_t length, int64_t *integer);
/* The number, exact to about 15 digits; strtod would read the locale's. */
double number_real(const char *text, size_t length);

#endif
