#include "base/store.h"

#include <stddef.h>

/* Of Debian, Fedora, openSUSE, RHEL, Alpine and the BSDs, FreeBSD, Termux. A libcurl that came with a program of another
   distribution knows but one of them. */
const char *const store_places[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/usr/local/share/certs/ca-root-nss.crt",
    "/data/data/com.termux/files/usr/etc/tls/cert.pem",
    NULL,
};
