/* Parameters and options as users give them: any Lua tables, through the binding. params.lua says what is to hold. */
#define _POSIX_C_SOURCE 200809L

#include "script.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const luaL_Reg none[] = {{NULL, NULL}};
  static lua_State *L;
  if (L == NULL)
    L = open_script("spec/fuzz/params.lua", none);
  run_script(L, data, size);
  return 0;
}
