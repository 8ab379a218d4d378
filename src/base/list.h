/* A doubly linked list of things that carry their own links. Takes no memory and no lock. */
#ifndef STEPIMG_LIST_H
#define STEPIMG_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/check.h"

/* One place in one list; embedded. Zeroed: in none. */
struct list_link {
  struct list_link *next, *back;
};

/* A ring through both ends: it must not be moved in memory. */
struct list {
  struct list_link ends;
};

static inline void list_init(struct list *list)
{
  list->ends.next = list->ends.back = &list->ends;
}

static inline bool list_is_empty(const struct list *list)
{
  return list->ends.next == &list->ends;
}

/* Whether it is in a list. */
static inline bool list_is_linked(const struct list_link *link)
{
  return link->next != NULL;
}

/* clang's analyzer follows no ring: it takes what was removed and freed for the next. NOLINTBEGIN(clang-analyzer-*) */

/* Puts link, which is in no list, before another one. */
static inline void list_insert(struct list_link *before, struct list_link *link)
{
  CHECK(!list_is_linked(link));
  link->next = before;
  link->back = before->back;
  before->back->next = link;
  before->back = link;
}

static inline void list_prepend(struct list *list, struct list_link *link)
{
  list_insert(list->ends.next, link);
}

static inline void list_append(struct list *list, struct list_link *link)
{
  list_insert(&list->ends, link);
}

/* Idempotent. */
static inline void list_remove(struct list_link *link)
{
  if (!list_is_linked(link))
    return;
  CHECK(link->next->back == link && link->back->next == link);
  link->next->back = link->back;
  link->back->next = link->next;
  link->next = link->back = NULL;
}

/* NULL where there is none. */
static inline struct list_link *list_first(const struct list *list)
{
  return list_is_empty(list) ? NULL : list->ends.next;
}

static inline struct list_link *list_next(const struct list *list, const struct list_link *link)
{
  return link->next == &list->ends ? NULL : link->next;
}

static inline void *list_carrier(const struct list_link *link, size_t offset)
{
  return link == NULL ? NULL : (char *)link - offset;
}

/* The thing that carries link in that member; NULL for NULL. */
#define LIST_ITEM(link, type, member) ((type *)list_carrier(link, offsetof(type, member)))

/* NOLINTEND(clang-analyzer-*) */

#endif
