/* Numbers as JSON writes them, read without regard to the locale. */
#ifndef STEPIMG_NUMBER_H
#define STEPIMG_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether a number, written as JSON has it, is a whole one that every reader of JSON can hold: within 2^53. 7.0 and 70e-1
   are 7. */
bool number_whole(const char *text, size_t length, int64_t *number);

#endif
