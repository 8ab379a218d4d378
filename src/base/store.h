/* Where systems keep the certificates of those that they trust. */
#ifndef STEPIMG_STORE_H
#define STEPIMG_STORE_H

/* Whether they are in no file. */
#if defined(_WIN32)
enum { STORE_IS_NATIVE = 1 };
#else
enum { STORE_IS_NATIVE = 0 };
#endif

/* Files of certificates, ended by NULL, to which only an administrator can write. */
extern const char *const store_places[];

#endif
