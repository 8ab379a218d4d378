#include "client/places.h"

void places_init(struct places *places)
{
  for (size_t i = 0; i < PLACES; i++)
    list_init(&places->lists[i]);
}

bool places_enter(struct places *places, struct place *place)
{
  struct list *list = &places->lists[place->key % PLACES];
  const struct list_link *link = list_first(list);
  while (link != NULL && LIST_ITEM(link, struct place, link)->key != place->key)
    link = list_next(list, link);
  list_append(list, &place->link);
  return link != NULL;
}

void place_leave(struct place *place)
{
  list_remove(&place->link);
}
