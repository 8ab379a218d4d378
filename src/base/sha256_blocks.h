/* The inner part of SHA-256: whole blocks, with the processor's own instructions where it has them. */
#ifndef STEPIMG_SHA256_BLOCKS_H
#define STEPIMG_SHA256_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The constants of the rounds. */
extern const uint32_t sha256_rounds[64];

/* Takes so many blocks of 64 bytes into the state. */
void sha256_plain(uint32_t state[8], const unsigned char *bytes, size_t blocks);
/* Whether this processor has instructions of its own. To ask it takes longer than a few blocks do, and on a virtual machine
   far longer. */
bool sha256_has_fast(void);
/* The same as sha256_plain with these. */
void sha256_fast(uint32_t state[8], const unsigned char *bytes, size_t blocks);

#endif
