/*
 * A folder of pictures that were paid for. Each has two files: NAME.png, whatever its format is, and NAME.json, which is
 * written last and holds the other's size and digest. NAME is the first half of the request's key. Both are written whole
 * or not at all (base/file.h), so that several processes may share a folder, and what is there at any moment is whole, or
 * is seen to be none: a pair that does not fit is a missing one. A link is no entry, and is not followed. Nothing is ever
 * removed.
 *
 * Made on the host's thread; the I/O thread's after that, which waits for the disk in find, read and keep.
 */
#ifndef STEPIMG_CACHE_H
#define STEPIMG_CACHE_H

#include "base/check.h"
#include "base/source.h"
#include "client/key.h"
#include "http/form.h"
#include "payload/answer.h"
#include "payload/entry.h"
#include "stepimg.h"

enum { CACHE_NAME = 32 /* digits of an entry's name */ };

/* What one job has of it. */
struct cache {
  char *folder; /* owned; absolute, with a slash behind it */
  struct key key;
  bool has_picture;                   /* the next is known */
  unsigned char picture[SHA256_SIZE]; /* digest of the one that is edited */
  bool damaged;                       /* what was found is to be replaced */
  bool hit;                           /* the job's picture came from here */
  char complaint[sizeof((struct stepimg_warning *)0)
                     ->message]; /* why the job's picture was not kept; "": it was, or is none to keep */
};

enum cache_found {
  CACHE_MISSING,
  CACHE_THERE,
  CACHE_GONE,  /* the picture to edit is not to be had any more: the job has ended */
  CACHE_FAILED /* there is no memory, or no place where the picture is to go */
};

/* An entry that was found. */
struct kept {
  struct entry entry;
  struct envelope envelope;
  char *path;           /* of the picture; owned */
  struct source source; /* that, open */
};

/* NULL, where the request has none: its call names no folder or wants no picture, or it is a question. Fails with STEPIMG_INVALID (its body is no JSON object), STEPIMG_IO (there is no
   working directory) or STEPIMG_NOMEM. Looks at no file. */
MUST_USE enum stepimg_kind cache_new(struct cache **cache, const struct stepimg_request *request,
                                     struct stepimg_error *error);
void cache_free(struct cache *cache); /* NULL is fine */
/* Whether there may be an answer already: a seed was asked for. NULL is fine. */
bool cache_may_hit(const struct cache *cache);

/* Looks for the request's picture, of at most max bytes. form is what an edit sends, whose picture has been read; else NULL.
   With CACHE_THERE, kept is to be read. Else it holds nothing. */
MUST_USE enum cache_found cache_find(struct cache *cache, const struct form *form, size_t max, struct kept *kept);
/* The answer becomes what was kept, in memory or in its file; kept holds nothing then. CACHE_MISSING: the picture is
   damaged, and the answer is to be freed. CACHE_FAILED: answer->kind and reason say why. */
MUST_USE enum cache_found cache_read(struct cache *cache, struct kept *kept, struct answer *answer);
/* Lets go of one that is not to be read. */
void cache_let_go(struct kept *kept);
/* Keeps the answer's picture, if it is one to be kept: all of it came, alone and in a format that has a name; the filter
   did not stop it, and it has a seed. Before it is stored. Where that fails, complaint says why. */
void cache_keep(struct cache *cache, const struct form *form, struct answer *answer);
/* What there is to say of it, in an outcome whose error is set. NULL is fine. */
void cache_tell(const struct cache *cache, struct stepimg_outcome *outcome);

#endif
