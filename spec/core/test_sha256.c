/* SHA-256: the standard's vectors, both ways to take a block, every length around a block's end, torn at every place. */
#include "check.h"

#include <stdio.h>

#include "base/sha256.h"
#include "base/sha256_blocks.h"

static void assert_digest(const char *wanted, const void *bytes, size_t length)
{
  struct sha256 hash;
  unsigned char digest[SHA256_SIZE];
  char hex[SHA256_HEX];
  sha256_init(&hash);
  sha256_update(&hash, bytes, length);
  sha256_final(&hash, digest);
  assert_string_equal(sha256_hex(hex, digest), wanted);
}

/* FIPS 180-4's examples, and NIST's for long and empty messages. */
static void gives_the_standards_digests(void **state)
{
  enum { MILLION = 1000000 };
  (void)state;
  assert_digest("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", NULL, 0);
  assert_digest("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "abc", 3);
  assert_digest("248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56);
  assert_digest("cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1",
                "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrs"
                "mnopqrstnopqrstu",
                112);
  assert_digest("68325720aabd7c82f30f554b313d0570c95accbb7dc4b5aae11204c08ffe732b", "\xbd", 1);
  assert_digest("7abc22c0ae5af26ce93dbb94433a0e0b2e119d014f8e7f65bd56c61ccccd9504", "\xc9\x8c\x8e\x55", 4);
  char *many = malloc(MILLION);
  assert_non_null(many);
  memset(many, 'a', MILLION);
  assert_digest("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0", many, MILLION);
  memset(many, 0, MILLION);
  assert_digest("02779466cdec163811d078815c633f21901413081449002f24aa3e80f0b88ef7", many, 55);
  assert_digest("d4817aa5497628e7c77e6b606107042bbba3130888c5f47a375e6179be789fbb", many, 56);
  assert_digest("65a16cb7861335d5ace3c60718b5052e44660726da4cd13bb745381b235a1785", many, 57);
  assert_digest("f5a5fd42d16a20302798ef6ed309979b43003d2320d9f0e8ea9831a92759fb4b", many, 64);
  assert_digest("541b3e9daa09b20bf85fa273e5cbd3e80185aa4ec298e765db87742b70138a53", many, 1000);
  assert_digest("d29751f2649b32ff572b5e0a9f541ea660a50f94ff0beedfb0b692b924cc8025", many, MILLION);
  free(many);
}

static void takes_a_block_the_same_in_both_ways(void **state)
{
  enum { MOST = 5 };
  unsigned char bytes[MOST * SHA256_BLOCK];
  uint32_t random = 1;
  (void)state;
  if (!sha256_has_fast())
    skip(); /* this processor has but one */
  for (size_t i = 0; i < sizeof bytes; i++)
    bytes[i] = (unsigned char)next_random(&random);
  for (size_t blocks = 0; blocks <= MOST; blocks++)
    for (int round = 0; round < 20; round++) {
      uint32_t plain[8], other[8];
      for (size_t i = 0; i < 8; i++)
        plain[i] = other[i] = next_random(&random) << 8 ^ next_random(&random);
      unsigned char *exact = exact_copy(bytes, blocks * SHA256_BLOCK);
      sha256_plain(plain, exact, blocks);
      sha256_fast(other, exact, blocks);
      free(exact);
      assert_memory_equal(plain, other, sizeof plain);
    }
}

static void is_the_same_in_any_pieces(void **state)
{
  enum { LONGEST = 3 * SHA256_BLOCK + 1 };
  unsigned char bytes[LONGEST];
  uint32_t random = 7;
  (void)state;
  for (size_t i = 0; i < sizeof bytes; i++)
    bytes[i] = (unsigned char)next_random(&random);
  for (size_t length = 0; length <= LONGEST; length++) {
    struct sha256 hash;
    unsigned char whole[SHA256_SIZE], torn[SHA256_SIZE];
    sha256_init(&hash);
    sha256_update(&hash, bytes, length);
    sha256_final(&hash, whole);
    for (size_t piece = 1; piece <= length; piece++) {
      sha256_init(&hash);
      for (size_t at = 0; at < length; at += piece) {
        size_t size = length - at < piece ? length - at : piece;
        unsigned char *exact = exact_copy(bytes + at, size);
        sha256_update(&hash, exact, size);
        free(exact);
      }
      sha256_final(&hash, torn);
      assert_memory_equal(torn, whole, sizeof whole);
    }
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gives_the_standards_digests),
      cmocka_unit_test(takes_a_block_the_same_in_both_ways),
      cmocka_unit_test(is_the_same_in_any_pieces),
  };
  return cmocka_run_group_tests_name("sha256", tests, NULL, NULL);
}
