#!/bin/sh
# make test-arch [ARCHS="arm64 armhf i386 s390x"]: the module for another processor, built with Debian's cross compilers
# and run by qemu: the core's tests in C, the inputs of the base64 fuzzer, and spec/smoke.lua on Lua 5.4 and LuaJIT. What
# Debian has for that processor is unpacked below build/roots/, by apt's own lists, and not installed.
set -u
cd "$(dirname "$0")/.." || exit 1
[ "$#" -gt 0 ] || set -- arm64 armhf i386 s390x
here=$(pwd)
lua=${LUA:-lua5.4}
export STEPIMG_EMULATED=1 # what qemu cannot do is skipped, by name
summary=''

# The processor's name in compilers and folders, and as qemu has it.
name_of() {
  flags=
  case $1 in
    arm64) triplet=aarch64-linux-gnu folder=aarch64-linux-gnu qemu=qemu-aarch64-static ;;
    armhf) triplet=arm-linux-gnueabihf folder=arm-linux-gnueabihf qemu=qemu-arm-static ;;
    i386) triplet=i686-linux-gnu folder=i386-linux-gnu qemu=qemu-i386-static flags=-Wno-psabi ;;
    s390x) triplet=s390x-linux-gnu folder=s390x-linux-gnu qemu=qemu-s390x-static ;;
    *) echo "make test-arch: ARCHS are of arm64 armhf i386 s390x" >&2; exit 1 ;;
  esac
}

# Libraries and programs of that processor. apt gets a state of its own, in which nothing is installed.
unpack() {
  root=$here/build/roots/$arch/root state=$here/build/roots/$arch/apt
  [ -e "$root/complete" ] && return
  rm -rf "$root" "$state"
  mkdir -p "$root" "$state/lists/partial" "$state/archives/partial" && : >"$state/status" || return
  packages="libcurl4-openssl-dev libcmocka-dev lua5.4 liblua5.4-dev lua-cjson"
  [ "$arch" = s390x ] || packages="$packages luajit libluajit-5.1-dev"
  apt() {
    apt-get -qq -o APT::Architecture="$arch" -o APT::Architectures::="$arch" -o APT::Sandbox::User=root \
      -o Debug::NoLocking=1 -o Dir::State="$state" -o Dir::State::status="$state/status" \
      -o Dir::Cache::archives="$state/archives" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= "$@"
  }
  apt update # one source that cannot be read is no reason not to try the others
  # shellcheck disable=SC2086 # words
  apt install -y --download-only --no-install-recommends $packages >/dev/null || return
  for package in "$state"/archives/*.deb; do
    dpkg -x "$package" "$root" || return
  done
  rm -rf "$state" && touch "$root/complete"
}

# build FLAVOUR TARGET…
build() {
  flavour=$1
  shift
  PKG_CONFIG_LIBDIR="$root/usr/lib/$folder/pkgconfig:$root/usr/share/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$root" \
    make --no-print-directory -s -j"$(nproc)" FLAVOUR="$flavour" BUILD="build/arch/$arch" \
    CC="$triplet-gcc --sysroot='$root' $flags" AR="$triplet-ar" "$@"
}

emulated() { "$qemu" -L "$root" "$@"; }

# smoke NAME FOLDER PROGRAM: by that Lua, with the module of that folder.
smoke() {
  LUA_PATH="./?.lua;./?/init.lua;;" "$lua" spec/elsewhere.lua "build/arch/$arch/smoke" \
    env LUA_PATH="$root/usr/share/lua/$1/?.lua;;" LUA_CPATH="$2/?.so;$root/usr/lib/$folder/lua/$1/?.so" \
    "$qemu" -L "$root" "$root/usr/bin/$3"
}

for arch; do
  good=true made=true
  name_of "$arch"
  unpack || { echo "make test-arch: the packages for $arch cannot be had" >&2; summary="$summary$arch: not tried
"; continue; }
  tests=$(ls spec/core/test_*.c | sed "s#.*/\(.*\)\.c#build/arch/$arch/\1#")
  # shellcheck disable=SC2086 # words
  build lua5.4 "build/arch/$arch/stepimg.so" $tests "build/arch/$arch/replay" || made=false
  if $made; then
    for test in $tests; do
      emulated "$test" >"build/arch/$arch/log" 2>&1 || { good=false; grep -v ' OK \| RUN ' "build/arch/$arch/log"; }
    done
    emulated "build/arch/$arch/replay" 100 spec/fuzz/corpus/base64/* || good=false
    smoke 5.4 "build/arch/$arch" lua5.4 || good=false
    if [ -e "$root/usr/bin/luajit" ]; then
      build luajit "build/arch/$arch/luajit/stepimg.so" && smoke 5.1 "build/arch/$arch/luajit" luajit || good=false
    fi
  fi
  summary="$summary$arch: $($made && $good && echo "all good" || echo "FAILED")
"
done
printf '%s' "$summary"
case $summary in *FAILED* | *not\ tried*) exit 1 ;; esac
