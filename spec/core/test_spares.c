/* Spare memory: what fits is used again, and no more is kept than is wanted. Leaks show under the sanitizer. */
#include "check.h"

#include <stdlib.h>

#include "base/buffer.h"
#include "payload/spares.h"

#define SIZE ((size_t)100000)

static struct spare *block(size_t size, struct spare *next)
{
  struct spare *spare = malloc(size);
  assert_non_null(spare);
  spare->next = next;
  spare->size = size;
  return spare;
}

static size_t count(const struct spares *spares)
{
  size_t found = 0;
  for (const struct spare *spare = spares->first; spare != NULL; spare = spare->next)
    found++;
  return found;
}

static void give_what_is_about_as_large(void **state)
{
  static const struct {
    size_t size;
    bool fits;
  } blocks[] = {{SIZE, true},          {SIZE + 1, true},         {2 * SIZE, true},
                {2 * SIZE + 2, false}, {SIZE - SIZE / 16, true}, {SIZE - SIZE / 16 - 1, false}};
  (void)state;
  for (size_t i = 0; i < COUNT_OF(blocks); i++) {
    struct spares spares = {0};
    spares_add(&spares, block(blocks[i].size, NULL));
    unsigned char *memory = spares_take(&spares, SIZE);
    assert_int_equal(memory != NULL, blocks[i].fits);
    assert_int_equal(count(&spares), !blocks[i].fits);
    if (memory != NULL)
      memset(memory, 'x', SIZE);
    free(memory);
    spares_free(&spares);
  }
}

static void are_looked_through(void **state)
{
  struct spares spares = {0};
  (void)state;
  assert_null(spares_take(&spares, SIZE));
  spares_add(&spares, block(SIZE / 10, NULL));
  spares_add(&spares, block(SIZE * 10, block(SIZE, NULL)));
  spares_add(&spares, NULL);
  void *memory = spares_take(&spares, SIZE);
  assert_non_null(memory);
  assert_null(spares_take(&spares, SIZE));
  assert_int_equal(count(&spares), 2);
  free(memory);
  spares_free(&spares);
}

static void are_kept_for_those_on_their_way_and_a_few_more(void **state)
{
  static const int on_their_way[] = {20, 6, 7, 3, 0, 5};
  static const size_t kept[] = {10,           6 + SPARES_BEYOND, 6 + SPARES_BEYOND, 3 + SPARES_BEYOND, SPARES_BEYOND,
                                SPARES_BEYOND};
  struct spares spares = {0};
  (void)state;
  for (int i = 0; i < 10; i++)
    spares_add(&spares, block(SIZE, NULL));
  for (size_t i = 0; i < COUNT_OF(kept); i++) {
    spares_trim(&spares, on_their_way[i]);
    assert_int_equal(count(&spares), kept[i]);
  }
  spares_free(&spares);
  assert_int_equal(count(&spares), 0);
}

/* As a picture's memory goes round: the second of the same size asks for a little more than the first has kept. */
static void serve_the_next_picture_of_the_same_size(void **state)
{
  struct spares spares = {0};
  struct buffer buffer;
  size_t length;
  (void)state;
  buffer_init(&buffer, 2 * SIZE);
  for (int i = 0; i < 3; i++) {
    void *spare = spares_take(&spares, SIZE + 100);
    assert_int_equal(spare != NULL, i > 0);
    if (spare != NULL)
      buffer_adopt(&buffer, spare, SIZE + 100);
    assert_int_equal(buffer_reserve(&buffer, SIZE + 100), STEPIMG_OK);
    memset(buffer.bytes, 'x', SIZE);
    buffer.length = SIZE;
    unsigned char *bytes = buffer_take(&buffer, &length);
    assert_int_equal(length, SIZE);
    struct spare *dropped = (struct spare *)(void *)bytes;
    dropped->next = NULL;
    dropped->size = length;
    spares_add(&spares, dropped);
  }
  spares_free(&spares);
  buffer_free(&buffer);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(give_what_is_about_as_large),
      cmocka_unit_test(are_looked_through),
      cmocka_unit_test(are_kept_for_those_on_their_way_and_a_few_more),
      cmocka_unit_test(serve_the_next_picture_of_the_same_size),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
