/*
 * What arrives for one job, as it arrives: the envelope and its pictures, a picture behind a link, or an error's body.
 * Judges what it says. Knows no HTTP. Lives on the I/O thread; owns all it gathers until answer_take.
 */
#ifndef STEPIMG_ANSWER_H
#define STEPIMG_ANSWER_H

#include "base/buffer.h"
#include "base/error.h"
#include "base/file.h"
#include "payload/base64.h"
#include "payload/envelope.h"
#include "payload/facts.h"
#include "payload/picture.h"
#include "payload/scanner.h"
#include "payload/spares.h"
#include "stepimg.h"

enum {
  ANSWER_MAX_ENVELOPE = 256 * 1024, /* bytes of the JSON around the pictures */
  ANSWER_MAX_BODY = 64 * 1024,      /* bytes of it, or of an error's body, that are kept */
  ANSWER_REASON = 192, /* bytes; a waiting request has one, where a struct stepimg_error would be a kilobyte more */
};

enum answer_mode {
  ANSWER_ENVELOPE,
  ANSWER_ERROR_BODY, /* of a refusal, the picture's host's too */
  ANSWER_PICTURE,
  ANSWER_ACCOUNT, /* these two are kept, and read when all is there */
  ANSWER_MODELS
};

struct answer {
  enum answer_mode mode;
  struct spares *spares; /* borrowed; NULL: none */
  const char *save;      /* borrowed; where the first picture goes, NULL: to memory */
  struct file file;      /* that file; open, closed when all is written, or none */
  bool saved;            /* it is all there */
  char *kept;            /* the finished file that found no place; owned. NULL: none */
  size_t max;            /* bytes of one body */
  size_t received;
  size_t expected; /* its length; 0: not told */

  struct scanner scanner;
  struct envelope envelope;
  size_t envelope_bytes; /* of the JSON around the pictures */
  struct buffer body;    /* as much of that, or of an error's body, as is kept */

  struct facts facts; /* what was read in it */

  struct base64 base64;
  struct picture picture;        /* that is arriving */
  struct stepimg_image *current; /* whose it is */

  enum stepimg_kind kind; /* STEPIMG_OK, or why a write said no */
  char reason[ANSWER_REASON];
};

/* key and spares, NULL or not, live as long as the answer does. */
void answer_init(struct answer *answer, size_t max, const char *key, struct spares *spares);
/* The first picture shall go to the file target, which the outcome calls path; that lives as long as the outcome. Fails
   with STEPIMG_IO or STEPIMG_NOMEM. */
MUST_USE enum stepimg_kind answer_save(struct answer *answer, const char *path, const char *target,
                                       struct stepimg_error *error);
void answer_free(struct answer *answer); /* idempotent */

/* A body begins. expected is its length, negative if not told, or if what comes is decoded on the way. With
   ANSWER_PICTURE the body is the picture of *image, which is one of the envelope's; else NULL. False as answer_write. */
bool answer_begin(struct answer *answer, enum answer_mode mode, int64_t expected, struct stepimg_image *image);
/* The next piece, of any length. False: no more is wanted, since answer->kind and reason say what is wrong, or, if
   that is STEPIMG_OK, since what is kept of a body that is no answer is full. */
bool answer_write(struct answer *answer, const char *bytes, size_t length);
/* Whether what came is whole by an end of its own: of its JSON, or of a picture that is open_ended. Then it counts, however
   the connection went on: it is paid for. */
bool answer_is_whole(struct answer *answer, bool open_ended);
/* The body, an envelope's or a picture's, has ended. Judges it: an envelope that is whole and has a picture, a link or the
   filter's word in each of its places; a picture, called content_type ("": nothing), that is one. open_ended: nothing
   tells a whole body from one that was cut, but what is in it. False as answer_write. Of an envelope only if it is an
   object. */
bool answer_end(struct answer *answer, bool open_ended, const char *content_type);

/* Sets kind and reason. Always false, for whoever says no with it to return. */
bool answer_fail(struct answer *answer, enum stepimg_kind kind, const char *format, ...) ERROR_PRINTF(3, 4);

/* The first entry of data that has a link and no picture yet; NULL if there is none. */
struct stepimg_image *answer_to_download(const struct answer *answer);

/* Whether the first picture is in its temporary file, complete, and is to be put in its place: the filter did not stop it. */
bool answer_is_to_store(const struct answer *answer);
/* Puts it there. Fails with STEPIMG_IO or STEPIMG_NOMEM; the finished file then stays, and the outcome says where. */
MUST_USE enum stepimg_kind answer_store(struct answer *answer, struct stepimg_error *error);
/* Moves what came into the outcome, whose error is set: images, or after a failure the link that is left. */
void answer_take(struct answer *answer, struct stepimg_outcome *outcome);
/* Frees what answer_take put into the outcome. */
void answer_release(struct stepimg_outcome *outcome);

#endif
