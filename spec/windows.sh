#!/bin/sh
# sh spec/windows.sh build|test: stepimg.dll for Windows on x86-64, for Lua 5.4 and for LuaJIT, with libcurl, nghttp2 and
# OpenSSL in it; and its tests under wine. All that is not ours is built from Debian's source packages, once, in
# build/windows/. LUA_DLL and LUAJIT_DLL name the libraries that the host has its Lua in.
set -eu
case ${1-} in build_*) ;; *) cd "$(dirname "$0")/.." ;; esac # these are in the folder that is built
here=$(cd "$(dirname "$0")/.." && pwd)
place=$here/build/windows
ready=$place/ready # what is built: bin, include, lib
host=x86_64-w64-mingw32
cc=$host-gcc-win32 # with threads of Windows itself, so that there is no library for them
jobs=$(nproc)
system_libraries="-lws2_32 -lcrypt32 -lbcrypt -lgdi32 -ladvapi32"
lua_dll=${LUA_DLL:-lua54.dll} luajit_dll=${LUAJIT_DLL:-lua51.dll}

# ------------------------------------------------------------------------------------------------------ what it needs --

# Unpacks a source package, patched as Debian has it, by a list of apt's own that says where the sources of its packages
# are. Where the newest of an archive cannot be had, the release's own can.
source_of() {
  folder=$place/source/$1
  rm -rf "$folder"
  mkdir -p "$folder" "$place/apt/lists/partial" "$place/apt/cache"
  # shellcheck disable=SC2016 # apt's own
  apt-get indextargets --format 'deb-src $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian' |
    sort -u >"$place/apt/all.list"
  grep -v -e '-security ' "$place/apt/all.list" >"$place/apt/release.list"
  apt() {
    apt-get -qq -o Dir::Etc::SourceList="$place/apt/$list.list" -o Dir::Etc::SourceParts=/dev/null \
      -o Dir::State::Lists="$place/apt/lists" -o Dir::Cache="$place/apt/cache" -o APT::Sandbox::User=root "$@"
  }
  list=all
  [ -e "$place/apt/updated" ] || { apt update && touch "$place/apt/updated"; }
  for list in all release; do
    (cd "$folder" && apt source "$1") >"$place/source.log" 2>&1 && break
  done
  mv "$folder"/*/ "$folder/tree" || { tail "$place/source.log" >&2; exit 1; }
}

# once NAME FUNCTION: what succeeded is not done again. In a shell of its own, which ends at the first command that fails.
once() {
  [ -e "$ready/$1.done" ] && return
  echo "Windows: building $1"
  source_of "$1"
  (cd "$place/source/$1/tree" && sh "$here/spec/windows.sh" "$2") >"$place/$1.log" 2>&1 || { tail -n 20 "$place/$1.log" >&2; exit 1; }
  touch "$ready/$1.done"
}

build_nghttp2() {
  version=$(sed -n 's/^AC_INIT(\[nghttp2\], \[\([0-9.]*\).*/\1/p' configure.ac)
  # shellcheck disable=SC2046 # words
  number=$(printf '0x%02x%02x%02x' $(echo "$version" | tr . ' '))
  sed "s/@PACKAGE_VERSION@/$version/; s/@PACKAGE_VERSION_NUM@/$number/" lib/includes/nghttp2/nghttp2ver.h.in >lib/includes/nghttp2/nghttp2ver.h
  for file in lib/*.c; do $cc -O2 -DNGHTTP2_STATICLIB -Ilib/includes -c "$file"; done
  $host-ar rcs "$ready/lib/libnghttp2.a" nghttp2_*.o
  cp -r lib/includes/nghttp2 "$ready/include/"
}

# The level is Debian's: what OpenSSL refuses is the same as there. Its folder is one that only administrators may write to,
# and no configuration is read from it.
build_openssl() {
  folder='C:/Program Files/Common Files/SSL'
  ./Configure mingw64 "--cross-compile-prefix=$host-" CC=gcc-win32 --prefix="$ready" --libdir=lib -DOPENSSL_TLS_SECURITY_LEVEL=2 \
    no-shared no-tests no-engine no-module no-legacy no-autoload-config no-ssl3 no-dtls no-srp no-psk no-comp no-idea \
    no-camellia no-seed no-aria no-bf no-cast no-rc2 no-rc4 no-md4 no-mdc2 no-rmd160 no-whirlpool no-siphash no-sm2 no-sm3 \
    no-sm4 no-gost no-cmp no-cms no-ts no-ct no-async no-ui-console
  make -j"$jobs" "OPENSSLDIR=$folder" "ENGINESDIR=$folder/none" "MODULESDIR=$folder/none" build_libs
  make OPENSSLDIR="$ready/ssl" install_dev
}

build_curl() {
  [ -e configure ] || autoreconf -fi
  PKG_CONFIG=false CC=$cc CPPFLAGS="-DNGHTTP2_STATICLIB -D_WIN32_WINNT=0x0601" LIBS="$system_libraries" ./configure --host=$host \
    --prefix="$ready" --disable-shared --enable-static --with-openssl="$ready" --with-nghttp2="$ready" --without-zlib \
    --without-brotli --without-zstd --without-libpsl --without-libidn2 --without-librtmp --without-libssh2 \
    --without-ca-bundle --without-ca-path --disable-openssl-auto-load-config --disable-ftp --disable-file --disable-ldap \
    --disable-ldaps --disable-rtsp --disable-dict --disable-telnet --disable-tftp --disable-pop3 --disable-imap \
    --disable-smb --disable-smtp --disable-gopher --disable-mqtt --disable-manual --disable-unix-sockets --disable-pthreads
  make -j"$jobs" -C lib
  make -C lib install
  make -C include install
}

build_cmocka() {
  $cc -O2 -Iinclude -DHAVE_STDINT_H -DHAVE_INTTYPES_H -DHAVE_STRUCT_TIMESPEC -D__USE_MINGW_ANSI_STDIO=1 -c src/cmocka.c
  $host-ar rcs "$ready/lib/libcmocka.a" cmocka.o
  cp include/cmocka*.h "$ready/include/"
}

build_lua() {
  mkdir -p "$ready/include/lua5.4" "$ready/lua5.4"
  cd src
  for file in l*.c; do
    case $file in lua.c | luac.c) ;; *) $cc -O2 -DLUA_BUILD_AS_DLL -DLUA_COMPAT_5_3 -c "$file" ;; esac
  done
  $cc -shared -static-libgcc -o "$ready/lua5.4/lua54.dll" l*.o "-Wl,--output-def,$ready/lua5.4/lua.def"
  $cc -O2 -static-libgcc -DLUA_BUILD_AS_DLL -o "$ready/lua5.4/lua.exe" lua.c "$ready/lua5.4/lua54.dll"
  cp lua.h luaconf.h lualib.h lauxlib.h "$ready/include/lua5.4/"
}

build_luajit() {
  mkdir -p "$ready/include/luajit" "$ready/luajit"
  make HOST_CC="gcc" CROSS=$host- CC=gcc-win32 TARGET_SYS=Windows TARGET_LIBS= TARGET_SHLDFLAGS="-Wl,--output-def,lua.def -static-libgcc"
  cp src/lua51.dll src/luajit.exe src/lua.def "$ready/luajit/"
  cp src/lua.h src/luaconf.h src/lualib.h src/lauxlib.h src/luajit.h "$ready/include/luajit/"
}

# Its own luaL_setfuncs, for 5.1, would meet LuaJIT's.
build_cjson() {
  for flavour in lua5.4 luajit; do
    [ $flavour = lua5.4 ] || sed -i 's/luaL_setfuncs/cjson_setfuncs/' lua_cjson.c
    $cc -O2 -shared -static-libgcc -D__USE_MINGW_ANSI_STDIO=1 "-I$ready/include/$flavour" -o "$ready/$flavour/cjson.dll" \
      lua_cjson.c strbuf.c fpconv.c "$ready/$flavour/"lua5*.dll
  done
}

build_all() {
  mkdir -p "$ready/bin" "$ready/include" "$ready/lib"
  once nghttp2 build_nghttp2
  once openssl build_openssl
  once curl build_curl
  once cmocka build_cmocka
  once lua5.4 build_lua
  once luajit build_luajit
  once lua-cjson build_cjson
}

# ----------------------------------------------------------------------------------------------------------- our own --

# ours FLAVOUR TARGET…: by the Makefile, with what it asks pkg-config for elsewhere.
ours() {
  flavour=$1
  shift
  folder=build/windows/$flavour
  mkdir -p "$folder"
  dll=$lua_dll
  [ "$flavour" = lua5.4 ] || dll=$luajit_dll
  sed "s/^LIBRARY.*//; 1i LIBRARY $dll" "$ready/$flavour/lua.def" >"$folder/lua.def"
  $host-dlltool -d "$folder/lua.def" -D "$dll" -l "$folder/liblua.a"
  make --no-print-directory -s -j"$jobs" OTHERS=posix FLAVOUR="$flavour" BUILD=build/windows OUT="$folder" \
    MODULE="$folder/stepimg.dll" CC=$cc AR=$host-ar HARDEN=-fstack-protector-strong LUA_INCDIR="$ready/include/$flavour" \
    CURL_INCDIR="$ready/include" CURL_LIBDIR="$ready/lib" \
    OURS='-std=c11 $(WARN) -Wno-float-conversion $(HARDEN) -D_WIN32_WINNT=0x0601 -D__USE_MINGW_ANSI_STDIO=1 -DCURL_STATICLIB -MMD -MP' \
    MODULE_LD="-shared rockspec/stepimg.def" \
    LDFLAGS="-s -static -Wl,--dynamicbase,--nxcompat,--high-entropy-va" \
    CURL_LD="-L'$ready/lib' -lcurl -lssl -lcrypto -lnghttp2 $folder/liblua.a -lssp $system_libraries" "$@"
}

build_ours() {
  for flavour in lua5.4 luajit; do
    ours $flavour "build/windows/$flavour/stepimg.dll"
    cp "$ready/$flavour/"*.dll "$ready/$flavour/"*.exe "build/windows/$flavour/"
  done
}

# As LuaRocks has it built on Windows, where libcurl is a DLL of its own.
build_rock() {
  folder=build/windows/rock
  mkdir -p "$folder"
  cp "$ready/lua5.4/"*.dll "$ready/lua5.4/lua.exe" "$folder/"
  # shellcheck disable=SC2086 # words
  $cc -shared -static-libgcc -o "$folder/libcurl.dll" "-Wl,--export-all-symbols,--out-implib,$folder/libcurl.dll.a" \
    -Wl,--whole-archive "$ready/lib/libcurl.a" -Wl,--no-whole-archive "-L$ready/lib" -lssl -lcrypto -lnghttp2 $system_libraries
  make --no-print-directory -s -f rockspec/windows.mk build/stepimg.dll CC=$cc CFLAGS=-O2 LUA="${LUA:-lua5.4}" \
    LUA_INCDIR="$ready/include/lua5.4" LUA_LIBDIR="$ready/lua5.4" LUALIB=lua54.dll CURL_INCDIR="$ready/include" CURL_LIBDIR="$folder"
  mv build/stepimg.dll "$folder/"
}

# -------------------------------------------------------------------------------------------------------------- tests --

# Of the core's tests, those that ask nothing of POSIX.
tests() {
  grep -LE '#include <(unistd|fcntl|pthread|dirent|signal|sys/|poll|locale)' spec/core/test_*.c | sed 's#.*/\(.*\)\.c#\1#'
}

run_tests() {
  # Not in build/: it has a link to the whole disk, which those who look through this folder would follow.
  WINEPREFIX=$(mktemp -d "${TMPDIR:-/var/tmp}/stepimg-wine.XXXXXX") WINEDEBUG=-all WINEARCH=win64
  trap 'wineserver -k 2>/dev/null || true; rm -rf "$WINEPREFIX"' EXIT
  export WINEPREFIX WINEDEBUG WINEARCH STEPIMG_EMULATED=1
  wineboot -i >/dev/null 2>&1 || true
  good=true
  # shellcheck disable=SC2046 # words
  ours lua5.4 WARN="-Wall -Wno-format -Wno-format-extra-args" $(tests | sed 's#^#build/windows/#')
  $cc -Wall -Wextra -O2 -s -o build/windows/trust.exe spec/host/trust.c -lcrypt32
  for test in $(tests); do
    wine "build/windows/$test.exe" >build/windows/log 2>&1 || { good=false; grep -v ' OK \| RUN ' build/windows/log; }
  done
  echo "Windows: $(tests | wc -l) of the core's tests in C: $($good && echo "all good" || echo "FAILED")"
  build_rock
  for flavour in lua5.4 luajit rock; do
    program=lua.exe
    [ $flavour != luajit ] || program=luajit.exe
    [ $flavour != rock ] || echo "Windows: as LuaRocks builds it:"
    STEPIMG_TRUST="wine build/windows/trust.exe" LUA_PATH="./?.lua;./?/init.lua;;" "${LUA:-lua5.4}" spec/elsewhere.lua build/windows/smoke \
      env LUA_PATH= LUA_CPATH="build/windows/$flavour/?.dll" wine "build/windows/$flavour/$program" || good=false
  done
  $good
}

case ${1:-} in
  build_*) "$1" ;;
  build) build_all && build_ours ;;
  test) build_all && build_ours && run_tests ;;
  *) echo "usage: sh spec/windows.sh build|test" >&2; exit 2 ;;
esac
