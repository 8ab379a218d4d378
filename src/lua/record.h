/* What a job is to its primitives: see jobs.c. */
#ifndef STEPIMG_LUA_RECORD_H
#define STEPIMG_LUA_RECORD_H

#include "lua/primitives.h"

struct record {
  stepimg_job *job;              /* NULL: not started, or released */
  struct client *owner;          /* a user value keeps it */
  bool apart;                    /* it goes to no queue */
  bool started, released;        /* the core's job was made; was freed */
  bool delivered;                /* done was called */
  unsigned readers;              /* calls further down the stack that read the outcome, or were left by an error */
  struct stepimg_progress *last; /* owned; of a released job, NULL where there was no memory for it */
};

enum { ATTR = 1, QUEUE, PICTURE /* that the core reads, until the job has ended */, RECORD_VALUES = PICTURE };

struct handle {
  struct record *record; /* a user value keeps it */
};

enum { OF = 1, RESULT, FAILURE, HANDLE_VALUES = FAILURE };

/* Of the handle at index 1. */
struct record *record_check(lua_State *L);
/* Pushes a user value of its record. */
void record_push(lua_State *L, int value);

/* The primitive start. */
int record_start(lua_State *L);
/* The job at index 1 has an outcome: what it kept for the core goes. Allocates nothing. */
void record_let_picture_go(lua_State *L);

#endif
