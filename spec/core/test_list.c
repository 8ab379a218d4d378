/* The linked list, against an array that is changed in the same way. */
#define _POSIX_C_SOURCE 200809L

#include "check.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/list.h"

enum { ITEMS = 12, STEPS = 20000 };

struct item {
  int number;
  struct list_link other, link;
};

struct model {
  struct item *items[ITEMS];
  size_t count;
};

static void model_insert(struct model *model, size_t place, struct item *item)
{
  memmove(&model->items[place + 1], &model->items[place], (model->count - place) * sizeof *model->items);
  model->items[place] = item;
  model->count++;
}

static void model_remove(struct model *model, const struct item *item)
{
  size_t kept = 0;
  for (size_t i = 0; i < model->count; i++)
    if (model->items[i] != item)
      model->items[kept++] = model->items[i];
  model->count = kept;
}

static void assert_same(const struct list *list, const struct model *model)
{
  struct list_link *link = list_first(list);
  assert_int_equal(list_is_empty(list), model->count == 0);
  for (size_t i = 0; i < model->count; i++, link = list_next(list, link))
    assert_ptr_equal(LIST_ITEM(link, struct item, link), model->items[i]);
  assert_null(link);
  link = list->ends.back;
  for (size_t i = model->count; i > 0; i--, link = link->back)
    assert_ptr_equal(LIST_ITEM(link, struct item, link), model->items[i - 1]);
  assert_ptr_equal(link, &list->ends);
}

static void items_stand_where_they_were_put_whatever_is_removed(void **state)
{
  struct item items[ITEMS];
  struct model model = {.count = 0};
  struct list list;
  uint32_t random = 1;
  (void)state;
  memset(items, 0, sizeof items);
  list_init(&list);
  for (int step = 0; step < STEPS; step++) {
    struct item *item = &items[next_random(&random) % ITEMS];
    size_t place = model.count > 0 ? next_random(&random) % model.count : 0;
    if (list_is_linked(&item->link)) {
      list_remove(&item->link);
      model_remove(&model, item);
      assert_false(list_is_linked(&item->link));
    } else if (model.count > 0 && step % 3 == 0) {
      list_insert(&model.items[place]->link, &item->link);
      model_insert(&model, place, item);
    } else if (step % 3 == 1) {
      list_prepend(&list, &item->link);
      model_insert(&model, 0, item);
    } else {
      list_append(&list, &item->link);
      model_insert(&model, model.count, item);
    }
    assert_same(&list, &model);
  }
}

static void what_is_in_no_list_is_removed_without_harm(void **state)
{
  struct item item = {.number = 7};
  struct list list;
  (void)state;
  list_init(&list);
  list_remove(&item.link);
  list_append(&list, &item.link);
  list_remove(&item.link);
  list_remove(&item.link);
  assert_true(list_is_empty(&list));
  assert_null(list_first(&list));
  assert_null(LIST_ITEM(list_first(&list), struct item, link));
  assert_int_equal(item.number, 7);
}

/* A debug build says where something is not true, and ends. */
static void what_is_in_a_list_goes_into_no_other(void **state)
{
  struct item item = {.number = 7};
  struct list list;
  char text[256] = "";
  int ends[2], status;
  (void)state;
#if !defined(STEPIMG_DEBUG)
  skip();
#endif
  list_init(&list);
  list_append(&list, &item.link);
  assert_int_equal(pipe(ends), 0);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    signal(SIGABRT, SIG_DFL);
    dup2(ends[1], STDERR_FILENO);
    list_append(&list, &item.link);
    _exit(0);
  }
  close(ends[1]);
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(read(ends[0], text, sizeof text - 1) > 0);
  close(ends[0]);
  assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
  assert_contains(text, "base/list.h:");
  assert_contains(text, "this is not true: !list_is_linked(link)");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(items_stand_where_they_were_put_whatever_is_removed),
      cmocka_unit_test(what_is_in_no_list_is_removed_without_harm),
      cmocka_unit_test(what_is_in_a_list_goes_into_no_other),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
