/* Values between Lua and the core: parameters, options, rules, flaws. */
#include <stdio.h>
#include <string.h>

#include "lua/primitives.h"

void values_set_string(lua_State *L, const char *name, const char *text)
{
  if (text != NULL && text[0] != '\0') {
    lua_pushstring(L, text);
    lua_setfield(L, -2, name);
  }
}

void values_set_integer(lua_State *L, const char *name, int64_t integer)
{
  compat_pushint64(L, integer);
  lua_setfield(L, -2, name);
}

void values_set_number(lua_State *L, const char *name, double number)
{
  lua_pushnumber(L, number);
  lua_setfield(L, -2, name);
}

void values_set_true(lua_State *L, const char *name)
{
  lua_pushboolean(L, 1);
  lua_setfield(L, -2, name);
}

int values_push_flaw(lua_State *L, const struct stepimg_error *error)
{
  if (error->kind == STEPIMG_NOMEM)
    return luaL_error(L, "%s", error->message);
  lua_pushnil(L);
  lua_createtable(L, 0, 8);
  values_set_string(L, "kind", stepimg_kind_name(error->kind));
  values_set_string(L, "field", error->field);
  values_set_string(L, "reason", stepimg_reason_name(error->reason));
  values_set_string(L, "request_id", error->request_id);
  values_set_string(L, "type", error->type);
  values_set_string(L, "code", error->code);
  size_t own = error->words_at > 0 ? error->words_at : strlen(error->message);
  lua_pushlstring(L, error->message, own);
  lua_pushstring(L, error->maybe_billed ? "; the picture may have been made and billed all the same" : "");
  lua_pushstring(L, error->message + own);
  lua_concat(L, 3);
  lua_setfield(L, -2, "message");
  if (error->maybe_billed)
    values_set_true(L, "maybe_billed");
  if (error->status != 0)
    values_set_integer(L, "status", error->status);
  if (error->attempts > 0)
    values_set_integer(L, "attempts", error->attempts);
  if (error->retry_after >= 0)
    values_set_number(L, "retry_after", error->retry_after);
  lua_pushboolean(L, error->wrong_type);
  return 3;
}

struct stepimg_value values_get(lua_State *L, int index)
{
  struct stepimg_value value = {.type = STEPIMG_OTHER};
  switch (lua_type(L, index)) {
  case LUA_TSTRING:
    value.type = STEPIMG_STRING;
    value.as.string.data = lua_tolstring(L, index, &value.as.string.length);
    break;
  case LUA_TNUMBER:
    value.type = lua_isinteger(L, index) ? STEPIMG_INTEGER : STEPIMG_NUMBER;
    if (value.type == STEPIMG_INTEGER)
      value.as.integer = compat_toint64(L, index);
    else
      value.as.number = lua_tonumber(L, index);
    break;
  case LUA_TBOOLEAN:
    value.type = STEPIMG_BOOLEAN;
    value.as.boolean = lua_toboolean(L, index);
    break;
  default:
    value.as.type_name = luaL_typename(L, index);
  }
  return value;
}

void values_push(lua_State *L, const struct stepimg_value *value)
{
  switch (value->type) {
  case STEPIMG_STRING:
    lua_pushlstring(L, value->as.string.data, value->as.string.length);
    break;
  case STEPIMG_INTEGER:
    compat_pushint64(L, value->as.integer);
    break;
  case STEPIMG_NUMBER:
    lua_pushnumber(L, value->as.number);
    break;
  case STEPIMG_BOOLEAN:
    lua_pushboolean(L, value->as.boolean);
    break;
  default:
    lua_pushnil(L);
  }
}

const char *values_name(lua_State *L, int index)
{
  size_t length;
  if (lua_type(L, index) != LUA_TSTRING)
    return lua_isinteger(L, index) ? "[1]" : "[?]";
  const char *name = lua_tolstring(L, index, &length);
  return strlen(name) == length ? name : "[?]";
}

/* ----------------------------------------------------------------------------------------------------------- rules -- */

static void set_bound(lua_State *L, const char *name, enum stepimg_type type, double bound)
{
  if (type == STEPIMG_INTEGER)
    values_set_integer(L, name, (int64_t)bound);
  else
    values_set_number(L, name, bound);
}

static void set_texts(lua_State *L, const char *name, const char *const *texts)
{
  if (texts == NULL)
    return;
  lua_newtable(L);
  for (int i = 0; texts[i] != NULL; i++) {
    lua_pushstring(L, texts[i]);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, name);
}

/* A row of stepimg.models, the user's own. */
static void push_rule(lua_State *L, const struct stepimg_rule *rule)
{
  lua_createtable(L, 0, 8);
  values_set_string(L, "name", rule->name);
  values_set_string(L, "type", stepimg_type_name(rule->type));
  values_set_string(L, "description", rule->description);
  if (rule->required)
    values_set_true(L, "required");
  if (rule->type == STEPIMG_INTEGER || rule->type == STEPIMG_NUMBER || rule->type == STEPIMG_ASPECT) {
    set_bound(L, "min", rule->type, rule->min);
    set_bound(L, "max", rule->type, rule->max);
  } else if (rule->max > 0) {
    values_set_integer(L, rule->type == STEPIMG_IMAGE ? "max_side" : "max_length", (int64_t)rule->max);
  }
  set_texts(L, "choices", rule->choices);
  set_texts(L, "examples", rule->examples);
  if (rule->has_default) {
    values_push(L, &rule->server_default);
    lua_setfield(L, -2, rule->sent_default != NULL ? "server_default" : "default");
  }
  values_set_string(L, "default", rule->sent_default);
}

/* ------------------------------------------------------------------------------------------------------ parameters -- */

void values_push_warnings(lua_State *L, const struct stepimg_warning *warnings, size_t count)
{
  if (count == 0) {
    lua_pushnil(L);
    return;
  }
  lua_createtable(L, (int)count, 0);
  for (size_t i = 0; i < count; i++) {
    lua_createtable(L, 0, 2);
    values_set_string(L, "field", warnings[i].field);
    values_set_string(L, "message", warnings[i].message);
    lua_rawseti(L, -2, (int)i + 1);
  }
}

static void push_flaws(lua_State *L, const struct stepimg_flaws *flaws)
{
  lua_createtable(L, (int)flaws->count, 0);
  for (size_t i = 0; i < flaws->count; i++) {
    lua_createtable(L, 0, 4);
    values_set_string(L, "field", flaws->all[i].field);
    values_set_string(L, "reason", stepimg_reason_name(flaws->all[i].reason));
    values_set_string(L, "message", flaws->all[i].message);
    if (flaws->all[i].rule != NULL) {
      push_rule(L, flaws->all[i].rule);
      lua_setfield(L, -2, "rule");
    }
    lua_rawseti(L, -2, (int)i + 1);
  }
}

/* Takes out of the parameters at index 1 what does not go to the service as it was given, and adds what does instead. */
static void make_wire(lua_State *L, const struct stepimg_checked *checked)
{
  for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1))
    if (!stepimg_is_sent(checked, values_name(L, -2))) {
      lua_pushvalue(L, -2);
      lua_pushnil(L);
      lua_rawset(L, 1);
    }
  lua_pushvalue(L, 1);
  values_set_string(L, "model", checked->model);
  values_set_string(L, "response_format", checked->response_format);
  values_set_string(L, "size", checked->size);
}

/* Whether lua-cjson writes the value as it is. A fraction would depend on the locale, and a long number lose digits. */
static bool is_plain(const struct stepimg_value *value)
{
  static const int64_t LARGEST = 99999999999999;
  if (value->type == STEPIMG_INTEGER)
    return value->as.integer >= -LARGEST && value->as.integer <= LARGEST;
  return value->type == STEPIMG_STRING || value->type == STEPIMG_BOOLEAN;
}

/* check(params, strict, model, picture): the table is the API's own, so nobody changes it meanwhile; its strings are borrowed. */
static int check(lua_State *L)
{
  struct stepimg_checked checked;
  struct stepimg_flaws flaws;
  size_t count = 0, capacity = 0;
  luaL_checktype(L, 1, LUA_TTABLE);
  bool strict = lua_toboolean(L, 2), plain = true;
  const char *model = luaL_optstring(L, 3, NULL);
  lua_settop(L, 4);
  for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1))
    capacity++;
  capacity += !lua_isnil(L, 4);
  struct stepimg_param usual[16], *params = usual;
  if (capacity > sizeof usual / sizeof *usual)
    params = lua_newuserdatauv(L, capacity * sizeof *params, 0);
  if (!lua_isnil(L, 4))
    params[count++] = (struct stepimg_param){"image", edits_value(L, 4)};
  for (lua_pushnil(L); lua_next(L, 1) && count < capacity; lua_pop(L, 1)) {
    params[count].name = values_name(L, -2);
    params[count].value = values_get(L, -1);
    plain = plain && lua_type(L, -2) == LUA_TSTRING && strlen(lua_tostring(L, -2)) == lua_rawlen(L, -2) &&
            is_plain(&params[count].value);
    count++;
  }
  if (!stepimg_check(params, count, model, strict, &checked, &flaws)) {
    lua_pushnil(L);
    push_flaws(L, &flaws);
    return 2;
  }
  lua_pushlstring(L, checked.model, strlen(checked.model)); /* they are about to leave the table */
  if (checked.response_format != NULL)
    lua_pushstring(L, checked.response_format);
  make_wire(L, &checked);
  values_push_warnings(L, checked.warnings, checked.warning_count);
  lua_pushboolean(L, plain);
  return 3;
}

static int is_utf8(lua_State *L)
{
  size_t length;
  const char *text = luaL_checklstring(L, 1, &length);
  lua_pushboolean(L, stepimg_is_utf8(text, length));
  return 1;
}

static int number(lua_State *L)
{
  char text[STEPIMG_NUMBER_MAX];
  if (!isfinite(luaL_checknumber(L, 1))) {
    lua_pushnil(L);
    return 1;
  }
  if (lua_isinteger(L, 1))
    snprintf(text, sizeof text, "%lld", (long long)compat_toint64(L, 1));
  else
    stepimg_number(text, lua_tonumber(L, 1));
  lua_pushstring(L, text);
  return 1;
}

/* ---------------------------------------------------------------------------------------------------------- models -- */

/* Into the table on the top. */
static void set_rules(lua_State *L, const struct stepimg_model *model)
{
  lua_createtable(L, 0, (int)model->rule_count);
  lua_createtable(L, (int)model->rule_count, 0);
  for (size_t i = 0; i < model->rule_count; i++) {
    push_rule(L, &model->rules[i]);
    lua_setfield(L, -3, model->rules[i].name);
    lua_pushstring(L, model->rules[i].name);
    lua_rawseti(L, -2, (int)i + 1);
  }
  lua_setfield(L, -3, "order");
  lua_setfield(L, -2, "params");
}

static void set_sizes(lua_State *L, const struct stepimg_model *model)
{
  lua_createtable(L, (int)model->size_count, 0);
  for (size_t i = 0; i < model->size_count; i++) {
    lua_createtable(L, 0, 3);
    values_set_string(L, "size", model->sizes[i].name);
    values_set_integer(L, "width", model->sizes[i].width);
    values_set_integer(L, "height", model->sizes[i].height);
    lua_rawseti(L, -2, (int)i + 1);
  }
  lua_setfield(L, -2, "sizes");
}

/* {[model] = {params = {[parameter] = rule}, order = {parameter, …}, sizes = {{size =, width =, height =}, …}}} */
static int models(lua_State *L)
{
  size_t count;
  const struct stepimg_model *all = stepimg_models(&count);
  lua_newtable(L);
  for (size_t i = 0; i < count; i++) {
    lua_createtable(L, 0, 3);
    set_rules(L, &all[i]);
    set_sizes(L, &all[i]);
    lua_setfield(L, -2, all[i].name);
  }
  return 1;
}

/* --------------------------------------------------------------------------------------------------------- options -- */

static int check_call(lua_State *L)
{
  struct stepimg_options options;
  struct stepimg_error error;
  luaL_checktype(L, 1, LUA_TTABLE);
  stepimg_options_init(&options); /* acquires nothing, and nor does stepimg_call_set */
  for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) {
    struct stepimg_value value = values_get(L, -1);
    if (stepimg_call_set(&options.call, values_name(L, -2), &value, &error) != STEPIMG_OK)
      return values_push_flaw(L, &error);
  }
  lua_pushboolean(L, 1);
  return 1;
}

static int option_names(lua_State *L)
{
  bool call = lua_toboolean(L, 1);
  const char *name;
  lua_newtable(L);
  for (int i = 0; (name = stepimg_option_name((size_t)i, call)) != NULL; i++) {
    lua_pushstring(L, name);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

static int path_key(lua_State *L)
{
  uint64_t key = stepimg_path_key(luaL_checkstring(L, 1));
  lua_pushlstring(L, (const char *)&key, sizeof key);
  return 1;
}

/* The path itself, where there is no working directory to begin from. */
static int whole_path(lua_State *L)
{
  const char *path = luaL_checkstring(L, 1);
  size_t length = stepimg_whole_path(path, NULL, 0);
  char *whole = lua_newuserdatauv(L, length + 1, 0);
  if (length > 0 && stepimg_whole_path(path, whole, length + 1) == length)
    lua_pushlstring(L, whole, length);
  else
    lua_pushvalue(L, 1);
  return 1;
}

static int now(lua_State *L)
{
  lua_pushnumber(L, stepimg_now());
  return 1;
}

void open_values(lua_State *L)
{
  static const luaL_Reg functions[] = {{"check", check},
                                       {"number", number},
                                       {"is_utf8", is_utf8},
                                       {"models", models},
                                       {"check_call", check_call},
                                       {"option_names", option_names},
                                       {"path_key", path_key},
                                       {"whole_path", whole_path},
                                       {"now", now},
                                       {NULL, NULL}};
  primitives_add(L, functions);
}
