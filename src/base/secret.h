/* A secret: not shown where others quote it, not left in memory. */
#ifndef STEPIMG_SECRET_H
#define STEPIMG_SECRET_H

#include <stddef.h>

/* Puts asterisks, in place, where text has the secret, in whatever case, as it is or as JSON or a URL may write its
   characters; at the text's end, which may have been cut, also where it has a part of it. NULL is fine for both; a secret
   of less than 8 characters is none. */
void secret_hide(char *text, size_t length, const char *secret);

/* Overwrites a NUL-terminated secret before its memory is freed, or frees it, too. NULL is fine. */
void secret_wipe(char *secret);
void secret_free(char *secret);

#endif
