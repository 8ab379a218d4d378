/*
 * What arrives for one job, as it arrives: the envelope, its pictures decoded, or an error's body. Knows no HTTP.
 * Lives on the I/O thread; owns all it gathers until answer_take.
 */
#ifndef STEPIMG_ANSWER_H
#define STEPIMG_ANSWER_H

#include "base/buffer.h"
#include "base/error.h"
#include "base/file.h"
#include "payload/base64.h"
#include "payload/spares.h"
#include "payload/splitter.h"
#include "stepimg.h"

enum {
  ANSWER_MAX_PICTURES = 16,
  ANSWER_MAX_ERROR_BODY = 64 * 1024, /* bytes of an error's body that are kept */
  ANSWER_MAX_URL = 8 * 1024,
  ANSWER_REASON = 192, /* bytes; a waiting request has one, where a struct stepimg_error would be a kilobyte more */
  ANSWER_FILE_BLOCK = 64 * 1024, /* bytes gathered before they are written; format and size are read in the first */
};

enum answer_mode {
  ANSWER_ENVELOPE,
  ANSWER_ERROR_BODY,
  ANSWER_PICTURE,
  ANSWER_NO_PICTURE /* what a picture's host says in its stead: nothing of it is kept, and the envelope stays */
};

struct answer {
  enum answer_mode mode;
  struct spares *spares; /* borrowed; NULL: none */
  size_t max;            /* bytes of one body */
  size_t received;
  size_t expected; /* Content-Length; 0: not told */
  struct splitter splitter;
  struct base64 base64;
  struct buffer body;  /* the envelope, or an error's body */
  struct buffer bytes; /* the picture that is arriving, or what of it was not yet written to the file */
  struct file file;    /* for the first picture; open or none */
  struct buffer url;   /* the link that is arriving */
  struct stepimg_picture *pictures;
  size_t picture_count;
  struct stepimg_picture *current;
  enum stepimg_kind kind; /* STEPIMG_OK, or why a write said no */
  char reason[ANSWER_REASON];
};

void answer_init(struct answer *answer, size_t max, struct spares *spares);
/* The first picture shall go to a file. Fails with STEPIMG_IO or STEPIMG_NOMEM. */
enum stepimg_kind answer_save(struct answer *answer, const char *path, struct stepimg_error *error);
void answer_free(struct answer *answer); /* idempotent */

/* A body begins. expected is its Content-Length, negative if not told. With ANSWER_PICTURE the body is the bytes of
   *picture, which is one of answer->pictures; else NULL. False as answer_write. */
bool answer_begin(struct answer *answer, enum answer_mode mode, int64_t expected, struct stepimg_picture *picture);
/* The next piece, of any length. False: no more is wanted, since answer->kind and reason say what is wrong, or, if
   that is STEPIMG_OK, since the body of a refusal has reached its bound. */
bool answer_write(struct answer *answer, const char *bytes, size_t length);
/* Whether what came is whole by an end of its own: of its JSON, or of a picture that is open_ended. Then it counts, however
   the connection went on: it is paid for. */
bool answer_is_whole(struct answer *answer, bool open_ended);
/* The body has ended; open_ended: nothing tells a whole one from one that was cut, but what is in it. False as
   answer_write. */
bool answer_end(struct answer *answer, bool open_ended);

/* Sets kind and reason. Always false, for whoever says no with it to return. */
bool answer_fail(struct answer *answer, enum stepimg_kind kind, const char *format, ...) ERROR_PRINTF(3, 4);

/* The first picture that has a link and is not here; NULL if there is none. */
struct stepimg_picture *answer_to_download(const struct answer *answer);

/* Moves body and pictures into the outcome, and the file, complete or not, to *file. */
void answer_take(struct answer *answer, struct stepimg_outcome *outcome, struct file *file);

#endif
