/* sha256_fast with the SHA extensions of x86; elsewhere there is no such thing. */
#include "base/sha256_blocks.h"

#if (defined(__x86_64__) || defined(__i386__)) && defined(__GNUC__) && !defined(__APPLE__) /* as base64_x86.c */
#include <cpuid.h>
#include <immintrin.h>

/* __builtin_cpu_supports has no name for them before GCC 14. */
bool sha256_has_fast(void)
{
  unsigned a, b, c, d;
  return __builtin_cpu_supports("ssse3") && __builtin_cpu_supports("sse4.1") &&
         __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA) != 0;
}

/* The instructions keep the state's eight words as a, b, e, f and c, d, g, h, the first of each the uppermost. */
__attribute__((target("sha,sse4.1"))) void sha256_fast(uint32_t state[8], const unsigned char *bytes, size_t blocks)
{
  const __m128i order = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
  __m128i *place = (__m128i *)(void *)state;
  __m128i badc = _mm_shuffle_epi32(_mm_loadu_si128(place), 0xb1);
  __m128i hgfe = _mm_shuffle_epi32(_mm_loadu_si128(place + 1), 0x1b);
  __m128i abef = _mm_alignr_epi8(badc, hgfe, 8), cdgh = _mm_blend_epi16(hgfe, badc, 0xf0);
  for (; blocks > 0; blocks--, bytes += 64) {
    __m128i words[4], abef_before = abef, cdgh_before = cdgh;
    for (size_t i = 0; i < 4; i++)
      words[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)bytes + i), order);
    for (size_t i = 0; i < 16; i++) { /* four rounds each */
      const __m128i constants = _mm_loadu_si128((const __m128i *)(const void *)(sha256_rounds + 4 * i));
      __m128i now = words[i % 4], sum = _mm_add_epi32(now, constants);
      cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
      abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0e));
      if (i < 12) { /* four words of the block after next but two */
        __m128i next = words[(i + 1) % 4], last = words[(i + 3) % 4];
        __m128i made = _mm_add_epi32(_mm_sha256msg1_epu32(now, next), _mm_alignr_epi8(last, words[(i + 2) % 4], 4));
        words[i % 4] = _mm_sha256msg2_epu32(made, last);
      }
    }
    abef = _mm_add_epi32(abef, abef_before);
    cdgh = _mm_add_epi32(cdgh, cdgh_before);
  }
  __m128i feba = _mm_shuffle_epi32(abef, 0x1b), dchg = _mm_shuffle_epi32(cdgh, 0xb1);
  _mm_storeu_si128(place, _mm_blend_epi16(feba, dchg, 0xf0));
  _mm_storeu_si128(place + 1, _mm_alignr_epi8(dchg, feba, 8));
}

#else

bool sha256_has_fast(void)
{
  return false;
}

void sha256_fast(uint32_t state[8], const unsigned char *bytes, size_t blocks)
{
  sha256_plain(state, bytes, blocks);
}

#endif
