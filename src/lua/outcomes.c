/* How a job ended, as plain tables. */
#include "lua/primitives.h"

/* Of what failed on the I/O thread, long ago, for want of memory: nothing to raise for here. */
static enum stepimg_kind shown(enum stepimg_kind kind)
{
  return kind == STEPIMG_NOMEM ? STEPIMG_PROTOCOL : kind;
}

static void set_seconds(lua_State *L, const char *name, double seconds)
{
  if (seconds >= 0)
    values_set_number(L, name, seconds);
}

static void set_timing(lua_State *L, const struct stepimg_timing *timing)
{
  lua_createtable(L, 0, 5);
  set_seconds(L, "queued", timing->queued);
  set_seconds(L, "connect", timing->connect);
  set_seconds(L, "tls", timing->tls);
  set_seconds(L, "first_byte", timing->first_byte);
  set_seconds(L, "total", timing->total);
  lua_setfield(L, -2, "timing");
}

static void push_exchange(lua_State *L, const struct stepimg_exchange *exchange)
{
  lua_createtable(L, 0, 8);
  values_set_string(L, "method", exchange->method);
  values_set_string(L, "protocol", exchange->protocol);
  if (exchange->status > 0)
    values_set_integer(L, "status", exchange->status);
  if (exchange->kind != STEPIMG_OK)
    values_set_string(L, "kind", stepimg_kind_name(shown(exchange->kind)));
  values_set_string(L, "message", exchange->message);
  if (exchange->connected) {
    lua_pushboolean(L, exchange->reused);
    lua_setfield(L, -2, "reused");
  }
  values_set_number(L, "waited", exchange->waited);
  values_set_number(L, "seconds", exchange->seconds);
  values_set_integer(L, "bytes", exchange->bytes);
  values_set_string(L, "request_id", exchange->request_id);
}

static void set_history(lua_State *L, const struct stepimg_outcome *outcome)
{
  int place = 0;
  lua_createtable(L, 1, 0); /* most have one */
  for (const struct stepimg_exchange *exchange = outcome->history; exchange != NULL; exchange = exchange->next) {
    push_exchange(L, exchange);
    lua_rawseti(L, -2, ++place);
  }
  if (outcome->left_out > 0)
    values_set_integer(L, "left_out", (int64_t)outcome->left_out);
  lua_setfield(L, -2, "history");
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
    error.kind = shown(error.kind);
    values_push_flaw(L, &error);
    lua_pop(L, 1);
    values_set_string(L, "url", outcome->url);
    values_set_string(L, "path", outcome->path);
    set_timing(L, &outcome->timing);
    set_history(L, outcome);
    return;
  }
  if (outcome->account != NULL || outcome->image_count == 0) { /* a question's */
    if (outcome->account != NULL)
      push_account(L, outcome->account);
    else
      push_models(L, outcome);
    return;
  }
  lua_createtable(L, 0, 10); /* with what the API adds */
  values_set_string(L, "id", outcome->id);
  if (outcome->has_created)
    values_set_integer(L, "created", outcome->created);
  values_set_integer(L, "attempts", error.attempts);
  if (outcome->cached)
    values_set_true(L, "cached");
  values_push_warnings(L, outcome->warnings, outcome->warning_count);
  lua_setfield(L, -2, "warnings");
  values_set_string(L, "request_id", error.request_id);
  set_timing(L, &outcome->timing);
  set_history(L, outcome);
  lua_createtable(L, (int)outcome->image_count, 0);
  for (size_t i = 0; i < outcome->image_count; i++) {
    push_image(L, &outcome->images[i], owner);
    lua_rawseti(L, -2, (int)i + 1);
  }
  lua_setfield(L, -2, "data");
}
