/*
 * base64_blocks with NEON, which every 64-bit ARM has. The loads take the four characters of sixteen groups apart, so
 * that a register holds sixteen first characters, the next sixteen second ones; each is looked up in base64_sextets itself.
 */
#include "payload/base64_blocks.h"

#if defined(BASE64_HAS_NEON)
#include <arm_neon.h>

static uint8x16x4_t table(const unsigned char *from)
{
  return (uint8x16x4_t){{vld1q_u8(from), vld1q_u8(from + 16), vld1q_u8(from + 32), vld1q_u8(from + 48)}};
}

static size_t blocks_neon(const char *in, size_t length, unsigned char *out)
{
  enum { BLOCK = 64 };
  const uint8x16x4_t low = table(base64_sextets), high = table(base64_sextets + 64);
  const uint8x16_t half = vdupq_n_u8(64);
  size_t taken = 0;
  for (; length - taken >= BLOCK; taken += BLOCK, out += BLOCK / 4 * 3) {
    uint8x16x4_t text = vld4q_u8((const uint8_t *)in + taken), values;
    uint8x16_t flaws = vdupq_n_u8(0);
    for (int i = 0; i < 4; i++) { /* a place beyond the table's 64 gives 0 */
      values.val[i] = vorrq_u8(vqtbl4q_u8(low, text.val[i]), vqtbl4q_u8(high, veorq_u8(text.val[i], half)));
      flaws = vorrq_u8(flaws, vorrq_u8(values.val[i], text.val[i]));
    }
    if (vmaxvq_u8(flaws) > 127) /* BASE64_BAD, or beyond ASCII */
      break;
    uint8x16x3_t bytes = {{vorrq_u8(vshlq_n_u8(values.val[0], 2), vshrq_n_u8(values.val[1], 4)),
                           vorrq_u8(vshlq_n_u8(values.val[1], 4), vshrq_n_u8(values.val[2], 2)),
                           vorrq_u8(vshlq_n_u8(values.val[2], 6), values.val[3])}};
    vst3q_u8(out, bytes);
  }
  return taken;
}

enum base64_way base64_best_way(void)
{
  return BASE64_NEON;
}

size_t base64_blocks(enum base64_way way, const char *in, size_t length, unsigned char *out)
{
  return way == BASE64_NEON ? blocks_neon(in, length, out) : 0;
}

#endif
