/*
 * The primitives: what the API in stepimg.lua is made of. Each is small and closed. It checks what it was given at its
 * entry, and an object that is over is treated as over, never followed to NULL. It calls no Lua; but any call of Lua's that allocates can run a
 * finalizer or a hook, and these can do anything, so what was read before one is read anew after it. What owns something
 * is in a userdata with __gc before it owns. No primitive both changes state and returns the only reference to something:
 * a hook between its return and the store of what it returned would lose that.
 *
 * Two end in a call, and touch nothing of ours after it: `resume` and `done`.
 *
 *   client(options, wait) -> client | nil, flaw, slip     options: a plain table; wait: for scheduler, or nil
 *   loop(client, state) -> loop                           what each returns: a queue of its own, beside the client's
 *   state(loop) -> state                                  the table it was made with
 *   head(queue) -> job, attr, left | nil, nil, 0, owing   queue: a client or a loop. Only looks: the job that finished
 *                                                         first, and how many have; whether weigh has something to do
 *   pending(queue) -> number      most(client) -> max_concurrent      rules(client) -> strict, model      fd(client) -> descriptor | nil
 *   stats(client) -> table of counters
 *   wait(job | queue, seconds, watch) -> whether it, or a job there, is finished; blocks 0.05 s at most
 *   watch() -> for wait: raises "interrupted!" where the main thread has another hook since then and this is a coroutine
 *   close(client | loop)          loops: its jobs are cancelled and gone
 *
 *   job(queue, attr, apart) -> dead job                   attr: one plain table a job; apart: it goes to no queue
 *   attr(job) -> attr
 *   keep(job)                     its queue keeps it, with attr, until it is done: no handle is needed
 *   start(job, body, options, save, picture, question) -> true | nil, flaw, slip         idempotent; with a picture to
 *                                                         edit body is a list of texts, {name, text, …}; with a question,
 *                                                         "account" or "models", there are neither
 *   scheduler(job) -> client, wait | nil, nil             the function that its client was given
 *   over(job) -> whether it has ended                     phase(job) -> "queued" | "running" | "retrying" | "over"
 *   progress(job) -> table
 *   outcome(job) -> plain table | nil while it is going | false where it was released
 *                                                         a failure where it has a kind; images have a payload;
 *                                                         shares_path: another job was to save to the same path
 *   settled(job) -> result | nil, failure | nil           settle(job, result, failure) -> the same; the first wins
 *   done(job, f, …) -> bool       the commit: it leaves its queue. True for the first call alone; then f(…) is called
 *   cancel(job) -> bool           void(job, failure): cancels it; that is its failure from now on
 *   drop(job)                     cancels it, and it leaves its queue, undelivered
 *   resume(co, await) -> bool     resumes the coroutine if it stands in await; nil: it is on its way in or out there
 *   waiter(attr) -> the coroutine among its keys that came first | nil
 *   thread() -> the running one   is_within(thread, loop) -> whether its caller runs there too, for that loop
 *
 *   bytes(payload) -> string | nil      release(payload)      save(payload | string | nil, path, from) -> true | nil, flaw   from: a file
 *   weigh(job | client, seconds)  tells the collector of pictures; nil seconds: all of them
 *   check(params, strict, model, picture) -> wire, warnings or nil, whether lua-cjson writes wire as it is | nil, flaws
 *                                 params: a plain table, which becomes wire
 *   check_call(options) -> true | nil, flaw, slip         option_names(call) -> list      models() -> table
 *   path_key(path) -> a string that paths to one file share              whole_path(path) -> what it means now
 *   number(x) -> its JSON | nil   is_utf8(text)   now() -> seconds        kind(x) -> "client" | "job" | "loop" | nil
 *
 * A flaw is a plain table, an error without its metatable; slip says that the programmer is at fault.
 */
#ifndef STEPIMG_LUA_PRIMITIVES_H
#define STEPIMG_LUA_PRIMITIVES_H

#include "lua/compat.h"
#include "stepimg.h"

/* The classes of userdata. Their metatables are in the registry, under the addresses of these names. */
extern const char CLIENT[], LOOP[], JOB[], RECORD[], PAYLOAD[], OPTIONS[], CANARY[];

/* The block of the userdata at index; NULL, or a raised error, where it is none of that class. */
void *class_test(lua_State *L, int index, const char *class_name);
void *class_check(lua_State *L, int index, const char *class_name);
/* Makes the userdata on the top one of that class. */
void class_set(lua_State *L, const char *class_name);

/* ---------------------------------------------------------------------------------------------------------- values */

/* Pushes nil, flaw, slip and returns 3. Raises where the error is that there is no memory. */
int values_push_flaw(lua_State *L, const struct stepimg_error *error);
/* Borrows the text of a string: it is to stay where nobody else can take it away. */
struct stepimg_value values_get(lua_State *L, int index);
void values_push(lua_State *L, const struct stepimg_value *value);
/* The name at index, or a text that is no name of anything if it is not a string that C can hold. */
const char *values_name(lua_State *L, int index);
void values_set_string(lua_State *L, const char *name, const char *text); /* nothing where it is NULL or "" */
void values_set_integer(lua_State *L, const char *name, int64_t integer);
void values_set_number(lua_State *L, const char *name, double number);
void values_set_true(lua_State *L, const char *name);
/* Pushes a list of plain tables; nil: there are none. */
void values_push_warnings(lua_State *L, const struct stepimg_warning *warnings, size_t count);

/* ---------------------------------------------------------------------------------------------------------- queues */

struct client {
  stepimg_client *client; /* NULL: collected, or it could not be made */
  size_t owed;            /* bytes of pictures that the collector has not been told of */
  unsigned put_off;       /* how many calls have put off to look at old pictures; 0: it is not due */
};

/* The user values of a client and of a loop. */
enum {
  KEPT = 1,     /* a record's address -> the record: those that live until they are done, also when no handle is held */
  KNOWN,        /* the same -> its handle, as long as that lives */
  STATE,        /* a loop's; of a client the model that it was made with, or nil */
  OWNER,        /* a loop's client */
  WAIT = OWNER, /* a client's, or nil */
  CLIENT_VALUES = WAIT,
  LOOP_VALUES = OWNER
};

/* A queue and its client. Raises where the argument is neither a client nor a loop, or is over. */
struct place {
  struct client *owner;
  stepimg_client *client;
  stepimg_queue *queue;
};
struct place queue_check(lua_State *L, int index);
/* The client at index or that of the loop or job there, NULL where it is none. */
struct client *queue_owner(lua_State *L, int index);

/* ------------------------------------------------------------------------------------------------------------ jobs */

/* Pushes the handle that the host may have of the record whose job was found in a queue at index, else a new one, and its
   attr. False, and nothing is pushed: nobody knows it any more. */
bool job_push(lua_State *L, int queue, stepimg_job *job);
/* Cancels and releases what the record at index has of the core. */
void record_release(lua_State *L, int index);
/* The core's job of the handle at index; NULL: not started, or released. */
stepimg_job *job_of(lua_State *L, int index);
struct client *job_owner(lua_State *L, int index);

/* Pushes the table of an outcome that stays what it is meanwhile. */
void outcome_push(lua_State *L, const struct stepimg_outcome *outcome, struct client *owner);

/* -------------------------------------------------------------------------------------------------------- payloads */

/* Pushes a payload that holds this picture too; the collector is to be told of it on that client's account. */
void payload_push(lua_State *L, struct client *owner, stepimg_payload *payload);
/* What the payload at index holds; NULL: it is none, or released. */
stepimg_payload *payload_get(lua_State *L, int index);

/* ----------------------------------------------------------------------------------------------------------- edits */

/* A picture to edit: a string, a payload, or a table with the path of its file and what else is known of it. As a value: */
struct stepimg_value edits_value(lua_State *L, int index);
/* As what a request borrows. False: it is gone. */
bool edits_get(lua_State *L, int index, struct stepimg_edit *edit);
/* The texts of the list at index, {name, text, name, text, …}. Pushes what they are in. */
void edits_fields(lua_State *L, int index, struct stepimg_edit *edit);

/* ---------------------------------------------------------------------------------------------------------- groups */

/* Each sets its primitives as fields of the table on the top, and makes its metatables. */
void open_values(lua_State *L);
void open_queues(lua_State *L);
void open_jobs(lua_State *L);
void open_payloads(lua_State *L);
void open_coroutines(lua_State *L);

void primitives_add(lua_State *L, const luaL_Reg *functions);
/* Makes the class's metatable with its __gc. */
void primitives_class(lua_State *L, const char *name, lua_CFunction collect);

#endif
