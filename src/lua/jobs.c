/*
 * Jobs. A job in flight grows old for the generational collector, and only a full collection frees what is old, and what
 * hangs on it: the picture as well. So there are two of it. The record is what the core's job, its queue and those who
 * wait need. Results are kept by the handle alone, which is what the host has: one that nobody holds goes early, and
 * whoever is called in the end gets a new one.
 */
#include <string.h>

#include "lua/primitives.h"
#include "lua/record.h"

struct record *record_check(lua_State *L)
{
  return ((struct handle *)class_check(L, 1, JOB))->record;
}

stepimg_job *job_of(lua_State *L, int index)
{
  return ((struct handle *)class_check(L, index, JOB))->record->job;
}

struct client *job_owner(lua_State *L, int index)
{
  return ((struct handle *)class_check(L, index, JOB))->record->owner;
}

void record_push(lua_State *L, int value)
{
  lua_getiuservalue(L, 1, OF);
  lua_getiuservalue(L, -1, value);
  lua_remove(L, -2);
}

/* Pushes a new handle of the record at index. */
static void push_handle(lua_State *L, int index)
{
  struct record *record = lua_touserdata(L, index);
  struct handle *handle = lua_newuserdatauv(L, sizeof *handle, HANDLE_VALUES);
  handle->record = record;
  lua_pushvalue(L, index);
  lua_setiuservalue(L, -2, OF);
  class_set(L, JOB);
  if (record->apart)
    return;
  lua_getiuservalue(L, index, QUEUE);
  lua_getiuservalue(L, -1, KNOWN);
  lua_pushvalue(L, -3);
  lua_rawsetp(L, -2, record);
  lua_pop(L, 2);
}

bool job_push(lua_State *L, int queue, stepimg_job *job)
{
  struct record *record = stepimg_job_tag(job);
  int top = lua_gettop(L);
  lua_getiuservalue(L, queue, KNOWN);
  lua_rawgetp(L, -1, record);
  if (class_test(L, -1, JOB) == NULL) {
    lua_settop(L, top);
    lua_getiuservalue(L, queue, KEPT);
    lua_rawgetp(L, -1, record);
    if (class_test(L, -1, RECORD) == NULL) {
      lua_settop(L, top);
      return false;
    }
    push_handle(L, top + 2);
  }
  lua_replace(L, top + 1);
  lua_settop(L, top + 1);
  lua_getiuservalue(L, top + 1, OF);
  lua_getiuservalue(L, -1, ATTR);
  lua_remove(L, -2);
  return true;
}

static int job_new(lua_State *L)
{
  struct client *owner = queue_check(L, 1).owner;
  luaL_checktype(L, 2, LUA_TTABLE);
  bool apart = lua_toboolean(L, 3);
  lua_settop(L, 2);
  struct record *record = lua_newuserdatauv(L, sizeof *record, RECORD_VALUES);
  memset(record, 0, sizeof *record);
  record->owner = owner;
  record->apart = apart;
  class_set(L, RECORD);
  lua_pushvalue(L, 2);
  lua_setiuservalue(L, 3, ATTR);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, 3, QUEUE);
  push_handle(L, 3);
  return 1;
}

static int attr(lua_State *L)
{
  record_check(L);
  record_push(L, ATTR);
  return 1;
}

static int scheduler(lua_State *L)
{
  record_check(L);
  record_push(L, QUEUE);
  if (class_test(L, -1, CLIENT) == NULL)
    return 0;
  lua_getiuservalue(L, -1, WAIT);
  return 2;
}

/* Allocates where keep is true. */
static void enter_kept(lua_State *L, struct record *record, bool keep)
{
  int top = lua_gettop(L);
  record_push(L, QUEUE);
  lua_getiuservalue(L, -1, KEPT);
  lua_rawgetp(L, -1, record);
  if (keep == lua_isnil(L, -1)) {
    if (keep)
      lua_getiuservalue(L, 1, OF);
    else
      lua_pushnil(L);
    lua_rawsetp(L, top + 2, record);
  }
  lua_settop(L, top);
}

static int keep(lua_State *L)
{
  struct record *record = record_check(L);
  if (!record->delivered && !record->released)
    enter_kept(L, record, true);
  return 0;
}

/* --------------------------------------------------------------------------------------------------------- looking -- */

/* Also true of one that was never started and never will be. */
static bool is_over(const struct record *record)
{
  return record->released || (record->job != NULL && stepimg_job_outcome(record->job) != NULL);
}

static int over(lua_State *L)
{
  lua_pushboolean(L, is_over(record_check(L)));
  return 1;
}

static void look(struct record *record, struct stepimg_progress *progress)
{
  if (record->job != NULL)
    stepimg_job_progress(record->job, progress);
  else if (record->last != NULL)
    *progress = *record->last;
  else
    *progress = (struct stepimg_progress){.state = STEPIMG_STATE_QUEUED, .phase = STEPIMG_QUEUED};
  if (record->released) {
    progress->state = STEPIMG_STATE_FINISHED;
    progress->phase = STEPIMG_DONE;
  }
}

static int phase(lua_State *L)
{
  static const char *const names[] = {"queued", "running", "retrying", "over"};
  struct record *record = record_check(L);
  struct stepimg_progress progress;
  look(record, &progress);
  lua_pushstring(L, names[progress.state]);
  return 1;
}

static int progress(lua_State *L)
{
  static const char *const phases[] = {"queued", "connecting", "sending", "waiting", "receiving", "done"};
  struct record *record = record_check(L);
  struct stepimg_progress progress;
  look(record, &progress);
  lua_createtable(L, 0, 7);
  values_set_string(L, "phase", phases[progress.phase]);
  values_set_integer(L, "sent", progress.sent);
  values_set_integer(L, "to_send", progress.to_send);
  values_set_integer(L, "received", progress.received);
  if (progress.total > 0)
    values_set_integer(L, "total", progress.total);
  values_set_number(L, "elapsed", progress.elapsed);
  values_set_integer(L, "attempt", progress.attempt);
  return 1;
}

static int settled(lua_State *L)
{
  record_check(L);
  lua_settop(L, 1);
  lua_getiuservalue(L, 1, RESULT);
  lua_getiuservalue(L, 1, FAILURE);
  return 2;
}

/* --------------------------------------------------------------------------------------------------------- the end -- */

static void free_job(struct record *record)
{
  if (record->job == NULL)
    return;
  record->last = malloc(sizeof *record->last);
  if (record->last != NULL)
    stepimg_job_progress(record->job, record->last);
  stepimg_job_free(record->job);
  record->job = NULL;
}

/* The core's job is released, but not under who reads its outcome: then he does it, or __gc if an error leaves him. */
static void let_go(struct record *record)
{
  record->released = true;
  if (record->readers == 0)
    free_job(record);
  else if (record->job != NULL) {
    stepimg_job_cancel(record->job);
    stepimg_job_fetch(record->job);
  }
}

void record_release(lua_State *L, int index)
{
  let_go(class_check(L, index, RECORD));
}

static int record_gc(lua_State *L)
{
  struct record *record = class_check(L, 1, RECORD);
  stepimg_job_free(record->job);
  record->job = NULL;
  free(record->last);
  record->last = NULL;
  return 0;
}

static bool is_settled(lua_State *L)
{
  lua_getiuservalue(L, 1, RESULT);
  lua_getiuservalue(L, 1, FAILURE);
  bool is = !lua_isnil(L, -1) || !lua_isnil(L, -2);
  lua_pop(L, 2);
  return is;
}

static int settle(lua_State *L)
{
  struct record *record = record_check(L);
  lua_settop(L, 3);
  if (!is_settled(L)) {
    for (int value = FAILURE; value >= RESULT; value--) {
      lua_pushvalue(L, value);
      lua_setiuservalue(L, 1, value);
    }
    if (record->delivered)
      let_go(record);
  }
  return settled(L);
}

/* Allocates what Lua needs to call a function, so that the next call gets as far as the function's first instruction. */
static void make_room_for_call(lua_State *L)
{
  enum { LARGEST_FRAME = 256 }; /* slots of a Lua function; one with varargs moves to a second one */
  luaL_checkstack(L, 2 * LARGEST_FRAME + LUA_MINSTACK, NULL);
  lua_pushcfunction(L, compat_nothing);
  lua_call(L, 0, 0);
}

/* done(job, f, …). Whoever calls it first delivers the job, even if it was closed meanwhile. */
static int done(lua_State *L)
{
  struct record *record = record_check(L);
  if (lua_isfunction(L, 2))
    make_room_for_call(L);
  if (record->delivered) {
    lua_pushboolean(L, 0);
    return 1;
  }
  record->delivered = true;
  enter_kept(L, record, false);
  if (record->job != NULL) {
    stepimg_job_fetch(record->job);
    if (is_settled(L))
      let_go(record);
  }
  if (lua_isfunction(L, 2))
    lua_call(L, lua_gettop(L) - 2, 0);
  lua_pushboolean(L, 1);
  return 1;
}

static int cancel(lua_State *L)
{
  stepimg_job *job = record_check(L)->job;
  lua_pushboolean(L, job != NULL && stepimg_job_cancel(job));
  return 1;
}

/* Whether a cancelled job is on the bill, perhaps, of a picture that nobody gets. Its file may just be put in place: then it
   has no outcome yet. */
static bool may_be_billed(stepimg_job *job)
{
  const struct stepimg_outcome *outcome = stepimg_job_outcome(job);
  if (outcome == NULL || outcome->error.kind != STEPIMG_OK)
    return outcome == NULL || outcome->error.maybe_billed;
  return outcome->image_count > 0 && !outcome->cached;
}

/* void(job, failure). What the job's own failure said of money, the new one says, too. */
static int void_job(lua_State *L)
{
  struct record *record = record_check(L);
  lua_settop(L, 2);
  if (record->job != NULL)
    stepimg_job_cancel(record->job);
  lua_getiuservalue(L, 1, RESULT);
  bool billed = record->job != NULL && lua_isnil(L, -1) && may_be_billed(record->job);
  lua_getiuservalue(L, 1, FAILURE);
  if (lua_istable(L, -1)) {
    lua_pushliteral(L, "maybe_billed");
    lua_rawget(L, -2);
    billed = billed || lua_toboolean(L, -1);
  }
  lua_settop(L, 2);
  if (billed)
    values_set_true(L, "maybe_billed");
  lua_setiuservalue(L, 1, FAILURE);
  lua_pushnil(L);
  lua_setiuservalue(L, 1, RESULT);
  if (record->job != NULL) /* a finalizer may have released it since */
    record_let_picture_go(L);
  return 0;
}

static int drop(lua_State *L)
{
  struct record *record = record_check(L);
  enter_kept(L, record, false);
  let_go(record);
  record_let_picture_go(L);
  return 0;
}

static int outcome(lua_State *L)
{
  struct record *record = record_check(L);
  lua_settop(L, 1);
  if (record->released) {
    lua_pushboolean(L, 0);
    return 1;
  }
  const struct stepimg_outcome *outcome = record->job != NULL ? stepimg_job_outcome(record->job) : NULL;
  if (outcome == NULL) {
    lua_pushnil(L);
    return 1;
  }
  record_let_picture_go(L);
  record->readers++;
  outcome_push(L, outcome, record->owner);
  if (outcome->error.kind == STEPIMG_OK && stepimg_job_shares_path(record->job))
    values_set_true(L, "shares_path");
  if (--record->readers == 0 && record->released)
    free_job(record);
  return 1;
}

void open_jobs(lua_State *L)
{
  static const luaL_Reg functions[] = {
      {"job", job_new},        {"attr", attr},     {"scheduler", scheduler}, {"keep", keep},
      {"start", record_start}, {"over", over},     {"phase", phase},         {"progress", progress},
      {"settled", settled},    {"settle", settle}, {"done", done},           {"cancel", cancel},
      {"void", void_job},      {"drop", drop},     {"outcome", outcome},     {NULL, NULL}};
  primitives_class(L, JOB, NULL);
  primitives_class(L, RECORD, record_gc);
  primitives_add(L, functions);
}
