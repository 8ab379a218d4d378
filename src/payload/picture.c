#include "payload/picture.h"

#include <string.h>

#include "base/error.h"

enum stepimg_kind picture_begin(struct picture *picture, struct file *file, struct spares *spares, size_t expected,
                                size_t max, struct stepimg_error *error)
{
  picture_free(picture);
  picture->file = file;
  buffer_init(&picture->bytes, max);
  sniff_init(&picture->sniff);
  if (file != NULL)
    return file_restart(file, error); /* a download that is repeated begins anew */
  if (expected == 0 || expected > max)
    return STEPIMG_OK;
  void *spare = spares != NULL ? spares_take(spares, expected) : NULL;
  if (spare != NULL)
    buffer_adopt(&picture->bytes, spare, expected);
  else /* the length is only the server's word: that there is no room for it is no failure yet */
    (void)buffer_reserve(&picture->bytes, expected);
  return STEPIMG_OK;
}

/* Writes what was gathered, except for the last bytes, which picture_has_end is to see. */
static enum stepimg_kind write_block(struct picture *picture, struct stepimg_error *error)
{
  struct buffer *bytes = &picture->bytes;
  size_t length = bytes->length - SNIFF_TAIL;
  enum stepimg_kind kind = file_write(picture->file, bytes->bytes, length, error);
  if (kind != STEPIMG_OK)
    return kind;
  sniff_feed(&picture->sniff, bytes->bytes, length);
  memmove(bytes->bytes, bytes->bytes + length, SNIFF_TAIL);
  bytes->length = SNIFF_TAIL;
  return STEPIMG_OK;
}

enum stepimg_kind picture_room(struct picture *picture, size_t more, unsigned char **room, struct stepimg_error *error)
{
  enum stepimg_kind kind = STEPIMG_OK;
  if (picture->file != NULL && picture->bytes.length >= PICTURE_BLOCK)
    kind = write_block(picture, error);
  if (kind == STEPIMG_OK) {
    kind = buffer_reserve(&picture->bytes, more);
    if (kind == STEPIMG_NOMEM)
      error_nomem(error);
  }
  *room = kind == STEPIMG_OK ? picture->bytes.bytes + picture->bytes.length : NULL;
  return kind;
}

void picture_add(struct picture *picture, size_t length)
{
  picture->bytes.length += length;
  picture->length += length;
}

void picture_look(struct picture *picture)
{
  if (!picture->looked)
    sniff_feed(&picture->sniff, picture->bytes.bytes, picture->bytes.length);
  picture->looked = true;
}

bool picture_has_end(const struct picture *picture)
{
  return sniff_end(picture->sniff.format, picture->bytes.bytes, picture->bytes.length);
}

enum stepimg_kind picture_end(struct picture *picture, struct stepimg_error *error)
{
  if (picture->file == NULL)
    return STEPIMG_OK;
  if (file_write(picture->file, picture->bytes.bytes, picture->bytes.length, error) != STEPIMG_OK)
    return error->kind;
  return file_close(picture->file, error);
}

unsigned char *picture_take(struct picture *picture, size_t *length)
{
  *length = 0;
  if (picture->file != NULL || picture->bytes.length == 0)
    return NULL;
  return buffer_take(&picture->bytes, length);
}

void picture_free(struct picture *picture)
{
  buffer_free(&picture->bytes);
  memset(picture, 0, sizeof *picture);
}
