/* Where systems keep the certificates of those that they trust. */
#ifndef STEPIMG_STORE_H
#define STEPIMG_STORE_H

/* Whether they are in no file. */
#if defined(_WIN32)
enum { STORE_IS_NATIVE = 1 };
#define STORE_SEPARATOR ";" /* of a list of folders */
#else
enum { STORE_IS_NATIVE = 0 };
#define STORE_SEPARATOR ":"
#endif

/* Files of certificates, ended by NULL, to which only an administrator can write. */
extern const char *const store_places[];

#endif
