/* The envelope splitter, whole and torn; and lua-cjson is the judge: what it takes for JSON, the splitter takes too,
   the envelope is JSON, and both find the same pictures and links. What it does not take is no JSON as an envelope either,
   unless the flaw went with a picture, and then it is no base64. */
#include "payload/splitter.h"

#include <ctype.h>
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "fuzz.h"

enum { PLACES = 64 };

struct text {
  char *bytes;
  size_t length, capacity;
  bool ended;
};

struct record {
  struct text events;   /* all of it, in order, in a form that tearing does not change */
  struct text envelope; /* by itself */
  struct text pictures[PLACES], links[PLACES];
  int open;
  size_t index; /* of the payload that is open */
  char stop;
  bool flawed; /* a picture holds what cjson takes in no string */
};

static void add(struct text *text, const void *bytes, size_t length)
{
  while (text->capacity < text->length + length) {
    text->capacity = text->capacity * 2 + 64;
    char *grown = realloc(text->bytes, text->capacity);
    CHECK(grown != NULL);
    text->bytes = grown;
  }
  if (length > 0)
    memcpy(text->bytes + text->length, bytes, length);
  text->length += length;
}

/* Half of a surrogate pair, which the splitter hands on by itself, and cjson joined with its other half. */
static bool has_surrogate(const char *bytes, size_t length)
{
  for (size_t i = 0; i + 1 < length; i++)
    if ((unsigned char)bytes[i] == 0xed && (unsigned char)bytes[i + 1] >= 0xa0)
      return true;
  return false;
}

static bool take(void *context, enum splitter_event event, size_t index, const char *bytes, size_t length)
{
  struct record *record = context;
  bool link = event == SPLITTER_URL_BEGIN || event == SPLITTER_URL || event == SPLITTER_URL_END;
  struct text nowhere = {.bytes = NULL}, *payload = &nowhere;
  if (index < PLACES)
    payload = link ? &record->links[index] : &record->pictures[index];
  switch (event) {
  case SPLITTER_ENVELOPE:
    CHECK(length > 0);
    add(&record->envelope, bytes, length);
    return true;
  case SPLITTER_PICTURE_BEGIN:
  case SPLITTER_URL_BEGIN:
    CHECK(record->open < 0);
    record->open = (int)event;
    record->index = index;
    payload->length = 0;
    payload->ended = false;
    break;
  case SPLITTER_PICTURE:
  case SPLITTER_URL:
    CHECK(record->open == (link ? SPLITTER_URL_BEGIN : SPLITTER_PICTURE_BEGIN));
    add(payload, bytes, length);
    record->flawed = record->flawed || (!link && (has_surrogate(bytes, length) || memchr(bytes, '\0', length) != NULL));
    break;
  case SPLITTER_PICTURE_END:
  case SPLITTER_URL_END:
    CHECK(record->open == (link ? SPLITTER_URL_BEGIN : SPLITTER_PICTURE_BEGIN));
    record->open = -1;
    payload->ended = true;
    break;
  }
  if (event != SPLITTER_PICTURE && event != SPLITTER_URL) {
    add(&record->events, &event, sizeof event);
    add(&record->events, &index, sizeof index);
  } else
    add(&record->events, bytes, length);
  if (payload == &nowhere)
    free(nowhere.bytes);
  return true;
}

/* As many letters and digits as it feels like, and leaves all else to `take`. */
static size_t take_some(void *context, const char *bytes, size_t length)
{
  struct record *record = context;
  size_t taken = 0;
  CHECK(length > 0 && record->open == SPLITTER_PICTURE_BEGIN);
  while (taken < length && isalnum((unsigned char)bytes[taken]) && bytes[taken] != record->stop)
    taken++;
  take(context, SPLITTER_PICTURE, record->index, bytes, taken);
  return taken;
}

/* Torn at random, with a reader that stops at some character; or whole, with none. */
static bool run(struct record *record, const char *text, size_t length, uint32_t *random)
{
  struct splitter splitter;
  memset(record, 0, sizeof *record);
  record->open = -1;
  record->stop = random != NULL ? (char)('0' + *random % 75) : '\0';
  splitter_init(&splitter, take, random != NULL ? take_some : NULL, record);
  for (size_t at = 0; at < length;) {
    size_t piece = random != NULL ? next_piece(random, length - at) : length;
    char *bytes = exact_copy(text + at, piece);
    bool good = splitter_feed(&splitter, bytes, piece);
    free(bytes);
    if (!good) {
      CHECK(!splitter_feed(&splitter, "x", 1));
      return false;
    }
    at += piece;
  }
  return true;
}

static void clear(struct record *record)
{
  free(record->events.bytes);
  free(record->envelope.bytes);
  for (int i = 0; i < PLACES; i++) {
    free(record->pictures[i].bytes);
    free(record->links[i].bytes);
  }
}

static bool is_same(const struct text *one, const struct text *other)
{
  return one->length == other->length && (one->length == 0 || memcmp(one->bytes, other->bytes, one->length) == 0);
}

/* ----------------------------------------------------------------------------------------------------- the judge -- */

/* Index 1 of the state holds cjson.decode. */
static lua_State *new_judge(void)
{
  lua_State *L = luaL_newstate();
  CHECK(L != NULL);
  luaL_openlibs(L);
  if (luaL_dostring(L, "return require('cjson').new().decode")) {
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
    exit(1);
  }
  return L;
}

static bool decode(lua_State *L, const char *text, size_t length)
{
  lua_pushvalue(L, 1);
  lua_pushlstring(L, text, length);
  return lua_pcall(L, 1, 1, 0) == LUA_OK;
}

/* Pushes data[place][name] of the decoded value at index. Returns whether it is a string. */
static bool push_field(lua_State *L, int index, int place, const char *name)
{
  lua_pushnil(L);
  if (!lua_istable(L, index) || lua_getfield(L, index, "data") != LUA_TTABLE || lua_rawgeti(L, -1, place) != LUA_TTABLE)
    return false;
  return lua_getfield(L, -1, name) == LUA_TSTRING;
}

static void compare(lua_State *L, int index, int place, const char *name, const struct text *got)
{
  size_t length;
  if (push_field(L, index, place, name)) {
    const char *wanted = lua_tolstring(L, -1, &length);
    CHECK(got->ended);
    CHECK(has_surrogate(got->bytes, got->length) ||
          (length == got->length && (length == 0 || memcmp(wanted, got->bytes, length) == 0)));
  }
  lua_settop(L, index);
}

static void judge(lua_State *L, const struct record *record, bool good, const char *text, size_t length)
{
  lua_settop(L, 1);
  if (!decode(L, text, length)) {
    CHECK(!good || record->flawed || !decode(L, record->envelope.bytes, record->envelope.length));
    return;
  }
  if (memchr(text, '\0', length) != NULL) /* there cjson stops, and never looks at what is behind it */
    return;
  CHECK(good && record->open < 0);
  for (int place = 1; place <= PLACES; place++) {
    compare(L, 2, place, "b64_json", &record->pictures[place - 1]);
    compare(L, 2, place, "url", &record->links[place - 1]);
  }
  CHECK(decode(L, record->envelope.bytes, record->envelope.length));
  for (int place = 1; place <= PLACES; place++) {
    bool was = push_field(L, 2, place, "b64_json");
    lua_settop(L, 3);
    CHECK(push_field(L, 3, place, "b64_json") == was && (!was || lua_rawlen(L, -1) == 0));
    lua_settop(L, 3);
    was = push_field(L, 2, place, "url");
    int one = lua_gettop(L);
    CHECK(push_field(L, 3, place, "url") == was && (!was || lua_rawequal(L, one, -1)));
    lua_settop(L, 3);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static lua_State *L;
  if (L == NULL)
    L = new_judge();
  struct input input = {data, size};
  struct record whole, torn;
  uint32_t random = take_byte(&input);
  const char *text = (const char *)input.bytes;
  bool good = run(&whole, text, input.length, NULL);
  CHECK(run(&torn, text, input.length, &random) == good);
  CHECK(!good || (is_same(&whole.events, &torn.events) && is_same(&whole.envelope, &torn.envelope)));
  CHECK(!good || whole.open == torn.open);
  judge(L, &whole, good, text, input.length);
  clear(&whole);
  clear(&torn);
  return 0;
}
