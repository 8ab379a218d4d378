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
others=$(ls src/*/*.[ch] | grep -v '^src/base/')
includes '(sys/|(pthread|unistd|fcntl|poll|signal|dirent|windows)\.h)' $others && fail "a system's own calls belong into src/base/"

# A floor knows those below it and none above. A unit is a noun: its header and its sources, one for each system.
floors='base rules payload http client lua'
rank() { echo "$floors" | tr ' ' '\n' | grep -nx "$1" | cut -d : -f 1; }
uses=$(grep -nHE '^#include "[a-z]+/' src/*/*.[ch] | sed -E 's#^src/([a-z]+)/([^:]*):[0-9]+:\#include "([a-z]+)/([^"]*)".*#\1 \2 \3 \4#')
echo "$uses" | while read -r floor file below header; do
  [ "$(rank "$below")" -le "$(rank "$floor")" ] || { echo "src/$floor/$file includes $below/$header, a floor above it" >&2; exit 1; }
done || fail "a floor knows one above it"
units=$(echo "$uses" | sed -E 's/(_posix|_win32|_x86|_neon)?\.[ch]//g' | awk '$1 "/" $2 != $3 "/" $4 {print $1 "/" $2, $3 "/" $4}' | sort -u)
echo "$units" | tsort >/dev/null 2>&1 || fail "units that know each other in a circle: $(echo "$units" | tsort 2>&1 >/dev/null | tr '\n' ' ')"
# A file is a noun, and seldom over 400 lines. scanner.c is one machine of states, which is read in one piece.
long=$(wc -l src/*/*.[ch] | awk '$1 > 400 && $2 != "total" && $2 != "src/payload/scanner.c" {print $2 " has " $1 " lines"}')
[ -z "$long" ] || fail "too much for one noun: $long"

names=$(nm --dynamic --defined-only --format=posix stepimg.so | cut -d ' ' -f 1)
extra=$(echo "$names" | grep -vx luaopen_stepimg) && fail "stepimg.so exports $extra"
echo "$names" | grep -qx luaopen_stepimg || fail "stepimg.so does not export luaopen_stepimg"

dynamic=$(readelf --dynamic --wide stepimg.so)
for flag in BIND_NOW NODELETE; do
  echo "$dynamic" | grep -q "$flag" || fail "stepimg.so is linked without $flag"
done
readelf --program-headers --wide stepimg.so | grep -q GNU_RELRO || fail "stepimg.so is linked without RELRO"
if echo "$dynamic" | grep 'NEEDED.*liblua'; then fail "stepimg.so is linked against Lua; the host has it"; fi
