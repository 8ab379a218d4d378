#include "base/sha256.h"

#include <string.h>

#include "base/sha256_blocks.h"

const uint32_t sha256_rounds[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t turn(uint32_t word, int bits)
{
  return word >> bits | word << (32 - bits);
}

static void put_word(unsigned char *out, uint32_t word)
{
  for (int i = 0; i < 4; i++)
    out[i] = (unsigned char)(word >> (24 - 8 * i));
}

/* The block's words, and those that the standard makes of them. */
static void spread(uint32_t words[64], const unsigned char *bytes)
{
  for (size_t i = 0; i < 16; i++)
    words[i] = (uint32_t)bytes[4 * i] << 24 | (uint32_t)bytes[4 * i + 1] << 16 | (uint32_t)bytes[4 * i + 2] << 8 |
               bytes[4 * i + 3];
  for (size_t i = 16; i < 64; i++) {
    uint32_t before = words[i - 15], late = words[i - 2];
    words[i] = words[i - 16] + words[i - 7] + (turn(before, 7) ^ turn(before, 18) ^ before >> 3) +
               (turn(late, 17) ^ turn(late, 19) ^ late >> 10);
  }
}

/* The letters are the standard's. */
static void take_block(uint32_t state[8], const unsigned char *bytes)
{
  uint32_t words[64];
  uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6],
           h = state[7];
  spread(words, bytes);
  for (size_t i = 0; i < 64; i++) {
    uint32_t one = h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + sha256_rounds[i] + words[i];
    uint32_t two = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = d + one;
    d = c;
    c = b;
    b = a;
    a = one + two;
  }
  const uint32_t end[8] = {a, b, c, d, e, f, g, h};
  for (size_t i = 0; i < 8; i++)
    state[i] += end[i];
}

void sha256_plain(uint32_t state[8], const unsigned char *bytes, size_t blocks)
{
  for (; blocks > 0; blocks--, bytes += SHA256_BLOCK)
    take_block(state, bytes);
}

static void take_blocks(struct sha256 *hash, const unsigned char *bytes, size_t blocks)
{
  enum { FEW = 16 };
  if (blocks >= FEW && hash->way == SHA256_UNKNOWN)
    hash->way = sha256_has_fast() ? SHA256_FAST : SHA256_PLAIN;
  if (hash->way == SHA256_FAST)
    sha256_fast(hash->state, bytes, blocks);
  else
    sha256_plain(hash->state, bytes, blocks);
}

void sha256_init(struct sha256 *hash)
{
  *hash = (struct sha256){
      .state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}};
}

void sha256_update(struct sha256 *hash, const void *bytes, size_t length)
{
  const unsigned char *from = bytes;
  size_t held = hash->length % SHA256_BLOCK;
  if (length == 0)
    return;
  hash->length += length;
  if (held > 0) {
    size_t room = SHA256_BLOCK - held, taken = length < room ? length : room;
    memcpy(hash->block + held, from, taken);
    if (taken < room)
      return;
    take_blocks(hash, hash->block, 1);
    from += taken;
    length -= taken;
  }
  take_blocks(hash, from, length / SHA256_BLOCK);
  memcpy(hash->block, from + length / SHA256_BLOCK * SHA256_BLOCK, length % SHA256_BLOCK);
}

void sha256_final(struct sha256 *hash, unsigned char digest[SHA256_SIZE])
{
  static const unsigned char padding[SHA256_BLOCK] = {0x80};
  enum { LENGTH = 8 };
  unsigned char length[LENGTH];
  uint64_t bits = hash->length * 8;
  size_t held = hash->length % SHA256_BLOCK, end = SHA256_BLOCK - LENGTH; /* where the length stands */
  put_word(length, (uint32_t)(bits >> 32));
  put_word(length + 4, (uint32_t)bits);
  sha256_update(hash, padding, (held < end ? end : end + SHA256_BLOCK) - held);
  sha256_update(hash, length, LENGTH);
  for (size_t i = 0; i < 8; i++)
    put_word(digest + 4 * i, hash->state[i]);
}

const char *sha256_hex(char out[SHA256_HEX], const unsigned char digest[SHA256_SIZE])
{
  static const char digits[] = "0123456789abcdef";
  for (size_t i = 0; i < SHA256_SIZE; i++) {
    out[2 * i] = digits[digest[i] >> 4];
    out[2 * i + 1] = digits[digest[i] & 15];
  }
  out[SHA256_HEX - 1] = '\0';
  return out;
}
