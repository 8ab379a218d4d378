/* What the compiler and a debug build watch over. */
#ifndef STEPIMG_CHECK_H
#define STEPIMG_CHECK_H

#include <stdio.h>
#include <stdlib.h>

/* CHECK(condition): must be true, or the program is wrong. Builds with STEPIMG_DEBUG (make debug, make sanitize) abort
   where it is not; all others do not look at it, so it has no side effects. */
#if defined(STEPIMG_DEBUG)
#define CHECK(condition) ((condition) ? (void)0 : check_failed(__FILE__, __LINE__, #condition))

_Noreturn static inline void check_failed(const char *file, int line, const char *condition)
{
  fprintf(stderr, "%s:%d: this is not true: %s\n", file, line, condition);
  abort();
}
#else
#define CHECK(condition) ((void)(0 && (condition)))
#endif

/* A function whose result must be read. */
#if defined(__GNUC__)
#define MUST_USE __attribute__((warn_unused_result))
#else
#define MUST_USE
#endif

#endif
