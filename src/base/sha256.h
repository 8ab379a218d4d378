/*
 * SHA-256 (FIPS 180-4). Written here, since no library that has it is there anyway: libcurl gives its own to nobody, and
 * what lies below it is OpenSSL on one system, and GnuTLS, Schannel or something else on the next.
 */
#ifndef STEPIMG_SHA256_H
#define STEPIMG_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { SHA256_SIZE = 32, SHA256_BLOCK = 64, SHA256_HEX = 2 * SHA256_SIZE + 1 };

enum sha256_way { SHA256_UNKNOWN, SHA256_PLAIN, SHA256_FAST };

struct sha256 {
  uint32_t state[8];
  uint64_t length;                   /* bytes that came */
  unsigned char block[SHA256_BLOCK]; /* the last of them, which fill none yet */
  enum sha256_way way;               /* to take blocks, once it was asked for */
};

void sha256_init(struct sha256 *hash);
/* The next bytes, of any number. */
void sha256_update(struct sha256 *hash, const void *bytes, size_t length);
/* The digest of all that came. hash is to be begun anew then. */
void sha256_final(struct sha256 *hash, unsigned char digest[SHA256_SIZE]);

/* The digest in lower-case hexadecimal digits. Returns out. */
const char *sha256_hex(char out[SHA256_HEX], const unsigned char digest[SHA256_SIZE]);

#endif
