/* Pictures to edit and the texts beside them, as the API hands them over. */
#include <stdint.h>
#include <string.h>

#include "lua/primitives.h"

/* Of the table at index, which is the API's own. */
static const char *get_string(lua_State *L, int index, const char *name)
{
  lua_getfield(L, index, name);
  const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL; /* the table keeps it */
  lua_pop(L, 1);
  return text;
}

static uint32_t get_side(lua_State *L, int index, const char *name)
{
  lua_getfield(L, index, name);
  double side = lua_type(L, -1) == LUA_TNUMBER ? lua_tonumber(L, -1) : 0;
  lua_pop(L, 1);
  return side >= 1 && side <= UINT32_MAX ? (uint32_t)side : 0;
}

static enum stepimg_format format_of(const char *name)
{
  for (int format = STEPIMG_PNG; name != NULL && format <= STEPIMG_AVIF; format++)
    if (strcmp(name, stepimg_format_name((enum stepimg_format)format)) == 0)
      return (enum stepimg_format)format;
  return STEPIMG_UNKNOWN;
}

struct stepimg_value edits_value(lua_State *L, int index)
{
  size_t length = 0;
  const char *bytes = lua_type(L, index) == LUA_TSTRING ? lua_tolstring(L, index, &length) : "";
  const stepimg_payload *payload = payload_get(L, index);
  if (payload != NULL)
    bytes = (const char *)stepimg_payload_bytes(payload, &length);
  if (!lua_istable(L, index))
    return stepimg_image_value(bytes, length);
  return (struct stepimg_value){.type = STEPIMG_IMAGE,
                                .as.image = {.format = format_of(get_string(L, index, "format")),
                                             .width = get_side(L, index, "width"),
                                             .height = get_side(L, index, "height")}};
}

bool edits_get(lua_State *L, int index, struct stepimg_edit *edit)
{
  if (lua_type(L, index) == LUA_TSTRING)
    edit->bytes = lua_tolstring(L, index, &edit->length);
  else if (lua_istable(L, index))
    edit->path = get_string(L, index, "path");
  else
    edit->payload = payload_get(L, index);
  return edit->bytes != NULL || edit->path != NULL || edit->payload != NULL;
}

void edits_fields(lua_State *L, int index, struct stepimg_edit *edit)
{
  size_t count = (size_t)lua_rawlen(L, index) / 2;
  struct stepimg_field *fields = lua_newuserdatauv(L, (count + 1) * sizeof *fields, 0);
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, index, (int)(2 * i + 1));
    lua_rawgeti(L, index, (int)(2 * i + 2));
    fields[i].name = luaL_checkstring(L, -2);
    fields[i].text = luaL_checklstring(L, -1, &fields[i].length);
    lua_pop(L, 2); /* the list keeps them */
  }
  edit->fields = fields;
  edit->field_count = count;
}
