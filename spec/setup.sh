#!/bin/sh
# sh spec/setup.sh TARGET: what that target of the Makefile needs and this system lacks is installed with apt. Silent
# where nothing is missing.
set -u
cd "$(dirname "$0")/.." || exit 1
target=${1:?a target of the Makefile is wanted}

fail() {
  echo "make $target $*" >&2
  exit 1
}

# need "Debian packages" probe…: a probe that fails adds its packages. It looks for one thing alone, so that what is
# named is what is missing.
need() {
  packages=$1
  shift
  "$@" >/dev/null 2>&1 || for package in $packages; do
    case " $missing " in
      *" $package "*) ;;
      *) missing="$missing $package" ;;
    esac
  done
}

has_program() { PATH="$PATH:/usr/sbin:/sbin" command -v "$1"; }
has_library() { ${PKG_CONFIG:-pkg-config} --exists "$1"; }
has_lua_headers() {
  for name in lua5.4 lua-5.4 lua54 lua; do has_library "$name >= 5.4 $name < 5.5" && return; done
  return 1
}
is_lua() { "$lua" -e 'assert(_VERSION == "Lua 5.4")'; }
has_other() { has_program "$1" && has_library "$1"; }
has_module() { "$lua" -e "require '$1'"; }
# Not loaded, which would ask for what it needs in turn; where the stand-in looks.
has_file_of() { "$lua" -e "dofile 'spec/standin/paths.lua'; assert(package.searchpath('$1', package.path))"; }
# links COMPILER [FLAG [FUNCTION]]: it makes a program, with this flag, of that function.
links() {
  program=$(mktemp)
  # shellcheck disable=SC2086 # words
  echo "int ${3-main}(void) { return 0; }" | $1 ${2-} -x c -include stdio.h -o "$program" -
  linked=$?
  rm -f "$program"
  return "$linked"
}
has_nginx_lua() { has_program nginx && [ -e /usr/lib/nginx/modules/ngx_http_lua_module.so ]; }
has_fuzzer() { links clang "-fsanitize=fuzzer,address,undefined" LLVMFuzzerTestOneInput; }
has_locales() { [ -d /usr/share/i18n/charmaps ] || ! command -v localedef; } # of those that a test makes
has_authorities() {
  for file in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem; do
    [ -s "$file" ] && return
  done
  return 1
}

# The packages of the compiler that is asked for, and of what its sanitizers link.
compiler=${CC:-cc}
case ${compiler%% *} in
  cc | gcc) compiler_packages="gcc libc6-dev" sanitizer_packages="gcc" ;;
  gcc-*) compiler_packages="${compiler%% *} libc6-dev" sanitizer_packages=${compiler%% *} ;;
  clang) compiler_packages="clang libc6-dev" sanitizer_packages="libclang-rt-dev" ;;
  clang-*) compiler_packages="${compiler%% *} libc6-dev" sanitizer_packages="libclang-rt-${compiler#clang-}-dev" ;;
  *)
    links "$compiler" >/dev/null 2>&1 || fail "needs a C compiler, and CC=$compiler makes no program"
    compiler_packages='' sanitizer_packages=''
    ;;
esac
# No package brings another interpreter that is asked for.
lua=${LUA:-lua5.4}
[ "$lua" = lua5.4 ] || is_lua >/dev/null 2>&1 || fail "needs Lua 5.4, and LUA=$lua is none"

look() {
  missing=
  lua=${LUA:-$(command -v lua5.4 || command -v lua)}
  case $target in
    test-fresh)
      need "debootstrap" has_program debootstrap
      need "util-linux" has_program unshare
      return
      ;;
  esac

  # The module.
  need "$compiler_packages" links "$compiler"
  need "pkg-config" has_program "${PKG_CONFIG:-pkg-config}"
  need "libcurl4-openssl-dev" has_library "libcurl >= 7.76"
  need "liblua5.4-dev" has_lua_headers
  need "lua5.4" is_lua
  need "lua-cjson" has_module cjson
  need "ca-certificates" has_authorities

  # The stand-in.
  case $target in
    demo | test | test-gnutls | test-arch | test-windows | test-all | sanitize | debug | coverage | mutants | soak | bench | test-hosts)
      if [ "$target" != demo ] || [ -z "${STEP_API_KEY-}" ]; then
        need "lua-cqueues" has_module cqueues
        need "lua-luaossl" has_module openssl.x509
        need "lua-http" has_file_of http.server
        need "lua-fifo" has_file_of fifo
        need "lua-zlib" has_module zlib
        need "lua-socket" has_module mime
      fi
      ;;
  esac

  # The specs, and what they share with others.
  case $target in test | test-gnutls | test-all | sanitize | debug | coverage | mutants)
    need "lua-busted" has_program busted
    need "lua-busted" has_module busted
    need "lua-luv" has_module luv
    need "lua-copas" has_file_of copas
    need "iproute2" has_program ip
    need "locales" has_locales
    need "openssl" has_program openssl
    need "lua-cjson-dev" has_library lua5.4-cjson
    need "cmake" has_program cmake
    ;;
  esac
  case $target in test | test-gnutls | test-arch | test-windows | test-all | sanitize | debug | coverage | mutants | soak) need "lua-filesystem" has_module lfs ;; esac
  case $target in test | test-all | sanitize | debug | coverage | mutants | check) need "libcmocka-dev" has_library cmocka ;; esac

  case $target in
    test-gnutls) need "libcurl3-gnutls" links "$compiler" "-l:libcurl-gnutls.so.4" ;;
    test-all)
      need "lua5.1 liblua5.1-0-dev" has_other lua5.1
      need "lua5.2 liblua5.2-dev" has_other lua5.2
      need "lua5.3 liblua5.3-dev" has_other lua5.3
      need "luajit libluajit-5.1-dev" has_other luajit
      ;;
    test-hosts)
      need "luajit libluajit-5.1-dev" has_other luajit
      need "lua-filesystem" has_module lfs
      for host in ${HOSTS:-neovim love darktable luanti mpv nginx}; do
        case $host in
          neovim) need "neovim" has_program nvim ;;
          love)
            need "love" has_program love
            need "xvfb" has_program Xvfb
            ;;
          darktable)
            need "darktable" has_program darktable
            need "xvfb" has_program Xvfb
            need "locales" has_locales
            ;;
          # No package of Debian 13 and newer holds minetest's server under its old name.
          luanti) has_program luantiserver >/dev/null || need "minetest-server" [ -x /usr/lib/minetest/minetestserver ] ;;
          mpv)
            need "mpv" has_program mpv
            need "lua5.2 liblua5.2-dev" has_other lua5.2
            ;;
          nginx)
            need "nginx-light libnginx-mod-http-lua" has_nginx_lua
            need "curl" has_program curl
            ;;
        esac
      done
      ;;
    sanitize)
      case ${SANITIZE:-address} in
        address) need "$sanitizer_packages" links "$compiler" "-fsanitize=address,undefined" ;;
        thread) need "$sanitizer_packages" links "$compiler" "-fsanitize=thread" ;;
        valgrind) need "valgrind" has_program valgrind ;;
      esac
      ;;
    test-arch)
      need "qemu-user-static" has_program qemu-aarch64-static
      need "gcc-aarch64-linux-gnu libc6-dev-arm64-cross" links aarch64-linux-gnu-gcc
      need "gcc-arm-linux-gnueabihf libc6-dev-armhf-cross" links arm-linux-gnueabihf-gcc
      need "gcc-i686-linux-gnu libc6-dev-i386-cross" links i686-linux-gnu-gcc
      need "gcc-s390x-linux-gnu libc6-dev-s390x-cross" links s390x-linux-gnu-gcc
      ;;
    windows | test-windows)
      need "gcc-mingw-w64-x86-64-win32" links x86_64-w64-mingw32-gcc-win32
      need "gcc libc6-dev" links gcc # LuaJIT builds itself with programs of its own
      need "dpkg-dev" has_program dpkg-source
      need "perl" has_program perl
      [ "$target" = windows ] || need "wine64 wine" has_program wine
      ;;
    macos)
      need "npm" has_program npm
      need "file" has_program file
      ;;
    coverage)
      need "gcc" has_program gcov
      ;;
    bench)
      need "nginx-light" has_program nginx
      need "openssl" has_program openssl
      need "lua-sec" has_module ssl.https
      need "gnuplot-nox" has_program gnuplot
      ;;
    check)
      need "lua-check" has_program luacheck
      need "${CLANG_FORMAT:-clang-format}" has_program "${CLANG_FORMAT:-clang-format}"
      need "${CLANG_TIDY:-clang-tidy}" has_program "${CLANG_TIDY:-clang-tidy}"
      need "luarocks" has_program luarocks
      need "binutils" has_program readelf
      need "g++" has_program g++
      need "clang" has_program clang++
      ;;
    fuzz)
      need "clang libclang-rt-dev" has_fuzzer
      ;;
  esac
}

look
[ -z "$missing" ] && exit 0
as_root=
[ "$(id -u)" -eq 0 ] || as_root=$(command -v sudo)
if command -v apt-get >/dev/null && { [ "$(id -u)" -eq 0 ] || [ -n "$as_root" ]; }; then
  echo "Installing with apt-get, for make $target:$missing"
  apt="$as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0"
  # One source that cannot be read is no reason not to try the others.
  $apt update
  # shellcheck disable=SC2086 # words
  $apt install -y --no-install-recommends $missing >/dev/null
  look
  [ -z "$missing" ] && exit 0
fi
fail "needs what these Debian packages hold:$missing"
