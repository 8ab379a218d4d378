/* How a job ended, as plain tables. */
#include "lua/primitives.h"

static void set_timing(lua_State *L, const struct stepimg_timing *timing)
{
  lua_createtable(L, 0, 5);
  values_set_number(L, "queued", timing->queued);
  values_set_number(L, "connect", timing->connect);
  values_set_number(L, "tls", timing->tls);
  values_set_number(L, "first_byte", timing->first_byte);
  values_set_number(L, "total", timing->total);
  lua_setfield(L, -2, "timing");
}

static void push_image(lua_State *L, const struct stepimg_image *image, struct client *owner)
{
  lua_createtable(L, 0, 8);
  if (image->has_seed)
    values_set_integer(L, "seed", image->seed);
  values_set_string(L, "finish_reason", image->finish_reason);
  values_set_string(L, "url", image->url);
  values_set_string(L, "path", image->path);
  values_set_string(L, "format", stepimg_format_name(image->format));
  if (image->width > 0 && image->height > 0) {
    values_set_integer(L, "width", image->width);
    values_set_integer(L, "height", image->height);
  }
  if (image->payload != NULL) {
    payload_push(L, owner, image->payload);
    lua_setfield(L, -2, "payload");
  }
}

static void set_balance(lua_State *L, const char *name, double balance)
{
  if (!isnan(balance))
    values_set_number(L, name, balance);
}

static void push_account(lua_State *L, const struct stepimg_account *account)
{
  lua_createtable(L, 0, 4);
  values_set_string(L, "type", account->type);
  set_balance(L, "balance", account->balance);
  set_balance(L, "total_cash_balance", account->total_cash_balance);
  set_balance(L, "total_voucher_balance", account->total_voucher_balance);
}

static void push_models(lua_State *L, const struct stepimg_outcome *outcome)
{
  lua_createtable(L, (int)outcome->model_count, 0);
  for (size_t i = 0; i < outcome->model_count; i++) {
    lua_pushstring(L, outcome->models[i]);
    lua_rawseti(L, -2, (int)i + 1);
  }
}

void outcome_push(lua_State *L, const struct stepimg_outcome *outcome, struct client *owner)
{
  struct stepimg_error error = outcome->error;
  if (error.kind != STEPIMG_OK) {
    if (error.kind == STEPIMG_NOMEM) /* on the I/O thread, long ago: nothing to raise for here */
      error.kind = STEPIMG_PROTOCOL;
    values_push_flaw(L, &error);
    lua_pop(L, 1);
    values_set_string(L, "url", outcome->url);
    values_set_string(L, "path", outcome->path);
    return;
  }
  if (outcome->account != NULL || outcome->image_count == 0) { /* a question's */
    if (outcome->account != NULL)
      push_account(L, outcome->account);
    else
      push_models(L, outcome);
    return;
  }
  lua_createtable(L, 0, 8);
  values_set_string(L, "id", outcome->id);
  if (outcome->has_created)
    values_set_integer(L, "created", outcome->created);
  values_set_integer(L, "attempts", error.attempts);
  if (outcome->cached)
    values_set_true(L, "cached");
  values_push_warnings(L, outcome->warnings, outcome->warning_count);
  lua_setfield(L, -2, "warnings");
  set_timing(L, &outcome->timing);
  lua_createtable(L, (int)outcome->image_count, 0);
  for (size_t i = 0; i < outcome->image_count; i++) {
    push_image(L, &outcome->images[i], owner);
    lua_rawseti(L, -2, (int)i + 1);
  }
  lua_setfield(L, -2, "data");
}
