/*
 * base64_blocks with SSSE3, AVX2 and AVX-512, chosen at run time; where a processor has no file of its own, it takes
 * nothing. The method is that of Muła and Lemire, "Faster Base64 Encoding and Decoding Using AVX2 Instructions" (ACM
 * Transactions on the Web, 2018): a character's two nibbles look up bit sets that meet only where it is none of the
 * alphabet, and its upper nibble looks up what to add to get its value.
 */
#include "payload/base64_blocks.h"

#if defined(BASE64_HAS_X86)
#include <immintrin.h>

/* A register is stored whole although a quarter of it is no output, so the last blocks are left to the caller. */
enum { SSE_ROOM = 24, AVX_ROOM = 48, AVX512_ROOM = 88 };

#define LOW 0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x13, 0x1a, 0x1b, 0x1b, 0x1b, 0x1a
#define HIGH 0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x08, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10
#define ROLL 0, 16, 19, 4, -65, -65, -71, -71, 0, 0, 0, 0, 0, 0, 0, 0
/* Where the twelve bytes stand that sixteen characters from place i on became. */
#define BYTES(i)                                                                                                       \
  2 + (i), 1 + (i), (i), 6 + (i), 5 + (i), 4 + (i), 10 + (i), 9 + (i), 8 + (i), 14 + (i), 13 + (i), 12 + (i)
#define PACK BYTES(0), -1, -1, -1, -1

__attribute__((target("ssse3"))) static size_t blocks_ssse3(const char *in, size_t length, unsigned char *out)
{
  const __m128i low = _mm_setr_epi8(LOW), high = _mm_setr_epi8(HIGH), roll = _mm_setr_epi8(ROLL);
  const __m128i pack = _mm_setr_epi8(PACK), slash = _mm_set1_epi8(0x2f), zero = _mm_setzero_si128();
  size_t taken = 0;
  for (; length - taken >= SSE_ROOM; taken += 16, out += 12) {
    __m128i text = _mm_loadu_si128((const __m128i *)(const void *)(in + taken));
    __m128i upper = _mm_and_si128(_mm_srli_epi32(text, 4), slash);
    __m128i flaws = _mm_and_si128(_mm_shuffle_epi8(low, _mm_and_si128(text, slash)), _mm_shuffle_epi8(high, upper));
    if (_mm_movemask_epi8(_mm_cmpgt_epi8(flaws, zero)) != 0)
      break;
    __m128i index = _mm_add_epi8(_mm_cmpeq_epi8(text, slash), upper);
    __m128i values = _mm_add_epi8(text, _mm_shuffle_epi8(roll, index));
    __m128i pairs = _mm_maddubs_epi16(values, _mm_set1_epi32(0x01400140));
    __m128i groups = _mm_madd_epi16(pairs, _mm_set1_epi32(0x00011000));
    _mm_storeu_si128((__m128i *)(void *)out, _mm_shuffle_epi8(groups, pack));
  }
  return taken;
}

__attribute__((target("avx2"))) static size_t blocks_avx2(const char *in, size_t length, unsigned char *out)
{
  const __m256i low = _mm256_setr_epi8(LOW, LOW), high = _mm256_setr_epi8(HIGH, HIGH);
  const __m256i roll = _mm256_setr_epi8(ROLL, ROLL), pack = _mm256_setr_epi8(PACK, PACK);
  const __m256i slash = _mm256_set1_epi8(0x2f), lanes = _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 3, 7);
  size_t taken = 0;
  for (; length - taken >= AVX_ROOM; taken += 32, out += 24) {
    __m256i text = _mm256_loadu_si256((const __m256i *)(const void *)(in + taken));
    __m256i upper = _mm256_and_si256(_mm256_srli_epi32(text, 4), slash);
    __m256i one = _mm256_shuffle_epi8(low, _mm256_and_si256(text, slash)), other = _mm256_shuffle_epi8(high, upper);
    if (!_mm256_testz_si256(one, other))
      break;
    __m256i index = _mm256_add_epi8(_mm256_cmpeq_epi8(text, slash), upper);
    __m256i values = _mm256_add_epi8(text, _mm256_shuffle_epi8(roll, index));
    __m256i pairs = _mm256_maddubs_epi16(values, _mm256_set1_epi32(0x01400140));
    __m256i groups = _mm256_shuffle_epi8(_mm256_madd_epi16(pairs, _mm256_set1_epi32(0x00011000)), pack);
    _mm256_storeu_si256((__m256i *)(void *)out, _mm256_permutevar8x32_epi32(groups, lanes));
  }
  return taken;
}

/* The same, of the same authors ("Base64 encoding and decoding at almost the speed of a memory copy", Software: Practice
   and Experience, 2020): with VBMI one instruction looks up 64 values. */
__attribute__((target("avx512bw,avx512vbmi"))) static size_t blocks_avx512(const char *in, size_t length,
                                                                           unsigned char *out)
{
  static const unsigned char bytes[64] = {BYTES(0), BYTES(16), BYTES(32), BYTES(48)};
  const __m512i low = _mm512_loadu_si512(base64_sextets), high = _mm512_loadu_si512(base64_sextets + 64);
  const __m512i pack = _mm512_loadu_si512(bytes);
  size_t taken = 0;
  for (; length - taken >= AVX512_ROOM; taken += 64, out += 48) {
    __m512i text = _mm512_loadu_si512(in + taken), values = _mm512_permutex2var_epi8(low, text, high);
    if (_mm512_movepi8_mask(_mm512_or_si512(values, text)) != 0) /* BASE64_BAD, or beyond ASCII */
      break;
    __m512i pairs = _mm512_maddubs_epi16(values, _mm512_set1_epi32(0x01400140));
    __m512i groups = _mm512_madd_epi16(pairs, _mm512_set1_epi32(0x00011000));
    _mm512_storeu_si512(out, _mm512_permutexvar_epi8(pack, groups));
  }
  return taken;
}

#if defined(__APPLE__) /* the compiler's own library, which knows of the processor, is not always linked there */
enum base64_way base64_best_way(void)
{
  return BASE64_SSSE3; /* that each of these machines has */
}
#else
enum base64_way base64_best_way(void)
{
  if (__builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512bw"))
    return BASE64_AVX512;
  return __builtin_cpu_supports("avx2") ? BASE64_AVX2 : __builtin_cpu_supports("ssse3") ? BASE64_SSSE3 : BASE64_PLAIN;
}
#endif

size_t base64_blocks(enum base64_way way, const char *in, size_t length, unsigned char *out)
{
  switch (way) {
  case BASE64_AVX512:
    return blocks_avx512(in, length, out);
  case BASE64_AVX2:
    return blocks_avx2(in, length, out);
  case BASE64_SSSE3:
    return blocks_ssse3(in, length, out);
  default:
    return 0;
  }
}

#elif !defined(BASE64_HAS_NEON)

enum base64_way base64_best_way(void)
{
  return BASE64_PLAIN;
}

size_t base64_blocks(enum base64_way way, const char *in, size_t length, unsigned char *out)
{
  (void)way;
  (void)in;
  (void)length;
  (void)out;
  return 0;
}

#endif
