/* The body of a request, and which paths are one. body.lua says what is to hold; its judges are lua-cjson and Lua. */
#define _POSIX_C_SOURCE 200809L

#include "script.h"

#include "base/path.h"
#include "stepimg.h"

enum { MOST = 16 };

static struct stepimg_value value_at(lua_State *L, int index)
{
  struct stepimg_value value = {.type = STEPIMG_OTHER, .as.type_name = "table"};
  if (lua_type(L, index) == LUA_TBOOLEAN)
    return stepimg_boolean_value(lua_toboolean(L, index));
  if (lua_isinteger(L, index))
    return stepimg_integer_value(lua_tointeger(L, index));
  if (lua_type(L, index) == LUA_TNUMBER)
    return stepimg_number_value(lua_tonumber(L, index));
  if (lua_type(L, index) == LUA_TSTRING) {
    value.type = STEPIMG_STRING;
    value.as.string.data = lua_tolstring(L, index, &value.as.string.length);
  }
  return value;
}

/* body({{name, value}, …}, strict, room) -> what stands in the room, how long the whole is | nil: they are not valid */
static int body(lua_State *L)
{
  struct stepimg_param params[MOST];
  struct stepimg_checked checked;
  static struct stepimg_flaws flaws;
  size_t count = lua_rawlen(L, 1), room = (size_t)luaL_checkinteger(L, 3);
  bool strict = lua_toboolean(L, 2);
  CHECK(count <= MOST);
  lua_settop(L, 3);
  luaL_checkstack(L, 3 * MOST, NULL);
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, 1, (lua_Integer)i + 1);
    lua_rawgeti(L, -1, 1);
    lua_rawgeti(L, -2, 2);
    params[i].name = lua_tostring(L, -2);
    params[i].value = value_at(L, -1);
  }
  if (!stepimg_check(params, count, NULL, strict, &checked, &flaws))
    return 0;
  char *out = malloc(room > 0 ? room : 1);
  size_t length = stepimg_body(params, count, &checked, out, room);
  lua_pushstring(L, room > 0 ? out : "");
  lua_pushinteger(L, (lua_Integer)length);
  free(out);
  return 2;
}

/* key(path) -> number */
static int key(lua_State *L)
{
  char *path = exact_copy(luaL_checkstring(L, 1), strlen(luaL_checkstring(L, 1)) + 1);
  lua_pushinteger(L, (lua_Integer)path_key(path));
  free(path);
  return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const luaL_Reg functions[] = {{"body", body}, {"key", key}, {NULL, NULL}};
  static lua_State *L;
  if (L == NULL)
    L = open_script("spec/fuzz/body.lua", functions);
  run_script(L, data, size);
  return 0;
}
