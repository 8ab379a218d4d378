#!/bin/sh
# sh spec/layers.sh: what the architecture promises of the sources' layers and of the built module.
set -eu
cd "$(dirname "$0")/.."

fail() {
  echo "spec/layers.sh: $*" >&2
  exit 1
}

includes() {
  header=$1
  shift
  grep -nE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]$header" "$@"
}
# shellcheck disable=SC2046 # words
includes '([^>"]*/)?(lua|lauxlib|lualib|luaconf|luajit)\.h' $(ls src/*.h src/*/*.[ch] | grep -v '^src/lua/') &&
  fail "below src/lua/ nothing is to know Lua"
includes 'curl/' lua_stepimg.c src/lua/*.[ch] && fail "the binding is to know no libcurl"

names=$(nm --dynamic --defined-only --format=posix stepimg.so | cut -d ' ' -f 1)
extra=$(echo "$names" | grep -vx luaopen_stepimg) && fail "stepimg.so exports $extra"
echo "$names" | grep -qx luaopen_stepimg || fail "stepimg.so does not export luaopen_stepimg"

dynamic=$(readelf --dynamic --wide stepimg.so)
for flag in BIND_NOW NODELETE; do
  echo "$dynamic" | grep -q "$flag" || fail "stepimg.so is linked without $flag"
done
readelf --program-headers --wide stepimg.so | grep -q GNU_RELRO || fail "stepimg.so is linked without RELRO"
if echo "$dynamic" | grep 'NEEDED.*liblua'; then fail "stepimg.so is linked against Lua; the host has it"; fi
