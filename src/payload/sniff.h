/* What arrives in a picture's place: its format and dimensions, read from its first bytes; whether it has its end, read
   from its last; whether it is a picture at all. */
#ifndef STEPIMG_SNIFF_H
#define STEPIMG_SNIFF_H

#include "payload/jpeg.h"
#include "stepimg.h"

struct sniff {
  enum stepimg_format format; /* STEPIMG_UNKNOWN: none of those that have a name here */
  uint32_t width, height;     /* 0 where the bytes do not tell */
  bool foreign;               /* it is text, or an archive, whatever it is called */
  bool svg;                   /* it is text, but one that draws */
  bool begun;
  struct jpeg jpeg;
};

void sniff_init(struct sniff *sniff);

/* The next bytes of it, of any number. Only a JPEG is looked at beyond the first piece, which is to be all there is, or
   some kilobytes. */
void sniff_feed(struct sniff *sniff, const unsigned char *bytes, size_t length);

/* Whether what was called so (a Content-Type; "": nothing) is a picture: of a known format, or something that is neither
   text nor an archive and was not called anything else. SVG is one where it is called so. */
bool sniff_is_picture(const struct sniff *sniff, const char *content_type);

enum { SNIFF_TAIL = 4096 }; /* bytes in which an end mark is looked for; what is behind it harms nobody */

/* Whether a picture that ends in these bytes, the last SNIFF_TAIL of it or more, has the end mark of its format. Where the
   format has none, any picture of some length has. */
bool sniff_end(enum stepimg_format format, const unsigned char *bytes, size_t length);

#endif
