#!/bin/sh
# sh spec/header.sh: stepimg.h by itself is C and C++ without a warning, for both compilers and each standard that users
# have, and a program in C++ finds its functions in the library.
# shellcheck disable=SC2086 # words
set -eu
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
warnings="-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror"

# As its users include it: in a folder of theirs, with nothing before it.
cat >"$scratch/user.c" <<'C'
#include <stepimg.h>
#include <stepimg.h>
#ifdef __cplusplus
#include <cstdio>
#include <cstring>
#else
#include <stdio.h>
#include <string.h>
#endif
int main(void)
{
  struct stepimg_param param = {"prompt", stepimg_string_value("a \"lighthouse\"")};
  struct stepimg_checked checked;
  struct stepimg_error error;
  char body[256];
  if (stepimg_validate(&param, 1, true, &checked, &error) != STEPIMG_OK)
    return 1;
  stepimg_body(&param, 1, &checked, body, sizeof body);
  puts(body);
  return strcmp(stepimg_version(), STEPIMG_VERSION) != 0;
}
C
for compiler in ${CC:-gcc} clang; do
  for standard in c99 c11 c17; do
    $compiler -std=$standard $warnings -Wstrict-prototypes -Isrc -fsyntax-only "$scratch/user.c"
  done
done
cp "$scratch/user.c" "$scratch/user.cpp"
for compiler in g++ clang++; do
  for standard in c++11 c++14 c++17 c++20; do
    $compiler -std=$standard $warnings -Wold-style-cast -Isrc -fsyntax-only "$scratch/user.cpp"
  done
  $compiler -std=c++11 -Isrc -o "$scratch/user" "$scratch/user.cpp" build/lib/libstepimg.so.0
  LD_LIBRARY_PATH=build/lib "$scratch/user" | grep -qF '"prompt":"a \"lighthouse\""}' || {
    echo "spec/header.sh: the program of $compiler does not write its body" >&2
    exit 1
  }
done
