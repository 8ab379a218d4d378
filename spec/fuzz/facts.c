/* An account and a list of models, whatever a server writes. facts.lua says what is to hold; its judge is lua-cjson. */
#define _POSIX_C_SOURCE 200809L

#include "script.h"

#include <math.h>

#include "payload/facts.h"

#define KEY "sk-0123456789abcdef"

static void set_number(lua_State *L, const char *name, double number)
{
  if (isnan(number))
    return;
  lua_pushnumber(L, number);
  lua_setfield(L, -2, name);
}

/* read(account, text) -> {type =, balance =, …} or {name, …} | nil: it is none */
static int read_facts(lua_State *L)
{
  bool account = lua_toboolean(L, 1);
  struct facts facts = {NULL, NULL, 0};
  struct buffer body;
  const char *why = NULL;
  size_t length;
  const char *text = luaL_checklstring(L, 2, &length);
  buffer_init(&body, FACTS_MAX_BODY);
  CHECK(buffer_append(&body, text, length) == STEPIMG_OK);
  enum stepimg_kind kind = facts_read(&facts, account, &body, KEY, &why);
  CHECK((kind == STEPIMG_OK) == (why == NULL) && (kind == STEPIMG_OK || kind == STEPIMG_PROTOCOL));
  buffer_free(&body);
  if (kind != STEPIMG_OK)
    lua_pushnil(L);
  else if (account) {
    lua_newtable(L);
    if (facts.account->type != NULL) {
      lua_pushstring(L, facts.account->type);
      lua_setfield(L, -2, "type");
    }
    set_number(L, "balance", facts.account->balance);
    set_number(L, "total_cash_balance", facts.account->total_cash_balance);
    set_number(L, "total_voucher_balance", facts.account->total_voucher_balance);
  } else {
    CHECK(facts.model_count <= FACTS_MAX_MODELS);
    lua_newtable(L);
    for (size_t i = 0; i < facts.model_count; i++) {
      lua_pushstring(L, facts.models[i]);
      lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
  }
  facts_free(&facts);
  facts_free(&facts);
  return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const luaL_Reg functions[] = {{"read", read_facts}, {NULL, NULL}};
  static lua_State *L;
  if (L == NULL)
    L = open_script("spec/fuzz/facts.lua", functions);
  run_script(L, data, size);
  return 0;
}
