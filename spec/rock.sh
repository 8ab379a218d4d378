#!/bin/sh
# sh spec/rock.sh: LuaRocks installs the module from a packed rock of these sources into an empty tree, without a network,
# and a fresh Lua that knows only that tree requires it.
set -eu
cd "$(dirname "$0")/.."
lua=${LUA:-lua5.4}
scratch=build/rock
name=stepimg-$(sed -n 's/.*STEPIMG_VERSION "\(.*\)"/\1/p' src/stepimg.h)

rm -rf "$scratch"
mkdir -p "$scratch/$name"
cp -R Makefile README.md LICENSE lua_stepimg.c src rockspec "$scratch/$name"
tar -C "$scratch" -czf "$scratch/$name.tar.gz" "$name"
(cd "$scratch" && zip -q "$name-1.src.rock" "$name.tar.gz" && zip -q -j "$name-1.src.rock" "$name/rockspec/$name-1.rockspec")
# What make was told about this build is not for that one.
unset MAKEFLAGS MFLAGS MAKELEVEL
(cd "$scratch" && luarocks --lua-version 5.4 install --tree tree --deps-mode none "$name-1.src.rock" >log 2>&1) || {
  cat "$scratch/log" >&2
  exit 1
}
cjson=$("$lua" -e 'io.write((package.searchpath("cjson", package.cpath)))')
LUA_PATH_5_4='' LUA_CPATH_5_4="$PWD/$scratch/tree/lib/lua/5.4/?.so" "$lua" - "$cjson" <<'LUA'
package.preload.cjson = assert(package.loadlib(arg[1], "luaopen_cjson"))
local module, path = require "stepimg"
print(("The rock is good: %s from %s"):format(module._VERSION, path))
LUA
