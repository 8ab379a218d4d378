#!/bin/sh
# sh spec/setup.sh demo|test|sanitize|debug|check|bench|fuzz|soak|coverage: what that target of the Makefile needs and
# this system lacks is installed with apt. Silent where nothing is missing.
set -u
cd "$(dirname "$0")/.." || exit 1
target=${1:?demo, test, sanitize, debug, check, bench, fuzz, soak or coverage is wanted}

# need "Debian packages" probe…: a probe that fails adds its packages.
need() {
  packages=$1
  shift
  "$@" >/dev/null 2>&1 || missing="$missing $packages"
}

compiles() { printf '#include <stdio.h>\n' | ${CC:-cc} -E -; }
has_library() { ${PKG_CONFIG:-pkg-config} --exists "$1"; }
has_lua_headers() {
  for name in lua5.4 lua-5.4 lua54 lua; do has_library "$name >= 5.4 $name < 5.5" && return; done
  return 1
}
is_lua() { "$lua" -e 'assert(_VERSION == "Lua 5.4")'; }
has_module() { "$lua" -e "dofile 'spec/standin/libraries.lua'; require '$1'"; }
has_busted() { command -v busted && has_module busted; }
has_nginx() { PATH="$PATH:/usr/sbin:/sbin" command -v nginx; }
has_fuzzer() {
  printf 'int LLVMFuzzerTestOneInput(void);\nint LLVMFuzzerTestOneInput(void) { return 0; }\n' |
    clang -fsanitize=fuzzer,address,undefined -x c -o /dev/null -
}
has_authorities() {
  for file in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem; do
    [ -e "$file" ] && return
  done
  return 1
}

look() {
  missing=
  lua=${LUA:-$(command -v lua5.4 || command -v lua)}
  need "gcc libc6-dev" compiles
  need "pkg-config" command -v "${PKG_CONFIG:-pkg-config}"
  need "libcurl4-openssl-dev" has_library "libcurl >= 7.76"
  need "liblua5.4-dev" has_lua_headers
  need "lua5.4" is_lua
  need "lua-cjson" has_module cjson
  if [ "$target" = demo ] && [ -n "${STEP_API_KEY-}" ]; then
    need "ca-certificates" has_authorities
  else
    need "lua-cqueues" has_module cqueues
    need "lua-luaossl" has_module openssl.x509
    need "lua-http" has_module http.server
    need "lua-zlib" has_module zlib
    need "lua-socket" has_module mime
  fi
  if [ "$target" = test ] || [ "$target" = sanitize ] || [ "$target" = debug ] || [ "$target" = coverage ]; then
    need "lua-busted" has_busted
    need "libcmocka-dev" has_library cmocka
    need "lua-luv" has_module luv
  fi
  if [ "$target" = sanitize ]; then
    need "valgrind" command -v valgrind
  fi
  if [ "$target" = bench ]; then
    need "nginx-light" has_nginx
    need "openssl" command -v openssl
    need "lua-sec" has_module ssl.https
    need "gnuplot-nox" command -v gnuplot
  fi
  if [ "$target" = check ]; then
    need "lua-check" command -v luacheck
    need "clang-format" command -v clang-format
    need "clang-tidy" command -v clang-tidy
    need "luarocks" command -v luarocks
    need "binutils" command -v readelf
  fi
  if [ "$target" = fuzz ]; then
    need "clang libclang-rt-dev" has_fuzzer
  fi
}

look
[ -z "$missing" ] && exit 0
as_root=
[ "$(id -u)" -eq 0 ] || as_root=$(command -v sudo)
if command -v apt-get >/dev/null && { [ "$(id -u)" -eq 0 ] || [ -n "$as_root" ]; }; then
  echo "Installing with apt-get, for make $target:$missing"
  apt="$as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0"
  # shellcheck disable=SC2086 # words
  $apt update && $apt install -y --no-install-recommends $missing >/dev/null
  look
  [ -z "$missing" ] && exit 0
fi
echo "make $target needs what these Debian packages hold:$missing" >&2
exit 1
