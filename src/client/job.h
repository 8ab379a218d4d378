/*
 * A job, from submit to its outcome. Its end comes from either side: the I/O thread finishes it, or the host gives it up;
 * the first one wins, and the outcome never changes then.
 *
 * Holders: the host's handle, the I/O thread until it has let go of it, and the inbox while it lies there.
 */
#ifndef STEPIMG_JOB_H
#define STEPIMG_JOB_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/check.h"
#include "base/list.h"
#include "client/cache.h"
#include "client/edit.h"
#include "client/history.h"
#include "client/places.h"
#include "client/shared.h"
#include "client/timers.h"
#include "http/exchange.h"
#include "payload/answer.h"
#include "stepimg.h"

struct work; /* work.h */

/* Where the I/O thread has a job. state.h has the one function that changes it, and which moves are legal. */
enum job_state {
  JOB_NEW,      /* in the inbox; the thread has not seen it */
  JOB_LOOKING,  /* waits to be looked for in its cache */
  JOB_QUEUED,   /* waits for its turn */
  JOB_POSTING,  /* its POST is under way */
  JOB_ASKING,   /* its question is, which is in no limit */
  JOB_FETCHING, /* a picture's GET is under way */
  JOB_PAUSED,   /* waits before a repeat */
  JOB_STORING,  /* its file is being put in place: it cannot be given up any more */
  JOB_ENDED     /* the thread has let go of it */
};

struct stepimg_job {
  atomic_int holders;
  stepimg_client *client; /* held */

  /* Constant after submit. */
  unsigned number; /* in the trace */
  char *body;      /* NULL: it edits a picture */
  size_t body_length;
  char *save, *target; /* the path as it was given, and what it meant then; NULL: none */
  enum stepimg_question question;
  struct stepimg_call call;
  void *tag;        /* the host's */
  double submitted; /* of clock_now */
  bool shares_path; /* another job was about to save to the same one */

  /* Written on the I/O thread, except for given_up; read anywhere. */
  struct progress progress;
  atomic_int state;    /* enum job_state */
  atomic_int attempts; /* POSTs begun */
  atomic_bool charged; /* counted in the client's budget */

  /* Under the client's lock. */
  bool storing;
  bool flying; /* counted in the client's in_flight */
  struct history history;
  struct place place;          /* where it saves to, while it has no outcome */
  char *link;                  /* owned: where the picture lies, once it is to be fetched; NULL: not known */
  struct stepimg_queue *queue; /* held; NULL: none, or it was fetched */
  _Atomic(struct stepimg_outcome *) outcome; /* set, under the lock: ended, for the host */
  struct list_link host;                     /* of the client's unfinished jobs, then of the queue */
  struct list_link inbox;

  /* The I/O thread's. */
  struct edit *edit;   /* owned, until its attempts are over; NULL: it edits no picture */
  struct cache *cache; /* owned; NULL: none. To be read by the host before the job is enlisted */
  struct list_link io; /* of the list of its state */
  struct timer timer;
  struct work *work; /* NULL: nothing was begun */
};

#define CLIENT_CLOSED "the client was closed"
#define CLIENT_ELSEWHERE "the client belongs to the process that made it, before fork; make one in this process"

/* A job of the request, with two holders: the caller and the I/O thread. It is in no list yet. NULL: error says why,
   STEPIMG_NOMEM, STEPIMG_IO where a path means nothing, or STEPIMG_INVALID where a field's name is none. */
struct stepimg_job *job_new(stepimg_client *client, const struct stepimg_request *request, struct stepimg_error *error);
void job_release(struct stepimg_job *job);

/* Tells the I/O thread that there is news of the job. The lock is held. */
void job_notify(struct stepimg_job *job);

/* It is not in flight any more. The lock is held. */
void job_land(struct stepimg_job *job);

/* The I/O thread ends a job: sets its outcome from error (kind STEPIMG_OK: none) and what arrived, unless it has one, and
   puts it into its queue. answer may be NULL. Takes the pictures out of answer. Without the lock. */
void job_finish(struct stepimg_job *job, const struct stepimg_error *error, struct answer *answer);
/* The picture lies behind url: who gives the job up from now on is told so. Without the lock. */
void job_tell_link(struct stepimg_job *job, const char *url);
/* The file is about to be put in its place. False: the host has given the job up. Without the lock. */
MUST_USE bool job_begin_storing(struct stepimg_job *job);
/* The host ends a job, as STEPIMG_CANCELLED with that message. False: it had ended, or its file is being put in place,
   and it ends as it would have. Without the lock. */
bool job_give_up(struct stepimg_job *job, const char *message);
/* A request that certainly cost nothing is none that the budget is for. Any thread. */
void job_refund(struct stepimg_job *job);

#endif
