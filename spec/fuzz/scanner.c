/* The scanner, whole and torn; and lua-cjson is the judge: what the scanner lets through cjson reads to the same values, half
   surrogates put right first, which cjson knows none of. What cjson reads and the scanner does not is a number that is none
   in JSON, or behind a NUL, where cjson looks no further. */
#include "payload/scanner.h"

#include <ctype.h>
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "fuzz.h"

enum path { DOCUMENT, ID, CREATED, DATA, ENTRY, SEED, URL, PICTURE, PATHS };

static const struct scanner_path paths[PATHS] = {
    [DOCUMENT] = {{NULL}, false},           [ID] = {{"id"}, false},
    [CREATED] = {{"created"}, false},       [DATA] = {{"data"}, false},
    [ENTRY] = {{"data", "[]"}, false},      [SEED] = {{"data", "[]", "seed"}, false},
    [URL] = {{"data", "[]", "url"}, false}, [PICTURE] = {{"data", "[]", "b64_json"}, true},
};

enum { PLACES = 24 };

struct text {
  char *bytes;
  size_t length, capacity;
};

struct value {
  bool there;
  enum scanner_event kind;
  struct text text;
};

struct record {
  struct text events; /* all of it, in order, in a form that tearing does not change */
  struct text envelope;
  struct value top[ENTRY], entries[PLACES], fields[PLACES][PATHS];
  size_t count; /* entries of data */
  int open;
  size_t index; /* of the text that is open */
  char stop;
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

static void forget(struct record *record, size_t from)
{
  for (size_t i = from; i < PLACES; i++)
    for (int path = 0; path < PATHS; path++)
      record->fields[i][path].there = false;
}

/* Of two of a name the last one counts, in Lua as well. */
static struct value *value_at(struct record *record, unsigned path, size_t index)
{
  static struct value nowhere;
  if (path < ENTRY)
    return &record->top[path];
  if (index >= PLACES)
    return &nowhere;
  return path == ENTRY ? &record->entries[index] : &record->fields[index][path];
}

static bool take(void *context, enum scanner_event event, unsigned path, size_t index, const char *bytes, size_t length)
{
  struct record *record = context;
  if (event == SCANNER_ENVELOPE) {
    CHECK(length > 0);
    add(&record->envelope, bytes, length);
    return true;
  }
  CHECK(path < PATHS);
  struct value *value = value_at(record, path, index);
  if (event == SCANNER_TEXT) {
    CHECK(record->open == (int)path && record->index == index);
    add(&value->text, bytes, length);
    add(&record->events, bytes, length);
    return true;
  }
  add(&record->events, &event, sizeof event);
  add(&record->events, &path, sizeof path);
  add(&record->events, &index, sizeof index);
  add(&record->events, bytes, length);
  if (event == SCANNER_TEXT_END) {
    CHECK(record->open == (int)path && record->index == index);
    record->open = -1;
    return true;
  }
  CHECK(record->open < 0);
  if (path == DATA) {
    record->count = 0;
    forget(record, 0);
  } else if (path == ENTRY) {
    CHECK(index == record->count);
    record->count = index + 1;
    if (index < PLACES)
      for (int field = 0; field < PATHS; field++)
        record->fields[index][field].there = false;
  }
  value->there = true;
  value->kind = event;
  value->text.length = 0;
  add(&value->text, bytes, length);
  if (event == SCANNER_TEXT_BEGIN) {
    record->open = (int)path;
    record->index = index;
  }
  return true;
}

/* As many letters and digits as it feels like, and leaves all else to `take`. */
static size_t take_some(void *context, const char *bytes, size_t length)
{
  struct record *record = context;
  size_t taken = 0;
  CHECK(length > 0 && record->open == PICTURE);
  while (taken < length && isalnum((unsigned char)bytes[taken]) && bytes[taken] != record->stop)
    taken++;
  take(context, SCANNER_TEXT, PICTURE, record->index, bytes, taken);
  return taken;
}

/* Torn at random, with a reader that stops at some character; or whole, with none. */
static bool run(struct record *record, struct scanner *scanner, const char *text, size_t length, uint32_t *random)
{
  memset(record, 0, sizeof *record);
  record->open = -1;
  record->stop = random != NULL ? (char)('0' + *random % 75) : '\0';
  scanner_init(scanner, paths, PATHS, take, random != NULL ? take_some : NULL, record);
  for (size_t at = 0; at < length;) {
    size_t piece = random != NULL ? next_piece(random, length - at) : length;
    char *bytes = exact_copy(text + at, piece);
    bool good = scanner_feed(scanner, bytes, piece);
    free(bytes);
    if (!good) {
      CHECK(scanner->flaw != NULL && scanner->at < length);
      CHECK(!scanner_feed(scanner, "x", 1) && !scanner_end(scanner));
      return false;
    }
    at += piece;
  }
  bool whole = scanner_is_whole(scanner), good = scanner_end(scanner);
  CHECK(!whole || good);
  CHECK(!good || record->open < 0);
  return good;
}

static void clear(struct record *record)
{
  free(record->events.bytes);
  free(record->envelope.bytes);
  for (int path = 0; path < ENTRY; path++)
    free(record->top[path].text.bytes);
  for (int i = 0; i < PLACES; i++) {
    free(record->entries[i].text.bytes);
    for (int path = 0; path < PATHS; path++)
      free(record->fields[i][path].text.bytes);
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

static unsigned unit_at(const char *text)
{
  char digits[5] = {text[0], text[1], text[2], text[3], '\0'};
  return (unsigned)strtoul(digits, NULL, 16);
}

/* Puts U+FFFD for halves of surrogate pairs, in place. Of JSON: each backslash begins an escape that is one. */
static void repair(char *text, size_t length)
{
  for (size_t at = 0; at + 5 < length; at++) {
    if (text[at] != '\\')
      continue;
    if (text[at + 1] != 'u') {
      at++;
      continue;
    }
    unsigned unit = unit_at(text + at + 2);
    bool pair = unit >= 0xd800 && unit < 0xdc00 && at + 11 < length && text[at + 6] == '\\' && text[at + 7] == 'u' &&
                unit_at(text + at + 8) >= 0xdc00 && unit_at(text + at + 8) < 0xe000;
    if (pair)
      at += 11;
    else {
      if (unit >= 0xd800 && unit < 0xe000)
        memcpy(text + at + 2, "fffd", 4);
      at += 5;
    }
  }
}

/* Pushes the decoded text, or the complaint about it. */
static bool decode(lua_State *L, const char *text, size_t length)
{
  bool mark = length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0;
  lua_pushvalue(L, 1);
  lua_pushlstring(L, text + (mark ? 3 : 0), length - (mark ? 3 : 0));
  return lua_pcall(L, 1, 1, 0) == LUA_OK;
}

/* Whether the value on the top is what the scanner told of its place. */
static void compare(lua_State *L, const struct value *value)
{
  size_t length;
  char number[SCANNER_MAX_NUMBER + 1];
  if (!value->there) {
    CHECK(lua_isnil(L, -1));
    return;
  }
  switch (value->kind) {
  case SCANNER_OBJECT:
  case SCANNER_LIST:
    CHECK(lua_istable(L, -1));
    break;
  case SCANNER_TRUE:
  case SCANNER_FALSE:
    CHECK(lua_isboolean(L, -1) && lua_toboolean(L, -1) == (value->kind == SCANNER_TRUE));
    break;
  case SCANNER_NULL:
    CHECK(lua_islightuserdata(L, -1));
    break;
  case SCANNER_TEXT_BEGIN: {
    const char *wanted = lua_tolstring(L, -1, &length);
    CHECK(lua_type(L, -1) == LUA_TSTRING && length == value->text.length &&
          (length == 0 || memcmp(wanted, value->text.bytes, length) == 0));
    break;
  }
  default:
    CHECK(value->kind == SCANNER_NUMBER && lua_type(L, -1) == LUA_TNUMBER);
    CHECK(value->text.length <= SCANNER_MAX_NUMBER);
    if (value->text.length > 0)
      memcpy(number, value->text.bytes, value->text.length);
    number[value->text.length] = '\0';
    CHECK(number[0] == '\0' || strtod(number, NULL) == lua_tonumber(L, -1));
  }
}

/* Each place of the decoded document, which is on the top. */
static void compare_all(lua_State *L, const struct record *record)
{
  static const char *const names[PATHS] = {
      [ID] = "id", [CREATED] = "created", [DATA] = "data", [SEED] = "seed", [URL] = "url", [PICTURE] = "b64_json",
  };
  compare(L, &record->top[DOCUMENT]);
  if (record->top[DOCUMENT].kind != SCANNER_OBJECT)
    return;
  int document = lua_gettop(L);
  for (int path = ID; path <= DATA; path++) {
    lua_getfield(L, document, names[path]);
    compare(L, &record->top[path]);
  }
  if (!record->top[DATA].there || record->top[DATA].kind != SCANNER_LIST)
    return;
  int data = lua_gettop(L);
  CHECK(lua_rawlen(L, data) == record->count);
  for (size_t i = 0; i < record->count && i < PLACES; i++) {
    lua_rawgeti(L, data, (lua_Integer)i + 1);
    compare(L, &record->entries[i]);
    int entry = lua_gettop(L);
    for (int path = SEED; path < PATHS && record->entries[i].kind == SCANNER_OBJECT; path++) {
      lua_getfield(L, entry, names[path]);
      compare(L, &record->fields[i][path]);
    }
    lua_settop(L, data);
  }
}

static void judge(lua_State *L, const struct record *record, const struct scanner *scanner, bool good, const char *text,
                  size_t length)
{
  lua_settop(L, 1);
  if (memchr(text, '\0', length) != NULL) /* there cjson stops */
    return;
  char *repaired = exact_copy(text, length);
  if (good)
    repair(repaired, length);
  bool taken = decode(L, repaired, length);
  free(repaired);
  if (good) {
    CHECK(taken);
    compare_all(L, record);
  } else if (taken) {
    char c = scanner->at < length ? text[scanner->at] : '0';
    CHECK(isalnum((unsigned char)c) || c == '+' || c == '-' || c == '.' || isspace((unsigned char)c) ||
          strchr(",]}", c) != NULL);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static lua_State *L;
  static struct record whole, torn; /* too large for the stack */
  if (L == NULL)
    L = new_judge();
  struct input input = {data, size};
  struct scanner one, other;
  uint32_t random = take_byte(&input);
  const char *text = (const char *)input.bytes;
  bool good = run(&whole, &one, text, input.length, NULL);
  CHECK(run(&torn, &other, text, input.length, &random) == good);
  CHECK(one.flaw == other.flaw && one.at == other.at);
  CHECK(!good || (is_same(&whole.events, &torn.events) && is_same(&whole.envelope, &torn.envelope)));
  judge(L, &whole, &one, good, text, input.length);
  clear(&whole);
  clear(&torn);
  return 0;
}
