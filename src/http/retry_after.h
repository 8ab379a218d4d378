/* How long an answer's headers ask to wait. Reads no clock. */
#ifndef STEPIMG_RETRY_AFTER_H
#define STEPIMG_RETRY_AFTER_H

#include <time.h>

/* Values of headers as they came, without the blanks around them; "": there was none. */
struct retry_after {
  char wait[48];         /* Retry-After: seconds, or the date of a moment */
  char milliseconds[24]; /* retry-after-ms, which counts before it */
  char date[48];         /* Date: the moment it is by the server's clock */
};

/* Seconds; negative where nothing is asked that anyone can mean: nonsense, what is over, more than a day. now is this
   machine's clock, which serves where the server did not tell its own. */
double retry_after(const struct retry_after *asked, time_t now);

#endif
