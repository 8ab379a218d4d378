/* Whose word counts for who a server is: a file of certificates, a folder of them, or both. */
#ifndef STEPIMG_AUTHORITIES_H
#define STEPIMG_AUTHORITIES_H

#include "stepimg.h"

/* Strings are owned. */
struct authorities {
  char *file;   /* NULL: none */
  char *folder; /* NULL: none */
  bool own;     /* libcurl finds them by itself, in the system's store: neither is set */
};

/* What there is to choose from, each a path or NULL. */
struct authorities_sources {
  const char *option;                    /* ca_file */
  const char *env_file, *env_folder;     /* SSL_CERT_FILE and SSL_CERT_DIR of the environment */
  const char *built_file, *built_folder; /* that libcurl was built with */
  bool system_store;                     /* its TLS library asks the system */
};

/* The option; else what the environment names; else what libcurl was built with, if it is on this machine; else the first
   place of other distributions that is; else what libcurl makes of it. Fails with STEPIMG_INVALID, where what the user named
   cannot be read, or STEPIMG_NOMEM. */
enum stepimg_kind authorities_choose(struct authorities *authorities, const struct authorities_sources *sources,
                                     struct stepimg_error *error);
/* The same, with this process's environment and libcurl. */
enum stepimg_kind authorities_init(struct authorities *authorities, const char *ca_file, struct stepimg_error *error);
void authorities_clear(struct authorities *authorities); /* idempotent */

#endif
