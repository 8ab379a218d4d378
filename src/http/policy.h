/*
 * The money rule, once: what the way an attempt ended means. Its kind, whether a picture may have been billed although
 * the caller does not get it, and whether, how and when it is repeated. No idempotency key exists: the same POST sent
 * twice is two pictures on the bill. Pure functions; any thread.
 */
#ifndef STEPIMG_POLICY_H
#define STEPIMG_POLICY_H

#include "stepimg.h"

/* What is known of an answer beside its status. */
enum policy_mark {
  POLICY_KEPT = 1,       /* the request went out on a kept connection */
  POLICY_PAGE = 2,       /* the body is a web page: of a firewall, a hotel, a gateway; no word of the service */
  POLICY_CLOUDFLARE = 4, /* it has Cloudflare's own header */
  POLICY_NO_QUOTA = 8,   /* the body says that the balance is used up */
  POLICY_FORWARDED = 16, /* a proxy forwarded the request, so the answer may be the proxy's own */
  POLICY_ALL_MARKS = 31
};

/* How an attempt ended. */
struct policy_facts {
  bool get;                  /* the download of a picture, which is paid for; else the POST that asks for one */
  bool free;                 /* a question that costs nothing, in the POST's stead */
  int status;                /* of the answer; 0: none came */
  unsigned marks;            /* enum policy_mark, of the answer */
  int tunnel;                /* the status with which the proxy refused to lead the way (CONNECT); 0: it did not */
  bool body_left;            /* some of the POST's body went out */
  bool complete;             /* the answer is, as far as the transfer tells */
  enum stepimg_kind failure; /* of the transfer or of what it brought; STEPIMG_OK: none */
  bool passing;              /* such a failure may be gone in a while */
  bool coded;                /* the body is in a coding that nobody here knows */
};

enum policy_again {
  POLICY_NEVER,
  POLICY_LATER,     /* after a wait */
  POLICY_PATIENTLY, /* after longer ones: what a link leads to may not be there yet */
  POLICY_ELSEWHERE, /* on a connection of its own, the first time at once */
  POLICY_UNDECODED  /* at once, and the body is taken as it comes */
};

struct policy_verdict {
  enum stepimg_kind kind; /* STEPIMG_OK: what was asked for is there */
  bool maybe_billed;
  enum policy_again again;
  bool refused;        /* a status says so, not a failure */
  bool rest;           /* the answer is meant for all of this key's requests */
  const char *meaning; /* of the status, for the error's text; NULL: none. Static. */
};

struct policy_verdict policy_judge(const struct policy_facts *facts);

/* Whether a status says that what was asked for is in the body. */
bool policy_is_success(bool get, int status);

/* The longest wait that a server's Retry-After is obeyed for, in seconds; a job told to wait longer fails at once. */
#define POLICY_LONGEST_WAIT 600.0

struct policy_plan {
  bool again;
  double wait; /* seconds until the next attempt */
  double rest; /* seconds for which none of the client's POSTs may begin; 0: none */
};

/* When to repeat what ended so. attempts: made so far; retries: how many may be repeated; retry_after: seconds the
   server asked to wait, negative for none; left: seconds until the job's deadline; chance: from 0 to 1, for the jitter. */
struct policy_plan policy_plan(const struct policy_verdict *verdict, int attempts, int retries, double retry_after,
                               double left, double chance);

#endif
