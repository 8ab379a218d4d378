/* The fast part of the decoder: whole blocks of clean base64, with vector instructions where the processor has them. */
#ifndef STEPIMG_BASE64_BLOCKS_H
#define STEPIMG_BASE64_BLOCKS_H

#include <stddef.h>

/* Which file has them. What else there is takes all the plain way. */
#if (defined(__x86_64__) || defined(__i386__)) && defined(__GNUC__)
#define BASE64_HAS_X86
#elif defined(__aarch64__) && !defined(__AARCH64EB__)
#define BASE64_HAS_NEON
#endif

/* Each processor's from the slowest on. */
enum base64_way { BASE64_PLAIN, BASE64_SSSE3, BASE64_AVX2, BASE64_AVX512, BASE64_NEON = BASE64_PLAIN + 1 };

enum { BASE64_BAD = 0xff };

/* Value of each character; BASE64_BAD for those that are none of the alphabet's, the padding included. */
extern const unsigned char base64_sextets[256];

/* The fastest that this processor has. Any lower one works too. */
enum base64_way base64_best_way(void);

/* Decodes groups of four from the start of in while they hold nothing but the alphabet, as far as it pays, and returns
   the characters taken: a multiple of four, perhaps 0. out has room for three bytes for each four characters of length;
   bytes beyond the decoded ones may be overwritten. */
size_t base64_blocks(enum base64_way way, const char *in, size_t length, unsigned char *out);

#endif
