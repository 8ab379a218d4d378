#!/bin/sh
# sh spec/rock.sh: LuaRocks builds the module from a copy of the sources into a tree of its own, without a network, and a
# fresh Lua that knows only that tree requires it.
set -eu
cd "$(dirname "$0")/.."
lua=${LUA:-lua5.4}
scratch=build/rock

rm -rf "$scratch"
mkdir -p "$scratch/source"
cp -R Makefile README.md LICENSE lua_stepimg.c src rockspec "$scratch/source"
# What make was told about this build is not for that one.
unset MAKEFLAGS MFLAGS MAKELEVEL
(cd "$scratch/source" && luarocks --lua-version 5.4 make --tree ../tree --deps-mode none >../log 2>&1) || {
  cat "$scratch/log" >&2
  exit 1
}
cjson=$("$lua" -e 'io.write((package.searchpath("cjson", package.cpath)))')
LUA_PATH_5_4='' LUA_CPATH_5_4="$PWD/$scratch/tree/lib/lua/5.4/?.so" "$lua" - "$cjson" <<'LUA'
package.preload.cjson = assert(package.loadlib(arg[1], "luaopen_cjson"))
local module, path = require "stepimg"
print(("The rock is good: %s from %s"):format(module._VERSION, path))
LUA
