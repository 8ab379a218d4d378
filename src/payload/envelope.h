/*
 * What an answer's JSON says, except for its pictures: id, created, and the entries of data, as plain values. Lives on the
 * I/O thread; owns them until envelope_give.
 */
#ifndef STEPIMG_ENVELOPE_H
#define STEPIMG_ENVELOPE_H

#include "base/buffer.h"
#include "payload/scanner.h"
#include "stepimg.h"

enum { ENVELOPE_MAX_URL = 8 * 1024, ENVELOPE_MAX_ID = 256, ENVELOPE_MAX_FINISH_REASON = 64 };

/* Where its values stand. */
enum envelope_path {
  ENVELOPE_DOCUMENT,
  ENVELOPE_ID,
  ENVELOPE_CREATED,
  ENVELOPE_DATA,
  ENVELOPE_ENTRY,
  ENVELOPE_SEED,
  ENVELOPE_FINISH_REASON,
  ENVELOPE_URL,
  ENVELOPE_PICTURE, /* whose text is not the envelope's to take */
  ENVELOPE_PATHS
};

extern const struct scanner_path envelope_paths[ENVELOPE_PATHS];

/* Zeroed at first. */
struct envelope {
  const char *key;    /* borrowed; hidden in what is shown. NULL: none */
  bool is_object;     /* the document is one, as far as it came */
  struct buffer text; /* that is arriving */
  const char *id;     /* owned, as are the images' texts except for path */
  bool has_created;
  int64_t created;
  struct stepimg_image *images; /* the entries of data; of a link that was not followed yet, the text as it came */
  size_t image_count;
  const char *flaw; /* of an entry; NULL: none */
};

/* Takes what the scanner says is at a path. Fails with STEPIMG_PROTOCOL, for a reason in *why, or STEPIMG_NOMEM. */
enum stepimg_kind envelope_take(struct envelope *envelope, enum scanner_event event, enum envelope_path path,
                                size_t index, const char *bytes, size_t length, const char **why);

/* The entry of that place; it has begun. */
struct stepimg_image *envelope_image(struct envelope *envelope, size_t index);

/* Whether the filter stopped it. */
bool envelope_is_filtered(const struct stepimg_image *image);

/* Gives all to the outcome. */
void envelope_give(struct envelope *envelope, struct stepimg_outcome *outcome);
/* The link of an entry, fit to be shown, and the caller's to free; NULL: it has none. */
const char *envelope_take_link(struct stepimg_image *image);

void envelope_free(struct envelope *envelope); /* idempotent; it is as at first then, except for the key */
void envelope_free_images(struct stepimg_image *images);

#endif
